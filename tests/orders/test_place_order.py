"""The saga of an order: what is done, in which order, and what takes it back."""

import hashlib
import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from include.domain.erp_orders import CustomerCredit, ErpDocument, ErpOrder
from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.domain.money import Money
from include.domain.order_rules import CaptureWhen, OnShortStock
from include.domain.order_state import OrderState
from include.domain.orders import PaymentMethod, PaymentSource
from include.domain.payments import Authorized, PaymentStatus
from include.domain.stock import KitPart, Product
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.services.effects.store import Lease
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import authorization, make_rules

AUTH = EffectKind.payment_authorization


def test_a_good_order_is_authorised_booked_captured_and_received(kit: Kit) -> None:
    order = make_order()
    placed = kit.place(order)
    assert placed.state == OrderState.authorized
    assert kit.partner.truth.kinds() == ["payment_authorization"]

    saga = kit.service.advance(order.order_id)

    assert saga.state == OrderState.captured
    assert kit.partner.truth.kinds() == [
        "payment_authorization",
        "customer",
        "sales_order",
        "payment_capture",
        "ar_receipt",
        "shop_order_update",
    ]
    assert saga.facts.captures[0].amount == Money(10_221, "USD")
    assert saga.facts.captures[0].receipt == "2026/11/5"


@pytest.mark.parametrize(("note", "told"), [("x" * 31, ["note"]), ("x" * 30, None)])
def test_what_the_sales_order_has_no_room_for_is_told_by_name(
    kit: Kit, note: str, told: list[str] | None
) -> None:
    """The words are the shopper's own: they stand where a shopper can be forgotten."""
    order = replace(make_order(), note=note)
    kit.run(order)
    details = [
        one.detail
        for one in kit.service.orders.timeline(order.order_id)
        if one.what == "sales order in SYSPRO"
    ]
    assert [json.loads(one).get("left out") for one in details] == [told]
    assert note not in details[0]


def test_an_invoice_completes_the_order(kit: Kit) -> None:
    order = make_order()
    kit.run(order)
    invoice = ErpDocument(
        "W1", "I1", "I", order.purchase_order, "3", order.amount, date(2026, 11, 3)
    )
    kit.erp.documents[order.purchase_order] = [invoice]
    kit.pass_time(hours=7)
    assert kit.service.orders.get(order.order_id).state == OrderState.completed


def test_the_same_order_again_is_the_same_order(kit: Kit) -> None:
    order = make_order()
    first, is_new = kit.service.place(order, "shop")
    again, is_new_again = kit.service.place(order, "shop")
    assert (is_new, is_new_again) == (True, False)
    assert again.state == first.state
    assert kit.partner.truth.count(AUTH) == 1


def test_the_same_number_with_other_content_is_refused(kit: Kit) -> None:
    order = make_order()
    kit.place(order)
    with pytest.raises(Rejected, match="other content"):
        kit.place(replace(make_order(500, number=order.number)))


def test_a_declined_card_ends_the_order_and_asks_nobody(kit: Kit) -> None:
    kit.partner.say(
        AUTH,
        lambda it: kit.partner.do(
            it, authorization(it, 7, PaymentStatus.declined, None, "INSUFFICIENT_FUND")
        ),
    )
    order = make_order()
    saga = kit.run(order)
    assert saga.state == OrderState.declined
    assert saga.reason == "INSUFFICIENT_FUND"
    assert kit.partner.truth.kinds() == ["payment_authorization", "shop_order_update"]


@pytest.mark.parametrize(
    ("status", "approved"),
    [(PaymentStatus.partial, 5_000), (PaymentStatus.risk_declined, 10_221)],
)
def test_money_held_for_nothing_is_reversed_by_what_was_answered(
    kit: Kit, status: PaymentStatus, approved: int
) -> None:
    kit.partner.say(AUTH, lambda it: kit.partner.do(it, authorization(it, 7, status, approved)))
    order = make_order()
    saga = kit.run(order)
    assert saga.state == OrderState.declined
    reversals = [e for e in kit.partner.truth.done if e.kind is EffectKind.payment_reversal]
    assert [one.amount_minor for one in reversals] == [approved]


def test_a_refused_compensation_waits_for_a_person_and_is_not_begun_again(kit: Kit) -> None:
    kit.partner.say(
        AUTH, lambda it: kit.partner.do(it, authorization(it, 7, PaymentStatus.partial, 5_000))
    )

    def refuse(_effect: Effect) -> Receipt:
        raise Rejected("a field is wrong", "gateway", "Mend it.")

    kit.partner.say(EffectKind.payment_reversal, refuse)
    order = make_order()
    assert kit.run(order).state == OrderState.stuck
    key = f"{order.order_id}|reverse|1"
    kit.engine.replay(EffectKind.payment_reversal, key, "controller")
    kit.pass_time(minutes=10)
    assert kit.service.orders.get(order.order_id).state == OrderState.declined


