"""What order to cash reads where writes go by the JSON facade: stock by it, the rest by e.net."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import date

from include.adapters.syspro.api_services import FacadeClient, dig, first
from include.adapters.syspro.api_values import text_of
from include.adapters.syspro.documents.reply import read_millionths
from include.adapters.syspro.facade_map import StockMap
from include.adapters.syspro.order_reader import LIMIT, OrderReader
from include.adapters.syspro.stock_reader import levels_of
from include.domain.erp_orders import (
    CustomerCredit,
    CustomerMatch,
    ErpDocument,
    ErpOrder,
    Shipment,
    UnreadableRow,
    same_key,
)
from include.domain.errors import Rejected
from include.domain.stock import Product, StockLevel
from include.services.ports import PostingPeriod
from include.services.translate.currencies import BaseRate


class FacadeReader:
    """Reads as ``OrderReader`` does."""

    def __init__(
        self, client: FacadeClient, stock: StockMap | None, reads_from: OrderReader | None
    ) -> None:
        self._client = client
        self._stock = stock
        self._reads_from = reads_from

    def stock(self, stock_codes: Sequence[str], warehouse: str) -> list[StockLevel]:
        """Return what a warehouse can promise of each code, then of the parts of kits.

        Units and parts are read by e.net; without it every quantity is in stocking units.

        Raises:
            Retryable, Rejected: the facade could not be asked, or answers what cannot be read.
        """
        if self._stock is None:
            return self._enet().stock(stock_codes, warehouse)
        names, reads = self._stock, self._reads_from

        def available(codes: Sequence[str]) -> dict[str, int | None]:
            return {code.casefold(): self._balance(names, code, warehouse) for code in codes}

        found = available(stock_codes)
        known = [code for code in stock_codes if found[code.casefold()] is not None]
        return levels_of(
            stock_codes, found, reads.products(known) if reads else {}, ask_parts=available
        )

    def stock_levels(
        self, warehouse: str, cursor: str = "", limit: int = 10_000
    ) -> tuple[list[StockLevel], str]:
        return self._enet().stock_levels(warehouse, cursor, limit)

    def products(self, stock_codes: Sequence[str]) -> dict[str, Product]:
        return self._enet().products(stock_codes)

    def kits(self) -> tuple[str, ...]:
        return self._enet().kits()

    def credit(self, customer: str) -> CustomerCredit:
        return self._enet().credit(customer)

    def existing(self, customers: Sequence[str]) -> set[str]:
        return self._enet().existing(customers)

    def base_rate(self, currency: str) -> BaseRate:
        return self._enet().base_rate(currency)

    def customers(self, email: str) -> tuple[CustomerMatch, ...]:
        return self._enet().customers(email)

    def order(
        self, *, purchase_order: str = "", sales_order: str = "", customer: str = ""
    ) -> ErpOrder | None:
        return self._enet().order(
            purchase_order=purchase_order, sales_order=sales_order, customer=customer
        )

    def orders_of(self, purchase_order: str, customer: str) -> Sequence[ErpOrder]:
        return self._enet().orders_of(purchase_order, customer)

    def look_ahead(self, purchase_orders: Sequence[str], customers: Sequence[str] = ()) -> None:
        """Do nothing: what e.net knows spares no look of the facade's partners."""

    def read_ahead(
        self, purchase_orders: Sequence[str], references: Sequence[str]
    ) -> AbstractContextManager[None]:
        return self._enet().read_ahead(purchase_orders, references)

    def orders_since(self, cursor: str, limit: int = LIMIT) -> tuple[ErpOrder, ...]:
        return self._enet().orders_since(cursor, limit)

    def cancelled_since(self, cursor: str, limit: int = LIMIT) -> tuple[ErpOrder, ...]:
        return self._enet().cancelled_since(cursor, limit)

    def shipments_since(self, cursor: str, limit: int = LIMIT) -> tuple[Shipment, ...]:
        return self._enet().shipments_since(cursor, limit)

    def documents_of(self, purchase_order: str, customer: str) -> tuple[ErpDocument, ...]:
        return self._enet().documents_of(purchase_order, customer)

    def overpaid(self) -> set[str]:
        return self._enet().overpaid()

    def applies_receipts(self) -> bool:
        """Say so by the facade's own connection: it is asked to write them."""
        return self._client.settings.applications != "none"

    def receipt_period(self, day: date) -> PostingPeriod:
        return self._enet().receipt_period(day)

    def receipts_of(self, references: Sequence[str]) -> tuple[ErpDocument, ...]:
        return self._enet().receipts_of(references)

    def credit_notes_since(
        self, cursor: str, limit: int = LIMIT
    ) -> tuple[ErpDocument | UnreadableRow, ...]:
        return self._enet().credit_notes_since(cursor, limit)

    def _enet(self) -> OrderReader:
        if self._reads_from is None:
            raise Rejected(
                "the JSON facade reads stock alone",
                f"connection {self._client.settings.conn_id}",
                "Name an enet connection in its field read_conn_id.",
            )
        return self._reads_from

    def _balance(self, names: StockMap, code: str, warehouse: str) -> int | None:
        values = {
            "company_id": self._client.settings.company_id,
            "stock_code": code,
            "warehouse": warehouse,
        }
        query = {theirs: text_of(values, word) for theirs, word in names.query.items()}
        for row in dig(self._client.get(names.path, query, code), names.rows):
            theirs = first(row, names.stock_code) if names.stock_code else code
            if same_key(code, theirs) and same_key(warehouse, first(row, names.warehouse)):
                return read_millionths(first(row, names.available), names.path)
        return None
