"""A small SYSPRO of our own on a free port, which counts what it executes, and journals to post."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from defusedxml.ElementTree import fromstring

from include.adapters.http.transport import HttpTransport
from include.adapters.syspro.adapter import SysproAdapter, open_adapter
from include.adapters.syspro.documents.ledger_queries import OPTION_ROOTS
from include.adapters.syspro.enet import EnetClient
from include.adapters.syspro.settings import SysproSettings, settings_from
from include.domain.journal import Journal, JournalKind, JournalLine
from include.domain.money import Money
from include.services.effects.ports import Effect, EffectKind
from tests.departing import leaves_at_once  # noqa: F401 - a fixture
from tests.simulator.memory import MemoryEffectStore

SESSION = b"0123456789ABCDEF0123456789ABCDEF07  "
PASSWORD = "p@ss word/1"


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Call:
    """One request as it was executed."""

    verb: str  # logon, query, post, postld, logoff
    business_object: str
    fields: dict[str, str]
    path: str


Answer = bytes | Callable[["Wire"], None]


@dataclass
class FakeSyspro:
    """Answers by verb and object; a list is used up one by one, its last answer stays."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    url: str = ""

    def on(self, what: str, *answers: Answer) -> None:
        """Script ``logon``, ``logoff``, ``query COMFND``, ``post GENTJL`` ..."""
        self.answers[what] = list(answers)

    def count(self, verb: str) -> int:
        return sum(call.verb == verb for call in self.calls)

    def verbs(self) -> list[str]:
        return [f"{call.verb} {call.business_object}".strip() for call in self.calls]

    def next_answer(self, call: Call) -> Answer:
        self.calls.append(call)
        defaults: dict[str, Answer] = {"logon": SESSION, "logoff": b"0"}
        what = f"{call.verb.removesuffix('ld')} {call.business_object}".strip()
        found = self.answers.get(what)
        root = OPTION_ROOTS.get(call.business_object, "")
        if not found and root and "query GENQSO" in self.answers:
            # The modules are where the ledger is, unless a test says otherwise.
            like = self.answers["query GENQSO"][0]
            assert isinstance(like, bytes)
            return like.replace(b"GeneralLedgerOptions", root.encode())
        if not found:
            return defaults[call.verb]
        return found.pop(0) if len(found) > 1 else found[0]


class Wire(BaseHTTPRequestHandler):
    """One connection."""

    fake: FakeSyspro

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        fields = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        last = parts.path.rsplit("/", 1)[1].lower()
        self._answer(Call(last, fields.get("BusinessObject", ""), fields, parts.path))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fields = {part.tag.rpartition("}")[2]: part.text or "" for part in fromstring(body)}
        self._answer(Call("postld", fields["BusinessObject"], fields, self.path))

    def _answer(self, call: Call) -> None:
        answer = self.fake.next_answer(call)
        with contextlib.suppress(OSError):  # a client that gave up is the point of some tests
            if callable(answer):
                answer(self)
            else:
                self.reply(answer)

    def reply(self, body: bytes, status: int = 200, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def fake() -> Iterator[FakeSyspro]:
    found = FakeSyspro()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Wire,), {"fake": found}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def make_settings(fake: FakeSyspro) -> Callable[..., SysproSettings]:
    def make(**extra: object) -> SysproSettings:
        given: dict[str, object] = {
            "company_id": "A",
            "base_currency": "USD",
            "deadline_s": 20,
            "connect_s": 10,
            "operator_wait_s": 0.5,
            **extra,
        }
        return settings_from("syspro_a", f"{fake.url}/SYSPROWCFService", "TIEOUT", PASSWORD, given)

    return make


@pytest.fixture
def leases() -> MemoryEffectStore:
    return MemoryEffectStore(Clock())


@pytest.fixture
def make_client(
    make_settings: Callable[..., SysproSettings], leases: MemoryEffectStore
) -> Callable[..., EnetClient]:
    def make(**extra: object) -> EnetClient:
        return EnetClient(make_settings(**extra), HttpTransport(), leases, "test")

    return make


