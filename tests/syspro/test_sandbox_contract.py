"""The whole way over HTTP: engine, partners and both adapters against the sandbox's SYSPRO."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.adapters.http.transport import HttpTransport
from include.adapters.syspro.adapter import SysproAdapter, open_adapter
from include.adapters.syspro.documents.comfnd import Find
from include.adapters.syspro.settings import settings_from
from include.domain.errors import Rejected
from include.domain.journal import Journal
from include.domain.money import Money
from include.sandbox import Sandbox, start
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind, EffectState, Timings
from include.services.ports import PeriodState
from tests.simulator.memory import MemoryEffectStore

TIMINGS = Timings(
    deadline=timedelta(seconds=60),
    quiescence=timedelta(seconds=300),
    look_gap=timedelta(seconds=60),
    verify_after=timedelta(0),
)


@dataclass
class Clock:
    """Moved by hand, so that waiting out Q takes no time."""

    at: datetime = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    sandbox = start(seed=11, volume=5, start=date(2026, 10, 20), days=25)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset()
    return running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> MemoryEffectStore:
    return MemoryEffectStore(clock)


@pytest.fixture
def open_syspro(sandbox: Sandbox, store: MemoryEffectStore) -> Callable[..., SysproAdapter]:
    def make(company: str = "A", **extra: object) -> SysproAdapter:
        given = {"company_id": company, "base_currency": "USD", "deadline_s": 20, "connect_s": 10}
        path = "" if extra.get("adapter") == "api_services" else "/SYSPROWCFService"
        settings = settings_from(
            "syspro_a",
            sandbox.syspro_url + path,
            f"TIEOUT_{company}",
            f"sandbox-{company}",
            {**given, **extra},
        )
        return open_adapter(settings, HttpTransport(), store, "test")

    return make


@pytest.fixture
def make_engine(store: MemoryEffectStore, clock: Clock) -> Callable[[SysproAdapter], Engine]:
    def make(adapter: SysproAdapter) -> Engine:
        timings = dict.fromkeys(EffectKind, TIMINGS)
        return Engine(store, adapter.partners, clock, timings)

    return make


def control(sandbox: Sandbox, path: str, **facts: Any) -> None:
    request = urllib.request.Request(  # noqa: S310 - our own server on this machine
        f"{sandbox.control_url}/control/{path}", json.dumps(facts).encode(), method="POST"
    )
    urllib.request.urlopen(request).read()  # noqa: S310


def fault(sandbox: Sandbox, what: str, match: str, **more: Any) -> None:
    control(sandbox, "faults", system="syspro", match=match, fault=what, **more)


def executed(sandbox: Sandbox, verb: str, reference: str) -> int:
    """Count the postings that the truth ledger holds."""
    url = f"{sandbox.control_url}/control/ledger?system=syspro&verb={verb}"
    rows = json.load(urllib.request.urlopen(url))  # noqa: S310
    return sum(row["reference"] == reference and row["committed"] for row in rows)


def drive(engine: Engine, effect: Effect, clock: Clock, rounds: int = 6) -> Effect:
    """Intend, then let the janitor's time pass until the effect rests."""
    engine.intend(effect)
    for _ in range(rounds):
        found = engine.advance(effect.kind, effect.key)
        if found.state in (EffectState.verified, EffectState.rejected, EffectState.mismatched):
            return found
        clock.at += timedelta(seconds=301)
    return found


@pytest.fixture(params=["settlement", "deposit", "fee_invoice", "credit_note"])
def posting(request: pytest.FixtureRequest) -> Journal:
    found: Journal = request.getfixturevalue(request.param)
    return found


VERBS = {
    EffectKind.gl_journal: "GENTJL",
    EffectKind.cash_book_entry: "CSHTWD",
    EffectKind.ap_invoice: "APSTIN",
}


def truth(sandbox: Sandbox, effect: Effect, journal: Journal) -> int:
    invoice = dict(journal.details).get("invoice")
    return executed(sandbox, VERBS[effect.kind], invoice or effect.reference)


def test_each_kind_is_posted_once_read_back_and_verified_in_six_calls_at_most(
    sandbox: Sandbox,
    open_syspro: Callable[..., SysproAdapter],
    make_engine: Callable[..., Engine],
    clock: Clock,
    effect_for: Callable[..., Effect],
    posting: Journal,
) -> None:
    adapter, effect = open_syspro(), effect_for(posting)
    engine = make_engine(adapter)
    engine.intend(effect)
    with adapter.session():
        found = engine.advance(effect.kind, effect.key)
    assert found.state is EffectState.verified, found.reason
    assert adapter.calls() <= 6
    assert truth(sandbox, effect, posting) == 1
    back = engine.read_back(effect.kind, effect.key)
    assert back.differences == ()
    assert back.found[0].facts["total_minor"] == posting.debit_total.minor


