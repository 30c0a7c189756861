"""Reversals: release what an authorization holds, by its id or, after a time-out, by its MTI.

The amount is what the authorization answered, not what was asked for (reliability reference F4).
"""

from include.adapters.cybersource.partners.common import (
    REFUSALS,
    Answer,
    RefusalRule,
    amount_details,
    money_of,
    references,
)
from include.adapters.cybersource.partners.follow_on import (
    BY_MTI,
    FollowOn,
    is_by_mti,
    is_unanswered,
    path_of,
    without_ours,
)
from include.domain.money import Money
from include.domain.payment_meanings import Meaning
from include.domain.payments import Moved, Reverse
from include.services.effects.ports import Effect, Found

_LONGEST_REASON = 50
# "Already" is no doubt about ours then: the void may have released the rest of the hold.
_AFTER_VOID = RefusalRule(already_is_no=True)


class ReversalPartner(FollowOn[Reverse]):
    """``POST /pts/v2/payments/{id}/reversals``, or ``/pts/v2/reversals`` by reference."""

    operation = "reversal"
    application = "ics_auth_reversal"
    kind = Reverse

    def parent(self, it: Reverse) -> str:
        return it.authorization_id

    def path(self, it: Reverse) -> str:
        if is_by_mti(it.authorization_id):
            return "/pts/v2/reversals"
        return path_of("payments", it.authorization_id, "reversals")

    def body(self, it: Reverse, reference: str) -> dict[str, object]:
        return {
            "clientReferenceInformation": references(it.code, reference),
            "reversalInformation": {
                "amountDetails": amount_details(it.amount),
                "reason": it.reason[:_LONGEST_REASON],
            },
        }

    def answered_amount(self, it: Reverse, answer: Answer) -> Money | None:
        return money_of(
            answer.body,
            answer.where,
            "reversalAmountDetails",
            "reversedAmount",
            currency=it.amount.currency,
        )

    def refusals(self, it: Reverse) -> RefusalRule:
        return _AFTER_VOID if it.is_after_void else REFUSALS

    def in_effect(self, it: Reverse, effect: Effect) -> tuple[Found, ...]:
        """An authorization has one hold: whoever released it, it is released."""
        if is_by_mti(it.authorization_id):
            return self._nothing_to_reverse(it, effect)
        rows = self._gateway.rows
        for row in rows.of_order(it.code):
            if self.application not in row.applications:
                continue
            is_done = rows.meaning(row, self.operation, self.application) is Meaning.approved
            if is_done and rows.in_full(row).root == it.authorization_id:
                return (without_ours(Moved(row.request_id, "REVERSED")),)
        parent = rows.detail(it.authorization_id)
        is_released = parent is not None and parent.status in ("REVERSED", "VOIDED", "CANCELLED")
        return (without_ours(Moved(it.authorization_id, "REVERSED")),) if is_released else ()

    def _nothing_to_reverse(self, it: Reverse, effect: Effect) -> tuple[Found, ...]:
        """After a send, no request under the original's MTI means that nothing is held."""
        if not is_unanswered(effect):
            return ()
        mti = it.authorization_id.removeprefix(BY_MTI)
        if self._gateway.rows.carrying(
            effect, it.code, mti, ("ics_auth",), known=it.known_reference
        ):
            return ()
        return (nothing_there(),)


def nothing_there() -> Found:
    """Return a clear no: the request that was to be taken back never arrived."""
    moved = Moved("", "NOT_FOUND", None, "NOTHING_CARRIES_THE_REFERENCE")
    return without_ours(moved, is_no=True)
