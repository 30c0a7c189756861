"""Many seeds over the processes of a machine, added up; each seed stands alone, to be replayed."""

import gc
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, partial

from tests.prove.faults import Coverage, cells, empty_cells, render
from tests.prove.mutants import MUTANTS
from tests.prove.world import LIVELOCK, ORDERS, Variant, World

PRODUCT = Variant(put_back_one_in=40)
PUT_BACK = Variant("a store put back", put_back_one_in=1)
VARIANTS = {variant.name: variant for variant in (PRODUCT, PUT_BACK, *MUTANTS)}
_SEEDS_PER_ERRAND = 10
_NICE = 15  # whatever else runs goes first
_OBJECTS_PER_SWEEP = 100_000


@dataclass
class Tally:
    """What the seeds added up to."""

    lifecycles: int = 0
    calls: int = 0
    faulted: int = 0
    coverage: Coverage = field(default_factory=Coverage)
    ends: Counter[str] = field(default_factory=Counter)
    doubled_by_network: int = 0  # writes; each was flagged, or its seed has failed
    letters: int = 0  # dead letters, all worked off
    violations: list[tuple[int, str]] = field(default_factory=list)  # seed, words
    seconds: float = 0.0

    def add(self, other: "Tally") -> None:
        """Add another part of the campaign."""
        self.lifecycles += other.lifecycles
        self.calls += other.calls
        self.faulted += other.faulted
        self.coverage.update(other.coverage)
        self.ends.update(other.ends)
        self.doubled_by_network += other.doubled_by_network
        self.letters += other.letters
        self.violations += other.violations

    def report(self) -> str:
        """Say it on a few lines, the fault table below."""
        ends = ", ".join(f"{state} {count:,}" for state, count in sorted(self.ends.items()))
        empty = empty_cells(self.coverage)
        return (
            f"{self.lifecycles:,} lifecycles in {self.seconds:.0f} s "
            f"({self.lifecycles / max(1.0, self.seconds):,.0f}/s), {self.calls:,} calls, "
            f"{self.faulted / max(1, self.calls):.1%} faulted\n"
            f"orders: {ends}; doubled by the network {self.doubled_by_network:,}, all flagged; "
            f"dead letters {self.letters:,}, all worked off\n"
            f"violations: {len(self.violations)}\n{render(self.coverage)}\n"
            f"cells hit: {len(cells()) - len(empty)} of {len(cells())}; not hit: {empty or 'none'}"
        )


def play(seeds: Sequence[int], variant: Variant) -> Tally:
    """Play these seeds, in this process."""
    _sweep_seldom()
    tally = Tally()
    for seed in seeds:
        world = World(seed, variant)
        world.run()
        rows = world.database.rows
        tally.lifecycles += ORDERS
        tally.calls += world.calls
        tally.faulted += world.faulted
        tally.coverage.update(world.coverage)
        tally.ends.update(dict(rows("SELECT state, COUNT(*) FROM orders GROUP BY 1")))
        tally.letters += rows("SELECT COUNT(*) FROM dead_letters")[0][0]
        tally.doubled_by_network += sum(entry.is_second for entry in world.truth.entries)
        tally.violations += [(seed, str(one)) for one in world.violations[:1]]
    return tally


@cache
def _sweep_seldom() -> None:
    """Collect what seeds leave, cycles of greenlets and worlds, once for several; no modules."""
    gc.set_threshold(_OBJECTS_PER_SWEEP)
    gc.collect()
    gc.freeze()


def campaign(first_seed: int, lifecycles: int, variant: Variant, processes: int = 2) -> Tally:
    """Play as many seeds as the lifecycles need, over some processes."""
    began = time.monotonic()
    count = -(-lifecycles // ORDERS)
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


def lifecycles_to_catch(name: str, first_seed: int, limit: int) -> tuple[int, str] | None:
    """Play seeds until one fails: how many lifecycles that took and what failed, or ``None``.

    A seed that goes round for ever ends unjudged: it says nothing of what the mutant breaks.
    """
    for number in range(limit // ORDERS):
        found = play([first_seed + number], VARIANTS[name]).violations
        if found and LIVELOCK not in found[0][1]:
            return (number + 1) * ORDERS, found[0][1]
    return None


Score = dict[str, tuple[int, str] | None]


def score(limit: int, processes: int = 2) -> Score:
    """Hunt every mutant over so many lifecycles; ``None`` is one that lived."""
    names = [mutant.name for mutant in MUTANTS]
    errands = [(mutant.name, mutant.hunted_from, limit) for mutant in MUTANTS]
    with multiprocessing.get_context("fork").Pool(processes, os.nice, (_NICE,)) as pool:
        return dict(
            zip(names, pool.starmap(lifecycles_to_catch, errands, chunksize=1), strict=True)
        )
