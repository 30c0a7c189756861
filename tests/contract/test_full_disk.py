"""A full disk: nothing leaves that is not on record, what has left is looked for, none is lost."""

from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk.definitions.retry_policy import RetryAction
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import OperationalError

from include import wiring
from include.adapters.store import audit
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.migrate import migrate
from include.services.effects.engine import Engine as EffectEngine
from include.services.effects.ports import EffectState
from tests.effects import KEY, KIND, TIMINGS, ManualClock, ScriptedPartner, effect
from tieout import cli
from tieout.api.wording import words_of
from tieout.retry import FamilyRetryPolicy, what_follows

WORKER = "w" * 5000  # who signs takes a page more, so that no write fits into what is there
_MANY = 1 << 30  # pages
_RAISE = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
END $$;
CREATE TRIGGER no_room BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION no_room();
"""


class Desk:
    """A worker whose store can run out of room."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = open_store(url)
        migrate(self.engine)
        self.clock, self.partner = ManualClock(), ScriptedPartner()
        self.store = SqlEffectStore(self.engine, lambda _: self.clock.now())
        self.worker = EffectEngine(
            self.store, {KIND: self.partner}, self.clock, {KIND: TIMINGS}, worker=WORKER
        )
        self._most = _MANY
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "begin", self._limit)

    def _limit(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {self._most}")

    def fill(self) -> None:
        self._most = 1  # which means as many as there are
        self._on_postgres(_RAISE)

    def make_room(self) -> None:
        self._most = _MANY
        self._on_postgres("DROP FUNCTION no_room CASCADE")

    def _on_postgres(self, words: str) -> None:
        if self.engine.dialect.name == "postgresql":
            with self.engine.begin() as connection:
                connection.execute(text(words))


@pytest.fixture
def desk(store_url: str) -> Iterator[Desk]:
    found = Desk(store_url)
    yield found
    found.engine.dispose()


@pytest.mark.parametrize("is_waited_for", [True, False])
def test_nothing_leaves_whose_record_has_no_room(desk: Desk, is_waited_for: bool) -> None:
    if not is_waited_for:
        desk.worker.intend(effect())
    act: Any = desk.worker.perform if is_waited_for else lambda it: desk.worker.sweep()
    desk.fill()
    for _ in range(2):
        with pytest.raises((OperationalError, ExceptionGroup)) as full:
            act(effect())
        assert FamilyRetryPolicy().evaluate(full.value, 20, 24).action is RetryAction.RETRY
        assert not desk.store.is_in_transaction()
    known = desk.worker.find(KIND, KEY)
    assert known is None if is_waited_for else known and known.sent_at is None
    assert desk.partner.sends == []
    desk.make_room()
    desk.clock.move(minutes=3)  # the leases of those who could not even give them back lapse
    assert desk.worker.perform(effect()).state is EffectState.done
    assert len(desk.partner.sends) == 1
    assert audit.verify(desk.engine).is_unbroken


def test_an_answer_that_has_no_room_leaves_a_doubt_and_is_found_again(desk: Desk) -> None:
    desk.partner.after_commit.append(desk.fill)
    with pytest.raises(OperationalError):
        desk.worker.perform(effect())
    known = desk.worker.find(KIND, KEY)
    assert known is not None
    assert known.state is EffectState.sent
    desk.make_room()
    desk.clock.move(minutes=10)
    found = desk.worker.sweep()
    assert [(one.state, one.their_key) for one in found] == [(EffectState.verified, "2026/3/1")]
    assert len(desk.partner.sends) == 1
    assert audit.verify(desk.engine).is_unbroken


def test_people_are_told_that_the_disk_is_full(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It answers, and it does not pass by itself."""
    desk.fill()
    with pytest.raises(OperationalError) as full:
        desk.worker.perform(effect())
    assert words_of(full.value) == "its disk is full"
    assert "a database's disk is full: make room on it" in what_follows(full.value, 1, 24)

    def fail() -> None:
        raise full.value

    monkeypatch.setattr(wiring, "tieout", fail)
    monkeypatch.setattr(cli, "tieout", fail)
    assert cli.main(["dead-letters", "list"]) == 1
    assert capsys.readouterr().err.endswith(
        "The store's disk is full: nothing of this was written. Make room on it.\n"
    )
