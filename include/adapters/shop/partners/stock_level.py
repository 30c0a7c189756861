"""The stock that a shop shows, set absolutely: the same level twice is one level.

The mark ``<as of>|<reference>`` says which level stands. An older level than the one that stands
counts as done: something newer is there. Sales after a level lower it at the shop, by right.
"""

from include.adapters.shop.calls import looking, written
from include.adapters.shop.partners.common import (
    content_of,
    difference,
    is_untouched,
    stamp,
    unknown,
)
from include.adapters.shop.shop_writes import ShopWrites
from include.domain.errors import Rejected
from include.services.effects.ports import Difference, Effect, Found, Receipt
from include.services.shop.commands import StockLevel


class StockLevelPartner:
    """Satisfies ``effects.ports.Partner`` for ``shop_stock``."""

    def __init__(self, shop: ShopWrites) -> None:
        self._shop = shop

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return the product where it carries our mark or a newer one."""
        level = content_of(StockLevel, effect, self._shop)
        with looking():
            product = self._shop.product(level.sku)
            if product is None:
                return ()
            as_of, _, reference = self._shop.product_mark(product).partition("|")
            is_newer = reference != effect.reference and as_of > level.as_of_text
            if reference != effect.reference and not is_newer:
                return ()
            modified_at = stamp(self._shop.product_modified_at(product))
        facts = {
            "quantity": product.stock_quantity,
            "is_superseded": is_newer,
            "modified_at": modified_at,
        }
        return (Found(product.product_id, facts),)

    def send(self, effect: Effect) -> Receipt:
        """Set once; see the port for the errors."""
        level = content_of(StockLevel, effect, self._shop)
        product = self._shop.product(level.sku)
        if product is None:
            raise Rejected(
                f"shop {level.shop_id} has no product with the SKU {level.sku!r}",
                self._shop.settings.where,
                "Add it to the shop, or take the SKU out of what is told to it.",
            )
        mark = f"{level.as_of_text}|{effect.reference}"
        answer = self._shop.set_stock(product, level.quantity, mark, effect.reference)
        if answer.stock_quantity != level.quantity:
            what = f"the shop answered {answer.stock_quantity} to a stock of {level.quantity}"
            raise unknown(what, self._shop)
        modified_at = written(
            lambda: stamp(self._shop.product_modified_at(answer)),
            "set a stock level",
            self._shop.settings.where,
        )
        return Receipt(answer.product_id, {"modified_at": modified_at})

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare the quantity, unless the shop has sold or taken back since."""
        level, facts = content_of(StockLevel, effect, self._shop), found.facts
        if facts["is_superseded"]:
            return ()
        if facts["quantity"] is None or is_untouched(effect, facts["modified_at"]):
            return difference("stock quantity", level.quantity, facts["quantity"])
        return ()
