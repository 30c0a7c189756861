"""Order to cash the whole way over HTTP: engine, partners and readers against the sandbox."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.adapters.http.transport import HttpTransport
from include.adapters.syspro.adapter import SysproAdapter, open_adapter
from include.adapters.syspro.settings import settings_from
from include.domain.erp_orders import (
    AddCustomer,
    AddSalesOrder,
    BookReceipt,
    MoveSalesOrder,
    OrderMove,
    SetCustomField,
)
from include.domain.money import Money
from include.domain.orders import reference_of
from include.sandbox import Sandbox, start
from include.services.effects.engine import Engine
from include.services.effects.memory import MemoryEffectStore
from include.services.effects.ports import Effect, EffectState, Timings
from tests.syspro.support_orders import CUSTOMER, ORDER, RECEIPT, effect_of, goods, usd

TODAY = date(2026, 11, 3)
CODE = "C00001"
TIMINGS = Timings(
    deadline=timedelta(seconds=60),
    quiescence=timedelta(seconds=300),
    look_gap=timedelta(seconds=60),
    verify_after=timedelta(0),
)
RESTING = (
    EffectState.verified,
    EffectState.rejected,
    EffectState.mismatched,
    EffectState.dead_letter,
)


@dataclass
class Clock:
    """Moved by hand, so that waiting out Q takes no time."""

    at: datetime = datetime(2026, 11, 3, 6, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    sandbox = start(seed=11, volume=5, start=date(2026, 10, 20), days=25, live_date=TODAY)
    yield sandbox
    sandbox.stop()


class Site:
    """One SYSPRO with an engine; truth is what the sandbox's ledger holds."""

    def __init__(self, sandbox: Sandbox) -> None:
        sandbox.reset()
        self.sandbox = sandbox
        self.clock = Clock()
        self.store = MemoryEffectStore(self.clock)

    def open(self, **extra: object) -> SysproAdapter:
        given = {"company_id": "A", "base_currency": "USD", "deadline_s": 2, "connect_s": 1}
        settings = settings_from(
            "syspro_a",
            f"{self.sandbox.syspro_url}/SYSPROWCFService",
            "TIEOUT_A",
            "sandbox-A",
            {**given, **extra},
        )
        return open_adapter(settings, HttpTransport(), self.store, "test")

    def engine(self, adapter: SysproAdapter) -> Engine:
        timings = {
            kind: replace(TIMINGS, looks_first=found.looks_first)
            for kind, found in adapter.timings.items()
        }
        return Engine(self.store, adapter.partners, self.clock, timings)

    def drive(self, engine: Engine, command: object, rounds: int = 6) -> Effect:
        """Intend, then let the janitor's time pass until the effect rests."""
        effect = engine.intend(effect_of(command, key=f"{type(command).__name__} {command}"))
        for _ in range(rounds):
            effect = engine.advance(effect.kind, effect.key)
            if effect.state in RESTING:
                break
            self.clock.at += timedelta(seconds=301)
        return effect

    def control(self, path: str, **facts: Any) -> dict[str, Any]:
        url = f"{self.sandbox.control_url}/control/{path}"
        request = urllib.request.Request(url, json.dumps(facts).encode(), method="POST")  # noqa: S310
        found: dict[str, Any] = json.load(urllib.request.urlopen(request))  # noqa: S310
        return found

    def fault(self, what: str, match: str, **more: Any) -> None:
        self.control("faults", system="syspro", match=match, fault=what, **more)

    def clerk(self, action: str, **facts: Any) -> dict[str, Any]:
        return self.control("clerk", action=action, company="A", **facts)

    def truth(self, verb: str, reference: str) -> int:
        """Count what the sandbox has really done."""
        url = f"{self.sandbox.control_url}/control/ledger?system=syspro"
        rows = json.load(urllib.request.urlopen(url))  # noqa: S310
        return sum(
            row["verb"].startswith(verb) and row["reference"] == reference and row["committed"]
            for row in rows
        )


@pytest.fixture
def site(running: Sandbox) -> Site:
    return Site(running)


# 3 at 6.66667, 2 at 8.90, 5.00 freight, 1.50 off; in stock: 5,000 each.
SALE = replace(
    ORDER,
    customer=CODE,
    order_date=TODAY,
    warehouse="MAIN",
    lines=(
        goods(1, "TEA-1001", 3_000_000, 20_00, 4_00),
        goods(2, "TEA-1009", 2_000_000, 17_80, 3_56),
        *ORDER.lines[2:],
    ),
    amount=usd(49_56),
)
SHORT = replace(SALE, lines=(goods(1, "TEA-1014", 1_000_000, 20_00, 0),), amount=usd(20_00))
PAID = replace(RECEIPT, customer=CODE, bank="CLRUS", posting_date=TODAY)
NEW = replace(CUSTOMER, customer="W000777", branch="10")


