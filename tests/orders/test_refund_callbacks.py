"""Whoever asked for a refund is called back: that it waits, was refused, or moved; each once."""

import json

import pytest

from include.domain.errors import Rejected, Retryable
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.domain.payments import Moved
from include.domain.refunds import RefundState
from include.services.effects.ports import Effect, EffectKind, Receipt
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import as_evidence, make_rules

USD_30 = Money(3_000, "USD")
CALL = EffectKind.shop_callback


@pytest.fixture
def sold(kit: Kit) -> tuple[Kit, str]:
    kit.callback_target = "web|callback"
    order = make_order()
    assert kit.run(order).state == OrderState.captured
    return kit, order.order_id


def ask(kit: Kit, order_id: str, origin: str = "api") -> str:
    return kit.service.refund(
        order_id, USD_30, origin=origin, origin_key="r-1", who="web", reason="late"
    )


def heard(kit: Kit) -> list[str]:
    """Return the events of refunds that the shop's server has taken, in order."""
    bodies = [json.loads(one.payload) for one in kit.partner.truth.done if one.kind is CALL]
    return [one["event"] for one in bodies if one["event"].startswith("refund.")]


@pytest.mark.parametrize("origin", ["api", "credit_note", "shop"])
def test_a_refund_that_moved_calls_back_before_the_books(
    sold: tuple[Kit, str], origin: str
) -> None:
    kit, order_id = sold
    before = len(kit.partner.truth.done)
    assert kit.service.advance_refund(ask(kit, order_id, origin)).state == RefundState.done
    kinds = kit.partner.truth.kinds()[before:]
    assert kinds[:3] == ["payment_refund", "shop_callback", "ar_receipt"]
    kit.pass_time(hours=1)
    assert heard(kit) == ["refund.moved"]


def test_the_sweep_calls_back_that_it_waits_then_that_it_moved(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold
    kit.rules = make_rules(refund_limit_minor={"USD": 1_000})
    refund_id = ask(kit, order_id)
    kit.pass_time(minutes=30)
    assert heard(kit) == ["refund.waiting"]
    kit.service.approve_refund(refund_id, "boss")
    kit.pass_time(minutes=30)
    assert heard(kit) == ["refund.waiting", "refund.moved"]


def test_the_sweep_calls_back_that_it_was_refused_and_why(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold
    kit.rules = make_rules(refund_limit_minor={"USD": 1_000})
    refund_id = ask(kit, order_id)
    kit.service.refuse_refund(refund_id, "boss", "it was delivered")
    kit.pass_time(minutes=30)
    assert heard(kit) == ["refund.refused"]
    (last,) = [one for one in kit.partner.truth.done if one.kind is CALL][-1:]
    assert json.loads(last.payload)["reason"] == "it was delivered"
    assert kit.partner.truth.count(EffectKind.payment_refund) == 0


def test_a_no_that_holds_a_card_number_is_not_taken(sold: tuple[Kit, str]) -> None:
    """Its event could not be told, and the refund would never rest."""
    kit, order_id = sold
    kit.rules = make_rules(refund_limit_minor={"USD": 1_000})
    refund_id = ask(kit, order_id)
    with pytest.raises(Rejected, match="the field reason holds a card number"):
        kit.service.refuse_refund(refund_id, "boss", "wants it on 4111 1111 1111 1111")
    assert kit.service.refunds.get(refund_id).state == RefundState.waiting


def test_a_server_that_is_down_holds_up_neither_money_nor_books(sold: tuple[Kit, str]) -> None:
    kit, order_id = sold

    def down(_effect: Effect) -> Receipt:
        raise Retryable("503", "the shop's server", "Again.")

    kit.partner.say(CALL, down)
    assert kit.service.advance_refund(ask(kit, order_id)).state == RefundState.done
    assert heard(kit) == []
    kit.pass_time(hours=1)
    assert heard(kit) == ["refund.moved"]


def test_an_event_under_way_keeps_nobody_from_saying_no(sold: tuple[Kit, str]) -> None:
    """A crash between the begun event and its fold leaves the step open."""
    kit, order_id = sold
    kit.rules = make_rules(refund_limit_minor={"USD": 1_000})
    refund_id = ask(kit, order_id)

    def crash(_effect: Effect) -> Receipt:
        raise KeyboardInterrupt

    kit.partner.say(CALL, crash)
    with pytest.raises(KeyboardInterrupt):
        kit.service.advance_refund(refund_id)
    assert kit.service.refunds.get(refund_id).facts.open_step == "callback|waiting"
    assert kit.service.refunds.get(refund_id).state == RefundState.waiting
    kit.service.refuse_refund(refund_id, "boss", "no")
    kit.pass_time(hours=1)
    assert kit.service.refunds.get(refund_id).state == RefundState.refused
    assert "refund.refused" in heard(kit)


def test_a_refund_that_the_gateway_refused_calls_back_once_a_person_has_paid_it(
    sold: tuple[Kit, str],
) -> None:
    kit, order_id = sold

    def no(effect: Effect) -> Receipt:
        return kit.partner.do(effect, Receipt("", as_evidence(Moved("", "DECLINED")), True))

    kit.partner.say(EffectKind.payment_refund, no)
    refund_id = ask(kit, order_id)
    assert kit.service.advance_refund(refund_id).state == RefundState.stuck
    assert heard(kit) == []
    kit.service.pay_refund_outside(refund_id, "wire 7", "ann")
    kit.pass_time(minutes=30)
    assert heard(kit) == ["refund.moved"]
    with pytest.raises(Rejected):
        kit.service.refuse_refund(refund_id, "boss", "too late")


def test_a_shop_without_a_server_is_called_by_nobody(kit: Kit) -> None:
    order = make_order()
    kit.run(order)
    kit.service.advance_refund(ask(kit, order.order_id))
    assert kit.partner.truth.count(CALL) == 0
