"""A receipt that SYSPRO refuses for its period goes where the merchant's policy says, anew.

Only SYSPRO's own no brings it here: what it takes stays on the day of its capture or refund.
"""

from contextlib import suppress

from include.domain.canonical import from_json
from include.domain.erp_orders import BookReceipt
from include.domain.errors import IntegrationError
from include.domain.orders import Order
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.effects.schedule import is_unsent
from include.services.orders.commands import Command
from include.services.orders.ports import ShopContext

MOVED = "its period is closed: it goes to the next open one"


def moved(effect: Effect, order: Order, desk: ShopContext) -> Command | None:
    """Return the receipt as it goes on the first day of the next open period, or ``None``.

    ``None``: it is no receipt that waits for its period, the policy lets it wait, no later period
    is open, or SYSPRO could not be asked. The janitor then tries it again on its own date.
    """
    # Parked and never sent: certainly nothing of it is in SYSPRO.
    is_parked = effect.state is EffectState.parked and is_unsent(effect)
    if effect.kind is not EffectKind.ar_receipt or not is_parked:
        return None
    receipt, later = from_json(BookReceipt, effect.payload), None
    with suppress(IntegrationError):  # it is parked, and says why
        later = desk.next_open(receipt.posting_date)
    if later is None:
        return None
    return Command(
        effect.kind,
        desk.translator.receipt(order, receipt.customer, receipt.amount, later, receipt.reference),
        effect.target,
        effect.currency,
        effect.amount_minor,
        effect.owner,
        effect.reference,
    )
