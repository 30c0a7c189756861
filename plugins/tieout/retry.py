"""When a failed task is tried again: the three error families decide, not the vendor's code."""

import os
from datetime import timedelta
from typing import Any

from airflow.sdk.definitions.retry_policy import RetryAction, RetryDecision, RetryPolicy

from include.domain.errors import IntegrationError, OutcomeUnknown, Rejected, Retryable

TRIES_OF_A_BUG = 3  # a lost database connection may pass; a bug of ours does not


def faults_of(fault: BaseException) -> list[BaseException]:
    """Return the faults in a group, in groups of groups too; one that is no group is itself."""
    if not isinstance(fault, BaseExceptionGroup):
        return [fault]
    return [one for inner in fault.exceptions for one in faults_of(inner)]


def decisive(fault: BaseException) -> BaseException:
    """Return what decides about a group: whatever a retry may cure, else a bug, else a refusal."""
    found = faults_of(fault)
    for family in (OutcomeUnknown, Retryable):
        for one in found:
            if isinstance(one, family):
                return one
    return next((one for one in found if not isinstance(one, Rejected)), found[0])


class FamilyRetryPolicy(RetryPolicy):
    """``Rejected`` fails at once, ``OutcomeUnknown`` waits longer, the rest follows the task."""

    def __init__(self, unknown_wait: timedelta | None = None) -> None:
        # Longer than SYSPRO's quiescence of 15 minutes: an earlier try could only wait itself.
        # A site with another quiescence_s sets TIEOUT_UNKNOWN_WAIT_S to a little more.
        seconds = int(os.environ.get("TIEOUT_UNKNOWN_WAIT_S", "960"))
        self.unknown_wait = unknown_wait or timedelta(seconds=seconds)

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Any = None,
    ) -> RetryDecision:
        exception = decisive(exception)
        if isinstance(exception, Rejected):
            return RetryDecision.fail(reason="rejected: it fails again until someone acts")
        if isinstance(exception, OutcomeUnknown):
            return RetryDecision.retry(
                delay=self.unknown_wait, reason="outcome unknown: the next try looks first"
            )
        if isinstance(exception, Retryable):
            return RetryDecision.retry(reason="nothing happened; the same call may work later")
        if try_number >= TRIES_OF_A_BUG:
            return RetryDecision.fail(reason="not a fault of the outside: trying again is no cure")
        reason = "not a fault of the outside, yet a lost connection may pass"
        return RetryDecision(RetryAction.DEFAULT, reason=reason)

    def serialize(self) -> dict[str, Any]:
        return {"unknown_wait_s": self.unknown_wait.total_seconds()}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> "FamilyRetryPolicy":
        return cls(timedelta(seconds=data["unknown_wait_s"]))


def what_follows(fault: BaseException, try_number: int, max_tries: int) -> str:
    """Say what becomes of a task that ends with this fault, for whoever reads its log.

    Args:
        fault: what the task raises.
        try_number: of this try, from 1.
        max_tries: how many tries Airflow allows after the first one; 0 outside a task.
    """
    decision = FamilyRetryPolicy().evaluate(fault, try_number, max_tries)
    left = max_tries + 1 - try_number
    if not isinstance(decisive(fault), IntegrationError):
        left = min(left, TRIES_OF_A_BUG - try_number)
    if decision.action is RetryAction.FAIL or left <= 0:
        return f"not tried again; {decision.reason}"
    wait = decision.retry_delay
    pause = "" if wait is None else f" in {wait.total_seconds():.0f} s"
    return f"tried again{pause}, tries left: {left}; {decision.reason}"