FAULTS = [
    "drop_after_commit", "drop_before_commit", "500", "502", "503", "half_body", "garbage",
    "error_text", "session_lost", "html", "redirect",
]  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_while_posting_leaves_each_kind_posted_exactly_once(
    sandbox: Sandbox,
    open_syspro: Callable[..., SysproAdapter],
    make_engine: Callable[..., Engine],
    clock: Clock,
    effect_for: Callable[..., Effect],
    posting: Journal,
    what: str,
) -> None:
    effect = effect_for(posting)
    fault(sandbox, what, VERBS[effect.kind])
    engine = make_engine(open_syspro())
    engine.intend(effect)
    assert engine.advance(effect.kind, effect.key).state is EffectState.in_doubt
    found = drive(engine, effect, clock)
    assert found.state is EffectState.verified, found.reason
    assert truth(sandbox, effect, posting) == 1


@pytest.mark.parametrize("what", ["drop_after_commit", "500", "garbage", "session_lost", "html"])
def test_a_fault_while_looking_posts_nothing_twice(
    sandbox: Sandbox,
    open_syspro: Callable[..., SysproAdapter],
    make_engine: Callable[..., Engine],
    clock: Clock,
    effect_for: Callable[..., Effect],
    settlement: Journal,
    what: str,
) -> None:
    fault(sandbox, what, "COMFND", times=2)
    effect = effect_for(settlement)
    found = drive(make_engine(open_syspro()), effect, clock)
    assert found.state is EffectState.verified, found.reason
    assert truth(sandbox, effect, settlement) == 1


def test_a_second_delivery_by_the_network_is_found_and_named(
    sandbox: Sandbox,
    open_syspro: Callable[..., SysproAdapter],
    make_engine: Callable[..., Engine],
    clock: Clock,
    effect_for: Callable[..., Effect],
    settlement: Journal,
) -> None:
    fault(sandbox, "second_delivery", "GENTJL")
    found = drive(make_engine(open_syspro()), effect_for(settlement), clock)
    assert found.state is EffectState.mismatched
    assert "2 carry" in found.reason


def test_a_closed_period_parks_the_posting_and_opening_it_posts_once(
    sandbox: Sandbox,
    open_syspro: Callable[..., SysproAdapter],
    make_engine: Callable[..., Engine],
    clock: Clock,
    effect_for: Callable[..., Effect],
    settlement: Journal,
) -> None:
    control(sandbox, "periods", company="A", year=2026, period=10, state="closed")
    adapter, effect = open_syspro(), effect_for(settlement)
    assert adapter.reader.posting_period("A", date(2026, 10, 31)).state is PeriodState.closed
    engine = make_engine(adapter)
    engine.intend(effect)
    found = engine.advance(effect.kind, effect.key)
    assert found.state is EffectState.parked
    assert "period 10/2026 of company A" in found.reason
    control(sandbox, "periods", company="A", year=2026, period=10, state="open")
    assert engine.advance(effect.kind, effect.key).state is EffectState.verified
    assert truth(sandbox, effect, settlement) == 1


def test_a_failed_gl_journal_behind_a_taken_invoice_is_a_mismatch(
    sandbox: Sandbox,
    open_syspro: Callable[..., SysproAdapter],
    make_engine: Callable[..., Engine],
    clock: Clock,
    effect_for: Callable[..., Effect],
    fee_invoice: Journal,
) -> None:
    control(sandbox, "syspro", gl_journal_error={"APSTIN": "Ledger locked"})
    found = drive(make_engine(open_syspro()), effect_for(fee_invoice), clock)
    assert found.state is EffectState.mismatched
    assert "failed: 000001 Ledger locked" in found.reason


def test_a_journal_that_was_taken_and_not_posted_is_a_mismatch(
    sandbox: Sandbox,
    open_syspro: Callable[..., SysproAdapter],
    make_engine: Callable[..., Engine],
    clock: Clock,
    effect_for: Callable[..., Effect],
    settlement: Journal,
) -> None:
    control(sandbox, "syspro", journals_unposted=True)
    found = drive(make_engine(open_syspro()), effect_for(settlement), clock)
    assert found.state is EffectState.mismatched
    assert "journal status: ours P, theirs U" in found.reason


