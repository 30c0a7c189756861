"""Order to cash against the sandbox: real hooks, real HTTP, a real store; people played by control.

One story per test, as the demo tells it. What really happened is read from the truth ledger.
"""

import json
from datetime import UTC, datetime, timedelta

from include.adapters.store.inbox import SqlInbox
from include.adapters.syspro.documents.comfnd import Find
from include.adapters.syspro.documents.reply import read_amount
from include.adapters.syspro.order_reader import OrderReader
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.domain.orders import LineKind
from include.domain.refunds import RefundState
from include.services.effects.ports import EffectKind, EffectState
from include.services.inbox.handle_events import HandleEvents
from include.services.inbox.ports import Incoming
from tests.integration.play import BEGIN, SHOP, SKU, Play
from tieout.desks.order_feeds import decision_poll, stock_push
from tieout.desks.webhook_desk import handlers


def test_a_good_order_becomes_a_sales_order_and_a_receipt(play: Play) -> None:
    order_id = play.take()
    saga = play.order(order_id)
    assert saga.state == OrderState.captured
    assert saga.facts.sales_order
    assert saga.facts.captures[0].receipt
    assert play.executed(order_id) == {"authorization": 1, "capture": 1}
    assert play.shop_status(order_id) == "processing"


def test_each_charge_is_booked_as_the_shops_table_says(play: Play) -> None:
    """Freight as SYSPRO's freight; discount, fee and the shop's tax under classes of their own."""
    order_id = play.take(
        freight="5.00",
        fees=[{"name": "Gift wrap", "amount": "2.00"}],
        discount="4.00",
    )
    order = play.desks.service.orders.content(order_id)
    kinds = {line.kind for line in order.lines}
    assert {LineKind.freight, LineKind.fee, LineKind.discount} <= kinds
    assert play.order(order_id).state == OrderState.captured
    sales_order = play.order(order_id).facts.sales_order.zfill(15)
    reader = play.desks.of(SHOP).erp.orders
    assert isinstance(reader, OrderReader)
    columns = ("LineType", "NMscProductCls", "NMscChargeValue")
    find = Find("SorDetail", (("SalesOrder", "EQ", sales_order),), columns)
    rows = reader._asking.find(find)
    found = {
        (row["linetype"], row["nmscproductcls"]): row["nmscchargevalue"]
        for row in rows
        if row["linetype"] != "1"
    }
    tax = sum(line.tax.minor for line in order.lines)
    off = sum(line.net.minor for line in order.lines if line.kind is LineKind.discount)
    assert {key: read_amount(text, "USD", "") for key, text in found.items()} == {
        ("4", ""): Money(5_00, "USD"),
        ("5", "_OTH"): Money(2_00, "USD"),
        ("5", "DISC"): Money(off, "USD"),
        ("5", "TAX"): Money(tax, "USD"),
    }


def test_an_invoiced_order_is_completed_in_the_shop(play: Play) -> None:
    order_id = play.take()
    play.clerk("ship", sales_order=play.order(order_id).facts.sales_order)
    play.clerk("invoice", sales_order=play.order(order_id).facts.sales_order)
    play.poll_erp()
    play.sweep()
    assert play.order(order_id).state == OrderState.completed
    assert play.shop_status(order_id) == "completed"


def test_an_invoiced_order_owes_nothing_in_syspro(play: Play) -> None:
    """Its receipt, booked before there was an invoice, is applied to it."""
    order_id = play.take()
    play.clerk("invoice", sales_order=play.order(order_id).facts.sales_order)
    assert play.owed(order_id) == play.amount(order_id)
    play.poll_erp()
    play.sweep()
    assert play.owed(order_id) == Money(0, "USD")
    assert play.unapplied(order_id) == Money(0, "USD")
    play.poll_erp()
    play.sweep()
    assert play.posted(order_id, "apply|1") == 1


def test_an_application_whose_answer_is_lost_holds_nobody_up(play: Play) -> None:
    order_id = play.take()
    play.clerk("invoice", sales_order=play.order(order_id).facts.sales_order)
    play.sandbox.faults.add("drop_after_commit", system="syspro", match="ARSTPY")
    play.poll_erp()
    play.sweep()
    assert play.order(order_id).state == OrderState.completed
    assert play.shop_status(order_id) == "completed"
    assert play.owed(order_id) == Money(0, "USD")
    assert play.posted(order_id, "apply|1") == 1
    effect = play.desks.of(SHOP).engine.find(EffectKind.ar_application, f"{order_id}|apply|1")
    assert effect is not None
    assert effect.state is EffectState.in_doubt  # the janitor looks once Q has passed


def test_a_declined_order_holds_nothing(play: Play) -> None:
    order_id = play.take("declined")
    assert play.order(order_id).state == OrderState.declined
    assert play.order(order_id).facts.sales_order == ""
    assert play.shop_status(order_id) == "failed"


