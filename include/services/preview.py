"""What a change would make of a day: the same day built twice, by the rules of today and by others.

Both are built on copies, so nothing of it is booked. What they have in common, e.g. that a document
has come to SYSPRO since the day ran, is no effect of the change.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.domain.errors import Rejected
from include.domain.journal import Journal
from include.domain.money import Money
from include.domain.open_items import OpenItem
from include.domain.settlement import LineClass

Totals = Mapping[tuple[str, LineClass], int]  # by currency and class, minor units


@dataclass(frozen=True, slots=True)
class BuiltDay:
    """A day as one set of rules builds it."""

    totals: Totals
    journals: Sequence[Journal]  # not void
    items: Sequence[OpenItem]
    stopped: str = ""  # why it was not built: a gate, a code without a mapping


def differences(today: BuiltDay, changed: BuiltDay) -> list[str]:
    """Say what the change does to the day, in lines for a person; none: nothing.

    Raises:
        Rejected: by either the day stops for the same reason, so nothing can be said.
    """
    said = []
    if today.stopped and today.stopped == changed.stopped:
        what = f"the day stops, with the change and without: {today.stopped}"
        raise Rejected(what, "preview", "Mend that first.")
    if today.stopped != changed.stopped:
        said.append(f"the day would {_end(changed.stopped)}; today it would {_end(today.stopped)}")
    said += _totals(today.totals, changed.totals)
    said += _journals(today.journals, changed.journals)
    said += _items(today.items, changed.items)
    return said


def _end(stopped: str) -> str:
    return f"stop: {stopped}" if stopped else "be built"


def _totals(today: Totals, changed: Totals) -> list[str]:
    said = []
    for currency, kind in sorted(today.keys() | changed.keys()):
        before, after = today.get((currency, kind), 0), changed.get((currency, kind), 0)
        if before != after:
            said.append(f"{kind}: {Money(before, currency)} -> {Money(after, currency)}")
    return said


def _journals(today: Sequence[Journal], changed: Sequence[Journal]) -> list[str]:
    """Show of each journal that is not the same what the change moves, by account and day."""
    before, after = _by_key(today), _by_key(changed)
    said = []
    for key in sorted(before.keys() | after.keys()):
        moved = _sums(after.get(key))
        moved.subtract(_sums(before.get(key)))
        lines = [
            f"  {day}  {account}  {Money(minor, currency)}"
            for (day, account, currency), minor in sorted(moved.items())
            if minor
        ]
        if lines:
            words = "not built any more" if key not in after else "changed"
            said += [f"journal {'built' if key not in before else words}: {key}", *lines]
    return said


def _by_key(journals: Sequence[Journal]) -> dict[str, Journal]:
    return {journal.key: journal for journal in journals}


def _items(today: Sequence[OpenItem], changed: Sequence[OpenItem]) -> list[str]:
    common = {item.item_key for item in today} & {item.item_key for item in changed}
    return [
        f"{words}: {item.cause}: {item.explanation}"
        for words, items in (("open item closed", today), ("open item opened", changed))
        for item in sorted(items, key=lambda one: one.item_key)
        if item.item_key not in common
    ]


def _sums(journal: Journal | None) -> Counter[tuple[str, str, str]]:
    """Return what a journal moves, by posting date, account and base currency."""
    found: Counter[tuple[str, str, str]] = Counter()
    if journal is not None:
        day = journal.posting_date.isoformat()
        for line in journal.lines:
            found[day, line.gl_account, line.base.currency] += line.base.minor
    return found
