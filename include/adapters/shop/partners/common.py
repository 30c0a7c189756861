"""What the shop partners share."""

import json
from datetime import datetime

from include.adapters.shop.shop_writes import HasSettings, ShopWrites
from include.domain.errors import OutcomeUnknown, Rejected
from include.services.effects.ports import Difference, Effect
from include.services.shop.commands import C
from include.services.shop.ports import ShopOrder

MARK = "_tieout_"  # begins every name that we plant


def content_of(kind: type[C], effect: Effect, shop: HasSettings) -> C:
    """Read the payload; one for another shop is a mistake of the wiring."""
    found = kind.from_payload(effect.payload)
    if found.shop_id != shop.settings.shop_id:
        raise ValueError(f"effect {effect.key} is for {found.shop_id}, not {shop.settings.shop_id}")
    return found


def demand_order(shop: ShopWrites, order_number: str) -> ShopOrder:
    """Return the order that a write is about.

    Raises:
        Rejected: the shop has none; nothing was sent.
    """
    order = shop.order(order_number)
    if order is None:
        raise Rejected(
            f"shop {shop.settings.shop_id} has no order {order_number!r}",
            shop.settings.where,
            "Compare order number and shop; one that was deleted for good cannot be told anything.",
        )
    return order


def unknown(what: str, shop: HasSettings) -> OutcomeUnknown:
    """The answer of a write says something else than was sent."""
    do = "It may have happened: look at the shop before any resend."
    return OutcomeUnknown(what, shop.settings.where, do)


def is_untouched(effect: Effect, modified_at: object) -> bool:
    """Say whether nobody has changed the thing since we wrote it, as far as we know.

    Only then must it still be as we left it: a clerk who moves an order on is no mismatch.
    """
    known = json.loads(effect.evidence).get("modified_at") if effect.evidence else None
    return known is None or known == modified_at


def stamp(at: datetime) -> str:
    return at.isoformat()


def difference(what: str, ours: object, theirs: object) -> tuple[Difference, ...]:
    """Return one difference, or none."""
    return () if ours == theirs else (Difference(what, str(ours), str(theirs)),)
