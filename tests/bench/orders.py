"""``make bench-orders``: order to cash under load, each bench beside a yardstick of its own run.

With modest numbers it takes some minutes; each bench alone takes larger ones, see its ``--help``.
"""

import argparse
import subprocess
import sys
import time

from tests.bench.order_world import ROOT, load, say

_BENCHES = ("checkout", "webhooks", "outage", "operator_view")


def main() -> int:
    """Run the benches one after the other; 0 only if each meets every target."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.orders", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=_BENCHES, default=list(_BENCHES))
    missed = []
    for name in parser.parse_args().only:
        began = time.perf_counter()
        say(f"\n== {name} ({load()})")
        done = subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], cwd=ROOT, check=False)
        say(f"   took {time.perf_counter() - began:.0f} s")
        if done.returncode:
            missed.append(name)
    say(f"\n{'missed: ' + ', '.join(missed) if missed else 'every target is met'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
