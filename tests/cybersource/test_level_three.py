"""The lines of an order go with every capture and refund, and are passed on."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from include.adapters.cybersource.partners import partners_of
from include.domain.money import Money
from include.domain.order_lines import part_of
from include.domain.payments import Capture, Refund
from include.services.effects.ports import Effect, EffectState
from tests.cybersource.scripted import AMOUNT, AUTH_ID, CODE, LINES, ScriptedGateway, effect_of
from tests.cybersource.support import CALLS, CAPTURE, MERCHANT, REFUND, Make, Shop, answer
from tests.cybersource.support import shop as shop

PART = Money(3000, "USD")


@pytest.fixture
def plain_account(shop: Shop) -> Iterator[None]:
    """Let the account pass no lines on."""
    shop.control("cybersource", level_three=False)
    yield
    shop.control("cybersource", level_three=True)


def capture(shop: Shop, amount: Money, number: int = 1, **changes: Any) -> Effect:
    paid = shop.pay().their_key
    made = Capture("ord_1", number, MERCHANT, shop.code, paid, amount, lines=part_of(LINES, amount))
    return shop.run(CAPTURE, replace(made, **changes))


def refund(shop: Shop, captured: str, amount: Money) -> Effect:
    lines = part_of(LINES, amount)
    return shop.run(
        REFUND, Refund("ord_1", "r", MERCHANT, shop.code, captured, amount, lines=lines)
    )


def passed_on(effect: Effect) -> object:
    assert effect.state is EffectState.done, effect.reason
    return json.loads(effect.evidence)["passed_on"]


def test_a_capture_names_level_lines_and_sums(gateway: ScriptedGateway, make_client: Make) -> None:
    made = Capture("ord_1", 2, "shop_1", CODE, AUTH_ID, AMOUNT, sequence=2, lines=LINES)
    gateway.on(CALLS[CAPTURE], answer(CAPTURE))
    partners_of(make_client())[CAPTURE].send(effect_of(CAPTURE, made))
    body = gateway.body()
    assert body["processingInformation"] == {
        "purchaseLevel": "3",
        "captureOptions": {"captureSequenceNumber": 2, "totalCaptureCount": 2},
    }
    order = body["orderInformation"]
    assert order["amountDetails"] == {
        "totalAmount": "90.19", "currency": "USD",
        "taxAmount": "6.19", "freightAmount": "9.00", "discountAmount": "5.00",
    }  # fmt: skip
    assert [line["productSku"] for line in order["lineItems"]] == ["LAMP-1", "freight"]
    assert order["invoiceDetails"] == {"purchaseOrderNumber": CODE, "taxable": True}


@pytest.mark.parametrize("amount", [AMOUNT, PART, Money(1, "USD"), Money(9018, "USD")])
def test_the_lines_of_captures_and_refunds_are_passed_on(shop: Shop, amount: Money) -> None:
    taken = capture(shop, amount)
    assert passed_on(taken) is True
    assert passed_on(refund(shop, taken.their_key, amount)) is True


def test_lines_that_the_account_may_not_pass_on_stop_no_money(
    shop: Shop, plain_account: None
) -> None:
    taken = capture(shop, PART)
    assert passed_on(taken) is False
    assert shop.settle(taken).state is EffectState.verified


def test_what_nobody_knows_the_lines_of_carries_none(shop: Shop) -> None:
    assert passed_on(capture(shop, PART, lines=())) is None
