"""When a failed task is tried again: the three error families decide, not the vendor's code."""

import os
from datetime import timedelta
from itertools import chain
from typing import Any

from airflow.sdk.definitions.retry_policy import RetryAction, RetryDecision, RetryPolicy
from airflow.sdk.exceptions import AirflowTaskTimeout

from include.adapters.store.faults import is_full, is_lost_connection
from include.domain.errors import IntegrationError, OutcomeUnknown, Rejected, Retryable

# What looks like one may pass; a bug of ours does not. A task that runs out of its time counts: no
# call to the outside may last so long, and three tries of hours each keep SYSPRO's slot and the
# DAG's only run for half a day, before whose end no report is written.
TRIES_OF_A_BUG = 3


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
    lost = (one for one in found if is_lost_connection(one))
    bugs = (one for one in found if not isinstance(one, Rejected))
    return next(chain(lost, bugs, found))


def bug_tries(context: Any, try_number: int, max_tries: int) -> list[int]:
    """Return the tries that ended in a bug, this one included, since the task was last cleared.

    Airflow counts on where a task had waited for SYSPRO, or was cleared: those were no bugs.
    Outside a task nothing is kept, and every try counts.
    """
    store = _kept(context)
    if store is None:
        return list(range(1, try_number + 1))
    return sorted({*(store.get(_key(max_tries)) or ()), try_number})


def _kept(context: Any) -> Any:
    """Return what Airflow keeps for a task instance from try to try, or None."""
    return None if context is None else context.get("task_state_store")


def _key(max_tries: int) -> str:
    return f"bugs|{max_tries}"  # Airflow raises it with every clear, which begins a new count


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
        bugs = bug_tries(context, try_number, max_tries) if _is_bug(exception) else []
        if bugs and (store := _kept(context)) is not None:
            store.set(_key(max_tries), bugs)
        return self.decide(exception, len(bugs))

    def decide(self, exception: BaseException, bugs: int) -> RetryDecision:
        """Decide about one fault; ``bugs``: how many tries ended in a bug, this one included."""
        if isinstance(exception, Rejected):
            return RetryDecision.fail(reason="rejected: it fails again until someone acts")
        if isinstance(exception, OutcomeUnknown):
            return RetryDecision.retry(
                delay=self.unknown_wait, reason="outcome unknown: the next try looks first"
            )
        if isinstance(exception, Retryable):
            return RetryDecision.retry(reason="nothing happened; the same call may work later")
        if is_full(exception):
            return RetryDecision.retry(reason="a database's disk is full: make room on it")
        if not _is_bug(exception):
            return RetryDecision.retry(reason="the database was lost, which passes")
        is_late = isinstance(exception, AirflowTaskTimeout)
        what = "its time ran out" if is_late else "not a fault of the outside"
        if bugs >= TRIES_OF_A_BUG:
            return RetryDecision.fail(reason=f"{what}: trying again is no cure")
        return RetryDecision(RetryAction.DEFAULT, reason=f"{what}, yet it may pass")

    def serialize(self) -> dict[str, Any]:
        return {"unknown_wait_s": self.unknown_wait.total_seconds()}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> "FamilyRetryPolicy":
        return cls(timedelta(seconds=data["unknown_wait_s"]))


def _is_bug(fault: BaseException) -> bool:
    return not isinstance(fault, IntegrationError) and not is_lost_connection(fault)


def what_follows(fault: BaseException, try_number: int, max_tries: int, context: Any = None) -> str:
    """Say what becomes of a task that ends with this fault, for whoever reads its log.

    Args:
        fault: what the task raises.
        try_number: of this try, from 1.
        max_tries: how many tries Airflow allows after the first one; 0 outside a task.
        context: the task's; None outside of one.
    """
    fault, left = decisive(fault), max_tries + 1 - try_number
    bugs = len(bug_tries(context, try_number, max_tries)) if _is_bug(fault) else 0
    decision = FamilyRetryPolicy().decide(fault, bugs)
    if bugs:
        left = min(left, TRIES_OF_A_BUG - bugs)
    if decision.action is RetryAction.FAIL or left <= 0:
        return f"not tried again; {decision.reason}"
    wait = decision.retry_delay
    pause = "" if wait is None else f" in {wait.total_seconds():.0f} s"
    return f"tried again{pause}, tries left: {left}; {decision.reason}"