def move(kind: OrderMove, sales_order: str, **more: Any) -> MoveSalesOrder:
    return MoveSalesOrder("A", sales_order, SALE.purchase_order, kind, **more)


def test_a_clean_import_gets_its_number_and_is_verified_line_by_line(site: Site) -> None:
    adapter = site.open()
    found = site.drive(site.engine(adapter), SALE)
    assert found.state is EffectState.verified, found.reason
    assert json.loads(found.evidence)["sales_order"] == found.their_key
    order = adapter.orders.order(purchase_order=SALE.purchase_order)
    assert order is not None
    assert (order.sales_order, order.status, order.customer) == (found.their_key, "1", CODE)
    assert site.truth("SORTOI", SALE.purchase_order) == 1


def test_what_is_short_goes_on_back_order_and_the_warning_is_kept(site: Site) -> None:
    found = site.drive(site.engine(site.open()), SHORT)
    assert found.state is EffectState.verified, found.reason
    assert "back order" in " ".join(json.loads(found.evidence)["warnings"])


def test_an_order_of_500_lines_goes_by_postld_and_is_the_same_order(site: Site) -> None:
    lines = tuple(goods(n, "TEA-1010", 1_000_000, 7_50, 0) for n in range(1, 501))
    site.clerk("credit_limit", customer=CODE, limit="900000")
    found = site.drive(site.engine(site.open()), replace(SALE, lines=lines, amount=usd(3750_00)))
    assert found.state is EffectState.verified, found.reason
    assert site.truth("SORTOI", SALE.purchase_order) == 1


