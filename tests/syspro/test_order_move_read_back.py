"""A hold is read back when it is made: what is done to the order afterwards is no difference."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from include.domain.erp_orders import OrderMove
from include.domain.errors import Retryable
from include.sandbox import Sandbox, start
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind, EffectState, Partner
from tests.syspro.support_orders import effect_of
from tests.syspro.support_site import SALE, TODAY, Site, move

MINUTES = timedelta(minutes=2)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    sandbox = start(seed=11, volume=5, start=date(2026, 10, 20), days=25, live_date=TODAY)
    yield sandbox
    sandbox.stop()


class OneBlindLook:
    """Cannot be asked once, as when SYSPRO goes down just then."""

    def __init__(self, partner: Partner) -> None:
        self.send, self.compare = partner.send, partner.compare
        self._look, self._is_blind = partner.look, True

    def look(self, effect: Effect) -> object:
        if self._is_blind and effect.their_key:
            self._is_blind = False
            raise Retryable("no connection", "SYSPRO", "Wait.")
        return self._look(effect)


@pytest.mark.parametrize("is_blind", [False, True], ids=["read at once", "read too late"])
def test_a_hold_that_is_released_soon_is_no_dead_letter(running: Sandbox, is_blind: bool) -> None:
    site = Site(running)
    adapter = site.open()
    number = site.drive(site.engine(adapter), SALE).their_key
    partners = dict(adapter.partners)
    if is_blind:
        partner = OneBlindLook(partners[EffectKind.sales_order_move])
        partners[EffectKind.sales_order_move] = partner  # type: ignore[assignment]
    engine = Engine(site.store, partners, site.clock, adapter.timings)
    hold = effect_of(move(OrderMove.hold, number), key="ord_1|hold|1")
    release = effect_of(move(OrderMove.release, number, authority="REV"), key="ord_1|release|1")
    before = EffectState.done if is_blind else EffectState.verified
    assert engine.perform(hold).state is before
    site.clock.at += MINUTES
    assert engine.perform(release).state is EffectState.verified
    site.clock.at += timedelta(minutes=20)
    engine.sweep()
    assert [engine.recheck(one.kind, one.key).state for one in (hold, release)] == [
        EffectState.verified
    ] * 2
    assert site.store.dead_letters("open") == []


def test_a_hold_that_did_not_take_is_still_told(running: Sandbox) -> None:
    """Released by nobody of ours: a person looks."""
    site = Site(running)
    adapter = site.open()
    number = site.drive(site.engine(adapter), SALE).their_key
    timings = {
        **adapter.timings,
        EffectKind.sales_order_move: replace(
            adapter.timings[EffectKind.sales_order_move], verify_after=MINUTES
        ),
    }
    engine = Engine(site.store, adapter.partners, site.clock, timings)
    hold = effect_of(move(OrderMove.hold, number), key="ord_1|hold|1")
    assert engine.perform(hold).state is EffectState.done
    other = effect_of(move(OrderMove.release, number, authority="REV"), key="ord_2|release|1")
    assert engine.perform(other).state is EffectState.done
    site.clock.at += 2 * MINUTES
    engine.sweep()
    found = engine.find(hold.kind, hold.key)
    assert found is not None
    assert found.state is EffectState.mismatched
