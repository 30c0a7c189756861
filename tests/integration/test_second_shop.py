"""Order to cash of a shop of another make, in another company, in pounds and in euros."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from include.adapters.store.inbox import SqlInbox
from include.domain.erp_orders import CustomerCredit
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.domain.orders import order_id_of
from include.domain.shops import RateSource
from include.services.inbox.handle_events import HandleEvents
from include.services.inbox.ports import Incoming, Verdict
from include.services.orders.credit import judge
from include.services.translate.currencies import ShopRates
from tests.integration.play import BEGIN, LIVE, SHOP, SKU, UK_SHOP, Play
from tieout.desks.order_feeds import hear_erp, shop_sync
from tieout.desks.webhook_desk import find_account, handlers


def euro_order(play: Play) -> str:
    """Have two tins ordered for 29.98 EUR at the shop whose company is kept in pounds."""
    token = play.control("transient_token", count=1)["tokens"][0]["jti"]
    placed = play.control(
        "shop_place_order",
        shop=UK_SHOP,
        currency="EUR",
        billing={"email": "euro@example.com"},
        lines=[{"sku": SKU, "quantity": 2, "price": "14.99"}],
        payment={"kind": "transient_token", "value": token},
    )
    shop_sync(play.desks, UK_SHOP).poll(BEGIN)
    play.sweep()
    return order_id_of(UK_SHOP, str(placed["order"]["no"]))


def test_a_limit_in_pounds_is_compared_with_orders_in_euros_in_pounds(play: Play) -> None:
    first = play.order(euro_order(play))  # makes the customer, in EUR and without a limit
    assert first.state == OrderState.booked, first.reason
    customer = first.facts.customer
    play.control("clerk", action="credit_limit", company="B", customer=customer, limit="55")
    # Two orders are 59.96 EUR: more than 55 as numbers, and 52.06 GBP at the dated 0.8682.
    second = play.order(euro_order(play))
    assert (second.state, second.facts.credit) == (OrderState.booked, "good"), second.reason
    # Three are 89.94 EUR, 78.09 GBP: into suspense, taken by SYSPRO all the same.
    third = play.order(euro_order(play))
    assert (third.facts.credit, third.facts.is_suspended) == ("exceeded", True), third.reason
    assert "78.09 GBP with this order, the limit is 55.00 GBP" in third.reason
    shown = play.desks.of(UK_SHOP).erp.orders.order(sales_order=third.facts.sales_order)
    assert shown is not None
    assert shown.status == "S"


def test_a_closed_periods_receipt_goes_where_the_merchants_policy_says(play: Play) -> None:
    october, november = date(2026, 10, 31), date(2026, 11, 1)
    assert play.desks.of(UK_SHOP).desk.next_open(october) == november  # next_open
    assert play.desks.of(SHOP).desk.next_open(october) is None  # park


def test_without_a_rate_an_order_is_held_with_the_line_to_add(play: Play) -> None:
    desk = play.desks.of(UK_SHOP).desk
    rates = desk.rates
    assert isinstance(rates, ShopRates)
    euro = Money(100_00, "EUR")
    assert rates.convert(euro, "GBP", LIVE) == Money(86_82, "GBP")
    with pytest.raises(Rejected, match="there is no rate EUR to GBP on 2025-12-31"):
        rates.convert(euro, "GBP", date(2025, 12, 31))
    own = replace(rates, source=RateSource.syspro)
    assert own.convert(euro, "GBP", LIVE) == Money(86_00, "GBP")  # the company's own, over HTTP
    play.control("clerk", action="rate", company="B", currency="EUR")
    account = CustomerCredit("W1", True, False, Money(55_00, "GBP"), Money(0, "EUR"), euro, "EUR")
    judged = judge(Money(29_98, "EUR"), account, own, LIVE)
    play.control("clerk", action="rate", company="B", currency="EUR", rate="0.86")
    assert judged.verdict == "unknown"
    assert "SYSPRO keeps no rates of EUR" in judged.why
    assert "Enter one rate of EUR in SYSPRO" in judged.why


def pound_order(play: Play, tins: int) -> str:
    """Have tins of 14.99 GBP ordered, which the shop has on its shelves; return its number."""
    products = [{"sku": SKU, "name": "Green tea", "price": "14.99", "stock": 500}]
    play.control("shop_products", shop=UK_SHOP, products=products)
    token = play.control("transient_token", count=1)["tokens"][0]["jti"]
    placed = play.control(
        "shop_place_order",
        shop=UK_SHOP,
        lines=[{"sku": SKU, "quantity": tins}],
        payment={"kind": "transient_token", "value": token},
    )
    return str(placed["order"]["no"])


def test_the_second_shops_webhook_is_judged_by_its_own_scheme(play: Play) -> None:
    """Signed by Standard Webhooks and delivered over HTTP; it says which order to read."""
    desks = play.desks
    secret = desks.of(UK_SHOP).shop_hook.webhook_secrets[0]
    url = f"{play.sandbox.urls()['shop']}/callbacks/uk"
    play.control("shop_webhook", shop=UK_SHOP, delivery_url=url, secret=secret)
    number = pound_order(play, tins=1)
    play.control("shop_deliveries", shop=UK_SHOP)
    sent = play.control("callbacks", shop="uk")["deliveries"][0]
    given = {name.lower(): value for name, value in sent["headers"].items()}
    known = find_account(desks)
    assert known("woocommerce", UK_SHOP) is None
    account = known("generic", UK_SHOP)
    assert account is not None
    verdict = account.verify(sent["body"].encode(), given, datetime.now(UTC))
    assert isinstance(verdict, Verdict)
    inbox = SqlInbox(desks.context.store)
    inbox.store(
        [Incoming(account.source, verdict.event_key, verdict.event_type, sent["body"].encode())]
    )
    assert HandleEvents(inbox, handlers(desks), "integration").run().handled == 1
    order = desks.service.orders.content(order_id_of(UK_SHOP, number))
    assert order.amount == Money(14_99, "GBP")


def test_the_second_shop_in_pounds_goes_the_same_way(play: Play) -> None:
    """A shop of another make, tax inside its prices, another company and another currency."""
    number = pound_order(play, tins=2)
    shop_sync(play.desks, UK_SHOP).poll(BEGIN)
    play.sweep()
    order_id = order_id_of(UK_SHOP, number)
    saga = play.order(order_id)
    assert saga.state == OrderState.booked, saga.reason
    assert play.executed(order_id) == {"authorization": 1}
    play.control("clerk", action="invoice", company="B", sales_order=saga.facts.sales_order)
    assert play.owed(order_id, UK_SHOP) == Money(29_98, "GBP")
    desk = play.desks.of(UK_SHOP)
    hear_erp(play.desks, desk, "2026-10-28")
    play.sweep()
    saga = play.order(order_id)
    assert saga.state == OrderState.completed, saga.reason
    assert saga.facts.captured_minor() == 29_98
    assert saga.facts.captures[0].receipt
    assert play.executed(order_id) == {"authorization": 1, "capture": 1}
    assert play.owed(order_id, UK_SHOP) == Money(0, "GBP")
    assert play.unapplied(order_id, UK_SHOP) == Money(0, "GBP")
    found = desk.shop_hook.order(number)
    assert found is not None
    assert found.status == "closed"
