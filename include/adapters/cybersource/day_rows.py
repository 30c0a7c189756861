"""A day's requests as transaction search lists them; satisfies ``comparing.ports.GatewayFeed``."""

from collections.abc import Iterator
from datetime import datetime

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.partners.authorization import HOLDS, meaning_of
from include.adapters.cybersource.reasons import BuiltInReasons, ReasonTable
from include.adapters.cybersource.rows import Row, Rows
from include.adapters.cybersource.search import Search, between
from include.domain.money import Money
from include.domain.payment_meanings import Meaning
from include.services.comparing.ports import Did, GatewayRow

_AUTH = "ics_auth"
_APPLICATIONS = {
    _AUTH: Did.authorization,
    "ics_bill": Did.capture,
    "ics_credit": Did.refund,
    "ics_auth_reversal": Did.reversal,
    "ics_void": Did.void,
}


class DayRows:
    """The search of one account."""

    def __init__(self, client: Client, reasons: ReasonTable | None = None) -> None:
        self._rows = Rows(client, reasons or BuiltInReasons())
        self._search = Search(client)

    def between(self, start_at: datetime, end_at: datetime) -> Iterator[GatewayRow]:
        """Yield one row for each thing that a request did; one that did nothing is one row, too.

        Raises:
            Retryable, Rejected: could not ask, or a row cannot be read.
        """
        seen = set()
        for body in self._search.transactions(between("submitTimeUtc", start_at, end_at)):
            row = self._rows.read(body)
            if row.request_id not in seen:  # pages may overlap while the index grows
                seen.add(row.request_id)
                yield from self._of(row)

    def mti_of(self, request_id: str) -> str:
        row = self._rows.detail(request_id)
        return row.mti if row else ""

    def _of(self, row: Row) -> Iterator[GatewayRow]:
        did: list[Did | None] = [
            one
            for name, one in _APPLICATIONS.items()
            if name in row.applications and self._has_moved(row, name, one)
        ]
        for one in did or [None]:
            yield GatewayRow(row.request_id, one, row.mti, row.code, self._amount(row, one))

    def _has_moved(self, row: Row, name: str, did: Did) -> bool:
        if did is Did.authorization:
            return meaning_of(self._rows, row) in HOLDS
        return self._rows.meaning(row, did.value, name) is Meaning.approved

    def _amount(self, row: Row, did: Did | None) -> Money | None:
        if self._is_partial(row):
            # A row shows what was asked for; what was approved stands in the detail alone.
            row = self._rows.in_full(row)
            return row.amount("authorizedAmount")
        if did is Did.authorization:
            return row.amount("authorizedAmount") or row.amount("totalAmount")
        return row.amount("totalAmount")

    def _is_partial(self, row: Row) -> bool:
        """Say whether the bank approved a part; a sale then took no more, either."""
        is_asked = _AUTH in row.applications
        return is_asked and self._rows.meaning(row, "authorization", _AUTH) is Meaning.partial