def test_a_lost_answer_leaves_the_order_pending_and_authorises_once(kit: Kit) -> None:
    def commit_and_drop(effect: Effect) -> Receipt:
        kit.partner.do(effect)
        raise OutcomeUnknown("time-out", "gateway", "Look.")

    kit.partner.say(AUTH, commit_and_drop)
    order = make_order()
    assert kit.place(order).state == OrderState.pending
    kit.pass_time(minutes=20)
    assert kit.service.orders.get(order.order_id).state == OrderState.captured
    assert kit.partner.truth.count(AUTH) == 1


def test_short_stock_refuses_where_the_rule_says_so(kit: Kit) -> None:
    kit.rules = make_rules(on_short_stock=OnShortStock.refuse)
    kit.erp.available["WIDGET-1"] = 0
    saga = kit.run(make_order())
    assert saga.state == OrderState.cancelled
    assert kit.partner.truth.kinds()[:2] == ["payment_authorization", "payment_reversal"]


def test_a_product_that_syspro_does_not_know_ends_the_order_at_once(kit: Kit) -> None:
    kit.erp.available["WIDGET-1"] = None
    saga = kit.run(make_order())
    assert (saga.state, saga.facts.problem) == (OrderState.cancelled, "")
    assert saga.facts.stop is not None
    assert saga.facts.stop.why == "SYSPRO has no WIDGET-1 in warehouse W1"
    assert saga.facts.stop.told == "unknown_product: WIDGET-1"
    kinds = kit.partner.truth.kinds()
    assert kinds[:2] == ["payment_authorization", "payment_reversal"]
    assert "sales_order" not in kinds


def test_a_kit_without_stock_of_its_own_is_sold_by_its_parts(kit: Kit) -> None:
    kit.rules = make_rules(on_short_stock=OnShortStock.refuse)
    parts = (KitPart("TEA", 1_000_000), KitPart("CUP", 2_000_000))
    kit.erp.products["WIDGET-1"] = Product("WIDGET-1", "EA", is_kit=True, parts=parts)
    kit.erp.available |= {"WIDGET-1": 0, "TEA": 1_000_000, "CUP": 2_000_000}
    assert kit.run(make_order()).state == OrderState.captured
    kit.erp.available["CUP"] = 1_000_000
    saga = kit.run(make_order())
    assert saga.facts.stop is not None
    assert saga.facts.stop.told == "out_of_stock: WIDGET-1"


def test_a_unit_that_syspro_does_not_count_ends_the_order_at_once(kit: Kit) -> None:
    kit.erp.products["WIDGET-1"] = Product("WIDGET-1", "PCE")
    saga = kit.run(make_order())
    assert saga.state == OrderState.cancelled
    assert saga.facts.stop is not None
    assert saga.facts.stop.why == "SYSPRO does not count WIDGET-1 in 'EA'"
    assert "sales_order" not in kit.partner.truth.kinds()


def test_a_customer_over_the_limit_is_held_until_a_clerk_releases(kit: Kit) -> None:
    order = make_order()
    code = "W" + order.number.zfill(6)
    kit.erp.credits[code] = CustomerCredit(code, True, False, Money(10_000, "USD"), Money(0, "USD"))
    saga = kit.run(order)
    assert saga.facts.is_suspended
    assert kit.partner.truth.count(EffectKind.payment_capture) == 0
    kit.erp.orders[order.purchase_order] = ErpOrder("2", code, order.purchase_order, "1", False)
    kit.pass_time(minutes=20)
    assert kit.service.orders.get(order.order_id).state == OrderState.captured


def test_an_erp_that_is_down_is_asked_again_and_nothing_is_lost(kit: Kit) -> None:
    kit.erp.fault = Retryable("connection refused", "SYSPRO", "Ask again.")
    order = make_order()
    saga = kit.run(order)
    assert saga.state == OrderState.authorized
    assert "connection refused" in saga.reason
    kit.erp.fault = None
    kit.pass_time(minutes=10)
    assert kit.service.orders.get(order.order_id).state == OrderState.captured


def test_a_refused_sales_order_is_stuck_until_its_dead_letter_is_replayed(kit: Kit) -> None:
    def refuse(_effect: Effect) -> Receipt:
        raise Rejected("price must be numeric", "SORTOI", "Correct the mapping.")

    kit.partner.say(EffectKind.sales_order, refuse)
    order = make_order()
    saga = kit.run(order)
    assert saga.state == OrderState.stuck
    assert "price must be numeric" in saga.reason
    kit.clock.move(hours=1)
    assert not kit.service.orders.due(["acme_us"], 10)  # nobody asks a letter that lies open
    kit.engine.replay(EffectKind.sales_order, f"{order.order_id}|sales_order|1", "engineer")
    assert list(kit.service.orders.due(["acme_us"], 10)) == [order.order_id]
    kit.pass_time(minutes=10)
    assert kit.service.orders.get(order.order_id).state == OrderState.captured


