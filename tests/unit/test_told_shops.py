"""What a shop is told of an order: its word for the state, a note, and who reads it."""

import pytest

from include.domain.erp_orders import Shipment
from include.domain.order_state import ENDED, TOLD, Ending, OrderFacts, OrderState, Stop
from tests.unit.shop_orders import translator, woo_order

US = translator("acme_us_web")


def test_the_shop_is_told_the_state_with_its_facts() -> None:
    order = US.order(woo_order())
    booked = US.shop_update(order, OrderFacts(sales_order="000123"), OrderState.booked)
    assert (booked.order_number, booked.status) == ("1001", "processing")
    assert booked.note == "Sales order 000123 of 1001 is in the ERP."
    stopped = OrderFacts(stop=Stop("analyst", "Refused by the fraud team."))
    cancelled = US.shop_update(order, stopped, OrderState.cancelled)
    assert cancelled.status == "cancelled"
    said = "The order is cancelled: the seller has ended it. No payment was made."
    assert cancelled.note == said  # why, is for staff alone
    assert cancelled.sequence > booked.sequence


def test_an_end_that_a_store_put_back_forgot_gives_way_to_the_one_it_comes_to() -> None:
    order = US.order(woo_order())
    told = {state: US.shop_update(order, OrderFacts(), state).sequence for state in TOLD}
    assert len({told[state] for state in ENDED}) == 1
    assert all(told[state] < told[OrderState.completed] for state in set(TOLD) - set(ENDED))


def test_what_the_shops_people_have_ended_stays_so_but_for_our_own_cancellation() -> None:
    order = US.order(woo_order())
    kept = {state: US.shop_update(order, OrderFacts(), state).kept for state in TOLD}
    assert kept.pop(OrderState.cancelled) == ()
    # As *failed* its shopper could pay once more for what they have cancelled.
    assert kept.pop(OrderState.declined) == ("cancelled",)
    assert set(kept.values()) == {("cancelled", "refunded")}


def test_a_note_is_for_the_shopper_where_its_row_says_so_alone() -> None:
    order = US.order(woo_order())
    facts = OrderFacts(stop=Stop("analyst", "x"))
    told = {state: US.shop_update(order, facts, state) for state in TOLD}
    assert {state for state, update in told.items() if update.is_note_for_shopper} == {
        OrderState.in_review,
        OrderState.declined,
        OrderState.cancelled,
    }
    parcel = Shipment("000123", "N1", "DHL", "1Z999")
    assert US.shipment(order, OrderFacts(), parcel, OrderState.captured).is_note_for_shopper


@pytest.mark.parametrize("ending", Ending)
def test_why_we_ended_an_order_is_a_clause_of_the_shops_language(ending: Ending) -> None:
    order, clause = US.order(woo_order()), US.ending(ending, ("TEA-1001", "CUP-4005"))
    told = US.shop_update(
        order, OrderFacts(stop=Stop("tieout", "x", told=clause)), OrderState.cancelled
    )
    assert told.note == f"The order is cancelled: {clause}. No payment was made."
    assert "TEA-1001, CUP-4005" in clause


def test_a_shipment_is_told_with_its_tracking_and_never_reopens_an_order() -> None:
    order = US.order(woo_order())
    note = Shipment("000123", "N1", "DHL", "1Z999")
    told = US.shipment(order, OrderFacts(), note, OrderState.captured)
    assert (told.status, told.note) == ("processing", "Shipped with DHL, tracking 1Z999.")
    assert told.meta == (("carrier", "DHL"), ("tracking_number", "1Z999"))
    assert US.shipment(order, OrderFacts(), note, OrderState.completed).status == ""


@pytest.mark.parametrize(("carrier", "tracking"), [("", ""), ("DHL", "")])
def test_no_shopper_reads_a_dash_where_the_site_does_not_say(carrier: str, tracking: str) -> None:
    parcel = Shipment("000123", "N1", carrier, tracking)
    told = US.shipment(US.order(woo_order()), OrderFacts(), parcel, OrderState.captured)
    assert told.note == f"Shipped with {carrier or '-'}, tracking -."
    assert not told.is_note_for_shopper
