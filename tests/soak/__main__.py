"""A soak: the whole stack, real Airflow and all, trades through a storm; then the books are read.

``make soak``: PostgreSQL, every DAG on its schedule, two ways into the API, and the sandbox as the
rest of the world. Shoppers buy, clerks and analysts act; calls are spoiled, partners go away, and
processes are killed with -9. Then it grows calm, and the sandbox's truth is held against what
people were promised. Linux only: processes are found in ``/proc``.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sqlalchemy import Engine, func, select

from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.order_tables import orders
from include.local.airflow_api import AirflowApi
from tests.soak.judge import judge
from tests.soak.stack import Running, running
from tests.soak.storm import Storm
from tests.soak.town import Bought, Town

Say = Callable[[str], None]
_RESTING = {"completed", "cancelled", "declined", "stuck"}


def main() -> int:
    """Soak; 0 only if nothing is odd at the end."""
    given, began = _options(), time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:6.0f} s  {text}\n")
        sys.stdout.flush()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    with running(given.home, say) as stack:
        town = Town(stack.control_url, stack.api_urls, stack.key, given.seed)
        _trade(stack, town, given, say)
        _watch(stack.store, given.calm * 60, say, until_rest=True)
        _compare(stack.airflow, say)
        odd = judge(town.bought, stack.store, town, stack.ledger())
        odd += _letters(stack.store, town.bought)
    for line in odd:
        say(f"ODD  {line}")
    say(f"{len(town.bought)} orders, {len(odd)} odd; logs: {given.home}")
    return 1 if odd else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15, help="of storm")
    parser.add_argument("--calm", type=float, default=25, help="minutes in which all must rest")
    parser.add_argument("--rate", type=float, default=20, help="orders a minute")
    parser.add_argument("--seed", type=int, default=1, help="of what people and the storm do")
    parser.add_argument("--home", type=Path, default=Path(".tieout-soak"), help="logs and files")
    return parser.parse_args()


def _trade(stack: Running, town: Town, given: argparse.Namespace, say: Say) -> None:
    town.open(stack.analyst(), given.rate)
    storm = Storm(town.control, town.clear_faults, stack.processes, stack.commands, given.seed)
    storm.begin()
    say(f"the town trades in a storm, seed {given.seed}")
    _watch(stack.store, given.minutes * 60, say, until_rest=False)
    town.close_shop()
    storm.end()
    played = ", ".join(f"{name} {count}" for name, count in sorted(storm.played.items()))
    say(f"the storm is over: {played}")


def _watch(store: Engine, seconds: float, say: Say, *, until_rest: bool) -> None:
    """Say every half minute how many orders stand where; end early when all rest, if asked."""
    until = time.monotonic() + seconds
    wanted = select(orders.c.state, func.count()).group_by(orders.c.state)
    while time.monotonic() < until:
        time.sleep(min(30.0, max(0.0, until - time.monotonic())))
        with store.connect() as connection:
            counts = {row[0]: row[1] for row in connection.execute(wanted)}
        say(", ".join(f"{state} {count}" for state, count in sorted(counts.items())))
        if until_rest and set(counts) <= _RESTING:
            return


def _compare(airflow: AirflowApi, say: Say) -> None:
    """Let the night's comparison run: it closes what was only under way, and tells the rest."""
    for _ in range(2):
        run_id = airflow.trigger("order_care")
        say(f"order_care: {airflow.wait('order_care', run_id, 900)}")


def _letters(store: Engine, bought: Sequence[Bought]) -> Iterator[str]:
    """Name the letters still open, but for those of a cancellation that came too late."""
    late = {f"{one.shop}|{one.number}" for one in bought if one.is_cancelled}
    for one in SqlDeadLetters(store).listing():
        is_late = one.kind == "shop_order" and one.key in late
        if not is_late and one.kind != "late_cancellation":
            yield f"letter {one.kind} {one.key}: {one.reason[:300]}"


if __name__ == "__main__":
    sys.exit(main())
