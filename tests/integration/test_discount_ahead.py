"""A discount larger than what ships first: SYSPRO's first invoice is below zero, the next pays."""

from typing import Any

from include.domain.money import Money
from include.domain.order_state import OrderFacts, OrderState
from include.domain.orders import order_id_of
from include.services.orders.sagas import Saga
from tests.integration.play import BEGIN, SHOP, SKU, UK_SHOP, Play
from tieout.desks.order_feeds import hear_erp, shop_sync


def lines() -> list[dict[str, Any]]:
    """Return a cheap piece, which ships first, and a dear one."""
    cheap = {"sku": SKU, "quantity": 1, "price": "10.00"}
    return [cheap, {"sku": "CUP-4005", "quantity": 1, "price": "90.00"}]


def send(play: Play, company: str, number: str, line: str) -> None:
    """Ship one line, and invoice it with the discount if that is not invoiced yet."""
    facts = {"company": company, "sales_order": number}
    play.control("clerk", action="ship", lines={line: 1}, **facts)
    play.control("clerk", action="invoice", lines=["3"], **facts)


def follow(play: Play, shop_id: str) -> None:
    for _ in range(3):
        hear_erp(play.desks, play.desks.of(shop_id), "2026-10-28")
        play.sweep()


def finish(play: Play, shop_id: str, order_id: str) -> Saga[OrderFacts]:
    """Ship the dear piece, too; the invoices are then below zero and above it."""
    company = play.desks.of(shop_id).merchant.company_id
    send(play, company, play.order(order_id).facts.sales_order, "2")
    follow(play, shop_id)
    assert invoiced(play, order_id, shop_id) == [-5_000, 9_000]
    saga = play.order(order_id)
    assert saga.state == OrderState.completed, saga.reason
    assert play.desks.context.dead_letters.listing() == []
    return saga


def invoiced(play: Play, order_id: str, shop_id: str) -> list[int]:
    facts, code = play.order(order_id).facts, play.purchase_order(order_id)
    shown = play.desks.of(shop_id).erp.orders.documents_of(code, facts.customer)
    return [one.amount.minor for one in shown if one.document_type == "I"]


def test_an_invoice_below_zero_is_paid_by_no_receipt(play: Play) -> None:
    order_id = play.take(lines=lines(), discount="60.00", tax_bps=0)
    number = play.order(order_id).facts.sales_order
    send(play, "A", number, "1")
    follow(play, SHOP)
    assert play.order(order_id).facts.applications == ()
    saga = finish(play, SHOP, order_id)
    assert [one.amount for one in saga.facts.applications] == [Money(4_000, "USD")]


def test_all_that_was_paid_goes_back_where_the_rest_is_cancelled(play: Play) -> None:
    order_id = play.take(lines=lines(), discount="60.00", tax_bps=0)
    number = play.order(order_id).facts.sales_order
    send(play, "A", number, "1")
    play.clerk("cancel", sales_order=number)
    follow(play, SHOP)
    ((row, _),) = play.desks.service.refunds.of_order(order_id)
    assert (row.origin, row.amount) == ("closed_short", Money(4_000, "USD"))


def test_what_is_charged_at_shipment_is_what_the_invoices_come_to(play: Play) -> None:
    token = play.control("transient_token", count=1)["tokens"][0]["jti"]
    placed = play.control(
        "shop_place_order",
        shop=UK_SHOP,
        lines=lines(),
        fees=[{"name": "Voucher", "amount": "-60.00"}],
        payment={"kind": "transient_token", "value": token},
    )
    shop_sync(play.desks, UK_SHOP).poll(BEGIN)
    play.sweep()
    order_id = order_id_of(UK_SHOP, str(placed["order"]["no"]))
    number = play.order(order_id).facts.sales_order
    send(play, "B", number, "1")
    follow(play, UK_SHOP)
    assert play.order(order_id).facts.captures == ()
    saga = finish(play, UK_SHOP, order_id)
    assert [one.amount for one in saga.facts.captures] == [Money(4_000, "GBP")]
