"""The real engine through 50,000 postings with a third of its calls faulted: 0 lost, 0 double.

A failing seed replays alone: ``python -m tests.simulator --seed <n>``.
"""

import statistics
from collections.abc import Callable
from functools import partial

import pytest

from tests.simulator.campaign import (
    OWN_FAULT,
    PRODUCT,
    PRODUCT_ON_SQL,
    Tally,
    campaign,
    lifecycles_to_catch,
    play,
)
from tests.simulator.faults import TABLE, empty_cells
from tests.simulator.mutants import MUTANTS
from tests.simulator.sql_shelf import SqlShelf
from tests.simulator.world import Variant, World

LIFECYCLES = 50_000
ON_SQL = 2_000
TO_CATCH = 10_000
HITS_PER_CELL = 10


@pytest.fixture(scope="module")
def storm() -> Tally:
    return campaign(1, LIFECYCLES, PRODUCT)


def test_nothing_is_lost_doubled_or_stuck(
    storm: Tally, show_figures: Callable[[str], None]
) -> None:
    show_figures(storm.report())
    assert storm.violations == []
    assert storm.lifecycles == LIFECYCLES
    assert storm.faulted / storm.calls >= 0.30
    assert set(storm.ends) <= {"verified", "mismatched"}


def test_every_fault_has_struck_at_every_position_where_it_can(storm: Tally) -> None:
    assert empty_cells(storm.coverage) == []
    rare = {
        (fault, position): storm.coverage[fault, position]
        for fault, positions in TABLE.items()
        for position in positions
        if storm.coverage[fault, position] < HITS_PER_CELL
    }
    assert rare == {}


def test_the_sql_store_stands_the_same_storm(show_figures: Callable[[str], None]) -> None:
    tally = campaign(500_000, ON_SQL, PRODUCT_ON_SQL)
    show_figures(f"SQLite: {tally.lifecycles:,} lifecycles in {tally.seconds:.0f} s")
    assert tally.violations == []
    assert tally.lifecycles == ON_SQL


def test_every_broken_protocol_is_caught(show_figures: Callable[[str], None]) -> None:
    """Each from three starting seeds; the median says how soon."""
    lines, missed = [], []
    for mutant in MUTANTS:
        caught = [lifecycles_to_catch(mutant, first, TO_CATCH) for first in (1, 2001, 4001)]
        counts = [found[0] for found in caught if found is not None]
        if len(counts) < len(caught):
            missed.append(mutant.name)
            continue
        words = caught[0][1] if caught[0] else ""
        lines.append(f"{mutant.name:<50} {statistics.median(counts):>6,.0f}  {words}")
    head = f"{len(lines)}/{len(MUTANTS)} caught; median lifecycles to catch:"
    show_figures("\n".join([head, *lines]))
    assert missed == []
    assert [line for line in lines if OWN_FAULT in line] == []
    assert len(MUTANTS) >= 20


def test_a_seed_always_ends_in_the_same_state() -> None:
    assert [fingerprint(seed, PRODUCT) for seed in range(1, 6)] == [
        fingerprint(seed, PRODUCT) for seed in range(1, 6)
    ]


def test_memory_and_sqlite_end_in_the_same_state() -> None:
    for seed in range(1, 6):
        assert fingerprint(seed, PRODUCT) == fingerprint(seed, PRODUCT_ON_SQL)


def test_postgres_ends_in_the_same_state(postgres_url: str) -> None:
    on_postgres = Variant("the product on PostgreSQL", shelf=partial(SqlShelf, url=postgres_url))
    assert fingerprint(7, PRODUCT) == fingerprint(7, on_postgres)


def test_a_seed_without_faults_ends_verified_at_once() -> None:
    world = World(3, PRODUCT)
    world.is_calm = True
    world.remote.closed = world.remote.outage = (0.0, 0.0)
    world.run()
    assert world.violations == []
    assert {row.state.value for row in world.latest.values()} == {"verified"}
    assert len(world.remote.ledger) == len(world.wanted)


def test_a_failing_seed_fails_alone_too() -> None:
    no_q = next(mutant for mutant in MUTANTS if mutant.name == "m4 no Q")
    together = play(range(1, 21), no_q).violations
    seed, words = together[-1]
    assert play([seed], no_q).violations == [(seed, words)]


def fingerprint(seed: int, variant: Variant) -> str:
    world = World(seed, variant)
    world.run()
    assert world.violations == []
    if isinstance(world.shelf, SqlShelf):
        mark = world.fingerprint()
        world.shelf.close()
        return mark
    return world.fingerprint()
