"""The Airflow hook of a ``cybersource`` connection: fields in, the vendor's reports out.

On ``BaseHook`` rather than the HTTP provider's hook, which would send the fields of ``extra`` as
headers and has no time-out. What is spoken lives in ``include/adapters/cybersource``.
"""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, BinaryIO
from urllib.parse import quote

from airflow.sdk import BaseHook
from airflow.sdk.log import mask_secret

from include.adapters.cybersource.check import check
from include.adapters.cybersource.client import Client
from include.adapters.cybersource.reporting import Reporting
from include.adapters.cybersource.search import Search
from include.adapters.cybersource.settings import Settings
from include.adapters.cybersource.signing import Now, utc_now
from include.adapters.http.transport import HttpTransport
from include.adapters.http.wire import Transport
from include.domain.calendar import Window
from include.domain.errors import IntegrationError
from include.services.ports import Download, ReportEntry, TransactionFacts

Json = Mapping[str, Any]


def hide(*secrets: str) -> None:
    """Mask secrets in task logs, in every form in which they travel."""
    for secret in secrets:
        if not secret:
            continue
        raw = secret.encode()
        for form in (
            secret,
            quote(secret),
            quote(secret, safe=""),
            base64.b64encode(raw).decode(),
            base64.b64encode(raw).decode().rstrip("="),
        ):
            mask_secret(form)


