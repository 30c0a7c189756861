"""The three error families decide whether a task is tried again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.definitions.retry_policy import RetryAction
from airflow.sdk.exceptions import AirflowTaskTimeout
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from include.domain.errors import OutcomeUnknown, Parked, Rejected, Retryable
from tests.kept import Kept
from tests.postgres import postgres
from tieout.retry import FamilyRetryPolicy, what_follows

POLICY = FamilyRetryPolicy()


def decide(error: BaseException) -> RetryAction:
    return POLICY.evaluate(error, try_number=1, max_tries=24).action


def test_what_is_rejected_fails_at_once() -> None:
    assert decide(Rejected("unmapped code", "fee_codes.yaml", "Add it.")) is RetryAction.FAIL
    assert decide(Parked("period closed", "SYSPRO A", "Open it.")) is RetryAction.FAIL


def test_what_is_retryable_is_tried_again_at_the_tasks_own_pace() -> None:
    decision = POLICY.evaluate(Retryable("pending", "list", "Wait."), try_number=1, max_tries=24)
    assert (decision.action, decision.retry_delay) == (RetryAction.RETRY, None)


def test_an_unknown_outcome_waits_longer_than_sypros_quiescence() -> None:
    error = OutcomeUnknown("no answer", "SYSPRO A", "Wait.")
    decision = POLICY.evaluate(error, try_number=1, max_tries=24)
    assert decision.action is RetryAction.RETRY
    assert decision.retry_delay is not None
    assert decision.retry_delay.total_seconds() > 900


def test_a_bug_of_ours_is_tried_three_times_and_not_for_half_a_day() -> None:
    assert decide(ValueError("our own bug")) is RetryAction.DEFAULT
    third = POLICY.evaluate(ValueError("our own bug"), try_number=3, max_tries=24)
    assert third.action is RetryAction.FAIL


def test_the_policy_survives_serialization() -> None:
    assert FamilyRetryPolicy.deserialize(POLICY.serialize()).unknown_wait == POLICY.unknown_wait


def test_of_a_group_what_a_retry_may_cure_decides() -> None:
    where = ("w", "d")
    refused, busy = Rejected("no", *where), Retryable("busy", *where)
    lost = OutcomeUnknown("lost", *where)
    assert decide(ExceptionGroup("g", [refused, busy])) == RetryAction.RETRY
    assert decide(ExceptionGroup("g", [refused, ExceptionGroup("h", [refused])])) == (
        RetryAction.FAIL
    )
    group = ExceptionGroup("g", [busy, lost])
    assert POLICY.evaluate(group, 4, 24).retry_delay == POLICY.unknown_wait
    assert POLICY.evaluate(ExceptionGroup("g", [busy]), 4, 24).action == RetryAction.RETRY


@pytest.mark.parametrize(
    ("fault", "try_number", "said"),
    [
        (Rejected("no", "w", "d"), 1, "not tried again; rejected"),
        (Retryable("busy", "w", "d"), 1, "tried again, tries left: 2; nothing happened"),
        (Retryable("busy", "w", "d"), 3, "not tried again; nothing happened"),
        (OutcomeUnknown("lost", "w", "d"), 2, "tried again in 960 s, tries left: 1; outcome"),
        (OutcomeUnknown("lost", "w", "d"), 3, "not tried again; outcome unknown"),
        (ValueError("our own bug"), 1, "tried again, tries left: 2; not a fault"),
        (ValueError("our own bug"), 3, "not tried again; not a fault"),
    ],
)
def test_the_log_promises_no_try_that_does_not_come(
    fault: Exception, try_number: int, said: str
) -> None:
    assert what_follows(fault, try_number, max_tries=2).startswith(said)


def test_a_bug_of_ours_gets_no_more_tries_where_the_task_has_many() -> None:
    assert "tries left: 1" in what_follows(ValueError("bug"), 2, max_tries=24)
    assert what_follows(ValueError("bug"), 3, max_tries=24).startswith("not tried again")


def context() -> dict[str, Any]:
    return {"task_state_store": Kept()}


def failed(faults: list[BaseException], task: Any, *, first: int = 1, max_tries: int = 24) -> Any:
    """Let a task fail so, try by try; return what is decided about the last."""
    for number, fault in enumerate(faults, first):
        decision = POLICY.evaluate(fault, number, max_tries, task)
    return decision


LOST = OperationalError("SELECT 1", {}, Exception("terminating connection"))
BUSY = Retryable("pending", "list", "Wait.")
BUG = ValueError("our own bug")


def test_a_lost_connection_is_tried_again_whatever_the_task_has_waited_for_before() -> None:
    assert failed([BUSY, BUSY, BUSY, LOST], context()).action is RetryAction.RETRY
    assert failed([LOST] * 20, context()).action is RetryAction.RETRY
    assert what_follows(LOST, 20, max_tries=24).startswith("tried again, tries left: 5; the dat")
    assert what_follows(LOST, 25, max_tries=24).startswith("not tried again")


def test_only_tries_that_ended_in_a_bug_count_as_such() -> None:
    task = context()
    assert failed([BUSY, BUSY, BUSY, BUG, LOST, BUG], task).action is RetryAction.DEFAULT
    assert "tries left: 1" in what_follows(BUG, 6, 24, task)  # said of the try just judged
    assert what_follows(BUG, 7, 24, task).startswith("not tried again")
    assert POLICY.evaluate(BUG, 7, 24, task).action is RetryAction.FAIL


def test_a_task_that_is_cleared_has_three_tries_of_a_bug_again() -> None:
    task = context()
    assert failed([BUG] * 3, task).action is RetryAction.FAIL
    # Airflow counts tries on, and allows as many more after the clear.
    assert failed([BUG] * 2, task, first=4, max_tries=27).action is RetryAction.DEFAULT
    assert failed([BUG], task, first=6, max_tries=27).action is RetryAction.FAIL


def test_a_task_that_runs_out_of_its_time_has_three_tries_for_each_lasts_hours() -> None:
    """25 of them would keep SYSPRO's slot and the DAG's only run for three days, untold."""
    late, task = AirflowTaskTimeout("Timeout, PID: 7"), context()
    assert failed([late] * 2, task).action is RetryAction.DEFAULT
    assert "tries left: 1; its time ran out" in what_follows(late, 2, 24, task)
    assert failed([late], task, first=3).action is RetryAction.FAIL
    assert what_follows(late, 3, 24, task).startswith("not tried again; its time ran out")


def test_in_a_group_a_lost_connection_goes_before_a_bug() -> None:
    group = ExceptionGroup("g", [Rejected("no", "w", "d"), BUG, LOST])
    assert failed([group] * 4, context()).action is RetryAction.RETRY


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres(is_in_memory=True) as url:
        yield url


def fault_of(work: Any) -> DBAPIError:
    with pytest.raises(DBAPIError) as found:
        work()
    return found.value


def test_what_a_database_really_raises_when_it_goes_is_a_lost_connection(
    server: str, tmp_path: Path
) -> None:
    engine = create_engine(server)
    with engine.connect() as mine, engine.connect() as admin:
        pid = mine.execute(text("SELECT pg_backend_pid()")).scalar_one()
        admin.execute(text(f"SELECT pg_terminate_backend({pid})"))
        ended = fault_of(lambda: mine.execute(text("SELECT 1")))
        mine.invalidate()
    refused = fault_of(create_engine("postgresql+psycopg://x@127.0.0.1:1/x").connect)
    lite = create_engine(f"sqlite:///{tmp_path / 'x.db'}", connect_args={"timeout": 0})
    with lite.connect() as one, lite.connect() as two:
        one.exec_driver_sql("BEGIN EXCLUSIVE")
        locked = fault_of(lambda: two.exec_driver_sql("BEGIN EXCLUSIVE"))
    for fault in (ended, refused, locked):
        assert POLICY.evaluate(fault, 20, 24).action is RetryAction.RETRY, fault


def test_a_table_that_is_not_there_is_a_bug_in_both_databases(server: str) -> None:
    for url in (server, "sqlite://"):
        with create_engine(url).connect() as one:
            fault = fault_of(lambda: one.execute(text("SELECT 1 FROM nowhere")))
        assert POLICY.evaluate(fault, 3, 24).action is RetryAction.FAIL, fault
