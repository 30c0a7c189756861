"""The lanes of a backlog: booked in turn, finished elsewhere, one question to SYSPRO at a time."""

import threading
import time
from typing import Any

from include.domain.errors import Retryable
from include.services.orders.breaker import Breaker
from tests.effects import ManualClock
from tieout.desks.order_lanes import ErpLine, through_lanes
from tieout.hooks.syspro import SysproHook


class Work:
    """Notes what was done, in which thread."""

    def __init__(self) -> None:
        self.booked: list[Any] = []
        self.finished: list[Any] = []
        self.threads: set[int] = set()
        self.entered = 0

    def book(self, order: Any) -> bool:
        if order == 13:
            raise RuntimeError("13 cannot be booked")
        self.booked.append(order)
        return order != 4  # which is set back

    def finish(self, order: Any) -> None:
        self.threads.add(threading.get_ident())
        if order == 7:
            raise RuntimeError("7 cannot be finished")
        self.finished.append(order)

    def enter(self) -> None:
        self.entered += 1

    def run(self, orders: Any, goes_on: Any = lambda: True) -> tuple[int, list[str]]:
        done, broken = through_lanes(orders, self.book, self.finish, goes_on, self.enter)
        return done, [str(one) for one in broken]


def test_orders_are_booked_in_turn_and_finished_by_lanes_that_were_opened() -> None:
    work = Work()
    assert work.run(range(6)) == (5, [])
    assert work.booked == [0, 1, 2, 3, 4, 5]
    assert sorted(work.finished) == [0, 1, 2, 3, 5]  # what was set back has had its turn
    assert threading.get_ident() not in work.threads
    assert work.entered == len(work.threads) or work.entered == 2


def test_what_breaks_stops_no_other_and_is_told() -> None:
    work = Work()
    done, broken = work.run([1, 13, 7, 8])
    assert (done, broken) == (2, ["13 cannot be booked", "7 cannot be finished"])
    assert sorted(work.finished) == [1, 8]


def test_a_partner_that_goes_down_ends_it() -> None:
    work = Work()
    work.run(range(10), goes_on=lambda: len(work.booked) < 3)
    assert work.booked == [0, 1, 2]


def test_two_lanes_never_ask_syspro_at_once_and_share_its_breaker() -> None:
    clock = ManualClock()
    line = ErpLine(SysproHook("syspro_a"), Breaker("syspro_a", clock.seconds))
    inside, most = [], []

    def ask() -> None:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.002)
        inside.pop()

    lanes = [threading.Thread(target=lambda: [line.call(ask) for _ in range(10)]) for _ in "abc"]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    assert (len(most), max(most)) == (30, 1)

    def down() -> None:
        raise Retryable("down", "SYSPRO", "wait")

    for _ in range(3):
        try:
            line.call(down)
        except Retryable:
            continue
    assert not line.breaker.lets_through()
