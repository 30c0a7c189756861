"""A sandbox of SYSPRO alone over a tiny world, and a client that speaks raw HTTP to it."""

import http.client
import json
import urllib.parse
from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring

from include.sandbox.board import Sandbox, new_ledger
from include.sandbox.syspro import SysproApp
from include.sandbox.world import World

REST = "/SYSPROWCFService/Rest"


class TinyWorld:
    """Three days with two documents each, the same in every company."""

    start = date(2026, 11, 1)
    last = date(2026, 11, 3)

    def labels(self, merchant: str, day: date) -> list[Any]:
        return [{"label": "late", "merchant": merchant, "on": day.isoformat()}]

    def erp_tables(self, company: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for code, control, hold in (
            ("1000", "N", "N"),
            ("1150", "N", "N"),
            ("1160", "N", "N"),
            ("1200", "Y", "N"),
            ("1300", "N", "Y"),
            ("2050", "N", "N"),
            ("6150", "N", "N"),
        ):
            row = {"GlCode": code, "Description": f"Account {code}", "AccountType": "A"}
            yield "GenMaster", {**row, "ControlAccFlag": control, "AccOnHldFlag": hold}
        yield "ArCustomer", {"Customer": "183", "Name": "Café Zoë", "Currency": "USD"}
        yield "ApSupplier", {"Supplier": "ACQ001", "SupplierName": "Acquirer", "Currency": ""}
        yield "ApSupplier", {"Supplier": "ACQ002", "SupplierName": "Abroad", "Currency": "EUR"}
        yield "CshBank", {"Bank": "BUS", "Description": "Dollars", "Currency": ""}
        yield "CshBank", {"Bank": "BEU", "Description": "Euros", "Currency": "EUR"}
        for number in range(3):
            yield from self.erp_day(company, date(2026, 11, 1 + number))

    def erp_day(self, company: str, day: date) -> Iterator[tuple[str, dict[str, Any]]]:
        for number, value in ((1, "100.00"), (2, "-7.50")):
            yield (
                "ArInvoice",
                {
                    "Customer": "183",
                    "Invoice": f"{day.day}{number}",
                    "DocumentType": "I" if number == 1 else "C",
                    "InvoiceDate": day.isoformat(),
                    "CurrencyValue": value,
                    "PostCurrency": "USD",
                    "CustomerPoNumber": f"PO-{day.day}{number}",
                },
            )

    def erp_days(self, column: str, value: str) -> None:
        """Any day can hold any value."""

    def reset(self) -> None:
        """Nothing in it changes."""


class Wire:
    """Talks to one sandbox as a stranger would: HTTP and XML, nothing shared."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.user = ""

    def raw(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        url: str = "",
    ) -> tuple[int, dict[str, str], bytes]:
        """Make one call on a connection of its own."""
        address = urlsplit(url or self.sandbox.syspro_url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
        try:
            connection.request(method, path, body or None, headers or {})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def get(self, verb: str, **query: str) -> bytes:
        return self.raw("GET", f"{REST}/{verb}?{urllib.parse.urlencode(query)}")[2]

    def log_on(self, company: str = "A", operator: str = "", xml: str = "") -> bytes:
        answer = self.get(
            "Logon",
            Operator=operator or f"TIEOUT_{company}",
            OperatorPassword="sandbox-admin" if operator else f"sandbox-{company}",
            CompanyId=company,
            CompanyPassword="",
            **({"XmlIn": xml} if xml else {}),
        )
        if not answer.startswith(b"ERROR"):
            self.user = answer.decode()
        return answer

    def query(self, name: str, xml: str) -> Element:
        answer = self.get("Query/Query", UserId=self.user, BusinessObject=name, XmlIn=xml)
        assert not answer.startswith(b"ERROR"), answer
        return parsed(answer)

    def post(self, name: str, xml: str, parameters: str = "") -> Element:
        return parsed(self.post_bytes(name, xml, parameters))

    def post_bytes(self, name: str, xml: str, parameters: str = "") -> bytes:
        return self.get(
            "Transaction/Post",
            UserId=self.user,
            BusinessObject=name,
            XmlParameters=parameters,
            XmlIn=xml,
        )

    def setup(self, function: str, name: str, xml: str, parameters: str = "") -> Element:
        """Call Setup/Add, Setup/Update or Setup/Delete."""
        answer = self.get(
            f"Setup/{function}",
            UserId=self.user,
            BusinessObject=name,
            XmlParameters=parameters,
            XmlIn=xml,
        )
        return parsed(answer)

    def clerk(self, action: str, **facts: object) -> Any:
        """Let a person in the ERP do something."""
        return self.control("POST", "clerk", {"action": action, "company": "A", **facts})

    def rows(self, table: str, **equal: str) -> list[dict[str, str]]:
        """Ask COMFND for the rows of a table with these values."""
        parts = "".join(
            f"<Expression><AndOr>And</AndOr><Column>{column}</Column><Condition>EQ</Condition>"
            f"<Value>{value}</Value></Expression>"
            for column, value in equal.items()
        )
        query = f"<Query><TableName>{table}</TableName><Where>{parts}</Where></Query>"
        found = self.query("COMFND", query).findall("Row")
        return [{c.tag: (c.text or "").strip() for c in row} for row in found]

    def done(self, verb: str, **wanted: str) -> list[dict[str, Any]]:
        """Return the committed executions of a verb from the truth ledger."""
        query = urllib.parse.urlencode(
            {"system": "syspro", "verb": verb, "committed": "true", **wanted}
        )
        found: list[dict[str, Any]] = self.control("GET", f"ledger?{query}")
        return found

    def control(self, method: str, path: str, facts: object = None) -> Any:
        body = json.dumps(facts).encode() if facts is not None else b""
        status, _, answer = self.raw(method, f"/control/{path}", body, url=self.sandbox.control_url)
        assert status < 300, answer
        return json.loads(answer)

    def spoil(self, fault: str, match: str = "GENTJL", **settings: object) -> None:
        self.control(
            "POST", "faults", {"system": "syspro", "match": match, "fault": fault, **settings}
        )

    def executed(self, verb: str = "GENTJL") -> int:
        return len(self.control("GET", f"ledger?system=syspro&verb={verb}&committed=true"))


def parsed(document: bytes) -> Element:
    root: Element = fromstring(document.decode("cp1252").partition("?>")[2].encode("utf-8"))
    return root


@pytest.fixture
def wire() -> Iterator[Wire]:
    world, ledger = TinyWorld(), new_ledger(None)
    sandbox = Sandbox(world, [SysproApp(world, ledger)], ledger)
    wire = Wire(sandbox)
    wire.log_on()
    yield wire
    sandbox.stop()


@pytest.fixture
def desk() -> Iterator[Wire]:
    """The SYSPRO of a small generated world, with its stock and customers; live on 3 November."""
    world, ledger = World(start=date(2026, 10, 1), days=61, volume=5), new_ledger(None)
    app = SysproApp(world, ledger, live_date=date(2026, 11, 3))
    wire = Wire(Sandbox(world, [app], ledger))
    wire.log_on()
    yield wire
    wire.sandbox.stop()


@pytest.fixture
def journal() -> str:
    """A balanced journal of ten dollars, dated in the current period."""
    return gl_journal(("1160", "10.00"), ("1150", "-10.00"))


def gl_journal(*lines: tuple[str, str], reference: str = "TO1", **heads: str) -> str:
    """Write a GENTJL document; ``heads`` replace elements of its item."""
    facts = {
        "JournalReference": reference,
        "JournalDate": "2026-11-03",
        "PostJournal": "Y",
        "AuthorizeJournal": "A",
        "PostingPeriod": "11",
        "PostingYear": "2026",
        **heads,
    }
    head = "".join(f"<{name}>{value}</{name}>" for name, value in facts.items())
    details = "".join(
        f"<JournalDetails><LedgerCode>{code}</LedgerCode><Reference>{reference}</Reference>"
        f"<EntryAmount>{amount}</EntryAmount></JournalDetails>"
        for code, amount in lines
    )
    return f"<PostGlJournal><Item>{head}{details}</Item></PostGlJournal>"


@pytest.fixture
def make_journal() -> Any:
    return gl_journal
