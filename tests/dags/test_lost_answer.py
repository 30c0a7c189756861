"""A person's answer is recorded though the database was away; where it is lost, they are told."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, AirflowSkipException, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from include.adapters.store.engine import open_store
from include.adapters.store.migrate import migrate
from include.domain.matching import Cause
from include.domain.open_items import OpenItem
from include.domain.settlement import SettlementDay
from include.services.approve_journals import note_asked
from include.services.journal_book import JournalState
from include.wiring import Settings, Tieout
from tests.kept import Kept
from tests.postgres import fresh_database, postgres
from tests.unit.test_journal import BALANCED

DAY = SettlementDay("acme_us", date(2026, 10, 31))
ANSWER = {
    "chosen_options": ["Approve"],
    "params_input": {},
    "responded_at": datetime(2026, 11, 1, tzinfo=UTC),
    "responded_by_user": {"id": "ann", "name": "ann"},
}


class Database:
    """A server that can be away: it ends its sessions and lets nobody in."""

    def __init__(self, server: str, url: str) -> None:
        self._server = create_engine(server, isolation_level="AUTOCOMMIT")
        self.url, self._name = url, url.rpartition("/")[2].partition("?")[0]

    def let_in(self, *, is_open: bool) -> None:
        with self._server.connect() as admin:
            admin.execute(text(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS {is_open}"))
            if not is_open:
                ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :n"
                admin.execute(text(ended), {"n": self._name})


@pytest.fixture
def database() -> Iterator[Database]:
    with postgres(is_in_memory=True) as server, fresh_database(server) as url:
        migrate(open_store(url))
        yield Database(server, url)


@pytest.fixture
def context(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tieout:
    """A day whose one journal waits for a person, who is told by chat."""
    from tieout.tasks import asking, posting

    found = Tieout(Settings(database.url, tmp_path))
    for module in (asking, posting):
        monkeypatch.setattr(module, "tieout", lambda: found)
    found.journals.add(BALANCED, "v1", {})
    who = (DAY.merchant_id, DAY.settlement_date)
    words = ("", "", "not found", "look for it", "finance")
    item = OpenItem("item", *who, "match", Cause.missing_in_erp, "USD", 10**9, *words)
    found.open_items.open([item])
    found.days.record(DAY, "built")
    return found


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    from airflow.providers.standard.operators.hitl import HITLOperator

    from tieout.hooks import messages
    from tieout.questions import journals

    said: list[str] = []
    monkeypatch.setattr(messages, "mail", lambda: None)
    monkeypatch.setattr(messages, "chat", lambda: SimpleNamespace(send=said.append))
    monkeypatch.setattr(journals, "require_shown", lambda *_: None)
    monkeypatch.setattr(HITLOperator, "execute", lambda *_: None)  # parked
    return said


def pause(monkeypatch: pytest.MonkeyPatch, then: Callable[[float], None]) -> None:
    from tieout.questions import recorded

    monkeypatch.setattr(recorded.time, "sleep", then)


def task() -> Any:
    from tieout.questions.journals import ApproveJournals

    return ApproveJournals(
        task_id="approve", day_key=str(DAY), response_timeout=timedelta(hours=20)
    )


def state(context: Tieout) -> JournalState:
    (booked,) = context.journals.of_day(DAY)
    return booked.state


def test_an_answer_is_recorded_once_the_database_is_there_again(
    dagbag: object,
    database: Database,
    context: Tieout,
    told: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = {"run_id": "r", "ti": SimpleNamespace(try_number=1), "task_state_store": Kept()}
    task().execute(run)
    database.let_in(is_open=False)
    waited: list[float] = []

    def come_back(seconds: float) -> None:
        waited.append(seconds)
        database.let_in(is_open=len(waited) > 1)

    pause(monkeypatch, come_back)
    assert task().execute_complete(run, ANSWER) == str(DAY)
    assert waited == [1, 2]
    assert state(context) is JournalState.approved
    assert context.approvals.latest(BALANCED.key, BALANCED.digest) == ("approved", "ann")
    assert not run["task_state_store"]
    assert len(told) == 1


class Away(Kept):
    """Airflow's API answers neither the first question nor what comes after the answer."""

    asked = 0

    def get(self, key: str, default: Any = None) -> Any:
        self.asked += 1
        if self.asked == 1:
            raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR))
        return super().get(key, default)

    def delete(self, key: str) -> None:
        raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR))


@pytest.mark.parametrize(("option", "stands"), [("Approve", "approved"), ("Hold", "held")])
def test_an_answer_is_recorded_once_airflows_api_is_there_again(
    option: str, stands: str, context: Tieout, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    pause(monkeypatch, waited.append)
    kept = Away(about=[BALANCED.digest])
    note_asked([BALANCED], context.approvals)
    run = {"run_id": "r", "ti": SimpleNamespace(try_number=1), "task_state_store": kept}
    with suppress(AirflowSkipException):
        task().execute_complete(run, ANSWER | {"chosen_options": [option]})
    assert waited == [1]
    assert context.approvals.latest(BALANCED.key, BALANCED.digest) == (stands, "ann")


def test_whoever_gave_an_answer_that_was_lost_is_told_to_answer_again(
    dagbag: object,
    database: Database,
    context: Tieout,
    told: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = Kept()
    run = {"run_id": "r", "ti": SimpleNamespace(try_number=1), "task_state_store": kept}
    task().execute(run)
    database.let_in(is_open=False)
    waited: list[float] = []
    pause(monkeypatch, waited.append)
    with pytest.raises(OperationalError):
        task().execute_complete(run, ANSWER)
    assert 50 < sum(waited) < 70
    database.let_in(is_open=True)
    again = {"run_id": "r", "ti": SimpleNamespace(try_number=2), "task_state_store": kept}
    task().execute(again)
    assert state(context) is JournalState.built
    assert len(told) == 2
    assert "please answer again" in told[1]
