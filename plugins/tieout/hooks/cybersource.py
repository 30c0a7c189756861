"""The Airflow hook of a ``cybersource`` connection: fields in; reports, payments, tokens out.

On ``BaseHook`` rather than the HTTP provider's hook, which would send the fields of ``extra`` as
headers and has no time-out. What is spoken lives in ``include/adapters/cybersource``.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import BinaryIO

from airflow.sdk import BaseHook

from include.adapters.cybersource.check import check
from include.adapters.cybersource.client import Client
from include.adapters.cybersource.decisions import DecisionPage, DecisionPoller
from include.adapters.cybersource.partners import partners_of
from include.adapters.cybersource.payments import Payments
from include.adapters.cybersource.reasons import ReasonTable
from include.adapters.cybersource.reporting import Reporting
from include.adapters.cybersource.settings import Settings
from include.adapters.cybersource.signing import Now, utc_now
from include.adapters.cybersource.timings import timings, webhook_timings
from include.adapters.cybersource.tokens import Tokens
from include.adapters.cybersource.webhooks.admin import Webhooks
from include.adapters.cybersource.webhooks.keys import KeyPartner, KeyRing
from include.adapters.cybersource.webhooks.partner import SubscriptionPartner
from include.adapters.cybersource.webhooks.probe import TestCallPartner
from include.adapters.http.transport import HttpTransport
from include.adapters.http.wire import Transport
from include.domain.calendar import Window
from include.domain.errors import IntegrationError
from include.domain.payments import Authorized
from include.domain.reviews import DecisionEvent
from include.services.effects.ports import EffectKind, Partner, Timings
from include.services.ports import Download, ReportEntry, TransactionFacts
from tieout.hooks.connections import connection_of
from tieout.hooks.masking import hide, hide_proxy


class CybersourceHook(BaseHook):
    """Speaks for one merchant; satisfies ``ports.ReportSource`` and ``orders.ports.GatewayReader``.

    Nothing is opened, and no connection is read, before the first call. Writes leave through the
    effects engine only: it is given ``partners`` and ``timings``.

    Args:
        cybersource_conn_id: an Airflow connection of type ``cybersource``.
        transport: replaces the wire in tests.
        now: replaces the clock in tests.
        reasons: what statuses and reasons mean; ``None`` is the built-in table.
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
        reasons: ReasonTable | None = None,
    ) -> None:
        super().__init__()
        self._reasons = reasons
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
                settings.allow_plain_http, settings.ca_bundle, proxy=settings.proxy
            )
            self._client = Client(settings, transport, self._now)
        return self._client

    def _settings(self) -> Settings:
        found = connection_of(self.cybersource_conn_id)
        extra = found.extra_dejson
        hide(found.password or "", *(str(extra.get(name) or "") for name in _SECRET_FIELDS))
        hide_proxy(extra)
        # A field of several keys is masked key by key, too: a log shows one at a time.
        pairs = str(extra.get("webhook_secrets") or "").split()
        hide(*(pair.partition("=")[2] for pair in pairs))
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

    def signed_amounts(self, organization_id: str) -> Mapping[str, bool]:
        """Say which subscribed reports are made with signed amounts, by report name."""
        return self._reporting.signed_amounts(organization_id)

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
        self, service: str, organization_id: str, window: Window, sink: BinaryIO, **more: str
    ) -> Download | None:
        """Stream every page of a JSON service as one document; ``None`` is 404."""
        return self._reporting.download_service(service, organization_id, window, sink, **more)

    def batch_totals(self, organization_id: str, window: Window) -> Sequence[Mapping[str, object]]:
        """Return ``payment-batch-summaries`` rows as the vendor names them."""
        return self._reporting.batch_totals(organization_id, window)

    # Transactions

    def transaction(self, request_id: str) -> TransactionFacts | None:
        """Look one transaction up; ``None`` is 404, which shortly after a 201 proves nothing."""
        return self._reporting.transaction(request_id)

    # Payments: writes through the effects engine, and what it needs

    @property
    def partners(self) -> Mapping[EffectKind, Partner]:
        """What the effects engine writes through, by kind."""
        return partners_of(self.get_conn(), self._reasons)

    @property
    def timings(self) -> Mapping[EffectKind, Timings]:
        """What the effects engine waits for at this account, by kind."""
        return timings(self.get_conn().settings)

    def authorization(self, request_id: str) -> Authorized | None:
        """Return an authorization, whoever made it; ``None``: not shown (yet)."""
        return Payments(self.get_conn(), self._reasons).authorization(request_id)

    # Fraud decisions

    def decisions(self, cursor: datetime) -> Iterator[DecisionPage]:
        """Yield pages of decisions since a cursor; keep each page's cursor once it is stored."""
        return self._poller().decisions_since(cursor)

    def reviews(self, window: Window) -> Iterator[DecisionEvent]:
        """Yield the requests of a window that Decision Manager holds, even of lost answers."""
        return self._poller().reviews_between(window)

    def decided(self, request_ids: Sequence[str]) -> Iterator[DecisionEvent]:
        """Yield what transaction search says of reviews that are still open with us."""
        return self._poller().decided(request_ids)

    def _poller(self) -> DecisionPoller:
        return DecisionPoller(self.get_conn(), reasons=self._reasons)

    # Tokens and webhooks

    @property
    def tokens(self) -> Tokens:
        """The token vault, read side; a deletion is an effect."""
        return Tokens(self.get_conn())

    @property
    def webhooks(self) -> Webhooks:
        """The webhook subscriptions: what may be subscribed, and what is."""
        return Webhooks(self.get_conn())

    def webhook_partners(self, ring: KeyRing | None = None) -> Mapping[EffectKind, Partner]:
        """What the effects engine changes webhooks through; a key is made only into a ring."""
        client = self.get_conn()
        return {
            EffectKind.webhook_subscription: SubscriptionPartner(client),
            EffectKind.webhook_key: KeyPartner(client, ring),
            EffectKind.webhook_test: TestCallPartner(client),
        }

    @property
    def webhook_timings(self) -> Mapping[EffectKind, Timings]:
        """What the effects engine waits for when webhooks are changed, by kind."""
        return webhook_timings(self.get_conn().settings)

    @property
    def webhook_keys(self) -> Mapping[str, bytes]:
        """The signing keys of the connection, by id; more may live in the store."""
        return self.get_conn().settings.webhook_secrets

    @property
    def webhook_tolerance(self) -> timedelta:
        """How far the time of a signature may be off."""
        return timedelta(seconds=self.get_conn().settings.webhook_tolerance_s)


_SECRET_FIELDS = ("p12_secret_base64", "p12_passphrase", "webhook_secrets")
