"""Fiscal periods of one company: which one a date falls in, and whether it takes postings.

The general ledger is told year and number, the sub-ledgers C, P or B counted back from their own
current period (reference, sections 3 and 4.5), which is not the ledger's in the first days of a
month. No public reply shows it: a module that does not say it is counted by the ledger's, and the
read-back of the first posting tells whether that was right. At most two earlier periods can be
open (reliability reference, F14); flags, where SYSPRO gives them, decide before that rule.
"""

from datetime import date

from include.adapters.syspro.documents import ledger_queries
from include.adapters.syspro.documents.ledger_queries import CurrentPeriod
from include.adapters.syspro.documents.reply import CallFailed, Unreadable
from include.adapters.syspro.enet import EnetClient
from include.adapters.syspro.settings import MONTHS
from include.domain.errors import Rejected
from include.services.ports import PeriodState, PostingPeriod

# Which setup query knows the period of what a business object posts to.
_MODULES = {"ARSTPY": "ARSQSO", "ARSTIN": "ARSQSO", "APSTIN": "APSQSO", "CSHTWD": "CSHQSO"}


class Periods:
    """Asks the ledger, at most once per session, since a period may close between two of them."""

    def __init__(self, client: EnetClient) -> None:
        self._client = client
        self._known: dict[str, tuple[int, CurrentPeriod]] = {}
        self._silent: set[str] = set()  # modules that do not say their period

    def fiscal(self, day: date) -> tuple[int, int]:
        """Return fiscal year and period of a date."""
        return self._client.settings.fiscal(day)

    def of(self, day: date) -> PostingPeriod:
        """Say which period a date falls in and whether it is open.

        Raises:
            Retryable, Rejected: the ledger could not be asked.
        """
        year, period = self.fiscal(day)
        with self._client.session():
            current = self._current()
            back = _months_between((year, period), current)
            if back < 0:
                state = PeriodState.future
            else:
                flags = current.flags if year == current.year else self._flags(current.year - year)
                is_open = flags.get(period, back < self._client.settings.open_periods)
                state = PeriodState.open if is_open else PeriodState.closed
        return PostingPeriod(year, period, state)

    def of_receipts(self, day: date) -> PostingPeriod:
        """Say it of receipts: AR counts back from a period of its own.

        Raises:
            Retryable, Rejected: the ledger could not be asked.
        """
        year, period = self.fiscal(day)
        with self._client.session():
            back = self._months_back(day, _MODULES["ARSTPY"])
        is_open = back < self._client.settings.open_periods
        state = PeriodState.open if is_open else PeriodState.closed
        return PostingPeriod(year, period, PeriodState.future if back < 0 else state)

    def letter(self, day: date, business_object: str) -> str:
        """Return C, P or B for a date.

        Raises:
            Parked: the period lies further back, or in the future; nothing was sent.
            Retryable, Rejected: the ledger could not be asked.
        """
        with self._client.session():
            back = self._months_back(day, _MODULES[business_object])
        if 0 <= back < self._client.settings.open_periods:
            return "CPB"[back]
        reason = "it lies in the future" if back < 0 else "only the last ones are open"
        raise self._client.faults.closed_period(reason, business_object, self.words(day))

    def words(self, day: date) -> str:
        """Return the period for a message, e.g. ``10/2026``."""
        year, period = self.fiscal(day)
        return f"{period:02d}/{year}"

    def _months_back(self, day: date, query: str) -> int:
        """Count back from the module's current period, or else from the ledger's."""
        settings = self._client.settings
        if settings.module_periods != "none" and query not in self._silent:
            try:
                current = self._ask(query)
            except (Unreadable, CallFailed, Rejected):  # not licensed, or it has other names
                self._current()  # or nothing can be asked, and the module need not be silent
                self._silent.add(query)
            else:
                is_calendar = settings.module_periods == "calendar"
                own = (day.year, day.month) if is_calendar else self.fiscal(day)
                return _months_between(own, current)
        return _months_between(self.fiscal(day), self._current())

    def _current(self) -> CurrentPeriod:
        client = self._client
        try:
            return self._ask("GENQSO")
        except Unreadable as fault:
            raise client.faults.retryable(
                str(fault),
                "GENQSO",
                f"Set year_elements and period_elements of connection {client.settings.conn_id}.",
            ) from None

    def _ask(self, query: str) -> CurrentPeriod:
        client, settings = self._client, self._client.settings
        known = self._known.get(query)
        if known is None or not client.is_still(known[0]):
            body = client.query(query, ledger_queries.build_options(settings.company_id, query))
            found = ledger_queries.parse_options(
                body, settings.year_elements, settings.period_elements, query
            )
            self._known[query] = known = client.session_no, found
        return known[1]

    def _flags(self, years_back: int) -> dict[int, bool]:
        if not 1 <= years_back <= 2:
            return {}
        body = self._client.query("GENQPP", ledger_queries.build_previous(years_back))
        try:
            year, flags = ledger_queries.parse_previous(body)
        except Unreadable as fault:
            raise self._client.faults.retryable(str(fault), "GENQPP", "Ask again.") from None
        return dict(flags) if year == self._current().year - years_back else {}


def _months_between(earlier: tuple[int, int], current: CurrentPeriod) -> int:
    year, period = earlier
    return (current.year - year) * MONTHS + current.period - period
