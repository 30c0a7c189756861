"""Voids: cancel a capture or a refund that no batch has taken, by its id or by its MTI.

What is settled cannot be voided: a clear no, which becomes a refund *proposal* of the saga's.
Source: Cybersource reference 2.5; reliability reference 2.1, row VO.
"""

from include.adapters.cybersource.partners.common import Answer, money_of, references
from include.adapters.cybersource.partners.follow_on import (
    BY_MTI,
    FollowOn,
    is_by_mti,
    is_unanswered,
    path_of,
    without_ours,
)
from include.adapters.cybersource.partners.reversal import nothing_there
from include.domain.money import Money
from include.domain.payments import Moved, Void
from include.services.effects.ports import Effect, Found

_COLLECTIONS = ("payments", "captures", "refunds", "credits")
_VOIDED = ("VOIDED", "CANCELLED", "REVERSED")
_SETTLED = ("TRANSMITTED", "BATCHED", "SETTLED")
_TARGETS = ("ics_bill", "ics_credit", "ics_auth")


class VoidPartner(FollowOn[Void]):
    """``POST /pts/v2/{captures|refunds}/{id}/voids``, or ``/pts/v2/voids`` by reference."""

    operation = "void"
    application = "ics_void"
    kind = Void

    def parent(self, it: Void) -> str:
        return it.target_id

    def path(self, it: Void) -> str:
        if is_by_mti(it.target_id):
            return "/pts/v2/voids"
        if it.target_kind not in _COLLECTIONS:
            raise ValueError(f"nothing of kind {it.target_kind!r} can be voided")
        return path_of(it.target_kind, it.target_id, "voids")

    def body(self, it: Void, reference: str) -> dict[str, object]:
        return {"clientReferenceInformation": references(it.code, reference)}

    def answered_amount(self, it: Void, answer: Answer) -> Money | None:
        return money_of(
            answer.body,
            answer.where,
            "voidAmountDetails",
            "voidAmount",
            currency=it.amount.currency,
        )

    def in_effect(self, it: Void, effect: Effect) -> tuple[Found, ...]:
        """What the target itself says: voided by another, or settled before we came."""
        if is_by_mti(it.target_id):
            return self._nothing_to_void(it, effect)
        target = self._gateway.rows.detail(it.target_id)
        status = target.status if target is not None else ""
        if status in _VOIDED:
            return (without_ours(Moved(it.target_id, status)),)
        if status in _SETTLED and is_unanswered(effect):
            return (without_ours(Moved(it.target_id, status, None, "NOT_VOIDABLE"), is_no=True),)
        return ()

    def _nothing_to_void(self, it: Void, effect: Effect) -> tuple[Found, ...]:
        if not is_unanswered(effect):
            return ()
        mti = it.target_id.removeprefix(BY_MTI)
        if self._gateway.rows.carrying(effect, it.code, mti, _TARGETS, known=it.known_reference):
            return ()
        return (nothing_there(),)
