"""WooCommerce REST v3. Satisfies ``ShopReader`` and ``ShopWrites``.

Source: WooCommerce REST documentation v3, read 2026-11-25. Dates come without a zone, the ``_gmt``
ones in UTC; 'after' excludes its own second; notes and status are two calls.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from include.adapters.http.wire import Transport
from include.adapters.shop.calls import Absent, Calls, text_at, unreadable, written
from include.adapters.shop.settings import ShopSettings
from include.adapters.shop.shop_writes import RefundSeen, RefundTold
from include.adapters.shop.woo_auth import auth_for
from include.adapters.shop.woo_webhooks import WooWebhooks
from include.domain.errors import Rejected
from include.domain.money import Money
from include.services.shop.commands import OrderUpdate, RefundRecord
from include.services.shop.ports import Raw, ShopOrder, ShopProduct, ShopRefund

BASE = "/wp-json/wc/v3"
MARK = "_tieout_"  # a leading underscore keeps meta data out of the shop's own forms
STOCK_MARK = f"{MARK}stock"
_SECOND = timedelta(seconds=1)
# Answered 500, yet the refund was refused before anything was saved.
_REFUND_REFUSED = frozenset({"woocommerce_rest_cannot_create_order_refund"})


class WooCommerce:
    """One site."""

    def __init__(self, settings: ShopSettings, transport: Transport) -> None:
        """Join the parts; nothing is called.

        Raises:
            Rejected: the connection has no consumer key.
        """
        settings.demand("the login (consumer key) is set", bool(settings.key))
        self._settings = settings
        self._logins: dict[str, str] = {}  # by number; few people refund
        self.webhooks = WooWebhooks(settings, self._pages, self._write)
        self._calls = Calls(
            settings,
            transport,
            auth=auth_for(settings.base_url, settings.key, settings.secret),
            headers={},
            words=lambda body: (text_at(body, "code"), text_at(body, "message")),
            # Another code with 404 is a wrong path: it must not read as 'there is none'.
            is_absent=lambda status, code: status == 404 and code.endswith("_invalid_id"),
        )

    @property
    def settings(self) -> ShopSettings:
        return self._settings

    @property
    def derived_statuses(self) -> frozenset[str]:
        """Setting ``refunded`` would record a refund of its own, beside the one we record."""
        return frozenset({"refunded"})

    @property
    def discarded_statuses(self) -> frozenset[str]:
        """The trash: ``status=any``, which is the default, leaves it out."""
        return frozenset({"trash"})

    @property
    def shop_id(self) -> str:
        return self._settings.shop_id

    def check(self) -> str:
        """Make one cheap call; say what it showed.

        Raises:
            Retryable, Rejected: address, key or secret does not work.
        """
        rows = self._list("/orders", {"per_page": "1"}, "list orders")
        return f"Orders can be read ({'there are some' if rows else 'none yet'})."

    # Orders ----------------------------------------------------------------------------------

    def orders_changed_since(
        self, since: datetime, overlap: timedelta, discarded: str = ""
    ) -> Iterator[ShopOrder]:
        """See the port.

        Always asks for a first page, from the last second seen on: numbered pages shift while
        orders change, and what shifts is passed over.
        """
        edge, seen = since.astimezone(UTC) - overlap, dict[str, datetime]()
        which = {"status": discarded or "any"}
        while True:
            orders = self._changed({**which, "modified_after": _gmt(edge), "orderby": "modified"})
            fresh = [o for o in orders if seen.get(o.order_id) != o.modified_at]
            seen |= {order.order_id: order.modified_at for order in fresh}
            yield from fresh
            if len(orders) < self._settings.page_size:
                return
            last = orders[-1].modified_at
            if fresh:
                edge = max(edge, last - _SECOND)
            else:  # one second fills whole pages
                yield from self._whole_second(last, seen, which)
                edge = last

    def _whole_second(
        self, at: datetime, seen: dict[str, datetime], which: Mapping[str, str]
    ) -> Iterator[ShopOrder]:
        """Yield what is left of one second, page by page, until a round shows nothing new.

        Orders may leave the second meanwhile, and then the pages shift: hence another round.
        """
        window = {
            **which,
            "modified_after": _gmt(at - _SECOND),
            "modified_before": _gmt(at + _SECOND),
            "orderby": "id",
        }
        is_new = True
        while is_new:
            is_new, page, size = False, 1, self._settings.page_size
            while size == self._settings.page_size:
                orders = self._changed({**window, "page": str(page)})
                fresh = [o for o in orders if seen.get(o.order_id) != o.modified_at]
                seen |= {order.order_id: order.modified_at for order in fresh}
                yield from fresh
                is_new, page, size = is_new or bool(fresh), page + 1, len(orders)

    def _changed(self, query: Mapping[str, str]) -> list[ShopOrder]:
        usual = {
            "dates_are_gmt": "true",
            "order": "asc",
            "per_page": str(self._settings.page_size),
        }
        rows = self._list("/orders", {**usual, **query}, "list changed orders")
        return [self._order(row) for row in rows]

    def order(self, order_number: str) -> ShopOrder | None:
        """See the port. A plugin may number orders otherwise than by id, so both are compared."""
        if order_number.isascii() and order_number.isdigit() and len(order_number) < 16:
            row = self._one(f"/orders/{int(order_number)}", "read an order", order_number)
            if row is not None and text_at(row, "number") == order_number:
                return self._order(row)
        query = {"search": order_number, "per_page": "100"}
        rows = self._list("/orders", query, "find an order", order_number)
        found = [row for row in rows if text_at(row, "number") == order_number]
        if len(found) > 1:
            raise Rejected(
                f"{len(found)} orders carry the number {order_number!r}",
                self._settings.where,
                "Give the orders of the shop numbers of their own.",
            )
        return self._order(found[0]) if found else None

    def order_marks(self, order: ShopOrder) -> Mapping[str, str]:
        return _marks(order.raw)

    def has_note(self, order: ShopOrder, reference: str) -> bool:
        rows = self._list(f"/orders/{order.order_id}/notes", {}, "list notes", reference)
        return any(reference in text_at(row, "note") for row in rows)

    def update_order(
        self, order: ShopOrder, update: OrderUpdate, marks: Mapping[str, str], reference: str
    ) -> ShopOrder:
        """Note first, then status and marks: the marks prove that the note was left."""
        path = f"/orders/{order.order_id}"
        if update.note and not self.has_note(order, reference):
            note = {
                "note": f"{update.note} [{reference}]",
                "customer_note": update.is_note_for_shopper,
            }
            self._write("POST", f"{path}/notes", note, "add a note", reference)
        body: dict[str, Any] = {"meta_data": _meta({**dict(update.meta), **marks})}
        if update.status:
            body["status"] = update.status
        row = self._write("PUT", path, body, "update an order", reference)
        return written(lambda: self._order(row), "update an order", self._settings.where)

    # Refunds ---------------------------------------------------------------------------------

    def refunds(self, order_number: str) -> tuple[ShopRefund, ...]:
        order = self.order(order_number)
        if order is None:
            return ()
        path, what = f"/orders/{order.order_id}/refunds", "list refunds"
        rows: list[Raw] = []
        while True:
            query = {"per_page": "100", "offset": str(len(rows)), "orderby": "id", "order": "asc"}
            page = self._list(path, query, what, order_number)
            rows += page
            if len(page) < 100:
                return tuple(self._refund(row) for row in rows)

    def refund_seen(self, order: ShopOrder, refund: ShopRefund) -> RefundSeen:
        raw, currency = refund.raw, text_at(order.raw, "currency")
        texts = [text_at(raw, "reason"), *_marks(raw)]
        return RefundSeen(
            refund.refund_id,
            Money.parse(text_at(raw, "amount"), currency, self._settings.where),
            " ".join(texts),
            raw.get("refunded_payment") is True,
        )

    def refund_told(self, refund: ShopRefund) -> RefundTold:
        user, reason = text_at(refund.raw, "refunded_by"), text_at(refund.raw, "reason")
        return RefundTold(self._login_of(user) if user not in ("", "0") else "", reason)

    def _login_of(self, user: str) -> str:
        """Return a user's login; the bare number where the connection's key may not read users."""
        if user not in self._logins:
            try:
                found = self._one(f"/customers/{user}", "read a user", user)
            except Rejected:
                found = None
            login = text_at(found, "username") if found else ""
            if not login:
                return f"user {user}"
            self._logins[user] = login
        return self._logins[user]

    def record_refund(self, order: ShopOrder, content: RefundRecord, reference: str) -> ShopRefund:
        body = {
            "amount": content.amount.decimal,
            "reason": f"{content.reason} [{reference}]".strip(),
            "api_refund": False,  # Cybersource has moved the money; the shop must not
            "meta_data": _meta({MARK + reference: "refund"}),
        }
        path = f"/orders/{order.order_id}/refunds"
        row = self._write("POST", path, body, "record a refund", reference, _REFUND_REFUSED)
        what, where = "record a refund", self._settings.where
        return written(lambda: self._refund(row), what, where)

    # Products --------------------------------------------------------------------------------

    def products(self) -> Iterator[ShopProduct]:
        for row in self._pages("/products", "list products"):
            yield self._product(row)
            if text_at(row, "type") == "variable":
                path = f"/products/{text_at(row, 'id')}/variations"
                for part in self._pages(path, "list variations"):
                    yield self._product({**part, "parent_id": row["id"]})

    def product(self, sku: str) -> ShopProduct | None:
        rows = self._list("/products", {"sku": sku, "per_page": "100"}, "find a product", sku)
        found = [row for row in rows if text_at(row, "sku") == sku]
        if len(found) > 1:
            raise Rejected(
                f"{len(found)} products carry the SKU {sku!r}",
                self._settings.where,
                "Give each product of the shop a SKU of its own.",
            )
        return self._product(found[0]) if found else None

    def product_mark(self, product: ShopProduct) -> str:
        return _marks(product.raw).get(STOCK_MARK, "")

    def product_modified_at(self, product: ShopProduct) -> datetime:
        return self._instant(product.raw, "date_modified_gmt")

    def set_stock(
        self, product: ShopProduct, quantity: int, mark: str, reference: str
    ) -> ShopProduct:
        parent = text_at(product.raw, "parent_id") or "0"
        path = f"/products/{product.product_id}"
        if parent != "0":
            path = f"/products/{parent}/variations/{product.product_id}"
        body = {
            "manage_stock": True,  # without it the shop ignores the quantity in silence
            "stock_quantity": quantity,
            "meta_data": _meta({STOCK_MARK: mark}),
        }
        row = self._write("PUT", path, body, "set a stock level", reference)
        return written(lambda: self._product(row), "set a stock level", self._settings.where)

    # Parts -----------------------------------------------------------------------------------

    def _pages(self, path: str, what: str) -> Iterator[Raw]:
        size, page = self._settings.page_size, 1
        while True:
            query = {"per_page": str(size), "page": str(page), "orderby": "id", "order": "asc"}
            rows = self._list(path, query, what)
            yield from rows
            if len(rows) < size:
                return
            page += 1

    def _list(
        self, path: str, query: Mapping[str, str], what: str, reference: str = ""
    ) -> Sequence[Raw]:
        try:
            found = self._calls.read(BASE + path, query, what, reference)
        except Absent:
            found = None
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise unreadable(f"{what} was not answered with a list", self._settings.where)
        return found

    def _one(self, path: str, what: str, reference: str) -> Raw | None:
        try:
            found = self._calls.read(BASE + path, {}, what, reference)
        except Absent:
            return None
        if not isinstance(found, dict):
            raise unreadable(f"{what} was not answered with an object", self._settings.where)
        return found

    def _write(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any],
        what: str,
        reference: str,
        refusals: frozenset[str] = frozenset(),
    ) -> Raw:
        found = self._calls.write(method, BASE + path, body, what, reference, refusals)
        return found if isinstance(found, dict) else {}

    def _order(self, row: Raw) -> ShopOrder:
        return ShopOrder(
            self.shop_id,
            self._required(row, "id"),
            self._required(row, "number"),
            self._required(row, "status"),
            self._instant(row, "date_modified_gmt"),
            row,
        )

    def _refund(self, row: Raw) -> ShopRefund:
        return ShopRefund(self.shop_id, self._required(row, "id"), row)

    def _product(self, row: Raw) -> ShopProduct:
        quantity = row.get("stock_quantity")
        is_counted = isinstance(quantity, int) and not isinstance(quantity, bool)
        return ShopProduct(
            self.shop_id,
            self._required(row, "id"),
            text_at(row, "sku"),
            quantity if is_counted else None,
            row,
        )

    def _required(self, row: Raw, name: str) -> str:
        found = text_at(row, name)
        if not found:
            raise unreadable(f"the shop's answer has no {name!r}", self._settings.where)
        return found

    def _instant(self, row: Raw, name: str) -> datetime:
        try:
            return datetime.fromisoformat(self._required(row, name)).replace(tzinfo=UTC)
        except ValueError:
            shown = text_at(row, name)[:40]
        raise unreadable(f"{name} {shown!r} is no instant", self._settings.where)


def _gmt(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(timespec="seconds")


def _meta(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": name, "value": value} for name, value in values.items()]


def _marks(raw: Raw) -> dict[str, str]:
    rows = raw.get("meta_data")
    return {
        text_at(row, "key"): text_at(row, "value")
        for row in (rows if isinstance(rows, list) else [])
        if text_at(row, "key")
    }
