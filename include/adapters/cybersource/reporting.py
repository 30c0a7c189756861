"""The reporting side of one account; satisfies ``services.ports.ReportSource``."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import BinaryIO
from urllib.parse import quote

import structlog

from include.adapters.cybersource import services
from include.adapters.cybersource.answers import (
    Json,
    read_list,
    read_window,
    text_of,
    write_time,
)
from include.adapters.cybersource.client import Client, demand_organization
from include.domain.calendar import Window
from include.domain.errors import Rejected
from include.domain.money import Money
from include.services.ports import Download, ReportEntry, ReportState, TransactionFacts

log = structlog.get_logger(__name__)

_STATES = {
    "COMPLETED": ReportState.ready,
    "PENDING": ReportState.pending,
    "QUEUED": ReportState.pending,
    "RUNNING": ReportState.pending,
    "RERUN": ReportState.pending,
    "NO_DATA": ReportState.empty,
    "ERROR": ReportState.failed,
}
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EDGE = timedelta(minutes=1)
_MIME_TYPES = ("text/csv", "application/xml")


class Reporting:
    """Reads only. Times are sent in UTC; answers of any zone are turned into UTC."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list_reports(self, organization_id: str, window: Window) -> Sequence[ReportEntry]:
        """List the reports whose time frame lies in ``window``; an empty list proves nothing.

        Whether a frame that ends with what was asked for lies within it is not published.
        """
        query = {
            "startTime": write_time(window.start_at - _EDGE),
            "endTime": write_time(window.end_at + _EDGE),
            "timeQueryType": "reportTimeFrame",
            "organizationId": demand_organization(organization_id, "report list"),
        }
        request = self._client.request("/reporting/v3/reports", query, "list reports")
        found = self._client.fetch(request)
        if found is None:
            return ()
        entries = map(entry_of, read_list(found, "reportSearchResults", request))
        return tuple(one for one in entries if _lies_in(window, one.window))

    def signed_amounts(self, organization_id: str) -> Mapping[str, bool]:
        """Say which subscribed reports are made with signed amounts, by report name.

        A subscription that does not tell is left out; nothing subscribed is an empty answer.
        """
        query = {"organizationId": demand_organization(organization_id, "report subscriptions")}
        path = "/reporting/v3/report-subscriptions"
        request = self._client.request(path, query, "list report subscriptions")
        found = self._client.fetch(request)
        rows = read_list(found, "subscriptions", request) if found is not None else []
        preferences = {text_of(row, "reportName"): row.get("reportPreferences") for row in rows}
        return {
            name: said["signedAmounts"]
            for name, said in preferences.items()
            if name and isinstance(said, dict) and isinstance(said.get("signedAmounts"), bool)
        }

    def download_report(
        self,
        organization_id: str,
        report_name: str,
        report_date: date,
        mime_type: str,
        sink: BinaryIO,
    ) -> Download | None:
        """Stream one report to ``sink``; ``None`` is the vendor's 404: no report or no data.

        ``report_date`` is the date on which the report's window *ends*, in the subscription's
        zone. A report is served only in the type in which it was generated.
        """
        if mime_type not in _MIME_TYPES:
            raise Rejected(f"{mime_type!r} is no report type", report_name, "Use text/csv or XML.")
        query = {
            "organizationId": demand_organization(organization_id, report_name),
            "reportDate": report_date.isoformat(),
            "reportName": report_name,
        }
        request = self._client.request(
            "/reporting/v3/report-downloads",
            query,
            f"download {report_name} of {report_date}",
            accept=mime_type,
        )
        return self._client.download(request, sink)

    def download_service(
        self, service: str, organization_id: str, window: Window, sink: BinaryIO, **more: str
    ) -> Download | None:
        """Stream every page of a JSON service as one document; see ``services.download``."""
        return services.download(self._client, service, organization_id, window, sink, **more)

    def items(
        self, service: str, organization_id: str, window: Window, **more: str
    ) -> Iterator[Json]:
        """Yield the items of a JSON service's main list, every page, as the vendor names them.

        Args:
            service: e.g. ``chargeback-summaries``, ``net-fundings``, ``conversion-details``.
            organization_id: whose.
            window: cut into pieces where the vendor limits its length.
            more: further parameters, e.g. ``viewBy="submissionDate"``, ``groupName``.
        """
        kind = services.find_service(service)
        for page in services.rows(self._client, kind, organization_id, window, **more):
            yield from (item for member, item in page if member == kind.members[0])

    def batch_totals(self, organization_id: str, window: Window) -> Sequence[Mapping[str, object]]:
        """Return ``payment-batch-summaries`` rows as the vendor names them."""
        return tuple(self.items("payment-batch-summaries", organization_id, window))

    def transaction(self, request_id: str) -> TransactionFacts | None:
        """Look one transaction up; ``None`` is 404, which shortly after a 201 proves nothing."""
        path = f"/tss/v2/transactions/{safe_id(request_id)}"
        request = self._client.request(path, {}, "look a transaction up", reference=request_id)
        found = self._client.fetch(request)
        return facts_of(found, request.where) if found is not None else None


def _lies_in(window: Window, frame: Window | None) -> bool:
    """Say whether a report's time frame lies in a window; one that cannot be read may."""
    if frame is None:
        return True
    return window.start_at <= frame.start_at and frame.end_at <= window.end_at


def entry_of(row: Json) -> ReportEntry:
    """Translate one report of the vendor; an unknown state is never taken for ready or empty."""
    word = text_of(row, "status") or ""
    state = _STATES.get(word)
    if state is None:
        log.warning("unknown_report_state", state=word, report=text_of(row, "reportName"))
        state = ReportState.pending
    return ReportEntry(
        name=text_of(row, "reportName") or "",
        state=state,
        mime_type=text_of(row, "reportMimeType") or "",
        window=read_window(text_of(row, "reportStartTime"), text_of(row, "reportEndTime")),
        organization_id=text_of(row, "organizationId") or "",
    )


def facts_of(found: Json, where: str) -> TransactionFacts:
    """Translate a transaction detail; amounts are text there, and absent ones stay unknown.

    Raises:
        Rejected: an amount that is no money of its currency.
    """
    details = ("orderInformation", "amountDetails")
    currency = text_of(found, *details, "currency")

    def minor(member: str) -> int | None:
        amount = text_of(found, *details, member)
        if amount is None or currency is None:
            return None
        return Money.parse(amount, currency, where).minor

    rows = found.get("applicationInformation")
    applications = rows.get("applications") if isinstance(rows, dict) else None
    names = [
        text_of(row, "name")
        for row in (applications if isinstance(applications, list) else ())
        if isinstance(row, dict)
    ]
    return TransactionFacts(
        request_id=text_of(found, "id") or "",
        root_id=text_of(found, "rootId"),
        merchant_reference=text_of(found, "clientReferenceInformation", "code"),
        currency=currency,
        authorized_minor=minor("authorizedAmount"),
        amount_minor=minor("totalAmount"),
        applications=tuple(name for name in names if name),
    )


def safe_id(value: str) -> str:
    """An id becomes a part of the path, so it may hold nothing that changes the path."""
    if _ID.fullmatch(value) is None:
        raise Rejected(f"{value[:70]!r} is not an id", "Cybersource call", "Correct the id.")
    return quote(value, safe="")
