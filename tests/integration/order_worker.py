"""A process that drives orders and refunds against the sandbox, and dies where it is told to.

It kills itself with SIGKILL, as a lost machine would, the first time one of its effects passes the
boundary while that effect is not spared; the file of the spared then names it. The store's clock
moves on by an hour per round, so that Q and leases pass at once.
"""

import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.partners import partners_of
from include.adapters.cybersource.payments import Payments
from include.adapters.cybersource.settings import Settings
from include.adapters.cybersource.signing import utc_now
from include.adapters.cybersource.timings import timings
from include.adapters.http.transport import HttpTransport
from include.adapters.http.wire import Request, Response
from include.adapters.settings_file import ROOT, read_settings
from include.adapters.store.clock import database_now
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.fraud_decisions import SqlFraudDecisions
from include.adapters.store.orders import SqlOrders
from include.adapters.store.refunds import SqlRefunds
from include.adapters.syspro.adapter import open_adapter
from include.adapters.syspro.settings import settings_from
from include.domain.erp_orders import AddSalesOrder
from include.domain.errors import IntegrationError
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.domain.orders import Order, OrderLine, PaymentMethod, PaymentSource
from include.mappings.load import load_mappings
from include.mappings.today import Meanings
from include.services.effects.boundaries import Boundary
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind
from include.services.effects.store import Lease
from include.services.orders.order_service import OrderService
from include.wiring import UtcClock
from tests.orders.conftest import make_order
from tests.orders.partners import FakeErp, FakeGateway, PlainTranslator, desk, make_rules

TODAY = date(2026, 11, 3)
ROUNDS = 14
OWNER = "orders@acme.example"
TAKING_BACK = ("cancel_order", "reverse", "void", "book")


def order_of(number: str) -> Order:
    """One chest of tea, paid by a transient token of its own."""
    made = make_order(2_500, number=number)
    line: OrderLine = replace(made.lines[0], stock_code="TEA-1001")
    source = PaymentSource(PaymentMethod.transient_token, transient_id=f"{int(number):064x}")
    return replace(made, lines=(line,), payment=source)


class Translator(PlainTranslator):
    """The sandbox's own warehouse."""

    def add_sales_order(self, *given: Any, **more: Any) -> AddSalesOrder:
        return replace(super().add_sales_order(*given, **more), warehouse="MAIN")


class Death:
    """Comes at a boundary, once for each effect that is not spared; of some steps or of all."""

    def __init__(self, boundary: str, spared: Path, steps: Collection[str] = ()) -> None:
        self._boundary = boundary
        self._spared = spared
        self._steps = steps
        self.at_work = ""

    def is_due(self, boundary: Boundary) -> bool:
        if boundary.value != self._boundary or not self.at_work:
            return False
        if self._steps and self.at_work.split("|")[1] not in self._steps:
            return False
        known = self._spared.read_text().splitlines() if self._spared.exists() else []
        return self.at_work not in known

    def come(self) -> None:
        with self._spared.open("a") as file:
            file.write(self.at_work + "\n")
        os.kill(os.getpid(), signal.SIGKILL)

    def __call__(self, boundary: Boundary) -> None:
        if self.is_due(boundary):
            self.come()


class Wire:
    """The product's transport; a process may die with half a write sent, or with it just done."""

    def __init__(self, death: Death) -> None:
        self._inner = HttpTransport(True, "")
        self._death = death
        self.is_writing: Callable[[Request], bool] = lambda request: (
            request.method == "POST" and "/searches" not in request.url
        )

    def exchange(self, request: Request, sink: BinaryIO | None = None) -> Response:
        if self.is_writing(request) and self._death.is_due(Boundary.half_sent):
            request.leave()
            _send_half(request)
            self._death.come()
        answer = self._inner.exchange(request, sink)
        if self.is_writing(request) and self._death.is_due(Boundary.remote_committed):
            self._death.come()
        return answer


