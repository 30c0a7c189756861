"""Which date a journal posts on when its period is closed: the merchant's policy, never silence."""

from dataclasses import dataclass
from datetime import date, timedelta

from include.domain.errors import Rejected
from include.domain.merchant import Merchant, PeriodPolicy
from include.services.books.ports import Periods
from include.services.ports import PeriodState, PostingPeriod

_MONTHS_AHEAD = 3  # SYSPRO keeps at most two prior months open; the current one is near


@dataclass(frozen=True, slots=True)
class PostingDate:
    """Where a journal goes."""

    posts_on: date
    wanted: date  # what the settlement says
    period: PostingPeriod  # of ``posts_on``; where it is not open, kept until it is

    @property
    def words(self) -> str:
        """Return what the narrative adds; '' where the date is the settlement's own."""
        return "" if self.posts_on == self.wanted else closed_words(self.wanted)


def closed_words(wanted: date) -> str:
    """Return what the narrative adds of a journal that does not post on the day it should."""
    return f", period of {wanted} closed"


class PostingDates:
    """Asks SYSPRO once per date."""

    def __init__(self, merchant: Merchant, periods: Periods) -> None:
        self._merchant = merchant
        self._periods = periods
        self._known: dict[date, PostingPeriod] = {}

    def of(self, wanted: date) -> PostingDate:
        """Apply the policy to a date.

        Raises:
            Rejected: the policy is ``next_open`` and no open period follows.
        """
        period = self._period(wanted)
        parks = self._merchant.period_policy is PeriodPolicy.park
        if parks or period.state in (PeriodState.open, PeriodState.future):
            return PostingDate(wanted, wanted, period)
        later = self._first_open_after(wanted)
        if later is not None:
            return PostingDate(later, wanted, self._period(later))
        raise Rejected(
            f"period {period.period} of {period.year} is closed and none of the next "
            f"{_MONTHS_AHEAD} is open",
            f"company {self._merchant.company_id}, posting date {wanted}",
            "Open a period in SYSPRO, or set period_policy: park for this merchant.",
        )

    def posts_on(self, posting_date: date) -> date:
        """Return where a journal of that date would post now: its date, unless policy moves it.

        Raises:
            Rejected: the policy is ``next_open`` and no open period follows.
        """
        return self.of(posting_date).posts_on

    def after(self, refused: date) -> date | None:
        """Return where what SYSPRO has refused for its period goes; ``None``: it waits there."""
        parks = self._merchant.period_policy is PeriodPolicy.park
        return None if parks else self._first_open_after(refused)

    def moved(self, posting_date: date) -> date:
        """Return where what waits for a closed period goes; its own date, where it stays."""
        if self._merchant.period_policy is PeriodPolicy.park:
            return posting_date
        is_closed = self._period(posting_date).state is PeriodState.closed
        return (self._first_open_after(posting_date) if is_closed else None) or posting_date

    def period_to_wait_for(self, posting_date: date) -> PostingPeriod | None:
        """Return the period of a date where it is not open."""
        period = self._period(posting_date)
        return None if period.state is PeriodState.open else period

    def _first_open_after(self, day: date) -> date | None:
        for _ in range(_MONTHS_AHEAD):
            day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            if self._period(day).state is PeriodState.open:
                return day
        return None

    def _period(self, on: date) -> PostingPeriod:
        if on not in self._known:
            self._known[on] = self._periods.posting_period(self._merchant.company_id, on)
        return self._known[on]
