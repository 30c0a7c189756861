"""SYSPRO's read side: AR documents by COMFND, and posting periods."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from include.adapters.syspro.documents.comfnd import Find, Row
from include.adapters.syspro.documents.reply import read_amount, read_date
from include.adapters.syspro.partners.common import Asking
from include.domain.errors import Rejected
from include.domain.merchant import ErpCondition
from include.services.ports import PostingPeriod

COLUMNS = (
    "Customer", "Invoice", "DocumentType", "InvoiceDate", "CurrencyValue", "PostCurrency",
    "CustomerPoNumber", "SalesOrder",
)  # fmt: skip
KEY = ("Customer", "Invoice", "DocumentType")
_PAYMENT = re.compile(r"_CRD|TO[0-9A-F]{18}$")  # the second is domain.orders.reference_of
# I invoice, D debit note, C credit note (reference, section 4.4).
KINDS = {"I": ("sale", 1), "D": ("sale", 1), "C": ("refund", -1)}


class EnetReader:
    """Satisfies ``services.ports.ErpReader`` for the company of one connection."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._settings = asking.client.settings

    def documents(
        self, company_id: str, first: date, last: date, only: Sequence[ErpCondition] = ()
    ) -> Iterator[Mapping[str, object]]:
        """Yield AR documents dated first..last, rows as ``settlement.DOCUMENT_COLUMNS``.

        Payments are none, though SYSPRO keeps an unapplied one among them as ``_CRDnn`` and we may
        book a refund's money as a debit note: both pay a document, and would count it twice.
        Pages go by invoice number; call it inside ``session()``, or each is a logon of its own.
        SYSPRO itself leaves out what does not fulfil ``only``: its columns hold blank, never NULL,
        so NE loses nothing.

        Raises:
            Retryable: SYSPRO could not be asked.
            Rejected: another company, or a document that cannot be read: value and key are named.
        """
        self._demand_company(company_id)
        find = Find(
            "ArInvoice",
            (
                ("InvoiceDate", "GE", first.isoformat()),
                ("InvoiceDate", "LE", last.isoformat()),
                *only,
            ),
            COLUMNS,
            return_rows=self._settings.return_rows,
        )
        for row in self._asking.find_pages(find, "Invoice", KEY, is_confirmed=True):
            if not is_payment(row):
                yield self._document(row)

    def posting_period(self, company_id: str, posting_date: date) -> PostingPeriod:
        """Say which period a date falls in and whether it is open.

        Raises:
            Retryable, Rejected: the ledger could not be asked.
        """
        self._demand_company(company_id)
        return self._asking.periods.of(posting_date)

    def _document(self, row: Row) -> dict[str, object]:
        document_id = "|".join(row.get(column.lower(), "") for column in KEY)
        where = f"ArInvoice {document_id}, connection {self._settings.conn_id}"
        kind = KINDS.get(row.get("documenttype", ""))
        day = read_date(row.get("invoicedate", ""), where)
        if kind is None or day is None:
            raise Rejected(
                f"a document of type {row.get('documenttype', '')!r} dated "
                f"{row.get('invoicedate', '')!r}",
                where,
                "Look at it in SYSPRO; only I, D and C with a date are known.",
            )
        currency = self._settings.iso_currency(row.get("postcurrency", ""), where)
        amount = read_amount(row.get("currencyvalue", ""), currency, where)
        return {
            "document_id": document_id,
            "document_kind": kind[0],
            "merchant_reference": row.get("customerponumber") or None,
            "currency": currency,
            # A credit note may be kept with either sign; the class decides.
            "amount_minor": -abs(amount.minor) if kind[1] < 0 else amount.minor,
            "document_date": day,
            "sales_order": row["salesorder"] if row.get("salesorder", "").strip("0") else None,
        }

    def _demand_company(self, company_id: str) -> None:
        if company_id != self._settings.company_id:
            raise Rejected(
                f"company {company_id!r} was asked of a connection to "
                f"{self._settings.company_id!r}",
                f"connection {self._settings.conn_id}",
                "Name the right SYSPRO connection in the merchant's mapping.",
            )


def is_payment(row: Row) -> bool:
    """Say whether a row of ArInvoice is money: SYSPRO's pseudo-invoice, or our debit note."""
    return _PAYMENT.match(row.get("invoice", "")) is not None
