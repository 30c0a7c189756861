"""Refuses to write to real books by a connection of which too little was measured."""

from datetime import timedelta

from include.domain.commissioning import OUTLASTED, WORDS, Fact, Need
from include.domain.errors import Rejected

_ROOM = timedelta(seconds=10)  # between recording a send and sending


def demand_known(need: Need, fact: Fact | None) -> Fact:
    """Return the fact.

    Raises:
        Rejected: nobody has measured it there.
    """
    if fact is None:
        raise Rejected(
            f"writing in production without {need.probe}: {WORDS[need.probe]}",
            f"connection {need.connection}",
            "Measure it at the test accounts (tieout.cli commissioning), then record its line "
            "here; or set TIEOUT_MODE=sandbox for a system without real books.",
        )
    return fact


def demand_outlasted(fact: Fact, quiescence: timedelta) -> None:
    """Refuse a Q that ends before what it waits for: absent would be believed too early.

    Args:
        fact: as recorded; one of a probe without such a figure is never refused.
        quiescence: what the connection waits for after a send.

    Raises:
        Rejected: it is too short, or the measurement did not see the end.
    """
    if never := fact.found.get("never_shown"):
        raise Rejected(
            f"{fact.probe} ({WORDS[fact.probe]}) was measured, and {never} were never shown",
            f"connection {fact.connection}",
            "Measure again and wait longer (--at-most): nobody knows what Q must outlast.",
        )
    figure = fact.found.get(OUTLASTED.get(fact.probe, ""))
    if not isinstance(figure, int):
        return
    needed = timedelta(milliseconds=figure) + _ROOM
    if quiescence <= needed:
        raise Rejected(
            f"quiescence_s is {quiescence.total_seconds():g}, yet {fact.probe} "
            f"({WORDS[fact.probe]}) was measured as {figure / 1000:g} s",
            f"connection {fact.connection}",
            f"Set quiescence_s above {needed.total_seconds():g}; better twice that.",
        )
