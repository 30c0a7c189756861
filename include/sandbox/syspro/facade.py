"""A JSON facade over the same books. SYNTHETIC: no public source shows these paths for SYSPRO.

The paths come from the project's brief; field names and answers are ours. It stands for some
middleware in front of e.net, and maps every call to the business object behind it (SYSPRO
reference, section 8). Always HTTP 200 with ``Success``, 401 for wrong credentials, 400 for a body
that is not the JSON asked for.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement

from include.sandbox.server import Request, Response, Router
from include.sandbox.syspro.documents import CallFailed, Node
from include.sandbox.syspro.facade_json import (
    BadBody,
    answer,
    copy_to,
    guarded,
    read_body,
    read_lines,
)
from include.sandbox.syspro.facade_orders import OrderFacade
from include.sandbox.syspro.sessions import Session, demo_operators
from include.sandbox.syspro.tables import Row, padded_key

if TYPE_CHECKING:
    from include.sandbox.syspro.service import SysproApp

BASE = "/APIServices"
JOURNAL = {"JournalReference": "JournalReference", "Notation": "Notation"} | {
    name: name for name in ("JournalDate", "PostingYear", "PostingPeriod", "Currency")
}
JOURNAL_LINE = {"LedgerCode": "LedgerCode", "Amount": "EntryAmount"} | {
    name: name for name in ("Reference", "Comment")
}
INVOICE = {"Reference": "TransactionReference"} | {
    name: name for name in ("Supplier", "Invoice", "InvoiceDate", "TransactionValue", "Notation")
}
INVOICE_LINE = {"LedgerCode": "LedgerCode", "Amount": "LedgerValue", "Notation": "LedgerNotation"}


class Facade:
    """Journals and supplier invoices, added and read back; orders are ``facade_orders``."""

    def __init__(self, app: "SysproApp") -> None:
        self._app = app

    def add_routes(self, router: Router) -> None:
        OrderFacade(self).add_routes(router)
        calls: tuple[tuple[str, str, Callable[[Request], Response]], ...] = (
            ("POST", "GLJournalService/AddJournalEntry", self._add_journal),
            ("GET", "GLJournalService/GetJournalEntries", self._journals),
            ("POST", "APInvoiceService/AddAPInvoice", self._add_invoice),
            ("GET", "APInvoiceService/GetAPInvoice", self._invoices),
        )
        for method, path, handler in calls:
            router.add(method, f"{BASE}/{path}", guarded(handler))

    @property
    def app(self) -> "SysproApp":
        return self._app

    def session(self, request: Request, company: str) -> Session:
        """Check Basic credentials; the facade keeps its own e.net session, so none is evicted."""
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            name = password = ""
        operator = demo_operators().get(name)
        is_known = operator is not None and operator.password == password
        if scheme.casefold() != "basic" or operator is None or not is_known:
            raise PermissionError("wrong operator or password")
        if company not in operator.companies:
            raise BadBody(f"CompanyId {company!r} is not open to {name}")
        return Session("", operator.code, company, datetime.now(UTC), 0.0)

    def post(
        self,
        request: Request,
        verb: str,
        body: Mapping[str, Any],
        root: Element,
        period: str = "",
        function: str = "",
        **more: str,
    ) -> Node:
        """Run the business object behind a call; ``more`` are parameters of its own."""
        session = self.session(request, str(body.get("CompanyId", "")))
        if verb in self._app.options.unlicensed:
            raise CallFailed(f"{verb} is not licensed")
        parameters = Element("Parameters")
        given = {"IgnoreWarnings": "N", "PostingPeriod": period or "C", **more}
        for name, value in given.items():
            SubElement(parameters, name).text = value
        content = request.body.decode("utf-8", "replace")
        return self._app.transact(session, verb, parameters, root, content, function)

    def _add_journal(self, request: Request) -> Response:
        body = read_body(request)
        root = Element("PostGlJournal")
        item = copy_to(SubElement(root, "Item"), body, JOURNAL)
        SubElement(item, "PostJournal").text = "Y"
        SubElement(item, "AuthorizeJournal").text = "A"
        for line in read_lines(body):
            copy_to(SubElement(item, "JournalDetails"), line, JOURNAL_LINE)
        reply = self.post(request, "GENTJL", body, root)
        return answer(
            reply, ("GlYear", "GlPeriod", "GlJournal", "DebitAmount", "CreditAmount", "Jnlstatus")
        )

    def _add_invoice(self, request: Request) -> Response:
        body = read_body(request)
        root = Element("PostApInvoice")
        item = copy_to(SubElement(root, "Item"), body, INVOICE)
        SubElement(item, "TransactionCode").text = "I"
        for line in read_lines(body):
            copy_to(SubElement(item, "LedgerDistribution"), line, INVOICE_LINE)
        period = str(body.get("PostingPeriod", "") or "C")
        reply = self.post(request, "APSTIN", body, root, period)
        names = ("TrnYear", "TrnMonth", "Journal", "EntryNumber", "GlJournalError")
        return answer(reply, (*names, "GlJournalMessage"))

    def _journals(self, request: Request) -> Response:
        company = request.param("CompanyId")
        self.session(request, company)
        tables = self._app.books(company).tables
        reference = request.param("JournalReference")
        found = [
            _shown_journal(row, [d for d in tables.rows("GenJournalDetail") if _is_of(d, row)])
            for row in tables.rows("GenJournalCtl")
            if row["Reference"] == reference
        ]
        return Response.of_json({"Journals": found})

    def _invoices(self, request: Request) -> Response:
        company = request.param("CompanyId")
        self.session(request, company)
        names = ("Supplier", "Invoice")
        supplier = padded_key("Supplier", request.param("Supplier"))
        wanted = {"Supplier": supplier, "Invoice": request.param("Invoice")}
        rows = self._app.books(company).tables.rows("ApInvoice")
        found = [
            {
                **{name: str(row[name]) for name in names},
                "TransactionValue": str(row["OrigInvValue"]),
            }
            | {"InvoiceDate": str(row["InvoiceDate"]), "Journal": row["Journal"]}
            for row in rows
            if all(row[name] == value for name, value in wanted.items())
        ]
        return Response.of_json({"Invoices": found})


def _is_of(detail: Row, head: Row) -> bool:
    return detail["Journal"] == head["GlJournal"]


def _shown_journal(row: Row, details: list[Row]) -> dict[str, Any]:
    lines = [
        {
            "LedgerCode": d["GlCode"],
            "Amount": str(d["EntryValue"]) if d["EntryType"] == "D" else f"-{d['EntryValue']}",
            "Reference": d["Reference"],
            "Comment": d["Comment"],
        }
        for d in details
    ]
    return {
        "GlYear": row["GlYear"],
        "GlPeriod": row["GlPeriod"],
        "GlJournal": row["GlJournal"],
        "JournalReference": row["Reference"],
        "JournalDate": str(row["JournalDate"]),
        "DebitAmount": str(row["DebitAmount"]),
        "CreditAmount": str(row["CreditAmount"]),
        "NumOfEntries": row["NumOfEntries"],
        "Status": row["JnlStatus"],
        "Lines": lines,
    }
