"""Refuses to write to real books by a connection of which too little was measured."""

from collections.abc import Sequence
from datetime import timedelta

from include.domain.commissioning import OUTLASTED, WORDS, Fact, Need, Probe
from include.domain.errors import Rejected
from include.services.effects.ports import Timings


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


def demand_outlasted(fact: Fact, timings: Timings) -> None:
    """Refuse waits that end before what they wait for: absent would be believed too early.

    Q counts from the record of a send. A late payment was executed at the end of its call, and is
    shown one lag later; a run of SYSPRO is measured from the call to the end. The second of two
    absent looks must not be answered from what the first one saw. Source: reliability reference,
    finding F2 and protocol D.

    Args:
        fact: as recorded; one of a probe without such a figure is never refused.
        timings: what the connection waits for; of several kinds, of that with the longest call.

    Raises:
        Rejected: one is too short, or the measurement did not see the end.
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
    measured = timedelta(milliseconds=figure)
    terms = [(f"{fact.probe} ({WORDS[fact.probe]})", measured)]
    if fact.probe is Probe.search_lag:
        _demand_longer(fact, "look_gap_s", timings.look_gap, terms)
        terms.append(("a call's own deadline", timings.deadline))
    terms.append(("what may pass between record and first byte", timings.send_slack))
    _demand_longer(fact, "quiescence_s", timings.quiescence, terms)


def _demand_longer(
    fact: Fact, name: str, wait: timedelta, terms: Sequence[tuple[str, timedelta]]
) -> None:
    needed = sum((span for _, span in terms), timedelta(0))
    if wait > needed:
        return
    named = " and ".join(f"{words} of {_seconds(span)} s" for words, span in terms)
    raise Rejected(
        f"{name} is {_seconds(wait)}, yet it must outlast {named}",
        f"connection {fact.connection}",
        f"Set {name} above {_seconds(needed)}; better twice that.",
    )


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():g}"
