"""A line that is there twice counts once; the second is named, never matched, never booked."""

from datetime import date

from include.domain.matching import Cause
from include.services.matching.model import LineItem, MatchDecision, Pool


def decide(pool: Pool, seen_elsewhere: dict[tuple[str, str, int], str]) -> None:
    """Name repeats of a request inside the day, and requests that settled on another day.

    Args:
        pool: what is open.
        seen_elsewhere: (request id, currency, amount) of other days' lines -> that day.
    """
    first: dict[tuple[str, str, str, int], LineItem] = {}
    for line in sorted(pool.lines.values(), key=lambda item: (item.day, item.row)):
        if line.request_id is None:
            continue
        key = (line.request_id, line.kind, line.currency, line.minor)
        if key in first:
            before = first[key]
            said = f"line {before.source} says the same"
            _name(pool, line, settled_on(before.day) if before.is_earlier else said)
        elif not line.is_earlier and (key[0], key[2], key[3]) in seen_elsewhere:
            _name(pool, line, settled_on(seen_elsewhere[key[0], key[2], key[3]]))
        else:
            first[key] = line


def settled_on(day: date | str) -> str:
    """Say which day has the line; kept with the match, and read by ``moved_lines``."""
    return f"it settled on {day} already"


def _name(pool: Pool, line: LineItem, which: str) -> None:
    pool.decide(
        MatchDecision(
            [line],
            [],
            None,
            Cause.duplicate_line,
            f"request id, currency and amount: {line}",
            which,
            why=f"{line} is reported twice: {which}. It is counted once.",
            do="Ask Cybersource why the request is listed twice; nothing was booked for it.",
        )
    )
