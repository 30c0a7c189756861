"""The whole way over HTTP: engine, partners and both adapters against the sandbox's SYSPRO."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from include.adapters.syspro.documents.comfnd import Find
from include.domain.errors import Rejected
from include.domain.journal import Journal
from include.domain.money import Money
from include.sandbox import Sandbox, start
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.ports import PeriodState
from tests.syspro.sandbox_desk import VERBS, Desk


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
def open_desk(sandbox: Sandbox, effect_for: Callable[..., Effect]) -> Callable[..., Desk]:
    return lambda company="A", **extra: Desk(sandbox, effect_for, company, **extra)


@pytest.fixture
def desk(open_desk: Callable[..., Desk]) -> Desk:
    return open_desk()


@pytest.fixture(params=["settlement", "deposit", "fee_invoice", "credit_note"])
def posting(request: pytest.FixtureRequest) -> Journal:
    found: Journal = request.getfixturevalue(request.param)
    return found


def assert_posted_once(desk: Desk, journal: Journal, found: Effect) -> None:
    """Verified, once in the truth ledger, and read back with its own total."""
    assert found.state is EffectState.verified, found.reason
    assert desk.posted(journal) == 1
    assert desk.read_back(journal)["total_minor"] == journal.debit_total.minor


def test_each_kind_is_posted_once_read_back_and_verified_in_six_calls_at_most(
    desk: Desk, posting: Journal
) -> None:
    desk.intend(posting)
    with desk.adapter.session():
        found = desk.advance(posting)
    assert desk.adapter.calls() <= 6
    assert_posted_once(desk, posting, found)


FAULTS = [
    "drop_after_commit", "drop_before_commit", "500", "502", "503", "half_body", "garbage",
    "error_text", "session_lost", "html", "redirect",
]  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_while_posting_leaves_each_kind_posted_exactly_once(
    desk: Desk, posting: Journal, what: str
) -> None:
    desk.fault(what, VERBS[desk.intend(posting).kind])
    assert desk.advance(posting).state is EffectState.in_doubt
    assert_posted_once(desk, posting, desk.drive(posting))


@pytest.mark.parametrize("what", ["drop_after_commit", "500", "garbage", "session_lost", "html"])
def test_a_fault_while_looking_posts_nothing_twice(
    desk: Desk, settlement: Journal, what: str
) -> None:
    desk.fault(what, "COMFND", times=2)
    assert_posted_once(desk, settlement, desk.drive(settlement))


def test_a_long_journal_goes_by_postld_and_is_the_same_journal(
    open_desk: Callable[..., Desk], settlement: Journal
) -> None:
    desk = open_desk(url_limit=2500)
    assert_posted_once(desk, settlement, desk.drive(settlement))


def twice(verb: str) -> dict[str, str]:
    return {"system": "syspro", "match": verb, "fault": "second_delivery"}


STOPS: dict[str, tuple[str, str, dict[str, Any], EffectState, str]] = {
    "a second delivery by the network": (
        "settlement", "faults", twice("GENTJL"), EffectState.mismatched, "2 carry",
    ),
    "a credit note that was posted twice": (
        "credit_note", "faults", twice("APSTIN"),
        EffectState.mismatched, "invoice value: ours 1.00 USD, theirs 2.00 USD",
    ),
    "a failed GL journal behind a taken invoice": (
        "fee_invoice", "syspro", {"gl_journal_error": {"APSTIN": "Ledger locked"}},
        EffectState.mismatched, "failed: 000001 Ledger locked",
    ),
    "a journal that was taken and not posted": (
        "settlement", "syspro", {"journals_unposted": True},
        EffectState.mismatched, "journal status: ours P, theirs U",
    ),
    "an unlicensed object, with what to ask for": (
        "settlement", "syspro", {"unlicensed": ["GENTJL"]},
        EffectState.rejected, "licence that covers GENTJL",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "path", "facts", "state", "why"), STOPS.values(), ids=STOPS)
def test_what_does_not_tie_stops_and_says_why(
    desk: Desk, request: pytest.FixtureRequest,
    name: str, path: str, facts: dict[str, Any], state: EffectState, why: str,
) -> None:  # fmt: skip
    desk.control(path, **facts)
    found = desk.drive(request.getfixturevalue(name))
    assert found.state is state
    assert why in found.reason


def test_a_closed_period_parks_the_posting_and_opening_it_posts_once(
    desk: Desk, settlement: Journal
) -> None:
    desk.control("periods", company="A", year=2026, period=10, state="closed")
    there = desk.adapter.reader.posting_period("A", date(2026, 10, 31))
    assert there.state is PeriodState.closed
    desk.intend(settlement)
    found = desk.advance(settlement)
    assert found.state is EffectState.parked
    assert "period 10/2026 of company A" in found.reason
    desk.control("periods", company="A", year=2026, period=10, state="open")
    assert_posted_once(desk, settlement, desk.advance(settlement))


def test_a_credit_note_takes_off_what_the_bill_said_too_much(
    desk: Desk, credit_note: Journal
) -> None:
    document = desk.adapter.partners[EffectKind.ap_invoice].document(credit_note)  # type: ignore[attr-defined]
    assert "<TransactionCode>C</TransactionCode>" in document
    assert "<TransactionValue>1.00</TransactionValue>" in document
    assert desk.drive(credit_note).state is EffectState.verified
    assert desk.rows("APSTIN")[-1]["lines"] == [
        {"gl_code": "6150", "amount": "1.20"},
        {"gl_code": "6155", "amount": "-0.20"},
    ]


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


def test_a_foreign_deposit_that_the_ledger_holds_at_another_value_does_not_tie(
    open_desk: Callable[..., Desk], deposit: Journal
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
    desk = open_desk("B", base_currency="GBP")
    desk.intend(claimed)
    found = desk.advance(claimed)
    assert found.state is EffectState.mismatched
    assert "GBP in the ledger: ours 153.99 GBP, theirs 133.99 GBP" in found.reason
    back = desk.engine.read_back(found.kind, found.key)
    assert back.found[0].facts["total_minor"] == 133_99


@pytest.mark.parametrize("what", ["drop_after_commit", "garbage"])
def test_a_foreign_deposit_whose_answer_was_lost_is_read_back_from_the_ledger(
    open_desk: Callable[..., Desk], deposit: Journal, what: str
) -> None:
    euros, desk = (
        money_of(deposit, "B", "GBP", 50, bank_code="BEU"),
        open_desk("B", base_currency="GBP"),
    )
    desk.fault(what, "CSHTWD")
    assert desk.drive(euros).state is EffectState.verified
    facts = desk.read_back(euros)
    assert (facts["total_minor"], facts["is_in_ledger"]) == (133_99, True)


@pytest.mark.parametrize(
    ("name", "company", "base", "scale", "details"),
    [
        ("settlement", "J", "JPY", 100, {}),
        ("deposit", "J", "JPY", 100, {"bank_code": "BJP"}),
        ("deposit", "B", "GBP", 50, {"bank_code": "BEU"}),
        ("fee_invoice", "B", "GBP", 50, {}),
    ],
    ids=["yen settlement", "yen deposit", "euro deposit", "euro fee invoice"],
)
def test_yen_without_minor_digits_and_euros_in_a_pound_company_tie(
    open_desk: Callable[..., Desk], request: pytest.FixtureRequest,
    name: str, company: str, base: str, scale: int, details: dict[str, str],
) -> None:  # fmt: skip
    posting = money_of(request.getfixturevalue(name), company, base, scale, **details)
    desk = open_desk(company, base_currency=base)
    desk.intend(posting)
    assert_posted_once(desk, posting, desk.advance(posting))


def test_no_session_is_left_behind(sandbox: Sandbox, desk: Desk) -> None:
    adapter: Any = desk.adapter
    adapter.check()
    with pytest.raises(Rejected), adapter.session():
        adapter.reader._asking.find(Find("ArInvoice", (("Nothing", "EQ", "\u4e00"),)))
    app: Any = next(app for app in sandbox.apps if app.system == "syspro")
    assert app.sessions.live() == []


@pytest.mark.parametrize("name", ["settlement", "fee_invoice"])
@pytest.mark.parametrize("what", ["", "drop_after_commit", "drop_before_commit", "500"])
def test_the_facade_posts_once_behind_the_same_ports(
    open_desk: Callable[..., Desk], request: pytest.FixtureRequest, name: str, what: str
) -> None:
    posting: Journal = request.getfixturevalue(name)
    desk = open_desk(adapter="api_services")
    if what:
        desk.fault(what, "Add")
    assert_posted_once(desk, posting, desk.drive(posting))


def test_the_facade_refuses_and_says_why(
    open_desk: Callable[..., Desk], settlement: Journal, deposit: Journal
) -> None:
    desk = open_desk(adapter="api_services")
    found = desk.drive(deposit)
    assert found.state is EffectState.rejected
    assert "the facade posts no cash_book_entry" in found.reason
    wrong = tuple(replace(one, gl_account=one.gl_account + "9") for one in settlement.lines)
    found = desk.drive(replace(settlement, lines=wrong))
    assert found.state is EffectState.rejected
    assert "not found" in found.reason
