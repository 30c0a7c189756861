"""Posting periods of one company: calendar months, with a current, a previous and one before.

C, P and B name them where a sub-ledger posts; the general ledger takes year and number, counted
from the month in which the company's fiscal year starts. Sub-ledgers show the calendar's month
(the vendor's answers of ARSTPY and APSTIN have month 12 beside ledger period 02; that it is the
calendar's is inferred). A period may be closed or opened between two calls, and the ledger may
stand in an earlier one than the sub-ledgers, as in the first days of a month.
Source: SYSPRO reference, sections 3, 4.5 and 10.8.
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
    fiscal_start: int = 1  # month in which the ledger's year starts; it is named after its end
    ledger_behind: int = 0  # months that the ledger is behind the sub-ledgers
    is_hidden: bool = False  # the sub-ledgers do not say where they are
    lists_as_of_alone: bool = False  # CSHQRY and ARSQRY: what AsOfPeriod lists is not published
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

    @property
    def ledger_current(self) -> tuple[int, int]:
        """Return the ledger's current year and period."""
        return self.fiscal(months_back(self.current, self.ledger_behind))

    def fiscal(self, month: tuple[int, int]) -> tuple[int, int]:
        """Return the ledger's year and period of a calendar month."""
        year, number = months_back(month, self.fiscal_start - 1)
        return year + (self.fiscal_start > 1), number

    def month_of(self, year: int, period: int) -> tuple[int, int]:
        """Return the calendar month of a ledger's year and period."""
        first = (year - (self.fiscal_start > 1), period)
        return months_back(first, 1 - self.fiscal_start)

    def is_listed(self, as_of: str, month: tuple[int, int]) -> bool:
        """Say whether a query as of C, P, B or 2 lists what was posted to a month."""
        if not self.lists_as_of_alone:
            return True
        return month == months_back(self.current, {"P": 1, "B": 2, "2": 2}.get(as_of, 0))

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
