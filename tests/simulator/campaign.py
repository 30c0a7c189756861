"""Many seeds over several processes, added up; each seed stands alone and can be replayed."""

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from tests.simulator.faults import Coverage, render
from tests.simulator.mutants import MUTANTS
from tests.simulator.sql_shelf import SqlShelf
from tests.simulator.world import EFFECTS_PER_SEED, Variant, World

PRODUCT = Variant()
PRODUCT_ON_SQL = Variant("the product on SQLite", shelf=SqlShelf)
VARIANTS = {variant.name: variant for variant in (PRODUCT, PRODUCT_ON_SQL, *MUTANTS)}
_SEEDS_PER_ERRAND = 50
_NICE = 5  # who waits for others beside it, as a real scheduler does, goes first


@dataclass
class Tally:
    """What the seeds added up to."""

    lifecycles: int = 0
    calls: int = 0
    faulted: int = 0
    executed: int = 0
    doubled_by_network: int = 0  # effects; each must be flagged, or its seed has failed
    coverage: Coverage = field(default_factory=Coverage)
    ends: Counter[str] = field(default_factory=Counter)  # final states, a person included
    violations: list[tuple[int, str]] = field(default_factory=list)  # (seed, words)
    seconds: float = 0.0

    def add(self, other: "Tally") -> None:
        """Add another part of the campaign."""
        self.lifecycles += other.lifecycles
        self.calls += other.calls
        self.faulted += other.faulted
        self.executed += other.executed
        self.doubled_by_network += other.doubled_by_network
        self.coverage.update(other.coverage)
        self.ends.update(other.ends)
        self.violations += other.violations

    def report(self) -> str:
        """Say it on a few lines, the fault table below."""
        share = self.faulted / max(1, self.calls)
        ends = ", ".join(f"{state} {count:,}" for state, count in sorted(self.ends.items()))
        return (
            f"{self.lifecycles:,} lifecycles, {self.calls:,} calls, {share:.1%} faulted, "
            f"{self.seconds:.0f} s\n"
            f"executed {self.executed:,} (network duplicates {self.doubled_by_network:,}, "
            f"all flagged); ends: {ends}\n"
            f"violations: {len(self.violations)}\n{render(self.coverage)}"
        )


def play(seeds: Sequence[int], variant: Variant) -> Tally:
    """Play these seeds, in this process."""
    tally = Tally()
    for seed in seeds:
        world = World(seed, variant)
        world.run()
        tally.lifecycles += EFFECTS_PER_SEED
        tally.calls += world.calls
        tally.faulted += world.faulted
        tally.coverage.update(world.coverage)
        tally.ends.update(row.state.value for row in world.latest.values())
        tally.violations += [(seed, str(one)) for one in world.violations[:1]]
        doubled = {entry.reference for entry in world.remote.ledger if entry.is_second_delivery}
        tally.doubled_by_network += len(doubled)
        tally.executed += len(world.remote.ledger)
        if isinstance(world.shelf, SqlShelf):
            world.shelf.close()
    return tally


def campaign(first_seed: int, lifecycles: int, variant: Variant, processes: int = 2) -> Tally:
    """Play as many seeds as the lifecycles need, over some processes."""
    began = time.monotonic()
    count = -(-lifecycles // EFFECTS_PER_SEED)
    seeds = range(first_seed, first_seed + count)
    errands = [seeds[at : at + _SEEDS_PER_ERRAND] for at in range(0, count, _SEEDS_PER_ERRAND)]
    tally = Tally()
    with multiprocessing.get_context("fork").Pool(processes, os.nice, (_NICE,)) as pool:
        for part in pool.imap_unordered(partial(_play_named, variant.name), errands):
            tally.add(part)
    tally.seconds = time.monotonic() - began
    return tally


def _play_named(name: str, seeds: Sequence[int]) -> Tally:
    return play(seeds, VARIANTS[name])


# A mutant that fails so is broken itself, and proves nothing about the checker.
OWN_FAULT = "AttributeError("


def lifecycles_to_catch(variant: Variant, first_seed: int, limit: int) -> tuple[int, str] | None:
    """Play seeds until one fails: how many lifecycles that took and what failed, or ``None``."""
    for number in range(limit // EFFECTS_PER_SEED):
        found = play([first_seed + number], variant).violations
        if found:
            return (number + 1) * EFFECTS_PER_SEED, found[0][1]
    return None