@pytest.fixture
def make_adapter(
    make_settings: Callable[..., SysproSettings], leases: MemoryEffectStore
) -> Callable[..., SysproAdapter]:
    def make(**extra: object) -> SysproAdapter:
        return open_adapter(make_settings(**extra), HttpTransport(), leases, "test")

    return make


def line(account: str, minor: int, source: str, base: int | None = None) -> JournalLine:
    """One line; in EUR where a base amount in USD is given."""
    amount = Money(minor, "USD" if base is None else "EUR")
    return JournalLine(account, amount, Money(minor if base is None else base, "USD"), source)


def journal(
    kind: JournalKind, lines: tuple[JournalLine, ...], day: date, rate: int, **details: str
) -> Journal:
    return Journal(
        key=f"acme_us|{day}|B1|{lines[0].amount.currency}|{kind}|1",
        kind=kind,
        merchant_id="acme_us",
        company_id="A",
        batch_id="B1",
        settlement_date=day,
        posting_date=day,
        version=1,
        rate_millionths=rate,
        lines=lines,
        narrative="Batch B1",
        details=tuple(sorted(details.items())),
    )


@pytest.fixture
def settlement() -> Journal:
    """The day of the accounting reference: 400.00 in debits, 8 lines and a zero one."""
    return journal(
        JournalKind.settlement,
        (
            line("1160", 267_98, "net"),
            line("6150", 6_10, "fee.interchange"),
            line("6151", 52, "fee.assessment"),
            line("6152", 40, "fee.per_item"),
            line("6155", 15_00, "fee.chargeback_fee"),
            line("1170", 80_00, "chargeback"),
            line("1150", 30_00, "refund"),
            line("1165", 0, "reserve"),
            line("1150", -400_00, "gross_sale"),
        ),
        date(2026, 10, 31),
        1_000_000,
    )


@pytest.fixture
def euro_settlement() -> Journal:
    """10.00 EUR at 1.083700: 10.84 gross, 0.42 fee, 10.41 net, and 0.01 of rounding in USD."""
    return journal(
        JournalKind.settlement,
        (
            line("1160", 9_61, "net", 10_41),
            line("6150", 39, "fee.interchange", 42),
            line("6190", 0, "fx_rounding", 1),
            line("1150", -10_00, "gross_sale", -10_84),
        ),
        date(2026, 10, 31),
        1_083_700,
    )


@pytest.fixture
def deposit() -> Journal:
    return journal(
        JournalKind.funding,
        (line("1000", 267_98, "bank"), line("1160", -267_98, "net")),
        date(2026, 11, 2),
        1_000_000,
        bank_code="BUS",
        contra_account="1000",
    )


@pytest.fixture
def fee_invoice() -> Journal:
    return journal(
        JournalKind.fee_invoice,
        (
            line("6150", 7_02, "fee.interchange"),
            line("6155", 15_00, "fee.chargeback_fee"),
            line("2050", -22_02, "acquirer_payable"),
        ),
        date(2026, 10, 31),
        1_000_000,
        supplier="ACQ001",
        invoice="ST-20261031",
        contra_account="2050",
    )


@pytest.fixture
def credit_note(fee_invoice: Journal) -> Journal:
    """A restatement downward by 1.00, of which 0.20 went from one kind of fee to another."""
    return journal(
        JournalKind.fee_invoice,
        (
            line("6150", -1_20, "fee.interchange"),
            line("6155", 20, "fee.chargeback_fee"),
            line("2050", 1_00, "acquirer_payable"),
        ),
        date(2026, 10, 31),
        1_000_000,
        supplier="ACQ001",
        invoice="ST-20261031-V2",
        contra_account="2050",
    )


KINDS = {
    JournalKind.settlement: EffectKind.gl_journal,
    JournalKind.funding: EffectKind.cash_book_entry,
    JournalKind.fee_invoice: EffectKind.ap_invoice,
}


@pytest.fixture
def effect_for() -> Callable[..., Effect]:
    def make(posting: Journal, **more: Any) -> Effect:
        return Effect(
            kind=KINDS[posting.kind],
            key=posting.key,
            reference=posting.reference,
            payload=posting.to_payload(),
            digest=posting.digest,
            target=posting.company_id,
            currency=posting.base_currency,
            amount_minor=posting.debit_total.minor,
            owner="finance",
            **more,
        )

    return make
