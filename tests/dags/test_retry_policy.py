"""The three error families decide whether a task is tried again."""

from airflow.sdk.definitions.retry_policy import RetryAction
from tieout.retry import FamilyRetryPolicy

from include.domain.errors import OutcomeUnknown, Parked, Rejected, Retryable

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


def test_a_bug_of_ours_follows_the_task() -> None:
    assert decide(ValueError("our own bug")) is RetryAction.DEFAULT


def test_the_policy_survives_serialization() -> None:
    assert FamilyRetryPolicy.deserialize(POLICY.serialize()).unknown_wait == POLICY.unknown_wait
