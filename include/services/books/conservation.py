"""Money is conserved, or nothing is booked: accounting reference, section 7.

control total of the source = sum of the classes = -(sum of the opposing journal lines)
= funding + named open items
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from include.domain.errors import Rejected
from include.domain.journal import Journal
from include.domain.money import Money
from include.services.books.journal_lines import BANK, NET


@dataclass(frozen=True, slots=True)
class Proof:
    """Both sides of the equation of one batch and currency, in minor units."""

    batch_id: str
    currency: str
    control_minor: int  # the lines, without regard to class
    classes: Mapping[str, int]  # by role
    opposing_minor: int  # every journal line but the net, all versions
    funded_minor: int  # arrived so far
    named: Mapping[str, int]  # open items of the net by name, e.g. awaited funding

    def check(self, where: str) -> None:
        """Compare all four.

        Raises:
            Rejected: something is left over; the message prints both sides and the residual.
        """
        classes = sum(self.classes.values())
        self._equal("control total", self.control_minor, "sum of the classes", classes, where)
        self._equal("sum of the classes", classes, "journal lines", -self.opposing_minor, where)
        explained = self.funded_minor + sum(self.named.values())
        self._equal("sum of the classes", classes, "funding and open items", explained, where)

    def _equal(self, left: str, ours: int, right: str, theirs: int, where: str) -> None:
        if ours == theirs:
            return
        one, other = Money(ours, self.currency), Money(theirs, self.currency)
        raise Rejected(
            f"{left} {one} is not {right} {other}; the residual is {one - other}",
            f"{where}, batch {self.batch_id}",
            "Nothing was built. Compare the sums by class in the report with the source's totals.",
        )

    def to_json(self) -> dict[str, Any]:
        """Return what is kept with the journal."""
        return {
            "control_minor": self.control_minor,
            "classes": dict(sorted(self.classes.items())),
            "opposing_minor": self.opposing_minor,
            "funded_minor": self.funded_minor,
            "named": dict(sorted(self.named.items())),
            "residual_minor": self.control_minor + self.opposing_minor,
        }


def opposing_minor(journals: Iterable[Journal]) -> int:
    """Sum all lines but the net: what the classes were booked against."""
    return sum(
        line.amount.minor
        for journal in journals
        for line in journal.lines
        if line.source not in (NET, BANK)
    )


def check_day(
    by_class: Mapping[tuple[str, str], int],
    set_aside: Mapping[str, int],
    expected: Mapping[tuple[str, str], int],
    where: str,
) -> None:
    """Hold the batches' sums against what classification counted, per currency.

    Args:
        by_class: (currency, class) -> minor units, over all batches.
        set_aside: duplicates, per currency: counted by classification, not booked.
        expected: (currency, class) -> minor units as classification counted; net classes.
        where: the day, for the message.

    Raises:
        Rejected: a line was lost or doubled between the steps.
    """
    currencies = {currency for currency, _ in (*by_class, *expected)}
    for currency in sorted(currencies):
        booked = sum(minor for (c, _), minor in by_class.items() if c == currency)
        counted = sum(minor for (c, _), minor in expected.items() if c == currency)
        aside = set_aside.get(currency, 0)
        if booked + aside != counted:
            left = Money(counted - booked - aside, currency)
            raise Rejected(
                f"classification counted {Money(counted, currency)}, the batches hold "
                f"{Money(booked, currency)} and {Money(aside, currency)} is set aside as "
                f"duplicates; the residual is {left}",
                where,
                "Nothing was built. Run classify and match of this day again.",
            )
