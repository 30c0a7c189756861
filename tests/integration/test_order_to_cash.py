"""Order to cash against the sandbox: real hooks, real HTTP, a real store; people played by control.

One story per test, as the demo tells it. What really happened is read from the truth ledger.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from include.adapters.settings_file import read_settings
from include.adapters.store.engine import open_store
from include.adapters.store.inbox import SqlInbox
from include.adapters.store.migrate import migrate
from include.adapters.syspro.documents.comfnd import Find
from include.adapters.syspro.documents.reply import read_amount
from include.adapters.syspro.order_reader import OrderReader
from include.domain.erp_orders import CustomerCredit
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import OrderFacts, OrderState
from include.domain.orders import LineKind, order_id_of, reference_of
from include.domain.refunds import RefundState
from include.domain.shops import RateSource
from include.sandbox import Sandbox, start
from include.services.effects.ports import EffectKind, EffectState
from include.services.inbox.handle_events import HandleEvents
from include.services.inbox.ports import Incoming, Verdict
from include.services.orders.credit import judge
from include.services.orders.driver import Saga
from include.services.translate.currencies import ShopRates
from include.wiring import Settings, Tieout
from tieout.order_desk import Desks
from tieout.order_feeds import decision_poll, order_follower, refund_push, shop_sync, stock_push
from tieout.webhook_desk import find_account, handlers

SHOP, SKU = "acme_us_web", "TEA-1001"
UK_SHOP = "acme_uk_web"
LIVE = date(2026, 11, 3)
BEGIN = datetime(2026, 10, 28, tzinfo=UTC)


class Play:
    """The product on one side, everybody else on the other."""

    def __init__(self, sandbox: Sandbox, desks: Desks) -> None:
        self.sandbox = sandbox
        self.desks = desks

    # Other people ----------------------------------------------------------------------------

    def control(self, action: str, /, **facts: Any) -> Any:
        url = f"{self.sandbox.urls()['control']}/control/{action}"
        answer = requests.post(url, json=facts, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def shopper_orders(self, outcome: str = "", **more: Any) -> str:
        """Place an order in the shop; return its number."""
        asked = {"outcome": outcome} if outcome else {}
        token = self.control("transient_token", count=1, **asked)["tokens"][0]["jti"]
        placed = self.control(
            "shop_place_order",
            shop=SHOP,
            lines=[{"sku": SKU, "quantity": 2}],
            payment={"kind": "transient_token", "value": token},
            **more,
        )
        return str(placed["order"]["number"])

    def clerk(self, action: str, **facts: Any) -> Any:
        return self.control("clerk", action=action, company="A", **facts)

    # The product -----------------------------------------------------------------------------

    def poll_shop(self) -> str:
        return str(shop_sync(self.desks, SHOP).poll(BEGIN))

    def poll_erp(self) -> None:
        desk = self.desks.of(SHOP)
        with desk.erp.session():
            refund_push(self.desks, desk).poll("2026-10-28")
            order_follower(self.desks, desk).poll("2026-10-28")

    def sweep(self) -> None:
        self.desks.sweep(100)

    def take(self, outcome: str = "", **more: Any) -> str:
        """Have an order placed, taken in and worked on; return its id."""
        number = self.shopper_orders(outcome, **more)
        self.poll_shop()
        self.sweep()
        return order_id_of(SHOP, number)

    def order(self, order_id: str) -> Saga[OrderFacts]:
        return self.desks.service.orders.get(order_id)

    def purchase_order(self, order_id: str) -> str:
        return self.desks.service.orders.content(order_id).purchase_order

    # The truth -------------------------------------------------------------------------------

    def executed(self, order_id: str) -> Counter[str]:
        """Count what the gateway executed for an order, by verb."""
        code = self.purchase_order(order_id)
        return Counter(
            row.verb
            for row in self.sandbox.ledger.rows(system="cybersource", code=code)
            if row.committed
        )

    def amount(self, order_id: str) -> Money:
        return self.desks.service.orders.content(order_id).amount

    def owed(self, order_id: str, shop_id: str = SHOP) -> Money:
        """Return what SYSPRO shows as open of an order's one invoice."""
        documents = self.desks.of(shop_id).erp.orders.documents_of(self.purchase_order(order_id))
        (left,) = (one.left for one in documents if one.document_type == "I")
        assert left is not None
        return left

    def unapplied(self, order_id: str, shop_id: str = SHOP) -> Money:
        """Return what is left of an order's one receipt."""
        reference = reference_of(f"{order_id}|receipt|1")
        (found,) = self.desks.of(shop_id).erp.orders.receipts_of([reference])
        assert found.left is not None
        return found.left

    def posted(self, order_id: str, step: str) -> int:
        """Count what SYSPRO posted under the reference of a step."""
        reference = reference_of(f"{order_id}|{step}")
        rows = self.sandbox.ledger.rows(system="syspro")
        return sum(row.reference == reference and row.committed for row in rows)

    def shop_status(self, order_id: str) -> str:
        number = self.desks.service.orders.content(order_id).number
        found = self.desks.of(SHOP).shop_hook.order(number)
        assert found is not None
        return found.status


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    folder = tmp_path_factory.mktemp("order-to-cash")
    sandbox = start(live_date=LIVE)
    patch = pytest.MonkeyPatch()
    ports = {
        "TIEOUT_SANDBOX_PORT": "cybersource",
        "TIEOUT_SYSPRO_PORT": "syspro",
        "TIEOUT_BANK_PORT": "bank",
        "TIEOUT_SHOP_PORT": "shop",
    }
    environment = {
        name: sandbox.urls()[system].rpartition(":")[2] for name, system in ports.items()
    }
    settings = read_settings(
        Path("airflow_settings.yaml"), {**environment, "TIEOUT_ALLOW_PLAIN_HTTP": "true"}
    )
    for conn_id, values in settings.connections.items():
        found = {name: value for name, value in values.items() if name != "conn_id"}
        if isinstance(found.get("extra"), str):
            found["extra"] = json.loads(found["extra"] or "{}")
        patch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(found))
    url = f"sqlite:///{folder / 'tieout.db'}"
    migrate(open_store(url))
    context = Tieout(Settings(url, folder / "lake", "sandbox", business_date=LIVE))
    made = Play(sandbox, Desks(context))
    products = [{"sku": SKU, "name": "Green tea", "price": "19.99", "stock": 500}]
    made.control("shop_products", shop=SHOP, products=products)
    made.control("cybersource", webhook_review=False)
    yield made
    patch.undo()
    sandbox.stop()


