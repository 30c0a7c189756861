"""When a failed task is tried again: the three error families decide, not the vendor's code."""

from datetime import timedelta
from typing import Any

from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy

from include.domain.errors import OutcomeUnknown, Rejected, Retryable

TRIES_OF_A_BUG = 3  # a lost database connection may pass; a bug of ours does not


class FamilyRetryPolicy(RetryPolicy):
    """``Rejected`` fails at once, ``OutcomeUnknown`` waits longer, the rest follows the task."""

    def __init__(self, unknown_wait: timedelta = timedelta(minutes=16)) -> None:
        # Longer than SYSPRO's quiescence of 15 minutes: an earlier try could only wait itself.
        self.unknown_wait = unknown_wait

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Any = None,
    ) -> RetryDecision:
        if isinstance(exception, Rejected):
            return RetryDecision.fail(reason="rejected: it fails again until someone acts")
        if isinstance(exception, OutcomeUnknown):
            return RetryDecision.retry(
                delay=self.unknown_wait, reason="outcome unknown: the retry looks before it sends"
            )
        if isinstance(exception, Retryable):
            return RetryDecision.retry(reason="nothing happened; the same call may work later")
        if try_number >= TRIES_OF_A_BUG:
            return RetryDecision.fail(reason="not a fault of the outside: trying again is no cure")
        return RetryDecision.default()

    def serialize(self) -> dict[str, Any]:
        return {"unknown_wait_s": self.unknown_wait.total_seconds()}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> "FamilyRetryPolicy":
        return cls(timedelta(seconds=data["unknown_wait_s"]))