class CybersourceHook(BaseHook):
    """Reads reports and transactions of one merchant; satisfies ``ports.ReportSource``.

    Nothing is opened, and no connection is read, before the first call.

    Args:
        cybersource_conn_id: an Airflow connection of type ``cybersource``.
        transport: replaces the wire in tests.
        now: replaces the clock in tests.
    """

    conn_name_attr = "cybersource_conn_id"
    default_conn_name = "cybersource_default"
    conn_type = "cybersource"
    hook_name = "Cybersource REST"

    def __init__(
        self,
        cybersource_conn_id: str = default_conn_name,
        transport: Transport | None = None,
        now: Now = utc_now,
    ) -> None:
        super().__init__()
        self.cybersource_conn_id = cybersource_conn_id
        self._transport = transport
        self._now = now
        self._client: Client | None = None

    def get_conn(self) -> Client:
        """Return the client of the connection, made at the first call.

        Raises:
            Rejected: a field of the connection is missing or unusable.
        """
        if self._client is None:
            settings = self._settings()
            transport = self._transport or HttpTransport(
                settings.allow_plain_http, settings.ca_bundle
            )
            self._client = Client(settings, transport, self._now)
        return self._client

    def _settings(self) -> Settings:
        found = self.get_connection(self.cybersource_conn_id)
        extra = found.extra_dejson
        hide(found.password or "", *(str(extra.get(name) or "") for name in _SECRET_FIELDS))
        return Settings.from_connection(
            self.cybersource_conn_id,
            found.host or "",
            found.port,
            found.login or "",
            found.password or "",
            extra,
        )

    @property
    def _reporting(self) -> Reporting:
        return Reporting(self.get_conn())

    @property
    def organization_id(self) -> str:
        """The merchant of the connection."""
        return self.get_conn().settings.organization_id

    def test_connection(self) -> tuple[bool, str]:
        """Make one cheap signed call; say in words what is wrong."""
        try:
            return check(self.get_conn())
        except IntegrationError as fault:
            return False, str(fault)

    # Reports

    def list_reports(self, organization_id: str, window: Window) -> Sequence[ReportEntry]:
        """List the reports whose time frame lies in ``window``; an empty list proves nothing."""
        return self._reporting.list_reports(organization_id, window)

    def report_status(self, organization_id: str, report_id: str) -> ReportEntry | None:
        """Ask for one report by its id; ``None`` is 404."""
        return self._reporting.report_status(organization_id, report_id)

    def report_definitions(
        self, organization_id: str, subscription_type: str = "CUSTOM"
    ) -> Sequence[str]:
        """Return the names of the definitions valid for the account."""
        return self._reporting.report_definitions(organization_id, subscription_type)

    def report_definition(
        self, organization_id: str, name: str, mime_type: str = "text/csv"
    ) -> Json | None:
        """Return one definition, its columns under ``attributes``; ``None`` is 404."""
        return self._reporting.report_definition(organization_id, name, mime_type)

    def download_report(
        self,
        organization_id: str,
        report_name: str,
        report_date: date,
        mime_type: str,
        sink: BinaryIO,
    ) -> Download | None:
        """Stream one report; ``report_date`` is the date its window *ends*; ``None`` is 404."""
        return self._reporting.download_report(
            organization_id, report_name, report_date, mime_type, sink
        )

    # JSON services

    def download_service(
        self, service: str, organization_id: str, window: Window, sink: BinaryIO
    ) -> Download | None:
        """Stream every page of a JSON service as one document; ``None`` is 404."""
        return self._reporting.download_service(service, organization_id, window, sink)

    def batch_totals(self, organization_id: str, window: Window) -> Sequence[Mapping[str, object]]:
        """Return ``payment-batch-summaries`` rows as the vendor names them."""
        return self._reporting.batch_totals(organization_id, window)

    def chargeback_summaries(self, organization_id: str, window: Window) -> Iterator[Json]:
        return self._reporting.items("chargeback-summaries", organization_id, window)

    def chargeback_details(self, organization_id: str, window: Window) -> Iterator[Json]:
        return self._reporting.items("chargeback-details", organization_id, window)

    def retrieval_summaries(self, organization_id: str, window: Window) -> Iterator[Json]:
        return self._reporting.items("retrieval-summaries", organization_id, window)

    def retrieval_details(self, organization_id: str, window: Window) -> Iterator[Json]:
        return self._reporting.items("retrieval-details", organization_id, window)

    def net_fundings(self, organization_id: str, window: Window) -> Iterator[Json]:
        """Yield ``netFundingSummaries``; the totals come with ``download_service``."""
        return self._reporting.items("net-fundings", organization_id, window)

    def interchange_clearing_level_details(
        self, organization_id: str, window: Window
    ) -> Iterator[Json]:
        return self._reporting.items("interchange-clearing-level-details", organization_id, window)

    def conversion_details(self, organization_id: str, window: Window) -> Iterator[Json]:
        """Yield reviewers' decisions; asked for in pieces of at most 24 hours."""
        return self._reporting.items("conversion-details", organization_id, window)

    def purchase_refund_details(
        self, organization_id: str, window: Window, view_by: str = "requestDate"
    ) -> Iterator[Json]:
        """Yield ``requestDetails``, paged, in pieces of 31 days.

        The other lists come with ``download_service``. Raises ``Rejected`` beyond 18 months.
        """
        return self._reporting.items(
            "purchase-refund-details", organization_id, window, viewBy=view_by
        )

    # Transactions

    def transaction(self, request_id: str) -> TransactionFacts | None:
        """Look one transaction up; ``None`` is 404, which shortly after a 201 proves nothing."""
        return self._reporting.transaction(request_id)

    def search_transactions(self, query: str) -> Iterator[Json]:
        """Yield transaction summaries; build ``query`` with ``adapters.cybersource.search``."""
        return Search(self.get_conn()).transactions(query)

    def save_search(self, query: str, name: str) -> str:
        """Save a search; return the id for ``saved_search``."""
        return Search(self.get_conn()).save(query, name)

    def saved_search(
        self, search_id: str, sleep: Callable[[float], None] | None = None
    ) -> tuple[Json, ...] | None:
        """Poll a saved search; ``None`` if it is not there yet."""
        client = self.get_conn()
        search = Search(client, sleep) if sleep else Search(client)
        return search.saved(search_id)


_SECRET_FIELDS = ("p12_secret_base64", "p12_passphrase")
