"""What the pollers share: a watermark per feed, and a shelf for what cannot be worked on."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from include.domain.errors import IntegrationError, Rejected
from include.domain.money import Money
from include.services.fault_words import describe


class Watermarks(Protocol):
    """How far a feed has been worked on. A watermark never moves back."""

    def get(self, name: str) -> str:
        """Return it; ``''``: the feed was never read."""
        ...

    def move(self, name: str, value: str) -> None:
        """Note that everything up to ``value`` has been stored."""
        ...


class StockList(Protocol):
    """Which stock codes a warehouse had when its feed was read: asked at checkout, not SYSPRO."""

    def note(
        self,
        company_id: str,
        warehouse: str,
        stock_codes: Iterable[str],
        at: datetime,
        *,
        is_whole: bool,
    ) -> None:
        """Take in what was read; where it is everything, forget what was not among it."""
        ...

    def absent(
        self, company_id: str, warehouse: str, stock_codes: Sequence[str]
    ) -> tuple[str, ...]:
        """Return the codes that are not there; none where no whole and fresh list is."""
        ...


class Shelf(Protocol):
    """Dead letters of things that are not effects, e.g. an order that cannot be translated."""

    def set_aside(
        self,
        kind: str,
        key: str,
        fault: Rejected,
        *,
        owner: str,
        amount: Money | None = None,
        reopens: bool = True,
    ) -> None:
        """Open a dead letter, or bring the open one up to date.

        Args:
            kind: of the item.
            key: of the item.
            fault: why it is set aside.
            owner: who is told.
            amount: what is at stake.
            reopens: open one again that a person has resolved with the same reason.
        """
        ...

    def settle(self, kind: str, key: str, how: str) -> None:
        """Close the open dead letter of an item, if there is one."""
        ...


StartOf = Callable[[str], str]  # from a mark's name: the cursor that its feed is read from


def marked(watermarks: Watermarks, begin: str) -> StartOf:
    """Start where a feed's mark stands; at ``begin`` if it was never read."""
    return lambda name: watermarks.get(name) or begin


def always(begin: str) -> StartOf:
    """Start at ``begin``, whatever the marks say; they do not move back by it."""
    return lambda _name: begin


Row = TypeVar("Row")
_ROWS_A_MARK = 50  # a commit for each row would cost more than the rows; a crash reads them again


def read_on(
    watermarks: Watermarks,
    name: str,
    read: Callable[[str], Sequence[Row]],
    cursor_of: Callable[[Row], str],
    start_of: StartOf,
) -> Iterator[Row]:
    """Yield a feed page by page from its start on, and move the mark behind what is done.

    Feeds ask somewhat before their cursor, so the last page holds known rows only.

    Args:
        watermarks: where the mark is kept.
        name: of the mark.
        read: returns rows after a cursor, oldest first.
        cursor_of: says how far a row takes the feed.
        start_of: says where it starts.
    """
    at = start_of(name)
    while True:
        last = ""
        for count, row in enumerate(read(at), start=1):
            yield row
            last = max(last, cursor_of(row))
            if count % _ROWS_A_MARK == 0:
                watermarks.move(name, last)
        if last:
            watermarks.move(name, last)
        if not last or last == at:
            return
        at = last


@dataclass
class Tally:
    """Rows in = rows worked on + rows set aside + rows that are not ours, checked."""

    read: int = 0
    done: int = 0
    set_aside: int = 0
    not_ours: int = 0
    passed: Counter[str] = field(default_factory=Counter)  # why rows are not ours, where it is said

    def check(self) -> "Tally":
        """Refuse to lose a row in silence; a bug of ours otherwise."""
        if self.read != self.done + self.set_aside + self.not_ours:
            raise RuntimeError(f"rows were lost: {self}")
        return self

    def __str__(self) -> str:
        why = "; ".join(f"{count} {words}" for words, count in sorted(self.passed.items()))
        return (
            f"{self.read} read: {self.done} done, {self.set_aside} set aside, "
            f"{self.not_ours} not ours" + (f" ({why})" if why else "")
        )


def _worked(work: Callable[[], bool], where: str) -> bool:
    for tries_left in (1, 0):
        try:
            return work()
        except IntegrationError:
            raise
        except Exception as bug:
            if not tries_left:
                do = "Mend what fails; then replay it."
                raise Rejected(describe(bug), where, do) from bug
    raise AssertionError("it was tried twice")


def work_on(
    tally: Tally,
    shelf: Shelf,
    kind: str,
    key: str,
    owner: str,
    work: Callable[[], bool],
) -> None:
    """Work on one row; ``work`` says whether it was ours. What cannot be worked on is set aside.

    A fault of ours is tried once more, as it may have been the database, gone for a moment; the
    row is then set aside too, or no later one would ever have its turn.

    Feeds give their last rows at every poll: what a person has resolved, for the same reason, is
    not set aside again.

    Raises:
        Retryable, OutcomeUnknown: the feed stops here and is read again from its watermark.
    """
    tally.read += 1
    try:
        is_ours = _worked(work, f"{kind} {key}")
    except Rejected as fault:
        shelf.set_aside(kind, key, fault, owner=owner, reopens=False)
        tally.set_aside += 1
        return
    shelf.settle(kind, key, "worked on when it was read again")
    if is_ours:
        tally.done += 1
    else:
        tally.not_ours += 1
