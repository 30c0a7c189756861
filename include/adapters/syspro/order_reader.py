"""Orders, shipments, invoices and credit notes: what order to cash reads back and polls for."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date

from include.adapters.syspro.account_reader import AccountReader
from include.adapters.syspro.cursors import Feed, changes, dated
from include.adapters.syspro.documents import comqfm, sorqdn, sorqry
from include.adapters.syspro.documents.comfnd import Find, Row
from include.adapters.syspro.documents.reply import read_amount, read_date
from include.adapters.syspro.partners.common import (
    CUSTOMER,
    ORDER,
    ORDER_FORM,
    is_order,
    key_conditions,
    with_key,
)
from include.adapters.syspro.partners.order_moves import CANCELLED, COMPLETE, status_of
from include.adapters.syspro.partners.receipts import COLUMNS as RECEIPT_COLUMNS
from include.adapters.syspro.partners.sales_orders import HEAD_COLUMNS
from include.adapters.syspro.reader import is_payment
from include.domain.erp_orders import (
    ErpDocument,
    ErpOrder,
    Shipment,
    UnreadableRow,
    key_number,
    same_key,
)
from include.domain.errors import Rejected
from include.domain.money import Money
from include.services.ports import PostingPeriod

LIMIT = 1000
ORDERS = Feed(
    "SorMaster",
    (
        "SalesOrder", "Customer", "CustomerPoNumber", "OrderStatus", "CancelledFlag",
        "DocumentType", "LastInvoice", "ShippingInstrs", "OrderDate",
    ),
    ("SalesOrder",),
    "OrderDate",
)  # fmt: skip
DOCUMENTS = Feed(
    "ArInvoice",
    (
        "Customer", "Invoice", "DocumentType", "InvoiceDate", "CurrencyValue", "PostCurrency",
        "CustomerPoNumber", "SalesOrder", "InvoiceBal1",
    ),
    ("Invoice", "Customer", "DocumentType"),
    "InvoiceDate",
)  # fmt: skip
NOTES = Feed(
    "MdnMaster",
    ("DispatchNote", "DispatchNoteStatus", "SalesOrder", "ShippingInstrs"),
    ("DispatchNote",),
    "",
)


class OrderReader(AccountReader):
    """Everything order to cash reads of one company; polls are by ``cursors.changes``.

    Call what reads by cursor inside the adapter's ``session()``: each of its questions is a session
    of its own, so that others have the operator between the pages of a long list.
    """

    def order(
        self, *, purchase_order: str = "", sales_order: str = "", customer: str = ""
    ) -> ErpOrder | None:
        """Return one order; of several with one PO the newest that is not cancelled.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        if sales_order and self._settings.order_by == "sorqry":
            return self._query_order(sales_order)
        if sales_order:
            keys = key_conditions("SalesOrder", sales_order, self._settings.key_width)
            find = Find("SorMaster", (), ORDERS.columns, any_of=keys)
            shown = self._asking.find(find, sales_order)
            rows: Sequence[Row] = with_key(shown, "salesorder", sales_order)
        elif purchase_order:
            rows = self._rows_of(purchase_order)
        else:
            raise ValueError("a sales order or a purchase order is needed")
        orders = self._orders(rows, customer)
        ranked = sorted(orders, key=lambda one: (not one.is_cancelled, one.sales_order.zfill(20)))
        return ranked[-1] if ranked else None

    def orders_of(self, purchase_order: str, customer: str) -> Sequence[ErpOrder]:
        """Return every order of a customer with one PO, cancelled ones too.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        return self._orders(self._rows_of(purchase_order), customer)

    def look_ahead(self, purchase_orders: Sequence[str], customers: Sequence[str] = ()) -> None:
        """Look for many new orders and customers in few questions, before one session sends them.

        Those that are absent are not looked for one by one before their first send in the same
        session. Call it inside ``session()``, where it saves two calls an order.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked; they are then looked for singly.
        """
        with self._asking.client.session():
            self._note_absent(ORDER, "SorMaster", "CustomerPoNumber", purchase_orders)
            self._note_absent(CUSTOMER, "ArCustomer", "Customer", customers)

    def _note_absent(self, what: str, table: str, column: str, keys: Sequence[str]) -> None:
        # A customer of digits is stored with zeros; a PO as it was given.
        width = self._settings.key_width if what == CUSTOMER else 0
        there = self._asking.present(table, column, keys, width)
        for one in keys:
            if one not in there:
                self._asking.note_absent(what, one)

    @contextmanager
    def read_ahead(
        self, purchase_orders: Sequence[str], references: Sequence[str]
    ) -> Iterator[None]:
        """Read orders, their documents and receipts together; inside, they are not asked again.

        Nothing may be written inside. What cannot be asked together is asked one by one.

        Args:
            purchase_orders: of orders.
            references: under which their receipts were booked.

        Raises:
            Retryable: SYSPRO could not be asked.
        """
        documents = (*DOCUMENTS.columns, *RECEIPT_COLUMNS)
        try:
            with suppress(Rejected), self._asking.client.session():
                column = "CustomerPoNumber"
                self._asking.read_ahead("SorMaster", column, purchase_orders, HEAD_COLUMNS)
                self._asking.read_ahead(
                    "ArInvoice", column, (*purchase_orders, *references), documents
                )
            yield
        finally:
            self._asking.forget_ahead()

    def orders_since(self, cursor: str, limit: int = LIMIT) -> tuple[ErpOrder, ...]:
        """Return orders that changed since; each carries the cursor to go on from.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        return tuple(
            self._order(row, at)
            for at, row in changes(self._asking, ORDERS, cursor, limit)
            if is_order(row)
        )

    def cancelled_since(self, cursor: str, limit: int = LIMIT) -> tuple[ErpOrder, ...]:
        """Return orders cancelled since; one cancelled while it was entered was never ours.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        feed = Feed(
            ORDERS.table,
            ORDERS.columns,
            ORDERS.key,
            ORDERS.date_column,
            (("OrderStatus", "EQ", CANCELLED[0]),),
        )
        return tuple(
            self._order(row, at)
            for at, row in changes(self._asking, feed, cursor, limit)
            if is_order(row)
        )

    def shipments_since(self, cursor: str, limit: int = LIMIT) -> tuple[Shipment, ...]:
        """Return dispatch notes that changed since, with carrier and tracking as the site has them.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        feed = dated(NOTES, self._date_column())
        wanted = self._settings.shipped_statuses
        return tuple(
            self._shipment(row, at)
            for at, row in changes(self._asking, feed, cursor, limit)
            if not wanted or row.get("dispatchnotestatus", "") in wanted
        )

    def documents_of(self, purchase_order: str, customer: str) -> tuple[ErpDocument, ...]:
        """Return the invoices, debit and credit notes of a customer's order; '' is anybody's.

        Another customer may use the same number for an order of his own.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        where = (("CustomerPoNumber", "EQ", purchase_order),)
        find = Find("ArInvoice", where, DOCUMENTS.columns)
        rows = self._asking.find_whole(find, "Invoice", purchase_order)
        found = with_key(rows, "customer", customer) if customer else rows
        return tuple(self._document(row) for row in found if not is_payment(row))

    def overpaid(self) -> set[str]:
        """Return the purchase orders of invoices of which less than nothing is left.

        They are anybody's of the company, so nothing else of them is read.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        where = (("DocumentType", "EQ", "I"), ("InvoiceBal1", "LT", "0"))
        find = Find("ArInvoice", where, DOCUMENTS.columns, return_rows=self._settings.return_rows)
        rows = self._asking.find_pages(find, "Invoice", DOCUMENTS.key, is_confirmed=True)
        return {row.get("customerponumber", "") for row in rows if not is_payment(row)}

    def applies_receipts(self) -> bool:
        return self._settings.applications != "none"

    def receipt_period(self, day: date) -> PostingPeriod:
        """Say which period a receipt of a date falls in, and whether AR counts it as open.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        return self._asking.periods.of_receipts(day)

    def receipts_of(self, references: Sequence[str]) -> tuple[ErpDocument, ...]:
        """Return the pseudo-invoices of receipts booked under these references.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        columns = DOCUMENTS.columns
        rows = self._rows_by_code("ArInvoice", columns, "CustomerPoNumber", references)
        return tuple(self._document(row) for row in rows if is_payment(row))

    def credit_notes_since(
        self, cursor: str, limit: int = LIMIT
    ) -> tuple[ErpDocument | UnreadableRow, ...]:
        """Return credit notes that changed since, of the whole company: few of them are ours.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        feed = Feed(
            DOCUMENTS.table,
            DOCUMENTS.columns,
            DOCUMENTS.key,
            DOCUMENTS.date_column,
            (("DocumentType", "EQ", "C"),),
        )
        return tuple(
            self._document_or_fault(row, at)
            for at, row in changes(self._asking, feed, cursor, limit)
            if not is_payment(row)
        )

    # Parts -----------------------------------------------------------------------------------

    def _rows_of(self, purchase_order: str) -> Sequence[Row]:
        where = (("CustomerPoNumber", "EQ", purchase_order),)
        find = Find("SorMaster", where, ORDERS.columns)
        return self._asking.find_whole(find, "SalesOrder", purchase_order)

    def _orders(self, rows: Sequence[Row], customer: str) -> Sequence[ErpOrder]:
        found = with_key(rows, "customer", customer) if customer else rows
        return [self._order(row) for row in found if is_order(row)]

    def _query_order(self, sales_order: str) -> ErpOrder | None:
        body = self._ask_known("SORQRY", sorqry.build(sales_order), sales_order)
        if body is None:
            return None
        head = self._asking.read(lambda raw: sorqry.parse(raw, sales_order), body, "SORQRY")
        return self._order(head)

    def _order(self, row: Row, cursor: str = "") -> ErpOrder:
        number, status = key_number(row.get("salesorder", "")), status_of(row)
        last_invoice = row.get("lastinvoice", "")
        return ErpOrder(
            sales_order=number,
            customer=row.get("customer", ""),
            purchase_order=row.get("customerponumber", ""),
            status=status,
            is_cancelled=status in CANCELLED,
            is_complete=status == COMPLETE,
            last_invoice=last_invoice if last_invoice.strip("0") else "",
            cursor=cursor,
        )

    def _document_or_fault(self, row: Row, cursor: str) -> ErpDocument | UnreadableRow:
        try:
            return self._document(row, cursor)
        except Rejected as fault:
            code, number = row.get("customerponumber", ""), row.get("invoice", "")
            return UnreadableRow(number, code, cursor, fault)

    def _document(self, row: Row, cursor: str = "") -> ErpDocument:
        where = f"ArInvoice {row.get('customer', '')}|{row.get('invoice', '')}"
        day = read_date(row.get("invoicedate", ""), where)
        if day is None:
            raise Rejected("a document without a date", where, "Look at it in SYSPRO.")
        currency = self._settings.iso_currency(row.get("postcurrency", ""), where)
        value = read_amount(row.get("currencyvalue", ""), currency, where)
        is_signed = row.get("documenttype", "") == "I" and not is_payment(row)
        amount = value if is_signed else Money(abs(value.minor), currency)
        sales_order = row.get("salesorder", "")
        return ErpDocument(
            customer=row.get("customer", ""),
            invoice=row.get("invoice", ""),
            document_type=row.get("documenttype", ""),
            purchase_order=row.get("customerponumber", ""),
            sales_order=key_number(sales_order) if sales_order.strip("0") else "",
            amount=amount,
            document_date=day,
            cursor=cursor,
            left=_left(row, amount, where, is_turned=amount != value),
        )

    def _shipment(self, row: Row, cursor: str) -> Shipment:
        note, sales_order = row.get("dispatchnote", ""), row.get("salesorder", "")
        instructions = row.get("shippinginstrs", "")
        if self._settings.shipments_by == "sorqdn":
            body = self._asking.client.query("SORQDN", sorqdn.build(note), note)
            head = self._asking.read(sorqdn.parse, body, "SORQDN")
            if not same_key(note, head.note):
                raise self._asking.client.faults.retryable(
                    f"the answer is about note {head.note!r}", "SORQDN", "Ask again."
                )
            sales_order, instructions = head.sales_order, head.shipping_instructions
        carrier, tracking = self._tracking(key_number(sales_order), instructions)
        return Shipment(
            sales_order=key_number(sales_order),
            note=key_number(note),
            carrier=carrier,
            tracking=tracking,
            cursor=cursor,
        )

    def _date_column(self) -> str:
        column = self._settings.shipment_date_column
        return "" if column == "none" else column

    def _tracking(self, sales_order: str, instructions: str) -> tuple[str, str]:
        """Return carrier and tracking number; no document of SYSPRO has a field for the latter."""
        settings = self._settings
        if settings.tracking_from == "custom_form":
            question = comqfm.build(ORDER_FORM, sales_order)
            body = self._asking.client.query("COMQFM", question, sales_order)
            values = self._asking.read(
                lambda raw: comqfm.parse(raw, ORDER_FORM, sales_order), body, "COMQFM"
            )
            if not isinstance(values, dict):
                return instructions, ""
            return instructions, values.get(settings.tracking_field.lower(), "")
        found = re.fullmatch(settings.tracking_pattern, instructions)
        if settings.tracking_from == "none" or found is None:
            return instructions, ""
        return found["carrier"].strip(), found["tracking"]


def _left(row: Row, amount: Money, where: str, *, is_turned: bool) -> Money | None:
    """Return what is open of a document; below zero where more than all was paid."""
    text = row.get("invoicebal1", "")
    if not text:
        return None
    left = read_amount(text, amount.currency, where)
    return -left if is_turned else left