def test_a_good_order_becomes_a_sales_order_and_a_receipt(play: Play) -> None:
    order_id = play.take()
    saga = play.order(order_id)
    assert saga.state == OrderState.captured
    assert saga.facts.sales_order
    assert saga.facts.taken[0].receipt
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
    assert held.facts.is_held
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
        stock_push(play.desks, desk).push(datetime.now(UTC))
    shown = desk.shop_hook.product(SKU)
    assert shown is not None
    assert shown.stock_quantity is not None
    assert shown.stock_quantity <= 123


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
    assert (third.facts.credit, third.facts.is_held) == ("exceeded", True), third.reason
    assert "78.09 GBP with this order, the limit is 55.00 GBP" in third.reason
    shown = play.desks.of(UK_SHOP).erp.orders.order(sales_order=third.facts.sales_order)
    assert shown is not None
    assert shown.status == "S"


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


def test_the_second_shops_webhook_is_judged_by_its_own_scheme(play: Play) -> None:
    """Signed by Standard Webhooks and delivered over HTTP; it says which order to read."""
    desks = play.desks
    secret = desks.of(UK_SHOP).shop_hook.webhook_secrets[0]
    url = f"{play.sandbox.urls()['shop']}/callbacks/uk"
    play.control("shop_webhook", shop=UK_SHOP, delivery_url=url, secret=secret)
    products = [{"sku": SKU, "name": "Green tea", "price": "14.99", "stock": 500}]
    play.control("shop_products", shop=UK_SHOP, products=products)
    token = play.control("transient_token", count=1)["tokens"][0]["jti"]
    placed = play.control(
        "shop_place_order",
        shop=UK_SHOP,
        lines=[{"sku": SKU, "quantity": 1}],
        payment={"kind": "transient_token", "value": token},
    )
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
    order = desks.service.orders.content(order_id_of(UK_SHOP, str(placed["order"]["no"])))
    assert order.amount == Money(14_99, "GBP")


def test_the_second_shop_in_pounds_goes_the_same_way(play: Play) -> None:
    """A shop of another make, tax inside its prices, another company and another currency."""
    products = [{"sku": SKU, "name": "Green tea", "price": "14.99", "stock": 500}]
    play.control("shop_products", shop=UK_SHOP, products=products)
    token = play.control("transient_token", count=1)["tokens"][0]["jti"]
    placed = play.control(
        "shop_place_order",
        shop=UK_SHOP,
        lines=[{"sku": SKU, "quantity": 2}],
        payment={"kind": "transient_token", "value": token},
    )
    shop_sync(play.desks, UK_SHOP).poll(BEGIN)
    play.sweep()
    order_id = order_id_of(UK_SHOP, str(placed["order"]["no"]))
    saga = play.order(order_id)
    assert saga.state == OrderState.booked, saga.reason
    assert play.executed(order_id) == {"authorization": 1}
    play.control("clerk", action="invoice", company="B", sales_order=saga.facts.sales_order)
    assert play.owed(order_id, UK_SHOP) == Money(29_98, "GBP")
    desk = play.desks.of(UK_SHOP)
    with desk.erp.session():
        order_follower(play.desks, desk).poll("2026-10-28")
    play.sweep()
    saga = play.order(order_id)
    assert saga.state == OrderState.completed, saga.reason
    assert saga.facts.captured_minor() == 29_98
    assert saga.facts.taken[0].receipt
    assert play.executed(order_id) == {"authorization": 1, "capture": 1}
    assert play.owed(order_id, UK_SHOP) == Money(0, "GBP")
    assert play.unapplied(order_id, UK_SHOP) == Money(0, "GBP")
    found = desk.shop_hook.order(str(placed["order"]["no"]))
    assert found is not None
    assert found.status == "closed"
