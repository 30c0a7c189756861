"""Every kind of write against the sandbox, under every fault: once, and its end is known."""

from dataclasses import replace
from typing import Any

import pytest

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.partners import partners_of
from include.adapters.cybersource.signing import utc_now
from include.adapters.cybersource.timings import timings
from include.adapters.http.transport import HttpTransport
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectKind, EffectState
from tests.cybersource.scripted import (
    AMOUNT,
)
from tests.cybersource.support import AUTH, CAPTURE, REFUND, VERBS, WRITE_CALLS, Shop
from tests.cybersource.support import shop as shop
from tests.waiting import wait_until

KINDS = sorted(VERBS, key=lambda kind: kind.value)


# -- every kind, every fault: once, and known ------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_fault_it_is_sent_once_and_read_back_equal(shop: Shop, kind: EffectKind) -> None:
    effect = shop.run(kind, shop.command(kind))
    assert (effect.state, effect.sends) == (EffectState.done, 1)
    effect = shop.settle(effect)
    assert (effect.state, effect.reason) == (EffectState.verified, "")
    assert shop.executed(effect) == 1


FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("drop_before_commit", {}),
    ("drop_after_commit", {}),
    ("late_commit", {"seconds": 0.2}),
    ("reset", {"commit": True}),
    ("reset", {"commit": False}),
    ("half_body", {}),
    ("wrong_length", {}),
    ("garbage", {}),
    ("garbage", {"commit": False}),
    ("html", {"commit": True}),
    ("redirect", {"commit": True}),
    ("empty", {}),
    ("502", {"commit": True}),
    ("502", {"commit": False}),
    ("503", {"commit": True}),
    ("429", {"commit": False}),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "settings"), FAULTS, ids=lambda value: str(value).replace(" ", "")
)
def test_a_fault_leaves_one_execution_and_a_definite_end(
    shop: Shop, kind: EffectKind, fault: str, settings: dict[str, Any]
) -> None:
    command = shop.command(kind)
    shop.sandbox.faults.add(fault, system="cybersource", match=WRITE_CALLS[kind], **settings)
    effect = shop.run(kind, command)
    assert effect.state is EffectState.in_doubt, effect.reason
    if fault == "late_commit":
        wait_until(lambda: shop.executed(effect))
    effect = shop.settle(effect)
    assert (effect.state, effect.reason) == (EffectState.verified, "")
    assert shop.executed(effect) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_delivery_is_refused_there_and_resolved_here(shop: Shop, kind: EffectKind) -> None:
    command = shop.command(kind)
    shop.sandbox.faults.add("second_delivery", system="cybersource", match=WRITE_CALLS[kind])
    effect = shop.settle(shop.run(kind, command))
    assert (effect.state, effect.reason) == (EffectState.verified, "")
    assert shop.executed(effect) == 1


@pytest.mark.parametrize("kind", [CAPTURE, REFUND])
def test_where_the_gateway_guards_nothing_a_second_copy_is_seen_at_the_read_back(
    shop: Shop, kind: EffectKind
) -> None:
    command = replace(shop.command(kind), amount=replace(AMOUNT, minor=1000))
    shop.control("cybersource", mti_guard=False)
    shop.sandbox.faults.add("second_delivery", system="cybersource", match=WRITE_CALLS[kind])
    effect = shop.settle(shop.run(kind, command))
    assert shop.executed(effect) == 2
    assert effect.state is EffectState.mismatched
    assert "2 carry" in effect.reason


def test_a_search_that_lags_does_not_cause_a_second_authorization(shop: Shop) -> None:
    """Asked after Q but before the index has it: absent once, found at the second look."""
    shop.control("cybersource", index_lag_s=3600)
    shop.sandbox.faults.add("drop_after_commit", system="cybersource", match=WRITE_CALLS[AUTH])
    effect = shop.run(AUTH, shop.order())
    shop.clock.move(seconds=301)
    effect = shop.engine.advance(AUTH, effect.key)
    assert (effect.state, effect.absent_looks) == (EffectState.in_doubt, 1)
    shop.control("cybersource", index_lag_s=0)
    effect = shop.settle(effect)
    assert (effect.state, effect.sends, shop.executed(effect)) == (EffectState.verified, 1, 1)


def test_nothing_listening_means_nothing_sent(shop: Shop) -> None:
    command = shop.order()
    gone = replace(shop.client.settings, base_url="http://127.0.0.1:9")
    engine = Engine(
        shop.store,
        partners_of(Client(gone, HttpTransport(), utc_now)),
        shop.clock,
        timings(gone),
        log=lambda event, **fields: None,
    )
    effect = shop.intend(AUTH, command)
    effect = engine.advance(AUTH, effect.key)
    assert (effect.state, effect.sends) == (EffectState.intended, 0)
    shop.clock.move(seconds=60)
    effect = shop.engine.advance(AUTH, effect.key)
    assert (effect.state, shop.executed(effect)) == (EffectState.done, 1)
