"""What AR refuses for its period goes where the merchant's policy says, anew.

That are receipts, and what they pay. Only SYSPRO's own no brings them here: what it takes stays on
the day of its capture, refund or application.
"""

from contextlib import suppress
from dataclasses import replace

from include.domain.canonical import from_json
from include.domain.erp_orders import ApplyReceipt, BookReceipt
from include.domain.errors import IntegrationError
from include.domain.orders import Order
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.effects.schedule import is_unsent
from include.services.orders.commands import Command
from include.services.orders.ports import ShopContext

MOVED = "its period is closed: it goes to the next open one"


def moved(effect: Effect, order: Order, desk: ShopContext) -> Command | None:
    """Return the write as it goes on the first day of the next open period, or ``None``.

    ``None``: it is none of AR's that waits for its period, the policy lets it wait, no later period
    is open, or SYSPRO could not be asked. The janitor then tries it again on its own date.
    """
    # Parked and never sent: certainly nothing of it is in SYSPRO.
    if effect.state is not EffectState.parked or not is_unsent(effect):
        return None
    content: BookReceipt | ApplyReceipt
    if effect.kind is EffectKind.ar_receipt:
        content = from_json(BookReceipt, effect.payload)
    elif effect.kind is EffectKind.ar_application:
        content = from_json(ApplyReceipt, effect.payload)
    else:
        return None
    later = None
    with suppress(IntegrationError):  # it is parked, and says why
        later = desk.next_open(content.posting_date)
    if later is None:
        return None
    if isinstance(content, ApplyReceipt):
        content = replace(content, posting_date=later)
    else:  # at the rate of its new day, as its settlement is
        content = desk.translator.receipt(
            order, content.customer, content.amount, later, content.reference
        )
    return Command(
        effect.kind,
        content,
        effect.target,
        effect.currency,
        effect.amount_minor,
        effect.owner,
        effect.reference,
    )
