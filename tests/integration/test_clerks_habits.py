"""What clerks do in SYSPRO without a thought for us: look into orders, credit, book by hand."""

import pytest

from include.domain.calendar import settlement_window
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.services.effects.ports import EffectKind, EffectState
from tests.integration.play import LIVE, SHOP, Play
from tieout.desks.care_desk import comparison


def test_a_clerk_who_looks_into_a_suspended_order_releases_nothing(play: Play) -> None:
    customer = play.order(play.take()).facts.customer
    play.clerk("credit_limit", customer=customer, limit="1")
    order_id = play.take()
    order = play.order(order_id).facts.sales_order
    assert play.order(order_id).facts.is_suspended
    play.clerk("open_order", sales_order=order)
    play.poll_erp()
    play.sweep()
    assert play.executed(order_id)["capture"] == 0
    play.clerk("close_order", sales_order=order)
    play.poll_erp()
    play.sweep()
    assert play.order(order_id).facts.is_suspended
    play.clerk("open_order", sales_order=order)
    play.clerk("close_order", sales_order=order, status="1")
    play.poll_erp()
    play.sweep()
    assert play.order(order_id).state == OrderState.captured
    assert play.executed(order_id)["capture"] == 1
    play.clerk("credit_limit", customer=customer, limit="100000")


def letters_of(play: Play, kind: str) -> list[str]:
    """Return the reasons of the open letters of a kind, after a night's comparison."""
    desk = play.desks.of(SHOP)
    window = settlement_window(LIVE, "America/New_York")
    comparison(play.desks, desk).run(LIVE, window, desk.erp.session)
    return [one.reason for one in play.desks.context.dead_letters.listing() if one.kind == kind]


@pytest.mark.parametrize("is_paid", [True, False])
def test_a_credit_on_the_invoice_itself_is_told_until_it_is_refunded(
    play: Play, is_paid: bool
) -> None:
    order_id = play.take()
    invoiced = play.clerk("invoice", sales_order=play.order(order_id).facts.sales_order)
    (invoice,) = invoiced["invoices"]
    if is_paid:
        play.poll_erp()
        play.sweep()
        assert letters_of(play, "invoice_credited") == []
    play.clerk("credit", invoice=invoice, amount="10.00", on_invoice=True, reason="RMA 7")
    play.poll_erp()
    play.sweep()
    assert play.executed(order_id)["refund"] == 0
    (reason,) = letters_of(play, "invoice_credited")
    assert f"{invoice.zfill(15)} was credited 10.00 USD without a note of its own" in reason
    play.desks.service.refund(
        order_id, Money(1_000, "USD"), origin="api", origin_key="rma7", who="ann", reason="RMA 7"
    )
    play.sweep()
    assert letters_of(play, "invoice_credited") == []


def test_an_old_invoice_that_is_credited_is_told_of_too(play: Play) -> None:
    order_id = play.take()
    invoiced = play.clerk("invoice", sales_order=play.order(order_id).facts.sales_order)
    play.poll_erp()
    play.sweep()
    desk = play.desks.of(SHOP)
    side = comparison(play.desks, desk).erp
    assert order_id not in side.credited()
    play.clerk("credit", invoice=invoiced["invoices"][0], amount="0.50", on_invoice=True)
    assert order_id in side.credited()


def test_another_customers_credit_note_under_our_number_refunds_nobody(play: Play) -> None:
    order_id = play.take()
    play.clerk("invoice", sales_order=play.order(order_id).facts.sales_order)
    play.poll_erp()
    play.sweep()
    code, letters = play.purchase_order(order_id), play.desks.context.dead_letters
    other = play.clerk("note", customer="C00001", customer_po=code, amount="10.00")["invoice"]
    play.poll_erp()
    play.sweep()
    assert play.desks.service.refunds.of_order(order_id) == []
    (letter,) = (one for one in letters.listing() if one.kind == "credit_note")
    assert f"credit note {other.zfill(15)} of customer" in letter.reason
    customer = play.order(order_id).facts.customer
    play.clerk("note", customer=customer, customer_po=code, amount="7.00")
    play.poll_erp()
    play.sweep()
    (refund,) = (row for row, _ in play.desks.service.refunds.of_order(order_id))
    assert refund.amount == Money(700, "USD")


def test_a_logon_that_nobody_could_foretell_loses_no_refunds_receipt(play: Play) -> None:
    order_id = play.take()
    play.desks.service.refund(
        order_id, Money(500, "USD"), origin="api", origin_key="full", who="ann", reason="broken"
    )
    play.control("syspro", logon_refusal="Period end in progress for company A")
    play.sweep()
    play.control("syspro", logon_refusal="")
    letters = play.desks.context.dead_letters.listing()
    assert [one for one in letters if one.kind == "ar_receipt"] == []
    (name,) = (row.refund_id for row, _ in play.desks.service.refunds.of_order(order_id))
    effect = play.desks.of(SHOP).engine.find(EffectKind.ar_receipt, f"{name}|book|1")
    assert effect is not None
    assert effect.state is EffectState.intended


def test_a_credit_note_that_was_committed_late_is_refunded_by_the_night(play: Play) -> None:
    """Row versions are given when a change begins; a watermark has long gone past this one."""
    order_id = play.take()
    code, customer = play.purchase_order(order_id), play.order(order_id).facts.customer
    version = play.clerk("begin")["version"]
    play.clerk("note", customer=customer, customer_po="theirs", amount="1.00")
    play.poll_erp()
    play.clerk("note", customer=customer, customer_po=code, amount="4.00", version=version)
    play.poll_erp()
    assert play.desks.service.refunds.of_order(order_id) == []
    letters_of(play, "credit_note")
    (refund,) = (row for row, _ in play.desks.service.refunds.of_order(order_id))
    assert refund.amount == Money(400, "USD")
