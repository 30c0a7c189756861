"""Play one seed alone, or many: ``python -m tests.simulator --seed 17``.

The variant is the product unless ``--variant`` names a mutant, e.g. ``"m4 no Q"``.
"""

import argparse
import sys

from tests.simulator.campaign import VARIANTS, campaign
from tests.simulator.faults import Coverage
from tests.simulator.world import World


def main() -> int:
    asked = _parser().parse_args()
    variant = VARIANTS[asked.variant]
    if asked.lifecycles:
        tally = campaign(asked.seed, asked.lifecycles, variant)
        sys.stdout.write(tally.report() + "\n")
        for seed, words in tally.violations[:20]:
            sys.stdout.write(f"seed {seed}: {words}\n")
        return 1 if tally.violations else 0
    world = World(asked.seed, variant)
    world.run()
    sys.stdout.write("\n".join(tell(world, asked.key)) + "\n")
    return 1 if world.violations else 0


def tell(world: World, key: str) -> list[str]:
    """Retell a seed: what struck, what the audit says, what was executed, what is wrong."""
    struck: Coverage = world.coverage
    told = [f"seed {world.seed} of {world.variant.name}, {world.calls} calls"]
    told += [f"  {fault} / {position}: {n}" for (fault, position), n in sorted(struck.items()) if n]
    told += [
        f"  {link.entry.at:%d %H:%M:%S} {link.entry.who:<14} {link.entry.what} "
        f"[{link.entry.subject}] {link.entry.detail}"
        for link in world.shelf.links()
        if key in link.entry.subject
    ]
    told += [f"  executed {entry}" for entry in world.remote.ledger]
    return told + [f"VIOLATION {found}" for found in world.violations]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lifecycles", type=int, help="a campaign from --seed on")
    parser.add_argument("--variant", choices=sorted(VARIANTS), default="the product")
    parser.add_argument("--key", default="", help="tell only about effects whose key has this")
    return parser


if __name__ == "__main__":
    sys.exit(main())
