"""What a person decides on the command line is signed in the commit that decides it, or undone."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from include.adapters.store import audit
from include.domain.dispute_cases import DisputeEvent, DisputeEventKind, disputes_of
from include.domain.settlement import SettlementDay
from include.services.effects.chain import Signed
from include.services.effects.ports import EffectState
from include.wiring import Settings, Tieout
from tests.unit.test_journal import BALANCED
from tieout import cli
from tieout.commands.login import signature

ANN = signature("ann")  # with the login that the tests run under
BOB = signature("bob")

ANSWERED = ["dispute-answered", "acme_us", "CASE-17", "--on", "2026-11-18", "--who", "ann"]
DOUBTED = ["store", "doubt", "--reason", "failed over", "--who", "ann"]
NOTIFIED = ["webhooks", "test", "acme_us", "hook-1", "--who", "ann"]
GIVEN_UP = Signed("dispute given up", "ann", "cli", {"case": "CASE-17"})
Decided = Callable[[Tieout], bool]


@pytest.fixture
def context(migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tieout]:
    found = Tieout(Settings(migrated_url, tmp_path / "lake", "sandbox"))
    monkeypatch.setattr(cli, "tieout", lambda: found)
    connection = {
        "conn_type": "cybersource",
        "host": "http://127.0.0.1:9",  # nobody listens there
        "login": "acme_us",
        "password": "dGllb3V0IHRlc3Qga2V5IG9mIDMyIGJ5dGVzIGxvbmc=",
        "extra": {"key_id": "key", "allow_plain_http": True},
    }
    name = found.today.merchant("acme_us").cybersource_conn_id
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))
    taken = DisputeEvent(
        *("acme_us", date(2026, 10, 31), "CASE-17", DisputeEventKind.chargeback, "USD", -8000),
        source="f:3",
        answer_by=date(2026, 11, 20),
    )
    found.disputes.read_day(SettlementDay("acme_us", date(2026, 10, 31)), [taken])
    yield found
    found.store.dispose()


def is_answered(context: Tieout) -> bool:
    (dispute,) = disputes_of(context.disputes.events("acme_us"))
    return dispute.answered_on is not None


def is_doubted(context: Tieout) -> bool:
    return bool(context.dead_letters.listing())


def is_intended(context: Tieout) -> bool:
    return bool(context.effects.listing(list(EffectState)))


def signatures(context: Tieout) -> list[tuple[str, str]]:
    assert context.trust.verify().is_unbroken
    return [(link.entry.who, link.entry.what) for link in audit.links(context.store)]


@contextmanager
def nobody_signs(context: Tieout) -> Iterator[None]:
    """Let every statement that would sign fail, as a process that dies just before it does."""
    with context.store.begin() as connection:
        connection.execute(text("ALTER TABLE audit RENAME TO audit_gone"))
    yield
    with context.store.begin() as connection:
        connection.execute(text("ALTER TABLE audit_gone RENAME TO audit"))


@pytest.mark.parametrize(
    ("line", "is_decided", "entry"),
    [
        (ANSWERED, is_answered, (f"cli:{ANN}", "dispute answered")),
        (DOUBTED, is_doubted, (f"cli:{ANN}", "store doubted")),
        (NOTIFIED, is_intended, (f"cli:{ANN}", "effect intended")),
    ],
    ids=["answered", "doubted", "notified"],
)
def test_what_cannot_be_signed_is_not_decided(
    context: Tieout, line: list[str], is_decided: Decided, entry: tuple[str, str]
) -> None:
    with nobody_signs(context):
        assert cli.main(line) == 1
    assert not is_decided(context)
    assert cli.main(line) == 0
    assert is_decided(context)
    assert signatures(context)[0] == entry


def test_a_write_off_that_cannot_be_signed_is_not_built(context: Tieout) -> None:
    day, books = SettlementDay(BALANCED.merchant_id, BALANCED.settlement_date), context.journals
    with nobody_signs(context), pytest.raises(DBAPIError):
        books.add(BALANCED, "v1", {}, signed=GIVEN_UP)
    assert not books.versions(day)
    books.add(BALANCED, "v1", {}, signed=GIVEN_UP)
    assert len(books.versions(day)) == 1
    books.add(BALANCED, "v1", {}, signed=GIVEN_UP)  # who says it again answers for it, too
    assert signatures(context) == [("cli:ann", "dispute given up")] * 2


def test_an_answer_that_is_given_twice_is_signed_by_both(context: Tieout) -> None:
    assert cli.main(ANSWERED) == 0
    assert cli.main([*ANSWERED[:-1], "bob"]) == 0
    assert [who for who, _ in signatures(context)] == [f"cli:{ANN}", f"cli:{BOB}"]
