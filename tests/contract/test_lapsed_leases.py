"""Leases that lapsed long ago are dropped, and nobody who is at work, or slept, gains by it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from include.adapters.store import leases
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.leases import KEPT_FOR, SqlLeases
from include.adapters.store.schema import leases as rows
from include.adapters.store.schema import metadata
from include.services.effects.ports import EffectState
from include.services.effects.store import LeaseLost
from tests.contract.effect_kit import MINUTE, NAME, Kit, begin, mark_sent, write
from tests.effects import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def kept(store_url: str, clock: ManualClock) -> SqlLeases:
    engine = open_store(store_url)
    metadata.create_all(engine)
    return SqlLeases(engine, lambda _: clock.now())


def names(kept: SqlLeases) -> list[str]:
    with kept.engine.begin() as connection:
        return list(connection.scalars(select(rows.c.name).order_by(rows.c.name)))


@pytest.mark.parametrize("part", [1, 2, 3, 100])
def test_what_lapsed_long_ago_goes_part_by_part(
    kept: SqlLeases, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(leases, "_PART", part)
    for name in "abcde":
        assert kept.acquire(name, "worker", timedelta(days=200) if name == "b" else MINUTE)
    clock.move(minutes=2)
    assert kept.acquire("d", "worker", MINUTE) is not None
    clock.move(seconds=KEPT_FOR.total_seconds() - 60)
    assert kept.purge() == 3
    assert names(kept) == ["b", "d"]
    assert kept.acquire("b", "another", MINUTE) is None
    again = kept.acquire("a", "another", MINUTE)
    assert again is not None
    assert kept.purge() == 0


def test_who_slept_over_it_writes_nothing(store_url: str, clock: ManualClock) -> None:
    engine = open_store(store_url)
    metadata.create_all(engine)
    kit = Kit(SqlEffectStore(engine, lambda _: clock.now()), clock)
    sleeper = begin(kit)
    slept = mark_sent(kit, sleeper)
    clock.move(days=91)
    assert SqlLeases(engine, lambda _: clock.now()).purge() == 1
    with pytest.raises(LeaseLost):
        write(kit, sleeper, slept)  # while nobody has it
    awake = kit.store.acquire(NAME, "worker 2", MINUTE)
    assert awake is not None
    assert write(kit, awake, mark_sent(kit, awake)).state is EffectState.sent
    with pytest.raises(LeaseLost):
        write(kit, sleeper, slept)
    with pytest.raises(LeaseLost):
        kit.store.renew(sleeper, MINUTE)
