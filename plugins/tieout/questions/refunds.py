"""The second person's answer about one refund, as a task that parks without a worker slot."""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowSkipException

from tieout.questions.shown import skip_unless_shown

APPROVE, REFUSE, HOLD = "Approve", "Refuse", "Hold"


class ApproveRefund(HITLOperator):
    """Ask about one refund above the limit; only an answer of a person moves or ends it.

    The answer counts for exactly the refund that was asked about, and an approval never from the
    one who asked for it. No answer in time leaves the refund waiting; a later run asks again.
    """

    template_fields = ("subject", "body", "refund_id")

    def __init__(self, *, refund_id: str, response_timeout: timedelta, **kwargs: Any) -> None:
        super().__init__(
            subject="Refund above the limit",
            options=[APPROVE, REFUSE, HOLD],
            defaults=HOLD,
            # "null" too: the form takes a plain string for required and blocks every button.
            params={"reason": Param(None, type=["null", "string"], maxLength=500, title="Reason")},
            response_timeout=response_timeout,
            **kwargs,
        )
        self.refund_id = refund_id

    def execute(self, context: Any) -> Any:
        from tieout.tasks import refunds

        question = refunds.refund_question(self.refund_id)
        if question is None:
            raise AirflowSkipException(f"{self.refund_id} does not wait any more.")
        self.subject, self.body = question
        skip_unless_shown(self, context)
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        from tieout.tasks import refunds

        answer = super().execute_complete(context, event)
        user, chosen = answer["responded_by_user"], answer["chosen_options"]
        if user is None:  # the time ran out, and with it the default; or nobody has a name
            raise AirflowSkipException(
                f"nobody answered in time: {self.refund_id} is held, nothing moves; asked again"
            )
        reason = str(answer["params_input"].get("reason") or "")
        if chosen == [APPROVE]:
            return refunds.approve_refund(self.refund_id, user["name"])
        decide = refunds.refuse_refund if chosen == [REFUSE] else refunds.hold_refund
        return decide(self.refund_id, user["name"], reason)
