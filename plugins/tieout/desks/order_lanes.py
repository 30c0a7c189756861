"""A backlog goes through in lanes: one books orders in SYSPRO in their turn, others finish them.

While one order's documents are with SYSPRO another's capture is with the gateway. SYSPRO itself is
still asked one thing at a time: an operator has one session, and the lanes use it in turn.
"""

import contextvars
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from include.domain.orders import Order
from include.services.orders.breaker import Breaker
from tieout.hooks.syspro import SysproHook

T = TypeVar("T")
FINISHERS = 2  # besides the lane that books; more would wait for the same operator


@dataclass(frozen=True, slots=True)
class ErpLine:
    """One connection to SYSPRO, with its breaker, for the lanes of one thread's sweep."""

    hook: SysproHook
    breaker: Breaker
    _turn: threading.RLock = field(default_factory=threading.RLock)

    def call(self, ask: Callable[[], T]) -> T:
        """Ask in turn; see ``Breaker.call``."""
        with self._turn:
            return self.breaker.call(ask)


def through_lanes(
    orders: Iterable[Order],
    book: Callable[[Order], bool],
    finish: Callable[[Order], object],
    goes_on: Callable[[], bool],
    enter: Callable[[], None],
) -> tuple[int, Sequence[Exception]]:
    """Book each order in turn and have it finished; return how many were, and what went wrong.

    Args:
        orders: the oldest first.
        book: brings one into SYSPRO, and says whether there is more to do; called by this thread.
        finish: does the rest; called by another.
        goes_on: asked before each; a partner that is down ends it.
        enter: called by each other thread before its first order.
    """
    broken: list[Exception] = []
    finishing: list[Future[bool]] = []

    def finished(context: contextvars.Context, order: Order) -> bool:
        if goes_on():
            context.run(finish, order)
            return True
        return False

    with ThreadPoolExecutor(FINISHERS, "orders", enter) as lanes:
        for order in orders:
            if not goes_on():
                break
            try:
                is_left = book(order)
            except Exception as error:  # noqa: BLE001 - one broken saga must not stop the rest
                is_left = False
                broken.append(error)
            except BaseException:  # we are told to stop: what has not begun is left to the next
                lanes.shutdown(cancel_futures=True)
                raise
            if is_left:
                # What the task knows of itself, e.g. for its log, the lanes know as well.
                finishing.append(lanes.submit(finished, contextvars.copy_context(), order))
    done = 0
    for one in finishing:
        try:
            done += one.result()
        except Exception as error:  # noqa: BLE001 - as above
            broken.append(error)
    return done, broken
