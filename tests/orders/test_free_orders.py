"""An order that costs nothing: SYSPRO has it as any other, and nobody moves money for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from include.domain.erp_orders import CustomerCredit, ErpDocument, ErpOrder, Shipment
from include.domain.errors import Rejected, Retryable
from include.domain.money import Money
from include.domain.order_rules import CaptureWhen, OnShortStock
from include.domain.order_state import OrderState, Stop
from include.domain.orders import LineKind, Order, PaymentMethod, PaymentSource
from include.services.effects.ports import EffectKind
from include.services.orders.driver import Ask, Perform
from include.services.orders.place_order import OrderPlay
from tests.orders.closing_site import COMPLETE, Site, Syspro, number_of
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import make_rules
from tests.orders.test_cancellations import NOW, kill_at, store_of

NOTHING = PaymentSource(PaymentMethod.none)
BOOKS = {"customer", "sales_order", "sales_order_move", "shop_order_update", "shop_callback"}


@dataclass
class Seen(Syspro):
    """A SYSPRO whose dispatch notes and credit notes are shown as well."""

    notes: list[Shipment] = field(default_factory=list)
    credits: list[ErpDocument] = field(default_factory=list)

    def shipments_since(self, cursor: str) -> Sequence[Shipment]:
        return self.notes if cursor < "2026-11-03" else ()

    def credit_notes_since(self, cursor: str) -> Sequence[ErpDocument]:
        return self.credits if cursor < "2026-11-03" else ()


@pytest.fixture
def erp(kit: Kit) -> Seen:
    return Seen(kit.erp)


@pytest.fixture
def site(kit: Kit, erp: Seen) -> Site:
    return Site(kit, erp)


def free_order(**changes: object) -> Order:
    """One widget for 102.21 USD, and a coupon of as much."""
    order = make_order(payment=NOTHING, **changes)
    off = replace(
        order.lines[0], number=2, kind=LineKind.discount, stock_code="", net=-order.amount
    )
    return replace(order, amount=Money(0, "USD"), lines=(*order.lines, off))


def state(kit: Kit, order: Order) -> OrderState:
    return OrderState(kit.service.orders.get(order.order_id).state)


def told(kit: Kit, kind: EffectKind) -> list[str]:
    """Return the states that a shop was told, first to last."""
    done = [one.key for one in kit.partner.truth.done if one.kind is kind]
    return [key.rpartition("|")[2] for key in done]


def moved_no_money(kit: Kit) -> bool:
    return set(kit.partner.truth.kinds()) <= BOOKS


def invoiced(site: Site, order: Order, minor: int = 0) -> None:
    site.erp.invoice(order, minor)
    site.erp.show(order, number_of(site, order), COMPLETE, last="I1")
    site.poll()


@pytest.mark.parametrize("when", CaptureWhen)
def test_it_is_booked_and_complete_with_its_invoice_and_nobody_pays(
    site: Site, when: CaptureWhen
) -> None:
    kit, order = site.kit, free_order()
    kit.rules, kit.callback_target = make_rules(capture_when=when), "web|callback"
    assert kit.place(order).state == OrderState.authorized  # a sweep books it, as what is paid
    assert kit.service.sweep(["acme_us"], 10)
    assert state(kit, order) == OrderState.booked
    kit.pass_time(days=9)  # no hold of it lapses
    assert state(kit, order) == OrderState.booked
    invoiced(site, order)
    saga = kit.service.orders.get(order.order_id)
    assert (saga.state, saga.facts.invoice) == (OrderState.completed, "I1")
    assert (saga.facts.payment, saga.facts.captures) == (None, ())
    assert moved_no_money(kit)
    assert kit.partner.truth.kinds().count("customer") == 1
    assert kit.partner.truth.kinds().count("sales_order") == 1
    assert told(kit, EffectKind.shop_order_update) == ["completed"]
    assert told(kit, EffectKind.shop_callback) == ["booked", "completed"]
    assert site.letters() == []


def test_the_sales_order_holds_its_lines_and_their_discount(kit: Kit) -> None:
    order = free_order()
    kit.run(order)
    (made,) = (it for it in kit.partner.truth.done if it.kind is EffectKind.sales_order)
    assert made.amount_minor == 0
    assert '"stock_code":"WIDGET-1"' in made.payload
    assert '"kind":"discount"' in made.payload


def test_only_the_order_itself_is_free(kit: Kit) -> None:
    """No payment is no word for nothing to pay: the gateway is asked, and refuses that."""
    order = replace(make_order(), payment=NOTHING)
    saga = kit.place(order)
    assert not saga.facts.is_free
    assert kit.partner.truth.count(EffectKind.payment_authorization) == 1


def test_a_repeat_is_the_order_that_is_there(kit: Kit) -> None:
    order = free_order()
    kit.run(order)
    again, is_new = kit.service.place(order, "shop")
    assert (again.state, is_new) == (OrderState.booked, False)
    assert kit.partner.truth.count(EffectKind.sales_order) == 1


def test_stock_and_credit_are_asked_as_for_any_other(kit: Kit) -> None:
    kit.rules = make_rules(on_short_stock=OnShortStock.refuse)
    kit.erp.available["WIDGET-1"] = 0
    short = free_order()
    assert kit.run(short).state == OrderState.cancelled
    kit.erp.available.clear()
    held = free_order()
    code = "W" + held.number.zfill(6)
    kit.erp.credits[code] = CustomerCredit(code, True, True, None, None)
    assert kit.run(held).facts.is_suspended
    kit.erp.orders[held.purchase_order] = ErpOrder("2", code, held.purchase_order, "1", False)
    kit.pass_time(minutes=20)
    assert not kit.service.orders.get(held.order_id).facts.is_suspended
    assert state(kit, held) == OrderState.booked
    assert moved_no_money(kit)


def test_it_waits_for_a_syspro_that_is_down(kit: Kit) -> None:
    kit.erp.fault = Retryable("connection refused", "SYSPRO", "Ask again.")
    order = free_order()
    assert kit.run(order).state == OrderState.authorized
    assert list(kit.service.orders.due(["acme_us"], 10, is_erp_down=True)) == []
    kit.erp.fault = None
    kit.pass_time(minutes=10)
    assert state(kit, order) == OrderState.booked


@pytest.mark.parametrize("kind", [EffectKind.customer, EffectKind.sales_order])
def test_an_answer_that_is_lost_books_it_once(kit: Kit, kind: EffectKind) -> None:
    kit.partner.lose(kind)
    order = free_order()
    kit.run(order)
    kit.pass_time(minutes=30)
    assert state(kit, order) == OrderState.booked
    assert kit.partner.truth.count(kind) == 1


def test_a_sweeper_killed_at_any_commit_books_it_once(kit: Kit) -> None:
    killed_at, placed, is_killed = 0, [], True
    while is_killed:
        killed_at += 1
        order = free_order()
        placed.append(order)
        is_killed = kill_at(store_of(kit), killed_at, lambda it=order: kit.run(it))  # type: ignore[misc]
    assert killed_at > 8
    for order in placed:
        kit.place(order)  # who heard nothing of it sends it again
    kit.pass_time(hours=2)
    assert {state(kit, order) for order in placed} == {OrderState.booked}
    assert kit.partner.truth.count(EffectKind.sales_order) == len(placed)
    assert moved_no_money(kit)


def test_a_cancel_killed_at_any_commit_ends_it_all_the_same(kit: Kit) -> None:
    killed_at, placed, is_killed = 0, [], True
    while is_killed:
        killed_at += 1
        order = free_order()
        kit.run(order)
        placed.append(order)

        def unwind(name: str = order.order_id) -> None:
            kit.service.cancel(name, "ann", "changed her mind")
            kit.service.advance(name)

        is_killed = kill_at(store_of(kit), killed_at, unwind)
    assert killed_at > 8
    for order in placed:
        kit.service.cancel(order.order_id, "ann", "changed her mind")
    kit.pass_time(hours=4)
    assert {state(kit, order) for order in placed} == {OrderState.cancelled}
    assert kit.partner.truth.count(EffectKind.sales_order_move) == len(placed)
    assert moved_no_money(kit)


def test_one_that_is_called_off_before_it_is_booked_never_is(kit: Kit) -> None:
    order = free_order()
    kit.place(order)
    kit.service.cancel(order.order_id, "shop", "changed her mind")
    assert kit.service.advance(order.order_id).state == OrderState.cancelled
    assert "sales_order" not in kit.partner.truth.kinds()


def test_a_sales_order_that_a_store_has_forgotten_is_found_and_cancelled(kit: Kit) -> None:
    order = free_order()
    facts = kit.run(order).facts
    made = kit.engine.find(EffectKind.sales_order, f"{order.order_id}|sales_order|1")
    play = OrderPlay(order, kit.service.desk_of("web"), kit.engine.find, lambda _effect: made)
    stopped = replace(facts, sales_order="", stop=Stop("ann", "changed her mind"))
    move = play.next_move(stopped, kit.clock.now())
    assert move == Ask("forgotten: sales_order|1")
    found, _ = play.answer(stopped, "forgotten: sales_order|1", kit.clock.now())
    assert found.sales_order == facts.sales_order
    assert play.next_move(found, kit.clock.now()) == Perform("cancel_order|1")


def test_a_clerks_cancellation_ends_it(site: Site) -> None:
    order = free_order()
    site.kit.run(order)
    site.erp.show(order, number_of(site, order), "\\")
    site.poll()
    assert state(site.kit, order) == OrderState.cancelled
    assert moved_no_money(site.kit)
    assert site.letters() == []


def test_one_closed_by_its_status_is_cancelled_where_nothing_left(site: Site) -> None:
    order = free_order()
    site.kit.run(order)
    site.erp.show(order, number_of(site, order), COMPLETE)
    site.poll()
    assert state(site.kit, order) == OrderState.cancelled
    assert site.letters() == []


def test_one_closed_without_an_invoice_that_left_is_told_and_ends_with_the_invoice(
    site: Site, erp: Seen
) -> None:
    order = free_order()
    site.kit.run(order)
    number = number_of(site, order)
    erp.notes.append(Shipment(number, "N1", "UPS", "1Z", "2026-11-03-1"))
    site.poll()
    site.erp.show(order, number, COMPLETE)
    site.poll()
    ((kind, reason),) = site.letters()
    assert (kind, state(site.kit, order)) == ("erp_order", OrderState.booked)
    assert "closed with nothing invoiced" in reason
    assert reason.count("left") == 1
    invoiced(site, order)
    assert state(site.kit, order) == OrderState.completed
    assert site.letters() == []


def test_what_left_before_it_was_called_off_is_delivered(site: Site) -> None:
    order = free_order()
    site.kit.run(order)
    number = number_of(site, order)
    site.erp.invoice(order, 0)
    site.erp.show(order, number, "2", last="I1")
    site.poll()
    site.erp.show(order, number, "\\", last="I1")
    site.poll()
    assert state(site.kit, order) == OrderState.completed
    assert moved_no_money(site.kit)


def test_a_cancellation_that_comes_after_its_invoice_is_refused(site: Site) -> None:
    order = free_order()
    site.kit.run(order)
    invoiced(site, order)
    with pytest.raises(Rejected, match="invoiced"):
        site.kit.service.cancel(order.order_id, "shop", "changed her mind")


@pytest.mark.parametrize("is_invoiced", [False, True])
def test_a_refund_of_it_is_refused(site: Site, is_invoiced: bool) -> None:
    order = free_order()
    site.kit.run(order)
    if is_invoiced:
        invoiced(site, order)
    with pytest.raises(Rejected, match="it was free: nothing was paid"):
        site.kit.service.refund(
            order.order_id, Money(100, "USD"), origin="api", origin_key="1", who="ann", reason="x"
        )
    with pytest.raises(Rejected, match="it was free: nothing of it is captured"):
        site.kit.service.capture(order.order_id, None, "ann", "api 1")
    assert moved_no_money(site.kit)


@pytest.mark.parametrize(("minor", "is_told"), [(0, False), (100, True)])
def test_a_credit_note_of_it_gives_nothing_back(
    site: Site, erp: Seen, minor: int, is_told: bool
) -> None:
    order = free_order()
    site.kit.run(order)
    invoiced(site, order)
    note = ErpDocument(
        "W1",
        "C1",
        "C",
        order.purchase_order,
        "2",
        Money(minor, "USD"),
        NOW.date(),
        cursor="2026-11-03-1",
    )
    erp.credits.append(note)
    site.poll()
    told = [reason for kind, reason in site.letters() if kind == "credit_note"]
    assert [reason.startswith("it was free") for reason in told] == [True] * is_told
    assert site.asked(order) == []


def test_an_invoice_with_a_price_is_told(site: Site) -> None:
    order = free_order()
    site.kit.run(order)
    invoiced(site, order, 500)
    ((kind, reason),) = site.letters()
    assert kind == "erp_order"
    assert reason.startswith("invoiced 5.00 USD, and no more than 0.00 USD is charged")


def test_it_is_not_paid_anew(kit: Kit) -> None:
    order = free_order()
    kit.run(order)
    with pytest.raises(Rejected, match="not declined"):
        kit.service.pay_anew(order.order_id, make_order().payment, "shop")