BAD: dict[str, tuple[AddSalesOrder, str]] = {
    "on hold": (replace(SALE, customer="C90001"), "hold"),
    "credit": (replace(SALE, customer="C90002"), "credit"),
    "stock code": (
        replace(SALE, lines=(goods(1, "NO-SUCH", 1_000_000, 49_56, 0),)),
        "Correct stock code",
    ),
    "warehouse": (replace(SALE, warehouse="NOWHERE"), "Correct stock code or warehouse"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_refusal_that_sends_the_document_back_says_what_to_do(site: Site, name: str) -> None:
    order, words = BAD[name]
    found = site.drive(site.engine(site.open()), order)
    assert found.state is EffectState.rejected, found.reason
    assert words in found.reason
    assert site.truth("SORTOI", SALE.purchase_order) == 0


@pytest.mark.parametrize("name", BAD)
def test_a_refusal_by_an_empty_number_is_no_order(site: Site, name: str) -> None:
    site.control("syspro", sortoi_refusal="empty_number")
    found = site.drive(site.engine(site.open()), BAD[name][0])
    assert found.state is EffectState.rejected, found.reason
    assert site.truth("SORTOI", SALE.purchase_order) == 0


FAULTS = [
    "drop_after_commit", "drop_before_commit", "500", "502", "503", "half_body", "garbage",
    "error_text", "session_lost", "html", "redirect",
]  # fmt: skip
WRITES: list[tuple[str, Any, str]] = [
    ("SORTOI", SALE, SALE.purchase_order),
    ("ARSSCS", NEW, NEW.customer),
    ("ARSTPY", PAID, PAID.reference),
]


@pytest.mark.parametrize(("verb", "command", "reference"), WRITES, ids=lambda x: str(x)[:6])
@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_while_writing_leaves_each_kind_there_exactly_once(
    site: Site, verb: str, command: Any, reference: str, what: str
) -> None:
    site.fault(what, verb)
    engine = site.engine(site.open())
    effect = engine.intend(effect_of(command, key=f"{type(command).__name__} {command}"))
    assert engine.advance(effect.kind, effect.key).state is EffectState.in_doubt
    found = site.drive(engine, command)
    assert found.state is EffectState.verified, found.reason
    assert site.truth(verb, reference) == 1


@pytest.mark.parametrize(("verb", "command", "reference"), WRITES, ids=lambda x: str(x)[:6])
def test_a_call_that_commits_late_is_waited_for(
    site: Site, verb: str, command: Any, reference: str
) -> None:
    site.fault("late_commit", verb, seconds=0.2)
    found = site.drive(site.engine(site.open()), command)
    assert found.state is EffectState.verified, found.reason
    assert site.truth(verb, reference) == 1


def test_a_second_delivery_of_an_order_is_refused_by_syspro_and_resolved(site: Site) -> None:
    site.fault("second_delivery", "SORTOI")
    found = site.drive(site.engine(site.open()), SALE)
    assert found.state is EffectState.verified, found.reason
    assert site.truth("SORTOI", SALE.purchase_order) == 1


def test_a_second_delivery_of_a_receipt_is_found_and_named(site: Site) -> None:
    site.fault("second_delivery", "ARSTPY")
    found = site.drive(site.engine(site.open()), PAID)
    assert found.state is EffectState.mismatched
    assert "2 carry" in found.reason
    assert site.truth("ARSTPY", PAID.reference) == 2


def test_a_session_lost_while_the_number_is_read_back_costs_nothing(site: Site) -> None:
    site.fault("session_lost", "COMFND", times=1)
    found = site.drive(site.engine(site.open()), SALE)
    assert found.state is EffectState.verified, found.reason
    assert site.truth("SORTOI", SALE.purchase_order) == 1


def test_a_receipt_parks_while_its_period_is_closed_and_is_then_posted_once(site: Site) -> None:
    site.control("periods", company="A", year=2026, period=11, state="closed")
    engine = site.engine(site.open())
    effect = engine.intend(effect_of(PAID))
    parked = engine.advance(effect.kind, effect.key)
    assert parked.state is EffectState.parked, parked.reason
    assert "11/2026" in parked.reason
    site.control("periods", company="A", year=2026, period=11, state="open")
    found = engine.advance(effect.kind, effect.key)
    assert found.state is EffectState.verified, found.reason
    assert site.truth("ARSTPY", PAID.reference) == 1


def test_a_failed_ledger_journal_behind_a_receipt_is_a_mismatch(site: Site) -> None:
    site.control("syspro", gl_journal_error={"ARSTPY": "Ledger locked"})
    found = site.drive(site.engine(site.open()), PAID)
    assert found.state is EffectState.mismatched
    assert "Ledger locked" in found.reason


def test_without_a_licence_the_receipt_is_rejected_with_both_ways_out(site: Site) -> None:
    site.control("syspro", unlicensed=["ARSTPY"])
    found = site.drive(site.engine(site.open()), PAID)
    assert found.state is EffectState.rejected
    assert "licence that covers ARSTPY" in found.reason
    assert "report-only" in found.reason


def test_a_refund_as_a_negative_payment_is_booked_once(site: Site) -> None:
    refund = replace(PAID, amount=-PAID.amount, reference=reference_of("refund"))
    found = site.drive(site.engine(site.open()), refund)
    assert found.state is EffectState.verified, found.reason
    assert site.truth("ARSTPY", refund.reference) == 1


@pytest.mark.parametrize("what", ["", "drop_after_commit", "second_delivery"])
def test_a_refund_as_a_debit_note_is_booked_once_even_if_delivered_twice(
    site: Site, what: str
) -> None:
    if what:
        site.fault(what, "ARSTIN")
    refund = replace(PAID, amount=-PAID.amount, reference=reference_of("refund"))
    engine = site.engine(site.open(refund_receipts="arstin", refund_product_class="TEA"))
    found = site.drive(engine, refund)
    assert found.state is EffectState.verified, found.reason
    assert site.truth("ARSTIN", refund.purchase_order) == 1


def test_a_receipt_pays_an_invoice_at_once_and_is_found_in_the_history(site: Site) -> None:
    adapter = site.open()
    engine = site.engine(adapter)
    order = site.drive(engine, SALE)
    site.clerk("invoice", sales_order=order.their_key)
    (invoice,) = adapter.orders.documents_of(SALE.purchase_order)
    assert (invoice.document_type, invoice.sales_order) == ("I", order.their_key)
    found = site.drive(engine, replace(PAID, amount=invoice.amount, invoice=invoice.invoice))
    assert found.state is EffectState.verified, found.reason
    account = adapter.orders.credit(CODE)
    assert account.balance == usd(0)


def test_a_customer_is_created_once_and_then_linked(site: Site) -> None:
    adapter = site.open()
    assert not adapter.orders.credit(NEW.customer).exists
    found = site.drive(site.engine(adapter), NEW)
    assert found.state is EffectState.verified, found.reason
    account = adapter.orders.credit(NEW.customer)
    assert (account.exists, account.is_on_hold) == (True, False)
    assert account.credit_limit == usd(500_00)
    (match,) = adapter.orders.customers(email=NEW.email)
    assert (match.customer, match.currency) == (NEW.customer, "USD")
    assert adapter.orders.customers(short_name="LASKA") == (match,)
    taken = site.drive(site.engine(adapter), replace(NEW, customer=CODE))  # somebody else's
    assert taken.state is EffectState.mismatched
    assert "Web customer 1" in taken.reason


def test_an_order_is_held_released_and_cancelled_each_once(site: Site) -> None:
    adapter = site.open()
    engine = site.engine(adapter)
    number = site.drive(engine, SALE).their_key
    for command, verb in (
        (move(OrderMove.hold, number, expected_status="1"), "SORTOS"),
        (move(OrderMove.release, number, expected_status="S", authority="REV"), "SORTOS"),
        (move(OrderMove.cancel, number), "SORTOX"),
    ):
        found = site.drive(engine, command)
        assert found.state is EffectState.verified, found.reason
        again = site.drive(engine, replace(command, reason_code="R"))  # another effect, same end
        assert again.state is EffectState.verified, again.reason
        assert site.truth(verb, SALE.purchase_order) == (
            2 if command.move.value == "release" else 1
        )
    order = adapter.orders.order(sales_order=number)
    assert order is not None
    assert order.is_cancelled


@pytest.mark.parametrize("what", ["drop_after_commit", "drop_before_commit", "session_lost"])
def test_a_hold_in_doubt_is_resolved_by_the_order_itself(site: Site, what: str) -> None:
    engine = site.engine(site.open())
    number = site.drive(engine, SALE).their_key
    site.fault(what, "SORTOS")
    found = site.drive(engine, move(OrderMove.hold, number))
    assert found.state is EffectState.verified, found.reason
    assert site.truth("SORTOS", SALE.purchase_order) == 1


def test_the_guard_refuses_a_hold_of_an_order_that_has_moved_on(site: Site) -> None:
    engine = site.engine(site.open())
    number = site.drive(engine, SALE).their_key
    found = site.drive(engine, move(OrderMove.hold, number, expected_status="4"))
    assert found.state is EffectState.rejected, found.reason
    assert site.truth("SORTOS", SALE.purchase_order) == 0


@pytest.mark.parametrize("forms", ["comsfm", "comtfm"])
def test_a_gateway_reference_is_written_to_the_orders_form_and_changed(
    site: Site, forms: str
) -> None:
    engine = site.engine(site.open(custom_forms=forms))
    number = site.drive(engine, SALE).their_key
    name = "PAYREF" if forms == "comsfm" else "PayRef"
    for value in ("7000000000000000000001", "7000000000000000000002"):
        found = site.drive(engine, SetCustomField("A", "ORD", number, name, value))
        assert found.state is EffectState.verified, found.reason


# Reading ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["comfnd", "invqry"])
def test_stock_of_many_codes_is_one_question_and_an_unknown_code_is_none(
    site: Site, by: str
) -> None:
    adapter = site.open(stock_by=by)
    codes = ["TEA-1001", "tea-1014", "NO-SUCH", "TEA-1013"]
    levels = adapter.orders.stock(codes, "MAIN")
    assert [one.stock_code for one in levels] == codes
    millions = [one.available_millionths for one in levels]
    assert millions == [5_000_000_000, 0, None, 4_000_000]
    assert adapter.calls() == (3 if by == "comfnd" else 6)
    assert adapter.orders.stock(["TEA-1007"], "EAST")[0].available_millionths is None


def test_more_codes_than_an_address_takes_are_asked_for_in_parts(site: Site) -> None:
    adapter = site.open(codes_per_question=2)
    codes = ["TEA-1001", "TEA-1002", "TEA-1003", "TEA-1004", "TEA-1005"]
    assert all(one.available_millionths for one in adapter.orders.stock(codes, "MAIN"))
    assert adapter.calls() == 5


def test_stock_that_changed_is_read_from_a_cursor(site: Site) -> None:
    adapter = site.open(poll_overlap_rows=0)
    everything, cursor = adapter.orders.stock_levels("MAIN")
    assert len(everything) == 41
    assert adapter.orders.stock_levels("MAIN", cursor) == ([], cursor)
    site.clerk("stock", stock_code="TEA-1014", quantity="7", warehouse="MAIN")
    changed, later = adapter.orders.stock_levels("MAIN", cursor)
    assert [(one.stock_code, one.available_millionths) for one in changed] == [
        ("TEA-1014", 7_000_000)
    ]
    assert later > cursor


@pytest.mark.parametrize("by", ["arsqry", "comfnd"])
def test_credit_says_hold_limit_and_what_is_not_known(site: Site, by: str) -> None:
    orders = site.open(credit_by=by).orders
    assert orders.credit("C90001").is_on_hold
    assert orders.credit("C90004").is_on_hold
    good = orders.credit(CODE)
    assert (good.exists, good.is_on_hold, good.credit_limit) == (True, False, usd(100_000_00))
    assert good.balance == (Money(0, "USD") if by == "arsqry" else None)
    gone = orders.credit("NOBODY")
    assert (gone.exists, gone.credit_limit) == (False, None)


def test_the_life_of_an_order_is_polled_from_cursors(site: Site) -> None:
    adapter = site.open(poll_overlap_rows=0, shipment_date_column="none")
    orders, engine = adapter.orders, site.engine(adapter)
    number = site.drive(engine, SALE).their_key
    other = replace(SALE, purchase_order="WEB-1002")
    gone = site.drive(engine, other).their_key
    fresh = orders.orders_since(TODAY.isoformat())
    cursor = fresh[-1].cursor
    assert {number, gone} <= {one.sales_order for one in fresh}
    assert orders.orders_since(cursor) == ()
    site.clerk("ship", sales_order=number, carrier="UPS 1Z999AA10123456784")
    site.clerk("invoice", sales_order=number)
    site.clerk("credit", customer_po=SALE.purchase_order, reason="DAMAGE")
    site.clerk("cancel", sales_order=gone)
    assert [one.sales_order for one in orders.cancelled_since(cursor)] == [gone]
    changed = {one.sales_order: one for one in orders.orders_since(cursor)}
    assert changed[number].last_invoice
    (shipment,) = orders.shipments_since("")
    assert (shipment.sales_order, shipment.carrier, shipment.tracking) == (
        number, "UPS", "1Z999AA10123456784",
    )  # fmt: skip
    kinds = {one.document_type: one for one in orders.documents_of(SALE.purchase_order)}
    assert set(kinds) == {"I", "C"}
    (note,) = orders.credit_notes_since(cursor)
    assert note.amount == kinds["I"].amount
    assert note.purchase_order == SALE.purchase_order
    assert orders.credit_notes_since(note.cursor) == ()


def test_tracking_comes_from_the_orders_form_where_a_site_keeps_it_there(site: Site) -> None:
    adapter = site.open(
        tracking_from="custom_form",
        tracking_field="TRACK",
        shipments_by="sorqdn",
        shipment_date_column="none",
    )
    number = site.drive(site.engine(adapter), SALE).their_key
    site.clerk("ship", sales_order=number, carrier="UPS Ground", tracking="1Z42")
    (shipment,) = adapter.orders.shipments_since("")
    assert (shipment.carrier, shipment.tracking) == ("UPS Ground", "1Z42")


def test_a_site_without_row_versions_is_polled_by_date_with_an_overlap(site: Site) -> None:
    adapter = site.open(poll_by="date", poll_overlap_days=2)
    number = site.drive(site.engine(adapter), SALE).their_key
    found = adapter.orders.orders_since("2026-11-03")
    assert number in {one.sales_order for one in found}
    assert min(one.order_date for one in found if one.order_date) >= date(2026, 11, 1)
    assert found[-1].cursor >= "2026-11-03"
    assert [one.cursor for one in found] == sorted(one.cursor for one in found)


def test_orders_are_read_by_either_object(site: Site) -> None:
    number = site.drive(site.engine(site.open()), SALE).their_key
    by_table = site.open().orders.order(sales_order=number)
    by_query = site.open(order_by="sorqry").orders.order(sales_order=number)
    assert by_table is not None
    assert by_query == by_table
    assert site.open(order_by="sorqry").orders.order(sales_order="999999") is None
    assert site.open().orders.order(purchase_order="NOBODY") is None


def test_a_whole_order_of_a_new_customer_takes_eight_calls_inside_one_session(site: Site) -> None:
    adapter = site.open()
    engine = Engine(site.store, adapter.partners, site.clock, adapter.timings)
    sale, paid = replace(SALE, customer=NEW.customer), replace(PAID, customer=NEW.customer)
    commands: tuple[AddCustomer | AddSalesOrder | BookReceipt, ...] = (NEW, sale, paid)
    with adapter.session():
        adapter.orders.stock(["TEA-1001", "TEA-1009"], "MAIN")
        adapter.orders.credit(NEW.customer)
        for command in commands:
            effect = engine.intend(effect_of(command))
            state = engine.advance(effect.kind, effect.key).state
            assert state is EffectState.done  # read back once Q has passed
    assert adapter.calls() - 2 <= 8  # without logon and logoff
