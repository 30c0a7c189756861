"""Refunds: give (part of) a capture back. A refund is never compensated, and never guessed."""

from include.adapters.cybersource.partners.common import Answer, money_of
from include.adapters.cybersource.partners.follow_on import FollowOn, path_of
from include.domain.money import Money
from include.domain.orders import OrderLine
from include.domain.payments import Refund


class RefundPartner(FollowOn[Refund]):
    """``POST /pts/v2/captures/{id}/refunds``; the amount is positive."""

    operation = "refund"
    application = "ics_credit"
    kind = Refund

    def parent(self, it: Refund) -> str:
        return it.capture_id

    def path(self, it: Refund) -> str:
        return path_of("captures", it.capture_id, "refunds")

    def answered_amount(self, it: Refund, answer: Answer) -> Money | None:
        return money_of(
            answer.body,
            answer.where,
            "refundAmountDetails",
            "refundAmount",
            currency=it.amount.currency,
        )

    def lines(self, it: Refund) -> tuple[OrderLine, ...]:
        return it.lines
