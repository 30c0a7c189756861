"""Reverse a payment that nothing needs, once a person agreed by replaying its proposal.

Mostly it is the second copy that a network made of a request.
"""

from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.orders import Order
from include.domain.payments import Refund, Reverse, Void
from include.services.comparing.ports import Did
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.effects.states import EXECUTED
from include.services.orders.commands import Command

_WHY = "nothing needs it: a second copy, or approved too late"
_WAYS = (EffectKind.payment_reversal, EffectKind.payment_void, EffectKind.payment_refund)


def reverse_duplicate(
    engine: Engine,
    order: Order,
    organization_id: str,
    owner: str,
    *,
    did: Did,
    request_id: str,
    amount: Money,
) -> Effect:
    """Give the copy back: a hold is released, a capture voided or else refunded, a refund voided.

    Safe to repeat: each way is one effect of the copy's own request id.

    Raises:
        Rejected: it cannot be given back by the gateway.
    """

    def perform(kind: EffectKind, content: object) -> Effect:
        command = Command(kind, content, organization_id, amount.currency, amount.minor, owner)
        effect = command.effect(_key(request_id, kind))
        known = engine.find(kind, effect.key)
        return engine.perform(effect) if known is None else engine.advance(kind, effect.key)

    code, order_id = order.purchase_order, order.order_id
    if did is Did.authorization:
        hold = Reverse(order_id, organization_id, code, request_id, amount, _WHY)
        return perform(EffectKind.payment_reversal, hold)
    rooms = {Did.capture: "captures", Did.refund: "refunds"}
    if did not in rooms:
        raise Rejected(f"a second {did} takes nothing", f"order {code}", "Resolve it.")
    void = perform(
        EffectKind.payment_void,
        Void(order_id, organization_id, code, rooms[did], request_id, amount),
    )
    if void.state is not EffectState.declined:
        return void
    if did is Did.refund:
        raise Rejected(
            f"refund {request_id} is in a batch and cannot be voided",
            f"order {code}",
            "Ask the shopper for the surplus, book it by hand, then resolve this.",
        )
    back = Refund(order_id, f"copy|{request_id}", organization_id, code, request_id, amount)
    return perform(EffectKind.payment_refund, back)


def is_reversed(engine: Engine, request_id: str) -> bool:
    """Say whether a copy was given back already."""
    ways = (engine.find(kind, _key(request_id, kind)) for kind in _WAYS)
    return any(effect is not None and effect.state in EXECUTED for effect in ways)


def _key(request_id: str, kind: EffectKind) -> str:
    return f"copy|{request_id}|{kind.value}"
