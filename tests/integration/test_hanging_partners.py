"""A shop or a gateway that hangs costs a sweep one wait; the orders go on where they can."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from include.adapters.store.alerts import SqlSightings
from include.adapters.store.schema import effects
from include.domain.alerts import AlertKind
from include.domain.order_state import OrderState
from include.domain.orders import order_id_of
from include.services.effects.ports import EffectKind, EffectState
from include.services.orders import breaker
from include.services.orders.sagas import Event
from tests.integration.play import SHOP, Play
from tests.integration.play import play as play
from tieout.api.joined import joined
from tieout.desks.order_desk import Desks

LANES = 2  # that finish orders: both may be asking when the partner falls silent
SHOP_CONNECTION = f"shop_{SHOP}"
GATEWAY, CAPTURES = "cybersource_acme_us", "POST /pts/v2/payments/.*captures"


@dataclass
class Swept:
    """A process of its own, eight paid orders, and partners of which one falls silent."""

    play: Play
    orders: list[str]
    calls: list[str]  # to any partner, in the last sweep

    def sweep(self, what: str = "sweep") -> None:
        with capture_logs() as told:
            self.play.desks.sweep(100) if what == "sweep" else self.play.desks.sweep_effects()
        self.calls = [entry["what"] for entry in told if entry["event"] == "http_call"]

    def count(self, beginning: str) -> int:
        return sum(call.startswith(beginning) for call in self.calls)

    def states(self) -> set[str]:
        return {self.play.order(one).state for one in self.orders}

    def effects(self, kind: EffectKind, step: str) -> list[EffectState]:
        found = [self.play.desks.context.effects.get(kind, f"{one}|{step}") for one in self.orders]
        return [effect.state for effect in found if effect is not None]

    def seen(self, kind: AlertKind) -> list[int]:
        context = self.play.desks.context
        (rule,) = [one for one in context.today.alert_rules() if one.kind is kind]
        sightings = SqlSightings(
            context.store, context.today.order_rules, lambda _: "A", timedelta(days=365)
        )
        return [one.count for one in sightings.seen(rule, context.clock.now())]

    def back(self, conn_id: str) -> None:
        """The partner answers again, and the time of everything that waits has come."""
        self.play.sandbox.faults.clear()
        self.play.desks.breakers.of(conn_id)._closed_from = time.monotonic()
        unsent = effects.c.state == EffectState.intended.value
        with self.play.desks.context.store.begin() as connection:
            connection.execute(update(effects).where(unsent).values(next_at=None))
        for one in self.orders:
            self.play.desks.service.orders.amend(one, lambda facts: facts, Event("due"))


@pytest.fixture
def swept(play: Play, monkeypatch: pytest.MonkeyPatch) -> Iterator[Swept]:
    monkeypatch.setattr(breaker, "_HANG_S", 0.5)  # half of our patience here
    monkeypatch.setattr(breaker, "_FIRST_S", 60.0)  # longer than a sweep
    for conn_id in (SHOP_CONNECTION, GATEWAY, f"callback_{SHOP}"):
        name = f"AIRFLOW_CONN_{conn_id.upper()}"
        connection = json.loads(os.environ[name])
        connection["extra"] |= {"stall_s": "1"}
        monkeypatch.setenv(name, json.dumps(connection))
    before, play.desks = play.desks, Desks(play.desks.context)
    numbers = [play.shopper_orders() for _ in range(8)]
    play.poll_shop()
    yield Swept(play, [order_id_of(SHOP, number) for number in numbers], [])
    play.sandbox.faults.clear()
    play.desks = before


def test_a_shop_that_hangs_costs_one_wait_and_stops_no_money(swept: Swept) -> None:
    swept.play.sandbox.faults.add("delay", system="shop", seconds=30, times=0)
    swept.sweep()
    assert 1 <= swept.count("read an order") <= LANES
    assert swept.states() == {OrderState.captured}
    assert swept.effects(EffectKind.ar_receipt, "receipt|1") == [EffectState.done] * 8
    assert swept.play.desks.context.dead_letters.listing() == []
    swept.back(SHOP_CONNECTION)
    swept.sweep("janitor")
    told = swept.effects(EffectKind.shop_order_update, "tell|captured")
    assert set(told) <= {EffectState.done, EffectState.verified}
    assert len(told) == 8


def test_a_gateway_that_hangs_costs_one_wait_and_orders_are_booked_meanwhile(swept: Swept) -> None:
    swept.play.sandbox.faults.add("delay", system="cybersource", match=CAPTURES, seconds=3, times=0)
    swept.sweep()
    assert 1 <= swept.count("capture") <= LANES
    assert swept.states() == {OrderState.booked}
    assert swept.play.desks.context.dead_letters.listing() == []
    unsent = swept.effects(EffectKind.payment_capture, "capture|1").count(EffectState.intended)
    assert unsent >= 8 - LANES  # the others are in doubt, and looked for after Q
    assert swept.seen(AlertKind.gateway_timeouts) == [8]  # a person is told, once for all of them
    swept.sweep()
    assert swept.calls == []
    swept.back(GATEWAY)
    swept.sweep()
    done = [one for one in swept.orders if swept.play.order(one).state == OrderState.captured]
    assert len(done) == unsent
    assert {swept.play.executed(one)["capture"] for one in done} == {1}


def test_a_checkout_is_refused_by_no_breaker(swept: Swept) -> None:
    """What hangs are captures, in the background; who pays just now is authorised at once."""
    play, api = swept.play, joined(swept.play.desks.context)
    play.sandbox.faults.add("delay", system="cybersource", match=CAPTURES, seconds=3, times=0)
    found = play.desks.of(SHOP).shop_hook.order(play.shopper_orders())
    assert found is not None
    order = play.desks.context.translator(SHOP).order(found.raw, "the shop")
    api.sweep(100)
    with capture_logs() as told:
        saga, _ = api.service().place(order, "the shop")
        api.sweep(100)  # books it, and asks the gateway for no capture: the breaker is open
    assert saga.state == OrderState.authorized
    calls = [entry["what"].split()[0] for entry in told if entry["event"] == "http_call"]
    assert "authorization" in calls
    assert "capture" not in calls
    assert play.order(order.order_id).state == OrderState.booked
