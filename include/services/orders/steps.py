"""The steps of an order, each with its effect and, beside it, what takes it back.

Read down: this is the saga of ``place_order``. A step's name and number make its effect's key.
``moves`` decides when each is begun; ``test_compensations`` proves the column of compensations.
An order that is stopped is unwound in this turn: its sales order, its captures, its hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from include.services.effects.ports import EffectKind


@dataclass(frozen=True, slots=True)
class Step:
    """One write of the saga."""

    name: str
    kind: EffectKind
    compensation: str  # the step that takes it back; '' where nothing has to be
    is_detached: bool = False  # the saga goes on once it is begun: no money or goods


STEPS: Mapping[str, Step] = {
    step.name: step
    for step in (
        # A capture that a batch has taken leaves no hold. What one renews: ``reverse_old``.
        Step("authorize", EffectKind.payment_authorization, "reverse"),
        Step("customer", EffectKind.customer, ""),  # a customer without orders harms nobody
        Step("sales_order", EffectKind.sales_order, "cancel_order"),
        Step("hold", EffectKind.sales_order_move, ""),  # ends with its sales order
        Step("release", EffectKind.sales_order_move, ""),
        Step("note_payment", EffectKind.custom_field, "", is_detached=True),
        Step("note_token", EffectKind.custom_field, "", is_detached=True),
        Step("capture", EffectKind.payment_capture, "give_back"),
        Step("receipt", EffectKind.ar_receipt, "give_back"),  # booked back by the refund's own
        # Never taken back: a credit note and the refund's own receipt stand beside it. Detached:
        # the money is in, and what is not matched is a dead letter with an owner.
        Step("apply", EffectKind.ar_application, "", is_detached=True),
        Step("tell", EffectKind.shop_order_update, "", is_detached=True),  # ranked by the shop
        Step("callback", EffectKind.shop_callback, "", is_detached=True),
        # Compensations.
        Step("reverse", EffectKind.payment_reversal, ""),
        Step("reverse_old", EffectKind.payment_reversal, ""),
        Step("cancel_order", EffectKind.sales_order_move, ""),
    )
}
# Begun while an order is unwound: left behind, they would be begun again, and again refused.
UNWINDING = frozenset(("reverse", "reverse_old", "cancel_order", "receipt"))
# About one sales order; where another is adopted they are decided anew, under another number.
ABOUT_THE_SALES_ORDER = frozenset(("hold", "release", "cancel_order", "note_payment"))
# Not begun any more once an order is stopped.
FORWARD = frozenset(("authorize", "customer", "sales_order", "hold", "release", "capture"))
# "give_back" is a refund saga of its own (``refund_saga.py``): a void while no batch has taken the
# capture, else a refund, then the books and the shop.
