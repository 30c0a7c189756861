"""A soak: the whole stack, real Airflow and all, trades through a storm; then the books are read.

``make soak``: PostgreSQL, every DAG on its schedule, two ways into the API, and the sandbox as the
rest of the world. Shoppers buy, clerks and analysts act; calls are spoiled, partners go away, and
processes are killed with -9. Then it grows calm, the sandbox's truth is held against what people
were promised, and the day is settled and must prove all of it. Linux only: processes are found in
``/proc``.
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
from include.local.order_stories import People
from include.services.effects.dead_letters import DeadLetter
from tests.soak.judge import ENDED, Kept, judge
from tests.soak.settling import settle
from tests.soak.stack import Running, running
from tests.soak.storm import Storm
from tests.soak.town import Bought, Town

Say = Callable[[str], None]
_LATE = ("late_cancellation", "shop_order")  # letters of a cancel that came after the invoice


def main() -> int:
    """Soak; 0 only if nothing is odd at the end."""
    given, began = _options(), time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:6.0f} s  {text}\n")
        sys.stdout.flush()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    with running(given.home, say) as stack:
        people = People(stack.local, stack.key)
        town = Town(people, stack.api_urls, stack.key, stack.shop_url, given.seed)
        odd = _trade(stack, people, town, given, say)
        _watch(stack.store, given.calm * 60, say, until_rest=True)
        odd += _compare(stack.airflow, say)
        letters = SqlDeadLetters(stack.store).listing(limit=10_000)
        kept = _kept(stack.store, letters)
        requests = people.control("live_requests")["requests"]
        odd += judge(town.bought, kept, requests, stack.ledger())
        odd += _unexplained(letters, town.bought)
        odd += settle(stack, people, say)
    say(f"{len(town.said)} times somebody could not do as they wished, e.g. {town.said[-2:]}")
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


def _trade(
    stack: Running, people: People, town: Town, given: argparse.Namespace, say: Say
) -> list[str]:
    """Trade through the storm; return what kept it from being one."""
    storm = Storm(people, stack.processes, stack.commands, given.seed)
    town.open(stack.analyst(), given.rate)
    storm.begin()
    say(f"the town trades in a storm, seed {given.seed}")
    _watch(stack.store, given.minutes * 60, say, until_rest=False)
    town.close_shop()
    storm.end()
    played = ", ".join(f"{name} {count}" for name, count in sorted(storm.played.items()))
    say(f"the storm is over: {played}")
    return storm.lulls()


def _watch(store: Engine, seconds: float, say: Say, *, until_rest: bool) -> None:
    """Say every half minute how many orders stand where; end early when all rest, if asked."""
    until = time.monotonic() + seconds
    wanted = select(orders.c.state, func.count()).group_by(orders.c.state)
    while time.monotonic() < until:
        time.sleep(min(30.0, max(0.0, until - time.monotonic())))
        with store.connect() as connection:
            counts = {row[0]: row[1] for row in connection.execute(wanted)}
        say(", ".join(f"{state} {count}" for state, count in sorted(counts.items())))
        if until_rest and set(counts) <= {*ENDED, "stuck"}:
            return


def _compare(airflow: AirflowApi, say: Say) -> list[str]:
    """Let the night's comparison run: it closes what was only under way, and tells the rest."""
    ends = list[str]()
    for _ in range(2):
        ends.append(airflow.wait("order_care", airflow.trigger("order_care"), 900))
        say(f"order_care: {ends[-1]}")
    return [] if ends[-1] == "success" else ["order_care has failed: see its log"]


def _kept(store: Engine, letters: Sequence[DeadLetter]) -> dict[str, Kept]:
    """Return how each order stands, by its customer PO."""
    late = {one.key for one in letters if one.kind in _LATE}
    t = orders.c
    wanted = select(t.purchase_order, t.state, t.order_id, t.shop_id, t.number)
    with store.connect() as connection:
        return {
            row.purchase_order: Kept(
                row.state, bool(late & {row.order_id, f"{row.shop_id}|{row.number}"})
            )
            for row in connection.execute(wanted)
        }


def _unexplained(letters: Sequence[DeadLetter], bought: Sequence[Bought]) -> Iterator[str]:
    """Name the letters still open, but for those of a cancel that somebody had asked for."""
    ended = [one for one in bought if one.is_cancelled]
    asked = {one.id for one in ended} | {f"{one.shop}|{one.number}" for one in ended}
    for one in letters:
        if one.kind not in _LATE or one.key not in asked:
            yield f"letter {one.kind} {one.key}: {one.reason[:300]}"


if __name__ == "__main__":
    sys.exit(main())
