"""Any shop with a plain JSON API, by its declared shape. Is ``ShopReader`` and ``ShopWrites``."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from include.adapters.http.wire import Transport
from include.adapters.shop.calls import Absent, Calls, text_at, unreadable, value_at, written
from include.adapters.shop.settings import ShopSettings
from include.adapters.shop.shape import SHIPPED, Shape, load_shape
from include.adapters.shop.shop_writes import RefundSeen, RefundTold
from include.domain.errors import Rejected
from include.domain.money import MINOR_UNIT_DIGITS, Money
from include.services.shop.commands import OrderUpdate, RefundRecord
from include.services.shop.ports import Raw, ShopOrder, ShopProduct, ShopRefund


class GenericShop:
    """One shop."""

    def __init__(
        self, settings: ShopSettings, transport: Transport, shape: Shape | None = None
    ) -> None:
        """Join the parts; nothing is called.

        Raises:
            Rejected: the shape named by the connection cannot be used.
        """
        settings.demand("webhook_url is WooCommerce's alone", not settings.webhook_url)
        self._settings = settings
        self._shape = shape or load_shape(Path(settings.shape) if settings.shape else SHIPPED)
        names = self._shape
        self._calls = Calls(
            settings,
            transport,
            auth=None,
            headers={names.auth_header: names.auth_prefix + settings.secret},
            words=lambda body: (text_at(body, names.error_code), text_at(body, names.error_text)),
            is_absent=lambda status, code: status == 404 and code in names.absent,
        )

    @property
    def settings(self) -> ShopSettings:
        return self._settings

    @property
    def derived_statuses(self) -> frozenset[str]:
        """See ``ShopWrites``; by the shape."""
        return frozenset(filter(None, self._shape.order_derived_statuses.split("|")))

    @property
    def discarded_statuses(self) -> frozenset[str]:
        """None: the list of a JSON shop has every order."""
        return frozenset()

    @property
    def shop_id(self) -> str:
        return self._settings.shop_id

    def check(self) -> str:
        """Make one cheap call; say what it showed.

        Raises:
            Retryable, Rejected: address or token does not work.
        """
        found = self._calls.read(self._shape.orders_path, {self._shape.orders_size: "1"}, "list")
        rows = self._items(found, self._shape.orders_items, "list orders")
        return f"Orders can be read ({'there are some' if rows else 'none yet'})."

    # Orders ----------------------------------------------------------------------------------

    def orders_changed_since(
        self, since: datetime, overlap: timedelta, discarded: str = ""
    ) -> Iterator[ShopOrder]:
        names, what = self._shape, "list orders"
        start = (since.astimezone(UTC) - overlap).strftime("%Y-%m-%dT%H:%M:%SZ")
        query = {names.orders_since: start, names.orders_size: str(self._settings.page_size)}
        while True:
            found = self._calls.read(names.orders_path, query, what)
            for row in self._items(found, names.orders_items, what):
                yield self._order(row)
            after = text_at(found, names.orders_next)
            if not after:
                return
            if query.get(names.orders_cursor) == after:
                raise unreadable("the next page is the same page", self._settings.where)
            query[names.orders_cursor] = after

    def order(self, order_number: str) -> ShopOrder | None:
        path = self._path(self._shape.order_path, number=order_number)
        try:
            row = self._calls.read(path, {}, "read an order", order_number)
        except Absent:
            return None
        return self._order(self._object(row, "read an order"))

    def order_marks(self, order: ShopOrder) -> Mapping[str, str]:
        found = value_at(order.raw, self._shape.order_tags)
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}

    def has_note(self, order: ShopOrder, reference: str) -> bool:
        rows = value_at(order.raw, self._shape.order_notes)
        text = self._shape.order_note_text
        return any(reference in text_at(row, text) for row in rows or ())

    def update_order(
        self, order: ShopOrder, update: OrderUpdate, marks: Mapping[str, str], reference: str
    ) -> ShopOrder:
        names, what = self._shape, "update an order"
        body: dict[str, Any] = {names.order_write_tags: {**dict(update.meta), **marks}}
        if update.status:
            body[names.order_write_status] = update.status
        if update.note and names.order_write_note:
            body[names.order_write_note] = f"{update.note} [{reference}]"
        path = self._path(names.order_path, number=order.order_number)
        row = self._calls.write(names.order_write_method, path, body, what, reference)
        return written(lambda: self._order(self._object(row, what)), what, self._settings.where)

    # Refunds ---------------------------------------------------------------------------------

    def refunds(self, order_number: str) -> tuple[ShopRefund, ...]:
        path = self._path(self._shape.refunds_path, number=order_number)
        try:
            found = self._calls.read(path, {}, "list refunds", order_number)
        except Absent:
            return ()
        rows = self._items(found, self._shape.refunds_items, "list refunds")
        return tuple(self._refund(row) for row in rows)

    def refund_seen(self, order: ShopOrder, refund: ShopRefund) -> RefundSeen:
        names, raw = self._shape, refund.raw
        currency = text_at(raw, names.refund_currency) or text_at(order.raw, names.order_currency)
        texts = text_at(raw, names.refund_reference), text_at(raw, names.refund_reason)
        amount = self._money(value_at(raw, names.refund_amount), currency)
        return RefundSeen(refund.refund_id, amount, " ".join(texts), False)

    def refund_told(self, refund: ShopRefund) -> RefundTold:
        names, raw = self._shape, refund.raw
        return RefundTold(text_at(raw, names.refund_user), text_at(raw, names.refund_reason))

    def record_refund(self, order: ShopOrder, content: RefundRecord, reference: str) -> ShopRefund:
        names, what = self._shape, "record a refund"
        is_minor = names.refund_amount_unit == "minor"
        body: dict[str, Any] = {
            names.refund_amount: content.amount.minor if is_minor else content.amount.decimal,
            names.refund_reference: reference,
        }
        if names.refund_reason:
            body[names.refund_reason] = content.reason
        path = self._path(names.refunds_path, number=order.order_number)
        row = self._calls.write("POST", path, body, what, reference)
        return written(lambda: self._refund(self._object(row, what)), what, self._settings.where)

    # Products --------------------------------------------------------------------------------

    def products(self) -> Iterator[ShopProduct]:
        found = self._calls.read(self._shape.products_path, {}, "list products")
        for row in self._items(found, self._shape.products_items, "list products"):
            yield self._product(row)

    def product(self, sku: str) -> ShopProduct | None:
        path = self._path(self._shape.product_path, sku=sku)
        try:
            row = self._calls.read(path, {}, "read a product", sku)
        except Absent:
            return None
        return self._product(self._object(row, "read a product"))

    def product_mark(self, product: ShopProduct) -> str:
        return text_at(product.raw, self._shape.product_mark)

    def product_modified_at(self, product: ShopProduct) -> datetime:
        return self._instant(product.raw, self._shape.product_modified_at)

    def set_stock(
        self, product: ShopProduct, quantity: int, mark: str, reference: str
    ) -> ShopProduct:
        names, what = self._shape, "set a stock level"
        body = {names.product_quantity: quantity, names.product_mark: mark}
        path = self._path(names.product_path, sku=product.sku)
        row = self._calls.write(names.product_write_method, path, body, what, reference)
        return written(lambda: self._product(self._object(row, what)), what, self._settings.where)

    # Parts -----------------------------------------------------------------------------------

    def _path(self, template: str, **values: str) -> str:
        """Fill a path; a value can never change it into another one."""
        for name, value in values.items():
            if value in ("", ".", ".."):
                raise Rejected(f"{value!r} is no {name}", self._settings.where, "Correct it.")
            template = template.replace("{" + name + "}", quote(value, safe=""))
        return template

    def _items(self, found: Any, member: str, what: str) -> list[Raw]:
        rows = value_at(found, member) if member else found
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise unreadable(f"{what} was answered without a list", self._settings.where)
        return rows

    def _object(self, row: Any, what: str) -> Raw:
        if not isinstance(row, dict):
            raise unreadable(f"{what} was not answered with an object", self._settings.where)
        return row

    def _order(self, row: Raw) -> ShopOrder:
        names = self._shape
        return ShopOrder(
            self.shop_id,
            self._required(row, names.order_id),
            self._required(row, names.order_number),
            self._required(row, names.order_status),
            self._instant(row, names.order_modified_at),
            row,
        )

    def _refund(self, row: Raw) -> ShopRefund:
        return ShopRefund(self.shop_id, self._required(row, self._shape.refund_id), row)

    def _product(self, row: Raw) -> ShopProduct:
        names = self._shape
        quantity = value_at(row, names.product_quantity)
        is_counted = isinstance(quantity, int) and not isinstance(quantity, bool)
        return ShopProduct(
            self.shop_id,
            self._required(row, names.product_id),
            text_at(row, names.product_sku),
            quantity if is_counted else None,
            row,
        )

    def _required(self, row: Raw, path: str) -> str:
        found = text_at(row, path)
        if not found:
            raise unreadable(f"the shop's answer has no {path!r}", self._settings.where)
        return found

    def _instant(self, row: Raw, path: str) -> datetime:
        text = self._required(row, path)
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise unreadable(f"{path} {text[:40]!r} is no instant", self._settings.where)
        return found.astimezone(UTC)

    def _money(self, value: Any, currency: str) -> Money:
        where = self._settings.where
        if self._shape.refund_amount_unit == "minor":
            if currency not in MINOR_UNIT_DIGITS:
                do = "Read the refund in the shop."
                raise Rejected(f"a refund is in {currency[:8]!r}, which is no currency", where, do)
            if isinstance(value, int) and not isinstance(value, bool):
                return Money(value, currency)
            do = "Read the refund in the shop."
            raise Rejected(f"{value!r} is no whole number of minor units", where, do)
        return Money.parse(str(value), currency, where)
