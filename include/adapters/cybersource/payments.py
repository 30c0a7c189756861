"""Payments of one account, read side; satisfies ``services.orders.ports.GatewayReader``."""

from collections.abc import Iterator

from include.adapters.cybersource.answers import text_of
from include.adapters.cybersource.client import Client
from include.adapters.cybersource.partners.authorization import (
    APPLICATIONS,
    authorized_of,
    meaning_of,
)
from include.adapters.cybersource.reasons import BuiltInReasons, ReasonTable
from include.adapters.cybersource.rows import UNCLEAR, Row, Rows, Untold
from include.domain.errors import Rejected, Retryable
from include.domain.payment_meanings import Meaning
from include.domain.payments import Authorized

_GONE = ("REVERSED", "VOIDED", "CANCELLED")
_USES = {"ics_auth_reversal": "reversal", "ics_bill": "capture", "ics_void": "void"}


class Payments:
    """What the gateway knows of a payment."""

    def __init__(self, client: Client, reasons: ReasonTable | None = None) -> None:
        self._rows = Rows(client, reasons or BuiltInReasons())

    def authorization(self, request_id: str) -> Authorized | None:
        """Return an authorization whose hold is whole, whoever made it; ``None``: not shown (yet).

        Raises:
            Retryable: could not ask, or the answer does not tell. A wrong key is no fault of the
                order that waits: it goes on by itself once the key is right.
            Rejected: it is no authorization, or it was reversed, captured or voided before.
        """
        try:
            row = self._rows.detail(request_id)
            used = "" if row is None else self._used(row)
        except Rejected as fault:
            raise Retryable(fault.what, fault.where, fault.do) from None
        if row is None:
            return None
        if row.applications.keys().isdisjoint(APPLICATIONS):
            raise _refused(row, "is no authorization")
        if used:
            raise _refused(row, used)
        meaning = meaning_of(self._rows, row)
        if meaning in UNCLEAR:
            raise _untold(row)
        return authorized_of(row, meaning)

    def _used(self, row: Row) -> str:
        """Say what was done with an authorization already; '' where nothing was."""
        if not row.tells_what:
            raise _untold(row)
        if row.status in _GONE:
            return f"is {row.status}"
        for other in (row, *self._follow_ons(row)):
            for application, operation in _USES.items():
                if application not in other.applications:
                    continue
                meaning = self._rows.meaning(other, operation, application)
                if meaning is Meaning.approved:
                    return f"has a {operation} already, request {other.request_id}"
                if meaning in UNCLEAR:
                    raise _untold(other)
        return ""

    def _follow_ons(self, row: Row) -> Iterator[Row]:
        """Yield the requests of its chain: those of its order, and those its detail links to."""
        listed = {one.request_id: one for one in self._rows.of_order(row.code)} if row.code else {}
        for request_id in sorted({*listed, *_linked(row)} - {row.request_id}):
            other = listed.get(request_id)
            if other and other.tells_what and other.applications.keys().isdisjoint(_USES):
                continue
            full = self._rows.detail(request_id)
            if full is None or not full.tells_what:
                raise _untold(full or other or row)
            if full.root in ("", row.request_id):  # one that names no root may be of this chain
                yield full


def _linked(row: Row) -> Iterator[str]:
    links = row.body.get("_links")
    related = links.get("relatedTransactions") if isinstance(links, dict) else None
    for one in related if isinstance(related, list) else ():
        href = text_of(one, "href") if isinstance(one, dict) else None
        if href is not None:
            yield href.rstrip("/").rpartition("/")[2]


def _untold(row: Row) -> Untold:
    return Untold(
        f"the gateway does not say what became of {row.request_id}",
        row.where,
        "Ask again; if it stays, read the transaction by hand.",
    )


def _refused(row: Row, why: str) -> Rejected:
    return Rejected(
        f"request {row.request_id} {why}: it pays for nothing more",
        row.where,
        "Cancel the order, or have the shop authorise it again.",
    )
