"""Credit before goods: limit, balance and order in one currency; what is not known is not zero."""

from dataclasses import replace
from datetime import date

import pytest

from include.domain.erp_orders import CustomerCredit, ErpOrder
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_rules import OnCredit
from include.domain.order_state import OrderState
from include.domain.orders import Order
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.services.orders.credit import judge
from tests.orders.conftest import Kit, make_order
from tests.orders.partners import FakeRates, authorization, make_rules

AUTH = EffectKind.payment_authorization


def account(
    order: Order, limit: Money | None, *owed: Money | None, currency: str = "USD"
) -> CustomerCredit:
    """An account in dollars, the order's currency; ``owed`` is its balance and its orders."""
    code = "W" + order.number.zfill(6)
    return CustomerCredit(code, True, False, limit, *owed, currency=currency)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def gbp(minor: int) -> Money:
    return Money(minor, "GBP")


NO_MORE = usd(0)


@pytest.mark.parametrize(
    ("limit", "owed", "verdict"),
    [
        # The order is 108.25 USD; at 0.793651 all that is owed becomes pounds, once.
        (gbp(86_00), (NO_MORE, NO_MORE), "good"),  # 85.91 GBP
        (gbp(85_00), (NO_MORE, NO_MORE), "exceeded"),
        (gbp(100_00), (usd(17_00), usd(75)), "good"),  # 126.00 USD are 100.00 GBP
        (gbp(100_00), (usd(17_00), usd(76)), "exceeded"),  # 126.01 USD are 100.01 GBP
        (gbp(100_00), (gbp(14_09), NO_MORE), "good"),  # a balance kept in pounds: 85.91 and 14.09
        (gbp(100_00), (gbp(14_10), NO_MORE), "exceeded"),
        (gbp(50_00), (usd(-60_00), NO_MORE), "good"),  # a payment in advance
        (gbp(0), (NO_MORE, None), "good"),  # no limit at all
        (usd(108_25), (NO_MORE, NO_MORE), "good"),
        (usd(108_24), (NO_MORE, NO_MORE), "exceeded"),
        (None, (NO_MORE, NO_MORE), "unknown"),
        (gbp(100_00), (None, NO_MORE), "unknown"),
        (gbp(100_00), (NO_MORE, None), "unknown"),
        (Money(10**9, "JPY"), (NO_MORE, NO_MORE), "unknown"),  # no rate into yen
    ],
)
def test_a_limit_in_another_currency_is_compared_in_that_currency(
    limit: Money | None, owed: tuple[Money | None, ...], verdict: str
) -> None:
    rates = FakeRates({("USD", "GBP"): 793_651})
    order = make_order(108_25)
    found = judge(order.amount, account(order, limit, *owed), rates, date(2026, 11, 3))
    assert found.verdict == verdict, found.why


def test_an_order_over_a_foreign_limit_is_held_with_both_amounts_in_its_reason(kit: Kit) -> None:
    order = make_order(108_25)
    kit.erp.credits["W" + order.number.zfill(6)] = account(order, gbp(50_00), NO_MORE, NO_MORE)
    kit.rates.known["USD", "GBP"] = 793_651
    saga = kit.run(order)
    assert (saga.facts.credit, saga.facts.is_suspended) == ("exceeded", True)
    assert "85.91 GBP with this order, the limit is 50.00 GBP" in saga.reason
    assert kit.partner.truth.count(EffectKind.payment_capture) == 0


def test_without_a_rate_the_order_is_held_and_the_line_to_add_is_its_reason(kit: Kit) -> None:
    order = make_order(108_25)
    kit.erp.credits["W" + order.number.zfill(6)] = account(order, gbp(50_00), NO_MORE, NO_MORE)
    saga = kit.run(order)
    assert (saga.facts.credit, saga.facts.is_suspended) == ("unknown", True)
    assert "there is no rate USD to GBP" in saga.reason
    assert "Add the line '2026-11-03:" in saga.reason
    kit.erp.orders[order.purchase_order] = ErpOrder("2", "W", order.purchase_order, "1", False)
    kit.pass_time(minutes=20)  # a clerk has looked and released it
    assert kit.service.orders.get(order.order_id).state == OrderState.captured


def test_what_is_not_known_passes_only_where_the_rule_says_so(kit: Kit) -> None:
    kit.rules = make_rules(on_credit_unknown=OnCredit.accept)
    order = make_order(108_25)
    kit.erp.credits["W" + order.number.zfill(6)] = account(order, gbp(50_00), NO_MORE, NO_MORE)
    saga = kit.run(order)
    assert (saga.state, saga.facts.credit) == (OrderState.captured, "accepted")
    assert "no rate" in saga.facts.credit_why
    kit.rules = make_rules(on_credit_unknown=OnCredit.refuse)
    refused = make_order(108_25)
    kit.erp.credits["W" + refused.number.zfill(6)] = account(refused, None, NO_MORE, NO_MORE)
    assert kit.run(refused).state == OrderState.cancelled


def test_an_account_in_another_currency_takes_no_order_and_says_what_to_do(kit: Kit) -> None:
    order = make_order(108_25)
    kit.erp.credits["W" + order.number.zfill(6)] = account(
        order, gbp(0), NO_MORE, NO_MORE, currency="GBP"
    )
    saga = kit.run(order)
    assert saga.state == OrderState.stuck
    assert "the order is in USD, customer" in saga.reason
    assert kit.partner.truth.count(EffectKind.sales_order) == 0
    kit.service.cancel(order.order_id, "clerk", "another account is needed")
    assert kit.service.advance(order.order_id).state == OrderState.cancelled


def test_an_approval_in_another_currency_is_not_taken_for_the_orders(kit: Kit) -> None:
    def in_pounds(effect: Effect) -> Receipt:
        receipt = authorization(effect, 7)
        evidence = {**receipt.evidence, "authorized": {"minor": 108_25, "currency": "GBP"}}
        return kit.partner.do(effect, replace(receipt, evidence=evidence))

    kit.partner.say(AUTH, in_pounds)
    order = make_order(108_25)
    saga = kit.run(order)
    assert saga.state == OrderState.stuck
    assert "approved 108.25 GBP of an order in USD" in saga.reason
    assert kit.partner.truth.kinds() == ["payment_authorization"]
    with pytest.raises(Rejected, match=r"0\.00 USD is left"):
        kit.service.capture(order.order_id, order.amount, "shop", "api")
    kit.service.cancel(order.order_id, "clerk", "another currency was approved")
    assert kit.service.advance(order.order_id).state == OrderState.cancelled
    reversal = next(
        one for one in kit.partner.truth.done if one.kind is EffectKind.payment_reversal
    )
    assert (reversal.currency, reversal.amount_minor) == ("GBP", 108_25)  # what is really held