def test_an_unlicensed_object_is_rejected_with_what_to_ask_for(
    sandbox: Sandbox,
    open_syspro: Callable[..., SysproAdapter],
    make_engine: Callable[..., Engine],
    clock: Clock,
    effect_for: Callable[..., Effect],
    settlement: Journal,
) -> None:
    control(sandbox, "syspro", unlicensed=["GENTJL"])
    found = drive(make_engine(open_syspro()), effect_for(settlement), clock)
    assert found.state is EffectState.rejected
    assert "licence that covers GENTJL" in found.reason


def test_a_long_journal_goes_by_postld_and_is_the_same_journal(
    sandbox: Sandbox,
    open_syspro: Callable[..., SysproAdapter],
    make_engine: Callable[..., Engine],
    clock: Clock,
    effect_for: Callable[..., Effect],
    settlement: Journal,
) -> None:
    found = drive(make_engine(open_syspro(url_limit=2500)), effect_for(settlement), clock)
    assert found.state is EffectState.verified, found.reason
    assert truth(sandbox, effect_for(settlement), settlement) == 1


def money_of(journal: Journal, company: str, base: str, scale: int, **details: str) -> Journal:
    """The same journal in another company: EUR amounts, or yen, with bases ``scale`` hundredths."""
    currency = "EUR" if base != "JPY" else "JPY"
    lines = tuple(
        replace(
            line,
            amount=Money(line.amount.minor, currency),
            base=Money(line.amount.minor * scale // 100, base),
        )
        for line in journal.lines
    )
    return replace(
        journal,
        key=f"{journal.key}|{company}",
        company_id=company,
        lines=lines,
        rate_millionths=scale * 10_000,
        details=tuple(sorted({**dict(journal.details), **details}.items())),
    )


def test_a_credit_note_takes_off_what_the_bill_said_too_much(
    sandbox: Sandbox,
    open_syspro: Callable[..., SysproAdapter],
    make_engine: Callable[..., Engine],
    clock: Clock,
    effect_for: Callable[..., Effect],
    credit_note: Journal,
) -> None:
    adapter, effect = open_syspro(), effect_for(credit_note)
    document = adapter.partners[EffectKind.ap_invoice].document(credit_note)  # type: ignore[attr-defined]
    assert "<TransactionCode>C</TransactionCode>" in document
    assert "<TransactionValue>1.00</TransactionValue>" in document
    assert drive(make_engine(adapter), effect, clock).state is EffectState.verified
    url = f"{sandbox.control_url}/control/ledger?system=syspro&verb=APSTIN"
    row = json.load(urllib.request.urlopen(url))[-1]  # noqa: S310
    assert row["lines"] == [
        {"gl_code": "6150", "amount": "1.20"},
        {"gl_code": "6155", "amount": "-0.20"},
    ]


def test_a_credit_note_that_was_posted_twice_is_a_mismatch(
    sandbox: Sandbox,
    open_syspro: Callable[..., SysproAdapter],
    make_engine: Callable[..., Engine],
    clock: Clock,
    effect_for: Callable[..., Effect],
    credit_note: Journal,
) -> None:
    fault(sandbox, "second_delivery", "APSTIN")
    found = drive(make_engine(open_syspro()), effect_for(credit_note), clock)
    assert found.state is EffectState.mismatched
    assert "invoice value: ours 1.00 USD, theirs 2.00 USD" in found.reason


def test_a_foreign_deposit_that_the_ledger_holds_at_another_value_does_not_tie(
    open_syspro: Callable[..., SysproAdapter],
    make_engine: Callable[..., Engine],
    effect_for: Callable[..., Effect],
    deposit: Journal,
) -> None:
    """SYSPRO converts the whole deposit by the one rate it is sent, whatever our lines say."""
    euros = money_of(deposit, "B", "GBP", 50, bank_code="BEU")
    claimed = replace(  # as if a part of it had been booked at another rate
        euros,
        lines=tuple(
            replace(x, base=Money(x.base.minor + (20_00 if x.base.minor > 0 else -20_00), "GBP"))
            for x in euros.lines
        ),
    )
    engine, effect = make_engine(open_syspro("B", base_currency="GBP")), effect_for(claimed)
    engine.intend(effect)
    found = engine.advance(effect.kind, effect.key)
    assert found.state is EffectState.mismatched
    assert "GBP in the ledger: ours 153.99 GBP, theirs 133.99 GBP" in found.reason
    back = engine.read_back(effect.kind, effect.key)
    assert back.found[0].facts["total_minor"] == 133_99


@pytest.mark.parametrize("what", ["drop_after_commit", "garbage"])
def test_a_foreign_deposit_whose_answer_was_lost_is_read_back_from_the_ledger(
    sandbox: Sandbox,
    open_syspro: Callable[..., SysproAdapter],
    make_engine: Callable[..., Engine],
    clock: Clock,
    effect_for: Callable[..., Effect],
    deposit: Journal,
    what: str,
) -> None:
    euros = money_of(deposit, "B", "GBP", 50, bank_code="BEU")
    fault(sandbox, what, "CSHTWD")
    engine, effect = make_engine(open_syspro("B", base_currency="GBP")), effect_for(euros)
    assert drive(engine, effect, clock).state is EffectState.verified
    facts = engine.read_back(effect.kind, effect.key).found[0].facts
    assert (facts["total_minor"], facts["is_in_ledger"]) == (133_99, True)


@pytest.mark.parametrize(
    ("name", "company", "base", "scale", "details"),
    [
        ("settlement", "J", "JPY", 100, {}),
        ("deposit", "J", "JPY", 100, {"bank_code": "BJP"}),
        ("deposit", "B", "GBP", 50, {"bank_code": "BEU"}),
        ("fee_invoice", "B", "GBP", 50, {}),
    ],
)
def test_yen_without_minor_digits_and_euros_in_a_pound_company_tie(
    sandbox: Sandbox,
    open_syspro: Callable[..., SysproAdapter],
    make_engine: Callable[..., Engine],
    effect_for: Callable[..., Effect],
    request: pytest.FixtureRequest,
    name: str,
    company: str,
    base: str,
    scale: int,
    details: dict[str, str],
) -> None:
    posting = money_of(request.getfixturevalue(name), company, base, scale, **details)
    adapter, effect = open_syspro(company, base_currency=base), effect_for(posting)
    engine = make_engine(adapter)
    engine.intend(effect)
    found = engine.advance(effect.kind, effect.key)
    assert found.state is EffectState.verified, found.reason
    total = engine.read_back(effect.kind, effect.key).found[0].facts["total_minor"]
    assert total == posting.debit_total.minor


def test_no_session_is_left_behind(
    sandbox: Sandbox, open_syspro: Callable[..., SysproAdapter]
) -> None:
    adapter: Any = open_syspro()
    adapter.check()
    with pytest.raises(Rejected), adapter.session():
        adapter.reader._asking.find(Find("ArInvoice", (("Nothing", "EQ", "\u4e00"),)))
    app: Any = next(app for app in sandbox.apps if app.system == "syspro")
    assert app.sessions.live() == []


@pytest.mark.parametrize("name", ["settlement", "fee_invoice"])
@pytest.mark.parametrize("what", ["", "drop_after_commit", "drop_before_commit", "500"])
def test_the_facade_posts_once_behind_the_same_ports(
    sandbox: Sandbox,
    open_syspro: Callable[..., SysproAdapter],
    make_engine: Callable[..., Engine],
    clock: Clock,
    effect_for: Callable[..., Effect],
    request: pytest.FixtureRequest,
    name: str,
    what: str,
) -> None:
    posting: Journal = request.getfixturevalue(name)
    if what:
        fault(sandbox, what, "Add")
    effect = effect_for(posting)
    engine = make_engine(open_syspro(adapter="api_services"))
    found = drive(engine, effect, clock)
    assert found.state is EffectState.verified, found.reason
    assert truth(sandbox, effect, posting) == 1
    total = engine.read_back(effect.kind, effect.key).found[0].facts["total_minor"]
    assert total == posting.debit_total.minor


def test_the_facade_refuses_and_says_why(
    sandbox: Sandbox,
    open_syspro: Callable[..., SysproAdapter],
    make_engine: Callable[..., Engine],
    clock: Clock,
    effect_for: Callable[..., Effect],
    settlement: Journal,
    deposit: Journal,
) -> None:
    engine = make_engine(open_syspro(adapter="api_services"))
    found = drive(engine, effect_for(deposit), clock)
    assert found.state is EffectState.rejected
    assert "the facade posts no cash_book_entry" in found.reason
    wrong = tuple(replace(one, gl_account=one.gl_account + "9") for one in settlement.lines)
    found = drive(engine, effect_for(replace(settlement, lines=wrong)), clock)
    assert found.state is EffectState.rejected
    assert "not found" in found.reason
