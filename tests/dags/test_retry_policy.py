"""The three error families decide whether a task is tried again."""

import pytest
from airflow.sdk.definitions.retry_policy import RetryAction

from include.domain.errors import OutcomeUnknown, Parked, Rejected, Retryable
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
