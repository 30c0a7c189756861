"""SYSPRO as Airflow sees it: a connection of type ``syspro``, e.net or the JSON facade.

The work is done in ``include/adapters/syspro``; here are the connection, the masking of secrets and
the Test button. Use ``session()`` around several calls, so that they share one logon,
and others have the operator between two of them when they take long::

    hook = SysproHook("syspro_a", leases=leases)
    with hook.session():
        engine.advance(...)  # the engine holds hook.partners
"""

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date

from airflow.sdk import BaseHook

from include.adapters.http.transport import HttpTransport
from include.adapters.http.wire import Transport
from include.adapters.syspro.adapter import SysproAdapter, open_adapter
from include.adapters.syspro.api_reads import FacadeReader
from include.adapters.syspro.master_data import MasterData
from include.adapters.syspro.order_reader import OrderReader
from include.adapters.syspro.rehearsals import Rehearsals
from include.adapters.syspro.settings import SysproSettings, settings_from
from include.domain.errors import IntegrationError, Rejected
from include.domain.merchant import ErpCondition
from include.services.effects.ports import EffectKind, Partner, Timings
from include.services.effects.store import Leases
from include.services.ports import PostingPeriod
from tieout.hooks.connections import connection_of
from tieout.hooks.masking import hide, hide_proxy
from tieout.this_process import worker_name

_SERVICE = "/SYSPROWCFService"
_STORE = "TIEOUT_STORE_URL"


class SysproHook(BaseHook):
    """Posts to and reads from one SYSPRO company; satisfies ``ports.ErpReader``.

    Nothing is opened, and no connection is read, before the first call. One hook belongs to one
    thread, as its SYSPRO session does.

    Args:
        syspro_conn_id: an Airflow connection of type ``syspro``.
        transport: replaces the wire in tests.
        leases: the store's; without them the store at ``TIEOUT_STORE_URL`` is opened. They keep
            one session per operator across processes.
    """

    conn_name_attr = "syspro_conn_id"
    default_conn_name = "syspro_default"
    conn_type = "syspro"
    hook_name = "SYSPRO"

    def __init__(
        self,
        syspro_conn_id: str = default_conn_name,
        transport: Transport | None = None,
        leases: Leases | None = None,
    ) -> None:
        super().__init__()
        self.syspro_conn_id = syspro_conn_id
        self._transport = transport
        self._leases = leases
        self._adapter: SysproAdapter | None = None

    def get_conn(self) -> SysproAdapter:
        """Return the adapter that the connection names, joined at the first call.

        Raises:
            Rejected: a field of the connection is missing or unusable.
        """
        if self._adapter is None:
            settings = self._settings()
            transport = self._transport or HttpTransport(
                settings.allow_plain_http, settings.ca_bundle, proxy=settings.tunnel
            )
            leases = self._leases or _store_leases(self.syspro_conn_id)
            reads_from = (
                SysproHook(settings.read_conn_id, self._transport, leases).get_conn()
                if settings.read_conn_id
                else None
            )
            holder = f"{worker_name()}:{secrets.token_hex(4)}"
            self._adapter = open_adapter(
                settings, transport, leases, holder, mask=hide, reads_from=reads_from
            )
        return self._adapter

    def session(self) -> AbstractContextManager[None]:
        """Hold the operator for the calls inside: few logons, and always a logoff.

        Who else waits for the operator has a turn between two calls, so many are no harm.
        """
        return self.get_conn().session()

    @property
    def partners(self) -> Mapping[EffectKind, Partner]:
        """The writes, for the effects engine."""
        return self.get_conn().partners

    @property
    def timings(self) -> Timings:
        """What the effects engine waits for at this site with postings to the ledgers."""
        return self.get_conn().settings.timings

    @property
    def timings_by_kind(self) -> Mapping[EffectKind, Timings]:
        """What the effects engine waits for, for every kind in ``partners``."""
        return self.get_conn().timings

    @property
    def orders(self) -> OrderReader | FacadeReader:
        """What order to cash reads: stock, credit, orders, shipments, invoices, credit notes."""
        return self.get_conn().orders

    @property
    def rehearsals(self) -> Rehearsals:
        """What commissioning asks of the company.

        Raises:
            Rejected: the connection is a facade; measure at its e.net connection.
        """
        found = self.get_conn().rehearsals
        if found is None:
            where = f"connection {self.syspro_conn_id}"
            raise Rejected("the facade validates nothing", where, "Measure at read_conn_id.")
        return found

    @property
    def master_data(self) -> MasterData | None:
        """Whether codes exist in the company; ``None``: a facade that reads from nowhere."""
        return self.get_conn().master_data

    @property
    def calls(self) -> int:
        """HTTP calls made so far, logon and logoff counted."""
        return self.get_conn().calls()

    def documents(
        self, company_id: str, first: date, last: date, only: Sequence[ErpCondition] = ()
    ) -> Iterator[Mapping[str, object]]:
        """Yield AR documents dated first..last that fulfil every condition of ``only``."""
        return self.get_conn().reader.documents(company_id, first, last, only)

    def posting_period(self, company_id: str, posting_date: date) -> PostingPeriod:
        """Say which period a date falls in and whether it is open."""
        return self.get_conn().reader.posting_period(company_id, posting_date)

    def test_connection(self) -> tuple[bool, str]:
        """Log on and off; say in words what is wrong: host, password, company or licence."""
        try:
            return True, self.get_conn().check()
        except IntegrationError as fault:
            return False, str(fault)

    def _settings(self) -> SysproSettings:
        found = connection_of(self.syspro_conn_id)
        extra = dict(found.extra_dejson)
        hide(found.password or "", str(extra.get("company_password") or ""))
        hide_proxy(extra)
        where = f"connection {self.syspro_conn_id}"
        if not found.host or not found.login:
            raise Rejected("host and operator are needed", where, "Fill them in.")
        host = found.host if "://" in found.host else f"{found.schema or 'https'}://{found.host}"
        scheme, _, rest = host.partition("://")
        server, slash, path = rest.partition("/")
        if found.port and ":" not in server:
            server = f"{server}:{found.port}"
        path = f"{slash}{path}".rstrip("/")
        if not path and extra.get("adapter", "enet") == "enet":
            path = _SERVICE
        return settings_from(
            self.syspro_conn_id,
            f"{scheme}://{server}{path}",
            found.login,
            found.password or "",
            extra,
        )


def _store_leases(conn_id: str) -> Leases:
    """Open the store's leases; without them two tasks would throw each other out of SYSPRO.

    Raises:
        Rejected: nobody says where the store is.
    """
    url = os.environ.get(_STORE, "")
    if not url:
        raise Rejected(
            "there is no store to take turns by",
            f"connection {conn_id}",
            f"Set {_STORE}, or hand leases to the hook.",
        )
    from include.adapters.store.engine import open_store
    from include.adapters.store.leases import SqlLeases

    return SqlLeases(open_store(url))
