"""A shop's order desk over a real SQL store, with partners in memory and a clock set by hand."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import Connection

from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.fraud_decisions import SqlFraudDecisions
from include.adapters.store.orders import SqlOrders
from include.adapters.store.refunds import SqlRefunds
from include.domain.money import Money
from include.domain.order_rules import OrderRules
from include.domain.order_state import OrderFacts
from include.domain.orders import (
    Address,
    LineKind,
    Order,
    OrderLine,
    PaymentMethod,
    PaymentSource,
    Shopper,
    order_id_of,
)
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectKind, Timings
from include.services.orders.order_service import OrderService
from include.services.orders.ports import NO_LINKS, CustomerLinks
from include.services.orders.sagas import Saga
from tests.effects import ManualClock
from tests.orders.partners import (
    FakeErp,
    FakeGateway,
    FakePartner,
    FakeRates,
    desk,
    make_rules,
)

_numbers = count(1001)


def make_order(minor: int = 10_221, **changes: object) -> Order:
    """One widget for 102.21 USD."""
    number = str(changes.pop("number", next(_numbers)))
    home = Address("Ann Lee", ("1 Main St",), "New York", "US", "10001", "NY")
    amount = Money(minor, "USD")
    lines = (
        OrderLine(1, LineKind.goods, "Widget", 1_000_000, amount, Money(0, "USD"), "WIDGET-1"),
    )
    payment = PaymentSource(PaymentMethod.transient_token, transient_id="f" * 64)
    return Order(
        order_id=order_id_of("web", number),
        shop_id="web",
        merchant_id="acme_us",
        number=number,
        purchase_order=f"W{number}",
        currency="USD",
        amount=amount,
        shopper=Shopper("Ann Lee", "ann@example.com", home, home),
        lines=lines,
        payment=changes.pop("payment", payment),  # type: ignore[arg-type]
    )


TIMINGS = Timings(
    deadline=timedelta(seconds=30),
    quiescence=timedelta(seconds=300),
    look_gap=timedelta(seconds=60),
    looks_first=False,
)


@dataclass
class Kit:
    """Everything of one test."""

    service: OrderService
    partner: FakePartner
    erp: FakeErp
    gateway: FakeGateway
    clock: ManualClock
    engine: Engine
    rules: OrderRules
    rates: FakeRates
    has_fixed_day: bool = False
    today: date = date(2026, 11, 3)
    calendar: Callable[[datetime], date] = lambda _at: date.max  # the clock is of another year
    callback_target: str = ""
    links: CustomerLinks = NO_LINKS
    links_by_mail: bool = False

    def place(self, order: Order) -> Saga[OrderFacts]:
        return self.service.place(order, "shop")[0]

    def run(self, order: Order) -> Saga[OrderFacts]:
        """Place an order and drive it until it rests."""
        self.place(order)
        return self.service.advance(order.order_id)

    def pass_time(self, **span: float) -> None:
        """Let time pass, with the janitor and the sweeper at work."""
        whole = timedelta(**span)
        until = self.clock.now() + whole
        while self.clock.now() < until:
            step = min(max(timedelta(minutes=5), whole / 12), until - self.clock.now())
            self.clock.move(seconds=step.total_seconds())
            self.engine.sweep()
            self.service.sweep(["acme_us"], 100)

    def timeline(self, order: Order) -> list[str]:
        return [entry.what for entry in self.service.orders.timeline(order.order_id)]


@pytest.fixture
def kit(migrated_url: str) -> Iterator[Kit]:
    database = open_store(migrated_url)
    clock = ManualClock()

    def now(_connection: Connection) -> datetime:
        return clock.now()

    effects = SqlEffectStore(database, now)
    partner, erp, gateway = FakePartner(), FakeErp(), FakeGateway()
    engine = Engine(
        effects,
        dict.fromkeys(EffectKind, partner),
        clock,
        dict.fromkeys(EffectKind, TIMINGS),
        worker="test",
    )
    service = OrderService(
        SqlOrders(database, lambda _: "orders@acme.example", now),
        SqlRefunds(database, now),
        SqlFraudDecisions(database, now),
        effects,
        lambda _shop: replace(
            desk(erp, gateway, made.rules),
            rates=made.rates,
            has_fixed_day=made.has_fixed_day,
            today=made.today,
            calendar=made.calendar,
            callback_target=made.callback_target,
            links=made.links,
            links_by_mail=made.links_by_mail,
        ),
        lambda _shop: engine,
        "test",
    )
    made = Kit(service, partner, erp, gateway, clock, engine, make_rules(), FakeRates())
    yield made
    database.dispose()