def test_a_risk_declined_order_gives_the_hold_back(play: Play) -> None:
    order_id = play.take("risk_declined")
    assert play.order(order_id).state == OrderState.declined
    assert play.executed(order_id)["reversal"] == 1


def test_a_review_that_is_accepted_releases_and_captures(play: Play) -> None:
    order_id = play.take("review")
    held = play.order(order_id)
    assert held.state == OrderState.in_review
    assert held.facts.is_suspended
    play.control("decide", code=play.purchase_order(order_id), decision="ACCEPT", reviewer="ann")
    desk = play.desks.of(SHOP)
    waiting = play.desks.context.orders.under_review("acme_us")
    decision_poll(play.desks, desk).poll(BEGIN, waiting)
    play.sweep()
    assert play.order(order_id).state == OrderState.captured
    assert play.executed(order_id)["capture"] == 1


def test_a_decisions_webhook_only_says_when_to_ask(play: Play) -> None:
    order_id = play.take("review")
    request_id = play.order(order_id).facts.payment.request_id  # type: ignore[union-attr]
    inbox = SqlInbox(play.desks.context.store)
    body = json.dumps(
        {
            "eventType": "risk.casemanagement.decision.accept",
            "organizationId": "acme_us",
            "eventDate": "2026-11-03T10:00:00Z",
            "payload": {"id": request_id},
        }
    ).encode()
    kind = "risk.casemanagement.decision.accept"
    inbox.store([Incoming("cybersource|acme_us", f"forged|{request_id}", kind, body)])
    handling = HandleEvents(inbox, handlers(play.desks), "integration")
    assert handling.run().waiting == 1  # nobody at the gateway has decided
    play.sweep()
    assert play.order(order_id).state == OrderState.in_review
    play.control("decide", code=play.purchase_order(order_id), decision="ACCEPT", reviewer="ann")
    inbox.store([Incoming("cybersource|acme_us", f"real|{request_id}", kind, body)])
    assert handling.run().handled == 1
    play.sweep()
    assert play.order(order_id).state == OrderState.captured


def test_a_review_that_is_rejected_reverses_and_cancels(play: Play) -> None:
    order_id = play.take("review")
    play.control("decide", code=play.purchase_order(order_id), decision="REJECT", reviewer="ann")
    waiting = play.desks.context.orders.under_review("acme_us")
    decision_poll(play.desks, play.desks.of(SHOP)).poll(BEGIN, waiting)
    play.sweep()
    saga = play.order(order_id)
    assert saga.state == OrderState.cancelled
    assert saga.facts.is_order_cancelled
    assert play.executed(order_id)["reversal"] == 1
    assert play.executed(order_id)["capture"] == 0
    assert play.shop_status(order_id) == "cancelled"


def test_a_credit_note_becomes_one_refund_that_everybody_knows(play: Play) -> None:
    order_id = play.take()
    saga = play.order(order_id)
    invoice = play.clerk("invoice", sales_order=saga.facts.sales_order)["invoices"][0]
    play.clerk("credit", invoice=invoice, amount="5.00", reason="BROKEN")
    play.poll_erp()
    play.poll_erp()  # the same credit note is seen again
    play.sweep()
    found = play.desks.service.refunds.of_order(order_id)
    assert [(row.amount, one.state) for row, one in found] == [
        (Money(500, "USD"), RefundState.done)
    ]
    assert play.executed(order_id)["refund"] == 1
    number = play.desks.service.orders.content(order_id).number
    assert len(play.desks.of(SHOP).shop_hook.refunds(number)) == 1


def test_an_answer_lost_after_the_commit_doubles_nothing(play: Play) -> None:
    play.sandbox.faults.add(
        "drop_after_commit", system="cybersource", match="POST /pts/v2/payments$"
    )
    order_id = play.take()
    saga = play.order(order_id)
    assert saga.state == OrderState.pending
    assert play.executed(order_id) == {"authorization": 1}
    # Q has not passed: nobody asks, and nothing is sent again.
    play.sweep()
    assert play.executed(order_id) == {"authorization": 1}
    assert saga.next_at is not None
    assert saga.next_at - datetime.now(UTC) > timedelta(minutes=4)


def test_an_order_cancelled_in_the_shop_is_given_back(play: Play) -> None:
    order_id = play.take()
    number = play.desks.service.orders.content(order_id).number
    play.control("shop_cancel_order", shop=SHOP, order=number)
    play.poll_shop()
    play.sweep()
    play.sweep()
    play.sweep()
    saga = play.order(order_id)
    assert saga.state == OrderState.cancelled
    assert play.executed(order_id)["void"] == 1
    assert saga.facts.is_order_cancelled


def test_stock_flows_into_the_shop(play: Play) -> None:
    play.clerk("stock", stock_code=SKU, quantity="123")
    desk = play.desks.of(SHOP)
    with desk.erp.session():
        stock_push(play.desks, desk).push(play.desks.context.clock, desk.day)
    shown = desk.shop_hook.product(SKU)
    assert shown is not None
    assert shown.stock_quantity is not None
    assert shown.stock_quantity <= 123
