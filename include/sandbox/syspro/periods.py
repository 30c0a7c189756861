"""Posting periods of one company: calendar months, with a current, a previous and one before.

C, P and B name them where a sub-ledger posts; the general ledger takes year and number. A period
may be closed or opened between two calls. Source: SYSPRO reference, sections 3, 4.5 and 10.8.
"""

from dataclasses import dataclass, field
from datetime import date

CURRENT = (2026, 11)  # of every demo company; the world's trade ends with it

CODES = "CPB"  # current, previous, before previous


def months_back(period: tuple[int, int], count: int) -> tuple[int, int]:
    """Return the period ``count`` months earlier."""
    year, month = period
    at = year * 12 + month - 1 - count
    return at // 12, at % 12 + 1


@dataclass(slots=True)
class Periods:
    """Which periods take postings; ``open_from`` widens the usual three for long backfills."""

    open_from: tuple[int, int] | None = None
    current: tuple[int, int] = CURRENT
    _switched: dict[tuple[int, int], bool] = field(default_factory=dict)

    def is_open(self, year: int, period: int) -> bool:
        """Say whether a posting may be dated so; the future never is."""
        asked = (year, period)
        if self.is_future(year, period) or not 1 <= period <= 12:
            return False
        if asked in self._switched:
            return self._switched[asked]
        return asked >= (self.open_from or months_back(self.current, 2))

    def is_future(self, year: int, period: int) -> bool:
        return (year, period) > self.current

    def of_code(self, code: str) -> tuple[int, int]:
        """Return year and period of C, P or B."""
        return months_back(self.current, CODES.index(code))

    def switch(self, year: int, period: int, *, is_open: bool) -> None:
        """Open or close one period.

        Raises:
            ValueError: no such month, or it lies in the future.
        """
        if not 1 <= period <= 12 or self.is_future(year, period):
            raise ValueError(f"period {period} of {year} is not a month up to {self.current}")
        self._switched[(year, period)] = is_open


def periods_at(today: date, open_from: tuple[int, int] | None) -> Periods:
    """Return the periods of a company date: its month is current, unless the demo's is later."""
    return Periods(open_from, max(CURRENT, (today.year, today.month)))
