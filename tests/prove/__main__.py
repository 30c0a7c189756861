"""Prove order to cash, or replay one seed: ``python -m tests.prove --seed 17 --lifecycles 1``.

The variant is the product unless ``--variant`` names a mutant, e.g. ``"m4 no Q"``. With
``--mutants`` every mutant is hunted too, and must be caught.
"""

import argparse
import os
import statistics
import sys
from collections.abc import Mapping

from tests.prove.campaign import VARIANTS, campaign, score
from tests.prove.faults import Coverage, empty_cells
from tests.prove.world import World

TO_CATCH = 12_000  # lifecycles; each is caught in a few, until the play changes
FIRST_SEED = 1
ENOUGH = 1_000_000  # lifecycles


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=FIRST_SEED)
    parser.add_argument("--lifecycles", type=int, default=ENOUGH, help="a campaign from --seed")
    parser.add_argument("--variant", choices=sorted(VARIANTS), default="the product")
    parser.add_argument("--mutants", action="store_true", help="hunt every mutant as well")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    if asked.lifecycles == 1:
        world = World(asked.seed, VARIANTS[asked.variant])
        world.run()
        sys.stdout.write("\n".join(tell(world)) + "\n")
        return 1 if world.violations else 0
    tally = campaign(asked.seed, asked.lifecycles, VARIANTS[asked.variant], asked.processes)
    sys.stdout.write(tally.report() + "\n")
    for seed, words in tally.violations[:20]:
        sys.stdout.write(f"seed {seed}: {words}\n")
    is_bad = bool(tally.violations)
    if asked.lifecycles >= ENOUGH:  # for every fault to strike wherever it can
        is_bad |= bool(empty_cells(tally.coverage))
    if asked.mutants:
        found = score(TO_CATCH, asked.processes)
        sys.stdout.write("\n".join(score_lines(found)) + "\n")
        is_bad |= None in found.values()
    return 1 if is_bad else 0


def score_lines(found: Mapping[str, tuple[int, str] | None]) -> list[str]:
    """Say how many mutants were caught, how soon, and by which invariant."""
    counts = [caught[0] for caught in found.values() if caught]
    median = statistics.median(counts) if counts else 0
    lines = [f"{len(counts)} of {len(found)} mutants caught; median {median:,.0f} lifecycles"]
    for name, caught in found.items():
        first = VARIANTS[name].hunted_from
        begun = f"from seed {first}: " if first > 1 else ""
        told = f"{caught[0]:>6,}  {begun}{caught[1][:110]}" if caught else "  lives"
        lines.append(f"{name:<50} {told}")
    return lines


def tell(world: World) -> list[str]:
    """Retell a seed: what struck, what the product did, what really happened, what is wrong."""
    struck: Coverage = world.coverage
    told = [f"seed {world.seed} of {world.variant.name}, {world.calls} calls"]
    told += [f"  {' / '.join(cell)}: {n}" for cell, n in sorted(struck.items()) if n]
    rows = world.database.rows
    told += [f"  {row}" for row in rows("SELECT at, who, what, subject, detail FROM audit")]
    told += [
        f"  {row}" for row in rows("SELECT * FROM order_events ORDER BY at, order_id, event_no")
    ]
    told += [f"  truth {entry}" for entry in world.truth.entries]
    return told + [f"VIOLATION {found}" for found in world.violations]


if __name__ == "__main__":
    sys.exit(main())
