"""Order to cash the whole way over HTTP: engine and partners against the sandbox."""

import json
from dataclasses import replace
from typing import Any

import pytest

from include.domain.erp_orders import (
    AddCustomer,
    AddSalesOrder,
    BookReceipt,
    OrderMove,
)
from include.domain.orders import reference_of
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectState
from tests.syspro.running_site import running as running
from tests.syspro.running_site import site as site
from tests.syspro.support_orders import effect_of, goods, usd
from tests.syspro.support_site import CODE, NEW, PAID, SALE, SHORT, Site, move
from tests.waiting import wait_until


def test_a_clean_import_gets_its_number_and_is_verified_line_by_line(site: Site) -> None:
    adapter = site.open()
    found = site.drive(site.engine(adapter), SALE)
    assert found.state is EffectState.verified, found.reason
    assert json.loads(found.evidence)["sales_order"] == found.their_key
    order = adapter.orders.order(purchase_order=SALE.purchase_order)
    assert order is not None
    assert (order.sales_order, order.status, order.customer) == (found.their_key, "1", CODE)
    assert site.truth("SORTOI", SALE.purchase_order) == 1


def test_a_credit_note_with_the_same_po_is_no_second_order(site: Site) -> None:
    """SYSPRO keeps it in SorMaster, too, under the PO that the clerk's screen copies."""
    engine = site.engine(site.open())
    found = site.drive(engine, SALE)
    site.clerk("invoice", sales_order=found.their_key)
    note = site.clerk("credit", sales_order=found.their_key, amount="1.00", reason="BROKEN")
    assert note["credit_note"] != found.their_key
    shown = engine.read_back(found.kind, found.key)
    assert [one.their_key for one in shown.found] == [found.their_key]


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
def test_a_general_exception_after_a_write_is_no_proof_that_nothing_happened(
    site: Site, verb: str, command: Any, reference: str
) -> None:
    """An unlicensed object answers 100000, and so does any other exception of e.net."""
    site.fault("error_text", verb, commit=True, text="e.net exception 100000")
    found = site.drive(site.engine(site.open()), command)
    assert found.state is EffectState.verified, found.reason
    assert site.truth(verb, reference) == 1


@pytest.mark.parametrize(("verb", "command", "reference"), WRITES, ids=lambda x: str(x)[:6])
def test_a_call_that_commits_late_is_waited_for(
    site: Site, verb: str, command: Any, reference: str
) -> None:
    site.fault("late_commit", verb, seconds=0.2)
    engine = site.engine(site.open())
    effect = engine.intend(effect_of(command, key=f"{type(command).__name__} {command}"))
    assert engine.advance(effect.kind, effect.key).state is EffectState.in_doubt
    wait_until(lambda: site.truth(verb, reference))
    found = site.drive(engine, command)
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


def test_a_customer_is_created_once_and_then_linked(site: Site) -> None:
    adapter = site.open()
    assert not adapter.orders.credit(NEW.customer).exists
    found = site.drive(site.engine(adapter), NEW)
    assert found.state is EffectState.verified, found.reason
    account = adapter.orders.credit(NEW.customer)
    assert (account.exists, account.is_on_hold) == (True, False)
    assert account.credit_limit == usd(500_00)
    assert account.email == NEW.email
    (match,) = adapter.orders.customers(NEW.email)
    assert (match.customer, match.currency) == (NEW.customer, "USD")
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


def test_a_kit_beside_one_of_its_parts_and_a_case_are_read_back_as_they_were_sold(
    site: Site,
) -> None:
    """SYSPRO adds the kit's parts as lines of its own: two bowls more, which nobody sold."""
    lines = (
        goods(1, "KIT-9001", 1_000_000, 59_00, 0),
        goods(2, "CUP-4001", 3_000_000, 44_70, 0),
        replace(goods(3, "ACC-5001", 2_000_000, 141_60, 0), unit="CS"),
    )
    sale = replace(SALE, lines=lines, amount=usd(245_30))
    adapter = site.open()
    found = site.drive(site.engine(adapter), sale)
    assert found.state is EffectState.verified, found.reason
    (paper,) = adapter.orders.stock(["ACC-5001"], "MAIN")
    assert paper.available_millionths == (20_000 - 24) * 1_000_000


def test_a_whole_order_of_a_new_customer_takes_nine_calls_inside_one_session(site: Site) -> None:
    adapter = site.open()
    engine = Engine(site.store, adapter.partners, site.clock, adapter.timings)
    sale, paid = replace(SALE, customer=NEW.customer), replace(PAID, customer=NEW.customer)
    commands: tuple[AddCustomer | AddSalesOrder | BookReceipt, ...] = (NEW, sale, paid)
    with adapter.session():
        adapter.orders.stock(["TEA-1001", "TEA-1009"], "MAIN")
        adapter.orders.credit(NEW.customer)
        for command in commands:
            state = engine.perform(effect_of(command)).state  # as the saga does
            assert state is EffectState.done  # read back once Q has passed
    assert adapter.calls() - 2 <= 9  # without logon and logoff


def test_orders_that_waited_are_looked_for_together_and_each_is_sent_once(site: Site) -> None:
    adapter = site.open()
    engine = site.engine(adapter)
    there = replace(SALE, purchase_order="WAIT-3")
    site.drive(site.engine(site.open()), there)
    waiting = [replace(SALE, purchase_order=f"WAIT-{n}") for n in range(1, 7)]
    before = adapter.calls()
    with adapter.session():
        adapter.orders.look_ahead([one.purchase_order for one in waiting])
        for one in waiting:
            if one.purchase_order != there.purchase_order:
                effect = engine.intend(effect_of(one, key=one.purchase_order))
                engine.advance(effect.kind, effect.key)
        asked = adapter.calls() - before
    # logon, one look for all, then five times: import, number, head and lines of the read-back
    assert asked == 2 + 5 * 4
    assert all(site.truth("SORTOI", one.purchase_order) == 1 for one in waiting)


def test_customers_that_are_looked_for_together_are_asked_for_singly_only_if_there(
    site: Site,
) -> None:
    adapter = site.open()
    with adapter.session():
        adapter.orders.look_ahead([], [NEW.customer, CODE, "W000778"])
        before = adapter.calls()
        assert not adapter.orders.credit(NEW.customer).exists
        assert not adapter.orders.credit("W000778").exists
        assert adapter.calls() == before
        assert adapter.orders.credit(CODE).exists
        assert adapter.calls() == before + 1
    assert not adapter.orders.credit(NEW.customer).exists
    assert adapter.calls() == before + 5  # its logoff, then logon, question and logoff


def test_a_refused_receipt_keeps_no_other_out_where_nobody_is_thrown_out(site: Site) -> None:
    site.fault("error_text", "ARSTPY", text="Something nobody has documented")
    adapter = site.open(refuse_eviction=True)
    engine = site.engine(adapter)
    with adapter.session():
        receipt = engine.intend(effect_of(PAID))
        assert engine.advance(receipt.kind, receipt.key).state is EffectState.in_doubt
        assert adapter.orders.credit(CODE).exists
