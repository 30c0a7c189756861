"""Take a shop's new and changed orders in, so that a lost webhook loses nothing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.orders import Order, order_id_of
from include.services.orders.order_service import OrderService
from include.services.shop.ports import ShopOrder, ShopReader, ShopRefund
from include.services.sync.ports import Shelf, Tally, Watermarks, work_on

OVERLAP = timedelta(minutes=10)  # shops commit late and count in whole seconds
WHO = "shop poller"


@dataclass(frozen=True, slots=True)
class ShopWords:
    """What a shop's statuses mean for us; the rest asks nothing of us."""

    taken: frozenset[str]  # an unknown order in one of these is placed
    cancelled: frozenset[str]


@dataclass(frozen=True, slots=True)
class ShopSync:
    """Polls one shop."""

    reader: ShopReader
    service: OrderService
    translate: Callable[[ShopOrder], Order]  # raises Rejected, naming the field
    refund_amount: Callable[[ShopOrder, ShopRefund], Money | None]  # None: it moved already
    words: ShopWords
    watermarks: Watermarks
    shelf: Shelf
    owner: str

    def poll(self, begin: datetime) -> Tally:
        """Work on everything changed since the watermark, oldest first.

        Args:
            begin: where a first poll starts.
        """
        name = f"shop|{self.reader.shop_id}"
        mark = self.watermarks.get(name)
        since = datetime.fromisoformat(mark) if mark else begin
        return self._take(self.reader.orders_changed_since(since, OVERLAP), name).check()

    def take_one(self, order_number: str) -> Tally:
        """Work on one order again, e.g. from a dead letter or a webhook."""
        found = self.reader.order(order_number)
        if found is None:
            raise Rejected(
                f"the shop has no order {order_number!r}",
                f"shop {self.reader.shop_id}",
                "Resolve the dead letter if the order was deleted there.",
            )
        return self._take([found], "").check()

    def _take(self, changed: Iterable[ShopOrder], name: str) -> Tally:
        tally = Tally()
        for found in changed:
            key = f"{found.shop_id}|{found.order_number}"
            work_on(tally, self.shelf, "shop_order", key, self.owner, partial(self._work, found))
            if name:
                self.watermarks.move(name, found.modified_at.isoformat())
        return tally

    def _work(self, found: ShopOrder) -> bool:
        order_id = order_id_of(found.shop_id, found.order_number)
        is_known = self._is_known(order_id)
        if found.status in self.words.cancelled:
            if is_known:
                self.service.cancel(order_id, WHO, f"cancelled in the shop ({found.status})")
            return is_known
        if not is_known and found.status not in self.words.taken:
            return False
        if not is_known:
            self.service.place(self.translate(found), WHO)
        self._refunds(order_id, found)
        return True

    def _is_known(self, order_id: str) -> bool:
        try:
            self.service.orders.content(order_id)
        except Rejected:
            return False
        return True

    def _refunds(self, order_id: str, found: ShopOrder) -> None:
        """Move the money of refunds that the shop has recorded but could not move."""
        if not found.raw.get("refunds"):
            return
        for refund in self.reader.refunds(found.order_number):
            amount = self.refund_amount(found, refund)
            if amount is not None:
                self.service.refund(
                    order_id,
                    amount,
                    origin="shop",
                    origin_key=refund.refund_id,
                    who=WHO,
                    reason="refunded in the shop",
                )


def shop_words(table: Mapping[str, str]) -> ShopWords:
    """Read what the statuses mean: ``take``, ``cancel`` or nothing."""
    return ShopWords(
        frozenset(word for word, meaning in table.items() if meaning == "take"),
        frozenset(word for word, meaning in table.items() if meaning == "cancel"),
    )
