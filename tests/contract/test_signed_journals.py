"""Who approved or held a journal is in the audit chain, in the commit that decides it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine as Database
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from include.adapters.store import audit
from include.adapters.store.approvals import SqlApprovals
from include.adapters.store.engine import open_store
from include.domain.errors import Retryable
from include.domain.journal import Journal
from include.services.approve_journals import NO_ANSWER, apply_decision, note_asked
from include.services.journal_book import JournalState
from tests.effects import ManualClock
from tests.unit.test_journal import BALANCED


class Moves:
    """Takes every move."""

    def move(self, journal: Journal, state: JournalState, their_key: str = "") -> None:
        """Do nothing: what moves is not looked at here."""


class Desk:
    def __init__(self, store: Database) -> None:
        self.store, self.clock = store, ManualClock()
        self.approvals = SqlApprovals(store, self.clock)

    def ask(self) -> None:
        self.clock.move(minutes=1)
        note_asked([BALANCED], self.approvals)

    def answer(self, who: str, *, is_approved: bool) -> None:
        self.clock.move(minutes=1)
        apply_decision(
            [BALANCED],
            "here",
            is_approved=is_approved,
            decided_by=who,
            journals=Moves(),
            approvals=self.approvals,
        )

    def signed(self) -> list[tuple[str, str]]:
        assert audit.verify(self.store).is_unbroken
        return [(one.who, one.what) for one in audit.history(self.store, BALANCED.key)]


@pytest.fixture
def desk(migrated_url: str) -> Iterator[Desk]:
    store = open_store(migrated_url)
    yield Desk(store)
    store.dispose()


def test_each_answer_of_a_person_is_signed_once(desk: Desk) -> None:
    desk.ask()
    desk.answer("ann", is_approved=False)
    desk.answer("ann", is_approved=False)  # the database was lost before the task had ended
    for who, is_approved in (("bob", False), ("ann", True)):
        with pytest.raises(Retryable):  # it was answered
            desk.answer(who, is_approved=is_approved)
    assert desk.signed() == [("airflow:ann", "journal held")]
    desk.ask()
    desk.answer("ann", is_approved=False)
    desk.ask()
    desk.answer("bob", is_approved=True)
    assert desk.signed() == [
        ("airflow:ann", "journal held"),
        ("airflow:ann", "journal held"),
        ("airflow:bob", "journal approved"),
    ]
    (*_, entry) = audit.history(desk.store, BALANCED.key)
    assert BALANCED.digest in entry.detail
    assert str(BALANCED.debit_total) in entry.detail


def test_silence_and_questions_are_signed_by_nobody(desk: Desk) -> None:
    desk.ask()
    desk.answer(NO_ANSWER, is_approved=False)
    assert desk.approvals.latest(BALANCED.key, BALANCED.digest) == ("held", NO_ANSWER)
    assert desk.signed() == []


def test_what_cannot_be_signed_is_not_decided(desk: Desk) -> None:
    desk.ask()
    with desk.store.begin() as connection:
        connection.execute(text("ALTER TABLE audit RENAME TO audit_gone"))
    with pytest.raises(DBAPIError):
        desk.answer("ann", is_approved=True)
    assert desk.approvals.latest(BALANCED.key, BALANCED.digest) == ("asked", "tieout")


def test_the_answer_after_a_question_counts_though_its_host_is_behind(desk: Desk) -> None:
    desk.ask()
    for who, is_approved, said in (("ann", False, "held"), ("bob", True, "approved")):
        desk.clock.move(minutes=-10)
        desk.ask()
        desk.clock.move(minutes=-10)
        desk.answer(who, is_approved=is_approved)
        assert desk.approvals.latest(BALANCED.key, BALANCED.digest) == (said, who)
    assert [what for _, what in desk.signed()] == ["journal held", "journal approved"]
