"""Show in the shop what SYSPRO can promise: absolute levels, never changes of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from include.domain.orders import QUANTITY_DIGITS
from include.domain.stock import StockLevel as ErpStock
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectKind
from include.services.orders.commands import Command
from include.services.shop.commands import StockLevel
from include.services.shop.ports import ShopProduct
from include.services.sync.ports import Tally, Watermarks

_UNIT = 10**QUANTITY_DIGITS


class StockFeed(Protocol):
    """Levels of one warehouse, by cursor."""

    def stock_levels(self, warehouse: str, cursor: str = "") -> tuple[Sequence[ErpStock], str]: ...


class Products(Protocol):
    """What the shop sells."""

    def products(self) -> Iterable[ShopProduct]: ...


@dataclass(frozen=True, slots=True)
class StockPush:
    """Pushes one warehouse into one shop."""

    shop_id: str
    warehouse: str
    feed: StockFeed
    shop: Products
    engine: Engine
    watermarks: Watermarks
    owner: str

    def push(self, now: datetime) -> Tally:
        """Set every level that changed since the watermark and differs from what is shown.

        Args:
            now: the instant the levels are as of; an older level never replaces a newer one.
        """
        name, tally = f"stock|{self.shop_id}|{self.warehouse}", Tally()
        levels, cursor = self.feed.stock_levels(self.warehouse, self.watermarks.get(name))
        shown = {one.sku: one.stock_quantity for one in self.shop.products() if one.sku}
        for level in levels:
            tally.read += 1
            quantity = (level.available_millionths or 0) // _UNIT  # part of a unit is not sold
            if level.stock_code not in shown or level.available_millionths is None:
                tally.not_ours += 1
                continue
            if shown[level.stock_code] != quantity:
                self._set(StockLevel(self.shop_id, level.stock_code, quantity, now))
            tally.done += 1
        if cursor:
            self.watermarks.move(name, cursor)
        return tally.check()

    def _set(self, content: StockLevel) -> None:
        kind = EffectKind.shop_stock
        command = Command(kind, content, self.shop_id, "", 0, self.owner)
        self.engine.intend(command.effect(content.key))
        self.engine.advance(kind, content.key)
