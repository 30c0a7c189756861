"""Show in the shop what SYSPRO can promise: absolute levels, never changes of them.

What changed is shown at every push. Once a day everything is compared: a product that came into the
shop later, and a level that somebody set by hand there, are no change of SYSPRO's.

What an open order has sold, and no sales order holds yet, is no longer there either: it may wait
for days, for an analyst or for SYSPRO, and would be sold twice.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from include.domain.orders import OrderLine
from include.domain.stock import Product, by_code, less_sold, sellable
from include.domain.stock import StockLevel as ErpStock
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectKind
from include.services.orders.commands import Command
from include.services.ports import Clock
from include.services.shop.commands import StockLevel
from include.services.shop.ports import ShopProduct
from include.services.sync.ports import StockList, Tally, Watermarks

_PAGE = 10_000  # rows of SYSPRO's that changed, between two watermarks
_PAGES = 10  # of one push, which is behind by then for a long while: the next goes on
_AT_ONCE = 200  # codes whose units are asked in one session: an order may wait for the operator


class StockFeed(Protocol):
    """SYSPRO's stock; each question is a session of its own where none is open."""

    def session(self) -> AbstractContextManager[None]:
        """Share logons; who else waits for the operator has it between two questions."""
        ...

    def stock_levels(
        self, warehouse: str, cursor: str, limit: int
    ) -> tuple[Sequence[ErpStock], str]:
        """Return levels changed since a cursor ('': all), without units, and the next cursor.

        Some from before the cursor may be among them, beside at most ``limit`` from after it.
        """
        ...

    def kits(self) -> Sequence[str]:
        """Return the codes that are sold by their parts."""
        ...

    def products(self, stock_codes: Sequence[str]) -> Mapping[str, Product]:
        """Return the units of codes, by code in lower case."""
        ...

    def stock(self, stock_codes: Sequence[str], warehouse: str) -> Sequence[ErpStock]:
        """Return levels of codes, then of the parts of kits among them."""
        ...


class Products(Protocol):
    """What the shop sells."""

    def products(self) -> Iterable[ShopProduct]: ...


@dataclass(frozen=True, slots=True)
class StockPush:
    """Pushes one warehouse into one shop."""

    shop_id: str
    company_id: str
    warehouse: str
    sold_in: str  # the unit of the shop's lines; '' where each line names its own
    feed: StockFeed
    shop: Products
    engine: Engine
    watermarks: Watermarks
    stocked: StockList
    unbooked: Callable[[], Sequence[OrderLine]]  # goods that are sold, without a sales order yet
    owner: str

    def push(self, clock: Clock, today: date) -> Tally:
        """Set every level that differs from what is shown, of what changed or of everything.

        What changed is set page by page, and the watermark moves with each. The shop is asked and
        told while no session of SYSPRO is open.

        Args:
            clock: says which instant the levels of a page are as of; an older level never replaces
                a newer one.
            today: the merchant's business date; the first push of a day compares everything.
        """
        name = f"stock|{self.shop_id}|{self.warehouse}"
        is_whole = self.watermarks.get(f"{name}|compared") < today.isoformat()
        shown = {one.sku: one.stock_quantity for one in self.shop.products() if one.sku}
        tally, is_more, pages = Tally(), True, 0
        while is_more and pages < _PAGES:
            is_more = self._push(name, shown, clock, tally, is_whole=is_whole)
            pages += 1
        if is_whole:
            self.watermarks.move(f"{name}|compared", today.isoformat())
        return tally.check()

    def _push(
        self,
        name: str,
        shown: dict[str, int | None],
        clock: Clock,
        tally: Tally,
        *,
        is_whole: bool,
    ) -> bool:
        """Set the levels of a page, or of everything, and move the mark; say if more may follow.

        ``shown`` is by SKU what the shop shows, and what is set is noted in it.
        """
        begin, now = "" if is_whole else self.watermarks.get(name), clock.now()
        levels, parts, sold, cursor = self._read(begin, shown, is_whole=is_whole)
        left = less_sold(by_code((*parts, *levels.values())), sold)
        for code in levels:
            tally.read += 1
            level = left[code.casefold()]
            quantity = sellable(level, left, self.sold_in) if code in shown else None
            if quantity is None:
                tally.not_ours += 1
                if code in shown:
                    tally.passed[f"of which SYSPRO tells no level in {self.sold_in!r}"] += 1
                continue
            if shown[code] != quantity:
                self._set(StockLevel(self.shop_id, code, quantity, now))
                shown[code] = quantity
            tally.done += 1
        stocked = [code for code, one in levels.items() if one.available_millionths is not None]
        self.stocked.note(self.company_id, self.warehouse, stocked, now, is_whole=is_whole)
        if cursor:
            self.watermarks.move(name, cursor)
        return not is_whole and cursor > begin and len(levels) >= _PAGE

    def _read(
        self, begin: str, shown: Mapping[str, object], *, is_whole: bool
    ) -> tuple[dict[str, ErpStock], Sequence[ErpStock], Sequence[OrderLine], str]:
        """Return levels by code, those of kits' parts, what is sold beside them, and the cursor.

        Kits come every time: when a part changes, nothing of the kit's own does.

        What is sold is asked for last. An order booked after its level was read counts nowhere;
        the level has changed by that, and the next push reads it. Asked for first, an order that
        ended meanwhile would be taken off until the next day's comparison: no row of SYSPRO changes
        by it. It is asked for before the kits as well, since those sold elsewhere count.
        """
        feed = self.feed
        with feed.session():
            levels, cursor = self._levels(begin, is_whole=is_whole)
            asked = {*shown, *(line.stock_code for line in self.unbooked())}
            kits = [code for code in feed.kits() if code in asked]
            found = feed.stock(kits, self.warehouse) if kits else ()
            plain = [code for code in levels if code in shown and code not in kits]
            products = dict(feed.products(plain[:_AT_ONCE]))
        for start in range(_AT_ONCE, len(plain), _AT_ONCE):
            products |= feed.products(plain[start : start + _AT_ONCE])
        sold = self.unbooked()
        named = {
            code: ErpStock(code, one.available_millionths, products.get(code.casefold()))
            for code, one in levels.items()
        }
        return {**named, **{one.stock_code: one for one in found[: len(kits)]}}, found, sold, cursor

    def _levels(self, begin: str, *, is_whole: bool) -> tuple[dict[str, ErpStock], str]:
        found: dict[str, ErpStock] = {}
        cursor = begin
        while True:
            levels, after = self.feed.stock_levels(self.warehouse, cursor, _PAGE)
            found |= {one.stock_code: one for one in levels}
            if not is_whole or not after or after == cursor:
                return found, after
            cursor = after

    def _set(self, content: StockLevel) -> None:
        kind = EffectKind.shop_stock
        command = Command(kind, content, self.shop_id, "", 0, self.owner)
        self.engine.intend(command.effect(content.key))
        self.engine.advance(kind, content.key)
