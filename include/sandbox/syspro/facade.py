"""A JSON facade over the same books. SYNTHETIC: no public source shows these paths for SYSPRO.

The paths come from the project's brief; field names and answers are ours. It stands for some
middleware in front of e.net, and maps every call to the business object behind it (SYSPRO
reference, section 8). Always HTTP 200 with ``Success``, 401 for wrong credentials, 400 for a body
that is not the JSON asked for.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement

from include.sandbox.server import Request, Response, Router
from include.sandbox.syspro.documents import CallFailed, Node
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


class BadBody(ValueError):
    """The body is not the JSON asked for."""


class Facade:
    """Four calls: add and read back a journal, add and read back an invoice."""

    def __init__(self, app: "SysproApp") -> None:
        self._app = app

    def add_routes(self, router: Router) -> None:
        calls: tuple[tuple[str, str, Callable[[Request], Response]], ...] = (
            ("POST", "GLJournalService/AddJournalEntry", self._add_journal),
            ("GET", "GLJournalService/GetJournalEntries", self._journals),
            ("POST", "APInvoiceService/AddAPInvoice", self._add_invoice),
            ("GET", "APInvoiceService/GetAPInvoice", self._invoices),
        )
        for method, path, handler in calls:
            router.add(method, f"{BASE}/{path}", _guarded(handler))

    def _session(self, request: Request, company: str) -> Session:
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

    def _post(
        self, request: Request, verb: str, body: Mapping[str, Any], root: Element, period: str = ""
    ) -> Node:
        session = self._session(request, str(body.get("CompanyId", "")))
        if verb in self._app.options.unlicensed:
            raise CallFailed(f"{verb} is not licensed")
        parameters = Element("Parameters")
        SubElement(parameters, "IgnoreWarnings").text = "N"
        SubElement(parameters, "PostingPeriod").text = period or "C"
        content = request.body.decode("utf-8", "replace")
        return self._app.transact(session, verb, parameters, root, content)

    def _add_journal(self, request: Request) -> Response:
        body = _body(request)
        root = Element("PostGlJournal")
        item = _copy(SubElement(root, "Item"), body, JOURNAL)
        SubElement(item, "PostJournal").text = "Y"
        SubElement(item, "AuthorizeJournal").text = "A"
        for line in _lines(body):
            _copy(SubElement(item, "JournalDetails"), line, JOURNAL_LINE)
        reply = self._post(request, "GENTJL", body, root)
        return _answer(
            reply, ("GlYear", "GlPeriod", "GlJournal", "DebitAmount", "CreditAmount", "Jnlstatus")
        )

    def _add_invoice(self, request: Request) -> Response:
        body = _body(request)
        root = Element("PostApInvoice")
        item = _copy(SubElement(root, "Item"), body, INVOICE)
        SubElement(item, "TransactionCode").text = "I"
        for line in _lines(body):
            _copy(SubElement(item, "LedgerDistribution"), line, INVOICE_LINE)
        period = str(body.get("PostingPeriod", "") or "C")
        reply = self._post(request, "APSTIN", body, root, period)
        names = ("TrnYear", "TrnMonth", "Journal", "EntryNumber", "GlJournalError")
        return _answer(reply, (*names, "GlJournalMessage"))

    def _journals(self, request: Request) -> Response:
        company = request.param("CompanyId")
        self._session(request, company)
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
        self._session(request, company)
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


def _body(request: Request) -> Mapping[str, Any]:
    try:
        found = request.json()
    except ValueError as fault:
        raise BadBody(f"not JSON: {fault}") from fault
    if not isinstance(found, dict):
        raise BadBody("a JSON object is needed")
    return found


def _lines(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    lines = body.get("Lines")
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise BadBody("Lines must be a list of objects")
    return lines


def _copy(element: Element, given: Mapping[str, Any], names: Mapping[str, str]) -> Element:
    """Copy known members to elements; a number must come as text, so that no digit is lost."""
    for name, tag in names.items():
        value = given.get(name)
        if isinstance(value, float):
            raise BadBody(f'{name} must be a string such as "12.34"')
        if value is not None:
            SubElement(element, tag).text = str(value)
    return element


def _answer(reply: Node, wanted: tuple[str, ...]) -> Response:
    errors = list(_errors(reply))
    if errors:
        return Response.of_json({"Success": False, "Errors": errors})
    leaves = {leaf.name: leaf.content for leaf in _walk(reply) if isinstance(leaf.content, str)}
    facts = {name: leaves[name] for name in wanted if name in leaves}
    return Response.of_json({"Success": True, **facts})


def _errors(node: Node) -> Iterator[dict[str, str]]:
    for found in _walk(node):
        if isinstance(found.content, str):
            continue
        parts = {c.name: c.content for c in found.content if isinstance(c.content, str)}
        if "ErrorNumber" in parts:
            yield {
                "Field": found.name,
                "Code": parts["ErrorNumber"],
                "Message": parts["ErrorDescription"],
            }


def _walk(node: Node) -> Iterator[Node]:
    yield node
    if not isinstance(node.content, str):
        for child in node.content:
            yield from _walk(child)


def _guarded(handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        try:
            return handler(request)
        except PermissionError as refusal:
            headers = [("WWW-Authenticate", 'Basic realm="facade"')]
            response = Response.of_json(
                {"Success": False, "Errors": [{"Message": str(refusal)}]}, 401
            )
            response.headers += headers
            return response
        except BadBody as fault:
            return Response.of_json({"Success": False, "Errors": [{"Message": str(fault)}]}, 400)
        except CallFailed as failure:
            return Response.of_json({"Success": False, "Errors": [{"Message": str(failure)}]})

    return answer
