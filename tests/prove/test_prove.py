"""A slice of ``make prove``: whole lifecycles through the real services and SQL, a third faulted.

A failing seed replays alone: ``python -m tests.prove --lifecycles 1 --seed <n>``.
"""

from collections.abc import Callable

import pytest

from tests.prove.__main__ import FIRST_SEED, TO_CATCH, score_lines
from tests.prove.campaign import MUTANTS, PRODUCT, Tally, campaign, play, score
from tests.prove.faults import cells, empty_cells
from tests.prove.world import World
from tests.simulator.campaign import OWN_FAULT

LIFECYCLES = 50_000


@pytest.fixture(scope="module")
def storm() -> Tally:
    return campaign(FIRST_SEED, LIFECYCLES, PRODUCT)


def test_nothing_is_lost_doubled_unbalanced_or_stuck(
    storm: Tally, show_figures: Callable[[str], None]
) -> None:
    show_figures(storm.report())
    assert storm.violations == []
    assert storm.lifecycles == LIFECYCLES
    assert storm.faulted / storm.calls >= 0.30
    assert set(storm.ends) <= {"completed", "declined", "cancelled"}


def test_most_faults_have_struck_at_most_calls_even_in_a_slice(storm: Tally) -> None:
    assert len(empty_cells(storm.coverage)) < len(cells()) / 6


def test_every_broken_protocol_is_caught(show_figures: Callable[[str], None]) -> None:
    found = score(TO_CATCH)
    show_figures("\n".join(score_lines(found)))
    assert [name for name, caught in found.items() if caught is None] == []
    assert [name for name, caught in found.items() if caught and OWN_FAULT in caught[1]] == []
    assert len({mutant.name.partition(" ")[0].rstrip("bc") for mutant in MUTANTS}) >= 20


def test_a_fence_that_shrinks_and_a_lease_that_is_gone_are_seen() -> None:
    for harm in ("UPDATE leases SET fence = fence - 1", "DELETE FROM leases"):
        world = World(3, PRODUCT)
        world.is_calm = True
        world.hub.call_at(5000, lambda world=world, harm=harm: world.database.rows(harm))
        world.run()
        assert {one.invariant for one in world.violations} >= {"I29 fences only grow"}


def test_a_seed_always_ends_in_the_same_state() -> None:
    assert [fingerprint(seed) for seed in (1, 2, 3)] == [fingerprint(seed) for seed in (1, 2, 3)]


def test_a_seed_without_faults_needs_no_person() -> None:
    world = World(3, PRODUCT)
    world.is_calm = True
    world.truth.closed = (0.0, 0.0)
    world.run()
    assert world.violations == []
    # What people do against each other is told without any fault: clerks, and two analysts.
    about_effects = (
        "SELECT COUNT(*) FROM dead_letters "
        "WHERE kind NOT IN ('credit_note', 'erp_cancellation', 'review_decision')"
    )
    assert world.database.rows(about_effects) == [(0,)]


def test_a_failing_seed_fails_alone_too() -> None:
    no_q = next(mutant for mutant in MUTANTS if mutant.name == "m4 no Q")
    together = play(range(1, 6), no_q).violations
    seed, words = together[-1]
    assert play([seed], no_q).violations == [(seed, words)]


def fingerprint(seed: int) -> str:
    world = World(seed, PRODUCT)
    world.run()
    return world.fingerprint()
