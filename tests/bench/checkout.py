"""Checkout beside a bare script that makes the same gateway call without safety, in one run.

Gateway calls take 50 ms longer, and one payment in a hundred meets a fault: refused by a proxy
(502) before or after the commit, or cut off before or after it. Both contenders go at the same
pace; then orders come as fast as they are taken. Afterwards the sandbox's truth is compared with
the store, order by order.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from include.adapters.store.engine import open_store
from include.adapters.store.order_tables import orders
from tests.bench.order_world import (
    ROOT,
    SandboxProcess,
    api_key,
    commits_per_s,
    load,
    product,
    replicas,
    sandbox_process,
    say,
    store,
    verdicts,
)
from tests.bench.paced import Timed

MOST_TIMES_BARE, LEAST_PER_S = 1.5, 50.0
DELAY_S, EVERY = 0.05, 100  # of gateway calls; one fault in so many
_FAULTS = (
    {"fault": "drop_before_commit"},
    {"fault": "502", "commit": True},
    {"fault": "drop_after_commit"},
    {"fault": "502", "commit": False},
)
_PAYMENTS = "POST /pts/v2/payments$"
_AT_REST = ("authorized", "booked", "captured", "completed", "in_review", "declined", "cancelled")


@dataclass(frozen=True, slots=True)
class Scene:
    """What the contenders meet."""

    sandbox: SandboxProcess
    env: Mapping[str, str]
    ports: list[int]
    key: str


def main() -> int:
    """Measure, print; 0 only if every target is met."""
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tieout-bench-")))
        url = stack.enter_context(store(options.store, folder))
        sandbox = stack.enter_context(sandbox_process())
        env = {**product(url, sandbox, folder), "TIEOUT_API_WORKER": options.worker}
        engine = open_store(url)
        key = api_key(engine)
        rate = commits_per_s(url)
        ports = stack.enter_context(replicas(env, options.replicas))
        scene = Scene(sandbox, env, ports, key)
        say(
            f"checkout, {options.store}, {options.replicas} replicas, sweeper {options.worker}; "
            f"{load()}; {rate:.0f} bare commits/s"
        )
        found = _measure(scene, options)
        findings = _compare(sandbox, url, found["api"].outcomes + found["burst"].outcomes)
        engine.dispose()
    return verdicts([*_print(found, options), *findings])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.checkout", description=__doc__)
    parser.add_argument("--store", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--orders", type=int, default=600, help="of each contender at a pace")
    parser.add_argument("--rate", type=float, default=20.0, help="orders a second at a pace")
    parser.add_argument("--burst", type=int, default=1000, help="orders as fast as they go")
    parser.add_argument("--threads", type=int, default=24, help="shoppers at once in the burst")
    parser.add_argument(
        "--worker", choices=["on", "off"], default="off",
        help="sweep sagas in the replicas as well; off: the DAG does it",
    )  # fmt: skip
    return parser.parse_args()


def _measure(scene: Scene, options: argparse.Namespace) -> dict[str, Timed]:
    _run(scene, "api", "warm", 40, 0, 8)
    _run(scene, "bare", "cold", 10, 0, 2)
    scene.sandbox.clear_faults()
    _spoil(scene.sandbox, 2 * options.orders + options.burst)
    halves = [
        (kind, f"{kind}{half}-", options.orders // 2, options.rate, 16)
        for half in "12"  # taking turns, so that a busy minute hits both alike
        for kind in ("bare", "api")
    ]
    found: dict[str, Timed] = {}
    for kind, prefix, count, rate, threads in halves:
        half = _run(scene, kind, prefix, count, rate, threads)
        known = found.setdefault(kind, Timed())
        known.seconds += half.seconds
        known.outcomes += half.outcomes
        known.wall_s += half.wall_s
    found["burst"] = _run(scene, "api", "burst-", options.burst, 0, options.threads)
    return found


def _spoil(sandbox: SandboxProcess, calls: int) -> None:
    """Every hundredth payment meets a fault, in turns; all gateway calls take longer."""
    for place, nth in enumerate(range(EVERY, calls + 1, EVERY)):
        rule = {"system": "cybersource", "match": _PAYMENTS, "nth": nth, "seconds": DELAY_S}
        sandbox.control("faults", **rule, **_FAULTS[place % len(_FAULTS)])
    everything = {"system": "cybersource", "match": "", "times": 0, "seconds": DELAY_S}
    sandbox.control("faults", fault="delay", **everything)


def _run(scene: Scene, kind: str, prefix: str, count: int, rate: float, threads: int) -> Timed:
    job: dict[str, Any] = {
        "kind": kind,
        "prefix": prefix,
        "tokens": scene.sandbox.tokens(count),
        "rate": rate,
        "threads": threads,
        "ports": scene.ports,
        "key": scene.key,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.checkout_load"],
        input=json.dumps(job), capture_output=True, text=True, check=False, cwd=ROOT,
        env=dict(scene.env),
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{kind} failed:\n{done.stderr[-2000:]}")
    return Timed(**json.loads(done.stdout.strip().splitlines()[-1]))


def _print(found: Mapping[str, Timed], options: argparse.Namespace) -> list[tuple[str, bool]]:
    say(f"{'':28}{'median ms':>10}{'p95 ms':>9}{'p99 ms':>9}{'per s':>8}  answers")
    for name, run in found.items():
        answers = Counter(str(status) for _, status, _ in run.outcomes)
        words = ", ".join(f"{count}x {status}" for status, count in sorted(answers.items()))
        pace = "as fast as it goes" if name == "burst" else f"at {options.rate:.0f}/s"
        say(
            f"{name + ' ' + pace:28}{run.ms(50):10.1f}{run.ms(95):9.1f}{run.ms(99):9.1f}"
            f"{run.rate:8.1f}  {words}"
        )
    ratio = found["api"].ms(50) / found["bare"].ms(50)
    rate = found["burst"].rate
    return [
        (f"checkout's median is {ratio:.2f}x bare's, at most {MOST_TIMES_BARE}x",
         ratio <= MOST_TIMES_BARE),
        (f"{rate:.0f} orders/s sustained, at least {LEAST_PER_S:.0f}", rate >= LEAST_PER_S),
        (f"p95 at {options.rate:.0f}/s is {found['api'].ms(95):.0f} ms, below a second",
         found["api"].ms(95) < 1000),
    ]  # fmt: skip


def _compare(
    sandbox: SandboxProcess, url: str, answered: list[list[Any]]
) -> list[tuple[str, bool]]:
    """Hold the store against what the gateway really did."""
    engine = open_store(url)
    columns = (orders.c.number, orders.c.purchase_order, orders.c.state, orders.c.next_at)
    with engine.connect() as connection:
        known = {row.number: row for row in connection.execute(select(*columns))}
    engine.dispose()
    executed = Counter(
        row["code"]
        for row in sandbox.ledger(system="cybersource", verb="authorization")
        if row["committed"] and not str(row["reference"]).startswith("BARE")
    )
    promised = {name for name, status, _ in answered if 200 <= status < 300}
    odd = Counter(status for _, status, _ in answered if not 200 <= status < 300)
    double = [code for code, count in executed.items() if count > 1]
    codes = {row.purchase_order for row in known.values()}
    lost = [name for name in promised if name not in known]
    lost += [code for code in executed if code not in codes]
    paid = ("authorized", "booked", "captured", "completed", "in_review")
    lost += [
        row.number for row in known.values()
        if row.state in paid and executed[row.purchase_order] != 1
    ]  # fmt: skip
    adrift = [
        row.number for row in known.values()
        if row.state not in _AT_REST and row.next_at is None
    ]  # fmt: skip
    states = Counter(row.state for row in known.values())
    say(f"{len(known)} orders: {', '.join(f'{n} {s}' for s, n in states.most_common())}")
    return [
        (f"{len(double)} payments double, {len(lost)} lost", not double and not lost),
        (f"{len(adrift)} orders neither at rest nor pending with a time",
         not adrift),
        (f"every order was answered 2xx ({dict(odd) or 'all'})", not odd),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
