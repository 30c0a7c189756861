"""Goods that leave while a fraud review is open are told, before the hold lapses and after."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from include.adapters.store import order_screen
from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.engine import open_store
from include.domain.order_state import OrderFacts, OrderState
from include.domain.orders import Order
from include.domain.payments import PaymentStatus
from include.domain.reviews import Decision, DecisionEvent
from include.services.effects.ports import EffectKind
from include.services.orders.ask_reviews import question
from include.services.orders.sagas import Event
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import authorization

Letters = Callable[[], list[tuple[str, str]]]
OPEN, GONE = "the fraud review is open", "the hold is gone"


@pytest.fixture
def letters(kit: Kit, migrated_url: str) -> Iterator[Letters]:
    store = open_store(migrated_url)
    yield lambda: [
        (one.kind, one.reason.rpartition(": ")[2]) for one in SqlDeadLetters(store).listing()
    ]
    store.dispose()


@pytest.fixture
def shipped(kit: Kit) -> Order:
    """An order that Decision Manager holds, and that a clerk has released and shipped."""
    kit.partner.say(
        EffectKind.payment_authorization,
        lambda it: kit.partner.do(it, authorization(it, 1, PaymentStatus.in_review)),
    )
    order = make_order()
    assert kit.run(order).state == OrderState.in_review
    invoiced(kit, order)
    assert kit.service.advance(order.order_id).state == OrderState.in_review
    return order


def invoiced(kit: Kit, order: Order) -> None:
    def seen(facts: OrderFacts) -> OrderFacts:
        return replace(facts, invoices=("I7",), is_suspended=False, suspense_reason="")

    kit.service.orders.amend(order.order_id, seen, Event("invoiced in SYSPRO"))


def decide(kit: Kit, order: Order, decision: Decision) -> None:
    payment = kit.service.orders.get(order.order_id).facts.payment
    assert payment is not None
    kit.service.decide(
        DecisionEvent(payment.request_id, decision, kit.clock.now(), "analyst", "k", "ann")
    )


def test_the_analyst_and_the_owner_learn_of_it_until_it_is_accepted(
    kit: Kit, letters: Letters, shipped: Order, migrated_url: str
) -> None:
    assert letters() == [("shipped_unpaid", OPEN)]
    store = open_store(migrated_url)
    (letter,) = SqlDeadLetters(store).listing()
    (review,) = order_screen.waiting(store)
    store.dispose()
    assert (letter.key, letter.amount_minor) == (shipped.order_id, 10_221)
    assert letter.owner == "orders@acme.example"
    assert "accept charges them" in letter.next_action
    subject, body = question(review, kit.rules, kit.clock.now())
    assert subject.startswith("URGENT: ")
    assert "| goods | HAVE LEFT (invoice I7): reject charges nobody" in body
    decide(kit, shipped, Decision.accept)
    assert kit.service.advance(shipped.order_id).facts.captured_minor() == 10_221
    assert letters() == []


def test_what_nobody_decided_is_told_once_more_when_the_hold_is_gone(
    kit: Kit, letters: Letters, shipped: Order, migrated_url: str
) -> None:
    kit.pass_time(days=40)
    saga = kit.service.orders.get(shipped.order_id)
    assert (saga.facts.captured_minor(), saga.facts.is_reversed) == (0, True)
    assert letters() == [("shipped_unpaid", GONE)]
    decide(kit, shipped, Decision.accept)  # too late: nothing is held any more
    kit.service.advance(shipped.order_id)
    assert letters() == [("shipped_unpaid", GONE)]
    store = open_store(migrated_url)
    book = SqlDeadLetters(store, lambda _connection: kit.clock.now())
    book.resolve(book.listing()[0].dead_letter_id, "ann", "she paid by cheque")
    store.dispose()
    kit.pass_time(days=1)
    assert letters() == []


def test_who_rejects_what_has_left_was_told_before(
    kit: Kit, letters: Letters, shipped: Order
) -> None:
    decide(kit, shipped, Decision.reject)
    assert letters() == []


def test_who_gives_up_what_has_left_knows_it(kit: Kit, letters: Letters, shipped: Order) -> None:
    kit.service.orders.amend(
        shipped.order_id, lambda facts: replace(facts, problem="no"), Event("seen")
    )
    kit.service.give_up(shipped.order_id, "ann", "she pays by cheque", via="cli")
    kit.service.advance(shipped.order_id)
    assert letters() == []


def test_a_held_order_that_has_not_left_is_told_to_nobody(kit: Kit, letters: Letters) -> None:
    kit.partner.say(
        EffectKind.payment_authorization,
        lambda it: kit.partner.do(it, authorization(it, 1, PaymentStatus.in_review)),
    )
    assert kit.run(make_order()).state == OrderState.in_review
    kit.pass_time(days=40)
    assert letters() == []
