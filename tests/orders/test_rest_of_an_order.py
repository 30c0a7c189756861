"""An order that was captured in part, and whose rest ships after its authorisation has lapsed."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from include.adapters.store.alerts import SqlSightings
from include.adapters.store.command_lists import holds
from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.engine import open_store
from include.domain.alerts import AlertKind, AlertRule
from include.domain.canonical import from_json
from include.domain.erp_orders import ErpDocument
from include.domain.money import Money
from include.domain.order_rules import CaptureWhen, OnExpiry
from include.domain.order_state import OrderFacts, OrderState
from include.domain.orders import Order, PaymentMethod, PaymentSource
from include.domain.payments import Authorize, Capture, PaymentStatus
from include.domain.reviews import Decision, DecisionEvent
from include.services.effects.ports import Effect, EffectKind
from include.services.orders.sagas import Event
from tests.orders.closing_site import COMPLETE, Site, Syspro, number_of
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import authorization, make_rules
from tests.orders.test_expiry_of_held import show

AUTH, CAPTURE = EffectKind.payment_authorization, EffectKind.payment_capture
REVERSAL = EffectKind.payment_reversal
FIRST, REST = Money(4_000, "USD"), Money(6_221, "USD")
KEPT = PaymentSource(PaymentMethod.transient_token, transient_id="f" * 64, keep=True)
NO_CARD = PaymentSource(PaymentMethod.transient_token, transient_id="f" * 64)
Letters = Callable[[], list[tuple[str, int, str]]]


@pytest.fixture
def letters(kit: Kit, migrated_url: str) -> Iterator[Letters]:
    store = open_store(migrated_url)
    yield lambda: [
        (one.kind, one.amount_minor, one.reason) for one in SqlDeadLetters(store).listing()
    ]
    store.dispose()


def test_what_was_approved_beyond_the_order_is_no_rest_of_it(kit: Kit, letters: Letters) -> None:
    """It was made smaller in its shop, and a store that was put back had forgotten it."""
    kit.partner.say(AUTH, lambda it: kit.partner.do(it, authorization(it, 7, approved=12_000)))
    order = make_order()
    assert kit.run(order).state == OrderState.captured
    number, amount = order.purchase_order, order.amount
    shown = ErpDocument("W1", "I1", "I", number, "1", amount, kit.today, "I1")
    kit.erp.documents[number] = [shown]
    kit.pass_time(days=9)
    saga = kit.service.orders.get(order.order_id)
    assert (saga.state, saga.facts.captured_minor()) == (OrderState.completed, order.amount.minor)
    assert letters() == []


def invoice(kit: Kit, order: Order, number: str, amount: Money) -> None:
    """Let goods leave: SYSPRO shows it, and its poller asks for the capture."""
    shown = kit.erp.documents.setdefault(order.purchase_order, [])
    shown.append(
        ErpDocument(
            "W1", number, "I", order.purchase_order, "1", amount, kit.today, number
        )
    )  # fmt: skip

    def seen(facts: OrderFacts) -> OrderFacts:
        return replace(facts, invoices=(*facts.invoices, number))

    kit.service.orders.amend(order.order_id, seen, Event("invoiced in SYSPRO"))
    kit.service.capture_delivered(order.order_id, amount, f"invoice {number}")
    kit.service.advance(order.order_id)


def shipped_in_part(kit: Kit, rule: OnExpiry, payment: PaymentSource = KEPT) -> Order:
    kit.rules = make_rules(on_expiry=rule, capture_when=CaptureWhen.shipment)
    order = make_order(payment=payment)
    kit.run(order)
    invoice(kit, order, "I1", FIRST)
    assert facts_of(kit, order).captured_minor() == 4_000
    return order


def facts_of(kit: Kit, order: Order) -> OrderFacts:
    return kit.service.orders.get(order.order_id).facts


def sent(kit: Kit, kind: EffectKind) -> list[Effect]:
    return [one for one in kit.partner.truth.done if one.kind is kind]


def captures(kit: Kit) -> list[Capture]:
    return [from_json(Capture, one.payload) for one in sent(kit, CAPTURE)]


def say(kit: Kit, status: PaymentStatus, approved: int | None = -1) -> None:
    kit.partner.say(
        AUTH, lambda it: kit.partner.do(it, authorization(it, 77, status, approved, "why"))
    )


class TestRenewed:
    """For what is not captured yet; captures that are made later are drawn on the new one."""

    def test_it_is_renewed_for_the_rest_again_and_again(self, kit: Kit, letters: Letters) -> None:
        order = shipped_in_part(kit, OnExpiry.renew)
        kit.pass_time(days=18, hours=6)
        asked = [from_json(Authorize, one.payload) for one in sent(kit, AUTH)]
        assert [one.amount.minor for one in asked] == [10_221, 6_221, 6_221, 6_221]
        assert [bool(one.lines) for one in asked] == [True, False, False, False]
        assert {one.renews.authorized for one in asked if one.renews} == {order.amount}
        # The first was drawn upon, and lapses by itself; the others are given back.
        assert [one.amount_minor for one in sent(kit, REVERSAL)] == [6_221, 6_221]
        invoice(kit, order, "I2", REST)
        saga = kit.service.orders.get(order.order_id)
        assert (saga.state, saga.facts.captured_minor()) == (OrderState.completed, 10_221)
        drawn_on = [one.authorization_id for one in captures(kit)]
        assert drawn_on == [one.authorization_id for one in saga.facts.captures]
        assert saga.facts.payment is not None
        assert drawn_on[1] == saga.facts.payment.request_id != drawn_on[0]
        assert [(one.sequence, one.is_final) for one in captures(kit)] == [(1, False), (1, True)]
        kit.pass_time(days=8)
        assert len(sent(kit, AUTH)) == 4
        assert letters() == []

    def test_a_renewal_is_captured_in_parts_as_well(self, kit: Kit) -> None:
        order = shipped_in_part(kit, OnExpiry.renew)
        kit.pass_time(days=6, hours=1)
        invoice(kit, order, "I2", Money(2_000, "USD"))
        kit.pass_time(days=6, hours=1)
        invoice(kit, order, "I3", Money(4_221, "USD"))
        assert [one.amount_minor for one in sent(kit, AUTH)] == [10_221, 6_221, 4_221]
        assert kit.service.orders.get(order.order_id).state == OrderState.completed
        assert sent(kit, REVERSAL) == []

    @pytest.mark.parametrize(
        ("status", "approved"),
        [
            (PaymentStatus.declined, None),
            (PaymentStatus.partial, 3_000),
            (PaymentStatus.risk_declined, 6_221),
        ],
    )
    def test_one_that_is_refused_is_told_and_the_old_one_used_to_its_end(
        self, kit: Kit, letters: Letters, status: PaymentStatus, approved: int | None
    ) -> None:
        order = shipped_in_part(kit, OnExpiry.renew)
        say(kit, status, approved)
        kit.pass_time(days=6, hours=1)
        ((kind, minor, reason),) = letters()
        assert (kind, minor) == ("rest_unpaid", 6_221)
        assert "62.21 USD of it are not captured" in reason
        assert [one.amount_minor for one in sent(kit, REVERSAL)] == [approved] * bool(approved)
        invoice(kit, order, "I2", REST)
        assert facts_of(kit, order).captured_minor() == 10_221
        assert len({one.authorization_id for one in captures(kit)}) == 1
        assert letters() == []

    @pytest.mark.parametrize("said", [Decision.accept, Decision.reject, None])
    def test_one_that_is_held_is_decided_and_what_was_captured_stays(
        self, kit: Kit, letters: Letters, said: Decision | None
    ) -> None:
        order = shipped_in_part(kit, OnExpiry.renew)
        say(kit, PaymentStatus.in_review)
        kit.pass_time(days=6, hours=1)
        invoice(kit, order, "I2", REST)
        assert kit.service.orders.get(order.order_id).state == OrderState.in_review
        if said is not None:
            now = kit.clock.now()
            kit.service.decide(DecisionEvent(f"{77:022}", said, now, "webhook", "k", "ann"))
        kit.pass_time(days=6, hours=1)
        saga = kit.service.orders.get(order.order_id)
        is_charged = said is Decision.accept
        assert saga.facts.captured_minor() == (10_221 if is_charged else 4_000)
        assert saga.facts.returned_minor == 0
        if said is None:  # nobody decided: the hold of the rest is given back, and a person told
            assert (saga.state, saga.facts.is_reversed) == (OrderState.completed, True)
            ((kind, minor, reason),) = letters()
            assert (kind, minor) == ("rest_unpaid", 6_221)
            assert "before the hold was gone" in reason

    def test_a_renewed_rest_that_lapses_is_given_back_and_told(
        self, kit: Kit, letters: Letters
    ) -> None:
        order = shipped_in_part(kit, OnExpiry.renew)
        kit.pass_time(days=6, hours=1)
        say(kit, PaymentStatus.declined, None)
        kit.pass_time(days=7, hours=2)
        saga = kit.service.orders.get(order.order_id)
        assert (saga.state, saga.facts.captured_minor()) == (OrderState.completed, 4_000)
        assert [one.amount_minor for one in sent(kit, REVERSAL)] == [6_221]
        assert [one[:2] for one in letters()] == [("rest_unpaid", 6_221)]


class TestByTheOtherRules:
    def test_the_rest_is_captured_before_it_lapses(self, kit: Kit, letters: Letters) -> None:
        order = shipped_in_part(kit, OnExpiry.capture)
        kit.pass_time(days=6, hours=1)
        facts = facts_of(kit, order)
        assert [one.amount for one in facts.captures] == [FIRST, REST]
        assert [(one.sequence, one.is_final) for one in captures(kit)] == [(1, False), (2, True)]
        assert all(one.receipt for one in facts.captures)
        kit.pass_time(days=13)
        invoice(kit, order, "I2", REST)  # it is paid already, and nothing is asked of anybody
        saga = kit.service.orders.get(order.order_id)
        assert (saga.state, len(captures(kit)), letters()) == (OrderState.completed, 2, [])

    def test_a_rest_that_a_clerk_keeps_is_not_captured_before_it_lapses(
        self, kit: Kit, letters: Letters
    ) -> None:
        order = shipped_in_part(kit, OnExpiry.capture)
        show(kit, order, "S")  # since the first part has left: nobody else tells of it
        kit.pass_time(days=6, hours=1)
        assert (facts_of(kit, order).attempt, len(captures(kit))) == (2, 1)
        show(kit, order, "1")
        kit.pass_time(days=6, hours=1)
        assert [one.amount for one in captures(kit)] == [FIRST, REST]
        assert letters() == []

    def test_without_a_card_a_person_is_told_of_the_rest_that_a_clerk_keeps(
        self, kit: Kit, letters: Letters
    ) -> None:
        order = shipped_in_part(kit, OnExpiry.capture, NO_CARD)
        show(kit, order, "S")
        kit.pass_time(days=8)
        assert [one.amount for one in captures(kit)] == [FIRST]
        assert [one[:2] for one in letters()] == [("rest_unpaid", 6_221)]

    @pytest.mark.parametrize(
        ("rule", "payment"), [(OnExpiry.release, KEPT), (OnExpiry.renew, NO_CARD)]
    )
    def test_the_rest_is_given_up_and_a_person_told_before_its_goods_leave(
        self, kit: Kit, letters: Letters, rule: OnExpiry, payment: PaymentSource
    ) -> None:
        order = shipped_in_part(kit, rule, payment)
        assert letters() == []
        kit.pass_time(days=6, hours=1)
        ((kind, minor, reason),) = letters()
        assert (kind, minor) == ("rest_unpaid", 6_221)
        assert reason.startswith(
            "62.21 USD of it are not captured, and the authorisation lapses at"
        )
        saga = kit.service.orders.get(order.order_id)
        assert saga.state == OrderState.stuck
        assert "the authorisation of the rest could not be renewed" in saga.reason
        kit.pass_time(days=3)  # nothing more is done, nor looked at every minute
        assert len(letters()) == 1
        assert (sent(kit, REVERSAL), len(sent(kit, AUTH))) == ([], 1)
        told = Event("cancelled in SYSPRO", {}, "SYSPRO")
        kit.service.called_off(order.order_id, "SYSPRO", "the rest is cancelled", told)
        kit.pass_time(hours=1)
        saga = kit.service.orders.get(order.order_id)
        assert (saga.state, saga.facts.captured_minor()) == (OrderState.completed, 4_000)
        assert (saga.facts.returned_minor, letters()) == (0, [])

    def test_goods_that_leave_before_it_lapses_are_charged(
        self, kit: Kit, letters: Letters
    ) -> None:
        order = shipped_in_part(kit, OnExpiry.release)
        kit.pass_time(days=6, hours=12)
        invoice(kit, order, "I2", REST)
        saga = kit.service.orders.get(order.order_id)
        assert (saga.state, letters()) == (OrderState.completed, [])

    def test_an_order_that_a_person_gives_up_asks_nobody_any_more(
        self, kit: Kit, letters: Letters
    ) -> None:
        order = shipped_in_part(kit, OnExpiry.release)
        kit.pass_time(days=6, hours=1)
        kit.service.give_up(order.order_id, "ann", "he pays the rest by cheque", via="cli")
        saga = kit.service.advance(order.order_id)
        assert (saga.state, letters()) == (OrderState.completed, [])


def test_what_leaves_after_the_hold_of_the_rest_is_gone_is_told_once_more(
    kit: Kit, letters: Letters
) -> None:
    """Whoever resolved the letter of the rest may have thought that it would not leave."""
    kit.rules = make_rules(on_expiry=OnExpiry.renew, capture_when=CaptureWhen.shipment)
    order, site = make_order(payment=KEPT), Site(kit, Syspro(kit.erp))
    kit.run(order)
    site.erp.invoice(order, 4_000, "I1")
    site.erp.show(order, number_of(site, order), "1", last="I1")
    site.poll()
    kit.pass_time(days=6, hours=1)
    say(kit, PaymentStatus.declined, None)
    kit.pass_time(days=7, hours=2)
    assert [kind for kind, *_ in letters()] == ["rest_unpaid"]
    site.erp.invoice(order, 6_221, "I2")
    site.erp.show(order, number_of(site, order), COMPLETE, last="I2")
    site.poll()
    beyond = "invoiced 102.21 USD, and no more than 40.00 USD is charged: nobody pays the rest"
    assert any(one[0] == "erp_order" and beyond in one[2] for one in letters())
    assert (site.given(), facts_of(kit, order).captured_minor()) == ([], 4_000)


def test_it_is_counted_among_what_lapses_until_all_of_it_is_captured(
    kit: Kit, migrated_url: str
) -> None:
    order = shipped_in_part(kit, OnExpiry.release)
    store, hour = open_store(migrated_url), timedelta(hours=1)
    rule = AlertRule(
        AlertKind.authorizations_expiring, 1, hour, (), hour, None, is_urgent=False, owner="o",
        where="w",
    )  # fmt: skip
    sightings = SqlSightings(store, lambda _merchant: kit.rules, lambda _merchant: "A", hour)

    def seen() -> list[int]:
        return [one.count for one in sightings.seen(rule, kit.clock.now())]

    assert seen() == []
    kit.clock.move(days=6, hours=1)
    assert kit.service.orders.get(order.order_id).state == OrderState.captured
    assert (seen(), [one.order_id for one in holds(store)]) == ([1], [order.order_id])
    invoice(kit, order, "I2", REST)
    assert (seen(), holds(store)) == ([], [])
    store.dispose()
