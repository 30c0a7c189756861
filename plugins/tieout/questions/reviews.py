"""The decision of one held order by an analyst, as a task that parks without a worker slot."""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowSkipException

from tieout.questions.shown import skip_unless_shown

ACCEPT, REJECT, LATER = "Accept", "Reject", "Ask again"


class ReviewOrder(HITLOperator):
    """Ask about one order; an answer in time goes to Decision Manager's case, none asks again.

    What was decided elsewhere meanwhile is not asked, and an answer that comes after it is not
    sent: two decisions against each other would stop the order.
    """

    template_fields = ("subject", "body", "order_id")

    def __init__(self, *, order_id: str, response_timeout: timedelta, **kwargs: Any) -> None:
        super().__init__(
            subject="Order under review",
            options=[ACCEPT, REJECT, LATER],
            defaults=LATER,
            # "null" too: the form takes a plain string for required and blocks every button.
            params={
                "comment": Param(None, type=["null", "string"], maxLength=500, title="Comment")
            },
            response_timeout=response_timeout,
            **kwargs,
        )
        self.order_id = order_id

    def execute(self, context: Any) -> Any:
        from tieout.tasks import orders

        question = orders.review_question(self.order_id)
        if question is None:
            raise AirflowSkipException(f"{self.order_id} does not wait any more.")
        self.subject, self.body = question
        skip_unless_shown(self, context)
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        from tieout.tasks import orders

        answer = super().execute_complete(context, event)
        user, chosen = answer["responded_by_user"], answer["chosen_options"]
        if user is None or chosen == [LATER]:
            raise AirflowSkipException(f"{self.order_id} is asked again by a later run.")
        return orders.decide_order(
            self.order_id,
            is_accepted=chosen == [ACCEPT],
            who=user["name"],
            comment=str(answer["params_input"].get("comment") or ""),
        )
