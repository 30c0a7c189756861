"""The approval of journals by a person, as a task that parks without a worker slot."""

from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk.exceptions import AirflowRuntimeError, AirflowSkipException

from include.domain.errors import Rejected
from tieout.questions.recorded import recorded
from tieout.questions.shown import require_shown

APPROVE, HOLD = "Approve", "Hold"
# Kept with the task instance until an answer is on record:
_ASKED = "asked"  # the try in which somebody was told
_ABOUT = "about"  # the digests that its question names


class ApproveJournals(HITLOperator):
    """Let a day inside its tolerance pass; otherwise ask, and record the answer for the digest.

    The question names the digest of the exact journals. If they change before the answer is
    used, the answer is void, also where another run asks about the new ones meanwhile, and a new
    run asks about them as they are (see ``shown``). The merchant's people are told that it waits,
    and anew where an answer may have been lost: Airflow drops it with the try that could not
    record it. No answer in time means held.
    """

    template_fields = ("subject", "body", "day_key")
    tasks = "posting"  # the module that asks and applies the answer
    subject_words = "Journals to approve"

    def __init__(self, *, day_key: str, response_timeout: timedelta, **kwargs: Any) -> None:
        super().__init__(
            subject=self.subject_words,
            options=[APPROVE, HOLD],
            defaults=HOLD,
            response_timeout=response_timeout,
            map_index_template="{{ task.day_key }}",
            **kwargs,
        )
        self.day_key = day_key
        self.time_left = response_timeout

    @property
    def _desk(self) -> Any:
        return import_module(f"tieout.tasks.{self.tasks}")

    def execute(self, context: Any) -> Any:
        request = self._desk.approval_request(self.day_key)
        if request is None:
            return self.day_key
        self.subject, self.body = request.subject, request.body
        self._tell(request, context)  # first: between shown and parked an answer would be lost
        context["task_state_store"].set(_ASKED, context["ti"].try_number)
        context["task_state_store"].set(_ABOUT, list(request.about))
        self._show(context)
        return super().execute(context)

    def _tell(self, request: Any, context: Any) -> None:
        from tieout.tasks.asking import tell_owner

        asked_in = context["task_state_store"].get(_ASKED, 0)
        tell_owner(self.day_key, request, self.time_left, context["run_id"], asked_in)

    def _show(self, context: Any) -> None:
        """Let the question be read; a day that nobody can be asked about is blocked, not held."""
        try:
            require_shown(self, context)
        except Rejected as error:
            self._desk.block(self.day_key, error)
            raise

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        from include.services.approve_journals import NO_ANSWER

        answer = super().execute_complete(context, event)
        user = answer["responded_by_user"]
        is_approved = answer["chosen_options"] == [APPROVE]
        decided_by = user["name"] if user else NO_ANSWER
        kept = context["task_state_store"]
        stands = recorded(
            lambda: self._desk.record_decision(
                self.day_key,
                is_approved=is_approved,
                decided_by=decided_by,
                about=kept.get(_ABOUT),
            )
        )
        # What stays only makes the next question's mail say that an answer may be lost, and is
        # written over by it; a failed task would ask now.
        with suppress(AirflowRuntimeError):
            for key in (_ASKED, _ABOUT):
                kept.delete(key)
        if not is_approved:
            raise AirflowSkipException(f"{self.day_key}: {stands}; this run posts nothing.")
        return self.day_key


class ApproveWriteOffs(ApproveJournals):
    """Ask about every dispute of the merchant that waits to be written off, beside the day."""

    tasks = "disputes"
    subject_words = "Disputes to write off"

    def execute(self, context: Any) -> Any:
        """Ask, but not in a backfill: its runs follow each other, and each would wait a day."""
        if context["dag_run"].run_type == "backfill":
            self.log.info("%s: the next scheduled run asks", self.day_key)
            return self.day_key
        return super().execute(context)

    def _show(self, context: Any) -> None:
        """Let the question be read; its trouble fails this task and never blocks the day."""
        require_shown(self, context)