def test_a_cancel_leaves_a_refused_step_behind(kit: Kit) -> None:
    def refuse(_effect: Effect) -> Receipt:
        raise Rejected("customer on hold", "SORTOI", "Ask credit control.")

    kit.partner.say(EffectKind.sales_order, refuse)
    order = make_order()
    kit.run(order)
    kit.service.cancel(order.order_id, "shop", "shopper changed her mind")
    saga = kit.service.advance(order.order_id)
    assert saga.state == OrderState.cancelled
    assert saga.facts.is_reversed


def test_the_shops_own_authorisation_is_taken_over_if_it_is_enough(kit: Kit) -> None:
    request_id = "7" * 22
    payment = PaymentSource(PaymentMethod.authorized, request_id=request_id)
    order = make_order(payment=payment)
    kit.gateway.known[request_id] = Authorized(
        request_id, PaymentStatus.authorized, "AUTHORIZED", authorized=order.amount
    )
    assert kit.run(order).state == OrderState.captured
    assert kit.partner.truth.count(AUTH) == 0


def test_a_shops_authorisation_of_another_amount_needs_a_person(kit: Kit) -> None:
    request_id = "7" * 22
    order = make_order(payment=PaymentSource(PaymentMethod.authorized, request_id=request_id))
    kit.gateway.known[request_id] = Authorized(
        request_id, PaymentStatus.authorized, "AUTHORIZED", authorized=Money(1, "USD")
    )
    saga = kit.run(order)
    assert saga.state == OrderState.stuck
    assert "0.01 USD" in saga.reason


def test_a_shop_that_does_not_answer_holds_up_no_money(kit: Kit) -> None:
    def refuse(_effect: Effect) -> Receipt:
        raise Retryable("connection refused", "shop", "Ask again.")

    kit.partner.say(EffectKind.shop_order_update, refuse)
    order = make_order()
    assert kit.run(order).state == OrderState.captured
    kit.pass_time(minutes=10)
    assert kit.partner.truth.count(EffectKind.shop_order_update) == 1


def test_a_capture_that_was_decided_and_not_begun_is_not_made_for_a_cancelled_order(
    kit: Kit,
) -> None:
    kit.rules = make_rules(capture_when=CaptureWhen.shipment)
    order = make_order()
    kit.run(order)
    begun = kit.service.orders.get(order.order_id)
    facts = replace(begun.facts, open_step="capture|1")  # the worker died right after this commit
    kit.service.orders.save(replace(begun, facts=facts), [])
    kit.service.cancel(order.order_id, "shop", "changed her mind")
    saga = kit.service.advance(order.order_id)
    assert saga.state == OrderState.cancelled
    assert kit.partner.truth.count(EffectKind.payment_capture) == 0


def test_who_slept_through_its_lease_goes_on_with_what_another_driver_began(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    perform = kit.engine.perform

    def overtaken(effect: Effect, *, under: Lease | None = None) -> Effect:
        if effect.kind is EffectKind.sales_order:  # meanwhile another began it, the day before
            content = json.dumps({**json.loads(effect.payload), "order_date": "2026-01-01"})
            digest = hashlib.sha256(content.encode()).hexdigest()
            perform(replace(effect, payload=content, digest=digest))
        return perform(effect, under=under)

    monkeypatch.setattr(kit.engine, "perform", overtaken)
    order = make_order()
    assert kit.run(order).facts.sales_order
    assert kit.partner.truth.count(EffectKind.sales_order) == 1


def test_who_slept_through_its_lease_begins_nothing_for_an_order_cancelled_meanwhile(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    perform = kit.engine.perform
    order = make_order()

    def asleep(effect: Effect, *, under: Lease | None = None) -> Effect:
        if effect.kind is EffectKind.payment_authorization:
            kit.clock.move(seconds=180)  # the lease lasts two minutes
            kit.service.cancel(order.order_id, "shopper", "changed her mind")
            assert kit.service.advance(order.order_id).state == OrderState.cancelled
        return perform(effect, under=under)

    monkeypatch.setattr(kit.engine, "perform", asleep)
    assert kit.run(order).state == OrderState.cancelled
    kit.pass_time(minutes=10)
    assert kit.partner.truth.count(EffectKind.payment_authorization) == 0


def test_a_turn_that_learns_nothing_writes_no_facts(kit: Kit) -> None:
    kit.rules = make_rules(capture_when=CaptureWhen.shipment)
    order = make_order()
    kit.run(order)
    books = kit.service.orders
    read = books.get(order.order_id)
    assert not read.has_news()
    later = replace(read, next_at=kit.clock.now() + timedelta(hours=1), reason="looked in vain")
    saved = books.save(later, [])
    assert books.get(order.order_id) == saved == replace(later, version=read.version + 1)
    assert replace(saved, facts=replace(saved.facts, shop_told_state="booked")).has_news()
    assert replace(saved, stored=None).has_news()  # what is not known to be there is written