def _send_half(request: Request) -> None:
    address, body = urlsplit(request.url), bytes(request.body or b"x" * 64)
    lines = [f"POST {address.path} HTTP/1.1", f"Host: {address.netloc}"]
    lines += [f"{name}: {value}" for name, value in dict(request.headers).items()]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
    with socket.create_connection((str(address.hostname), int(address.port or 80))) as wire:
        wire.sendall(head.encode() + body[: len(body) // 2])


class WatchedEngine(Engine):
    """Tells death which effect is at work."""

    death: Death

    def perform(self, effect: Effect, *, under: Lease | None = None) -> Effect:
        return self._watched(effect.key, lambda: Engine.perform(self, effect, under=under))

    def advance(self, kind: EffectKind, key: str) -> Effect:
        return self._watched(key, lambda: Engine.advance(self, kind, key))

    def _watched(self, key: str, work: Callable[[], Effect]) -> Effect:
        outer, self.death.at_work = self.death.at_work, key
        try:
            return work()
        finally:
            self.death.at_work = outer


class Shift:
    """How far the store's clock is ahead of the wall's."""

    def __init__(self, hours: int) -> None:
        self.hours = hours

    def __call__(self, connection: Any) -> Any:
        return database_now(connection) + timedelta(hours=self.hours)


def open_service(
    store_url: str, urls: tuple[str, str], shift: Shift, death: Death
) -> tuple[OrderService, Engine]:
    """Join the order service with the sandbox's gateway and SYSPRO."""
    database = open_store(store_url)
    store = SqlEffectStore(database, shift, death)
    client = _client(urls[0], Wire(death))
    given = {"company_id": "A", "base_currency": "USD", "allow_plain_http": True}
    settings = settings_from("syspro_a", urls[1], "TIEOUT_A", "sandbox-A", given)
    wire = Wire(death)
    # SYSPRO is asked and logged on to by POST and GET alike; a write names its business object.
    wire.is_writing = lambda request: any(
        word in request.url or word.encode() in bytes(request.body or b"")
        for word in ("SORTOI", "SORTOX", "ARSSCS", "ARSTPY")
    )
    adapter = open_adapter(settings, wire, store, f"worker:{os.getpid()}")
    paces = {**timings(client.settings), **adapter.timings}
    partners = {
        **partners_of(client, Meanings(load_mappings().orders, lambda: TODAY)),
        **adapter.partners,
    }
    engine = WatchedEngine(
        store, partners, UtcClock(), paces, worker=f"p{os.getpid()}", boundary=death
    )
    engine.death = death
    # A worker that dies at each step lives through a fortnight of the store's time.
    rules = make_rules(refund_limit_minor={"USD": 1_000_000}, authorization_days=60)
    made = replace(
        desk(FakeErp(), FakeGateway(), rules),
        organization_id=client.settings.organization_id,
        translator=Translator(),
        gateway=Payments(client),
        erp=adapter.orders,
        warehouse="MAIN",
        today=TODAY,
        told_states=frozenset(),
        tells_refunds=False,
    )
    orders = SqlOrders(database, lambda _: OWNER, shift)
    refunds, decisions = SqlRefunds(database, shift), SqlFraudDecisions(database, shift)
    return OrderService(
        orders, refunds, decisions, store, lambda _: made, lambda _: engine, f"p{os.getpid()}"
    ), engine


def _client(url: str, wire: Wire) -> Client:
    fields = read_settings(ROOT / "airflow_settings.yaml", {}).connections["cybersource_acme_us"]
    given = json.loads(fields["extra"])
    settings = Settings.from_connection("c", url, None, fields["login"], fields["password"], given)
    return Client(settings, wire, utc_now)


def main(
    store_url: str, urls: tuple[str, str], number: str, hours: int, boundary: str, spared: str
) -> None:
    """Drive order and refund to their ends, an hour per round."""
    shift, order = Shift(hours), order_of(number)
    service, engine = open_service(store_url, urls, shift, Death(boundary, Path(spared)))
    _drive(engine, shift, lambda: _go_on(service, order), lambda: _is_refunded(service, order))


def take_back(
    store_url: str, urls: tuple[str, str], number: str, hours: int, boundary: str, spared: str
) -> None:
    """Have an order cancelled that was captured; death comes to what takes back alone."""
    shift, order = Shift(hours), order_of(number)
    death = Death(boundary, Path(spared), TAKING_BACK)
    service, engine = open_service(store_url, urls, shift, death)

    def is_over() -> bool:
        is_refunded = _is_refunded(service, order)
        return is_refunded and service.orders.get(order.order_id).state == OrderState.cancelled

    _drive(engine, shift, lambda: _cancel(service, order), is_over)


def _drive(
    engine: Engine, shift: Shift, go_on: Callable[[], None], is_over: Callable[[], bool]
) -> None:
    for _ in range(ROUNDS):
        if is_over() and not engine._store.due(1) and not _unfinished(engine):
            return
        with suppress(ExceptionGroup):
            engine.sweep()
        with suppress(IntegrationError):
            go_on()
        shift.hours += 1
    sys.exit(f"not over after {ROUNDS} rounds: {engine._store.counts()}")


def _go_on(service: OrderService, order: Order) -> None:
    service.place(order, "shop")
    saga = service.advance(order.order_id)
    if saga.facts.captures and all(one.receipt for one in saga.facts.captures):
        refund_id = service.refund(
            order.order_id, Money(1_000, "USD"), origin="api", origin_key="R1", who="shop",
            reason="broken",
        )  # fmt: skip
        service.advance_refund(refund_id)


def _cancel(service: OrderService, order: Order) -> None:
    service.place(order, "shop")
    service.advance(order.order_id)
    service.cancel(order.order_id, "shop", "changed her mind")
    service.advance(order.order_id)
    for row, _ in service.refunds.of_order(order.order_id):
        service.advance_refund(row.refund_id)


def _is_refunded(service: OrderService, order: Order) -> bool:
    refunds = service.refunds.of_order(order.order_id)
    return bool(refunds) and all(saga.state == "done" for _, saga in refunds)


def _unfinished(engine: Engine) -> bool:
    counts = engine._store.counts()
    return any(counts.get(state, 0) for state in counts if state.value not in _RESTING)


_RESTING = ("verified", "declined")
