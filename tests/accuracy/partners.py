"""The sandbox's partners as the use cases need them: our adapters over HTTP, without Airflow."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.request import Request as UrlRequest
from urllib.request import urlopen

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.reporting import Reporting
from include.adapters.cybersource.settings import Settings
from include.adapters.http.transport import HttpTransport
from include.adapters.http.wire import Request
from include.adapters.settings_file import read_settings
from include.adapters.syspro.adapter import SysproAdapter, open_adapter
from include.adapters.syspro.settings import settings_from
from include.domain.merchant import Merchant
from include.sandbox import Sandbox
from include.services.ports import Download
from tests.simulator.memory import MemoryEffectStore

SHIPPED = Path(__file__).parents[2] / "airflow_settings.yaml"


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Partners:
    """Opens each partner once per merchant, with the demo's own connections."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._transport = HttpTransport(allow_plain_http=True)
        found = read_settings(SHIPPED, {"TIEOUT_ALLOW_PLAIN_HTTP": "true"})
        self._connections: Mapping[str, Mapping[str, Any]] = found.connections
        self._leases = MemoryEffectStore(WallClock())
        self._reports: dict[str, Reporting] = {}
        self._ledgers: dict[str, SysproAdapter] = {}

    def reports(self, merchant: Merchant) -> Reporting:
        conn_id = merchant.cybersource_conn_id
        if conn_id not in self._reports:
            settings = Settings.from_connection(
                conn_id,
                self._sandbox.cybersource_url.rpartition(":")[0],
                int(self._sandbox.cybersource_url.rpartition(":")[2]),
                self._connections[conn_id]["login"],
                self._connections[conn_id]["password"],
                json.loads(self._connections[conn_id]["extra"]),
            )
            self._reports[conn_id] = Reporting(Client(settings, self._transport))
        return self._reports[conn_id]

    def ledger(self, merchant: Merchant) -> SysproAdapter:
        conn_id = merchant.syspro_conn_id
        if conn_id not in self._ledgers:
            known = self._connections[conn_id]
            settings = settings_from(
                conn_id,
                f"{self._sandbox.syspro_url}/SYSPROWCFService",
                known["login"],
                known["password"],
                json.loads(known["extra"]),
            )
            self._ledgers[conn_id] = open_adapter(settings, self._transport, self._leases, "test")
        return self._ledgers[conn_id]

    @property
    def bank(self) -> "Statements":
        return Statements(self._transport, f"{self._sandbox.bank_url}/bank/accounts")

    @property
    def acquirer(self) -> "Statements":
        return Statements(self._transport, f"{self._sandbox.bank_url}/acquirer")

    def control(self, path: str, body: bytes) -> Any:
        """Tell the sandbox to change its world; the product never does."""
        request = UrlRequest(  # noqa: S310 (our own server, on this host)
            f"{self._sandbox.control_url}{path}",
            data=body,
            headers={"Content-Type": "application/json"},
        )
        with urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.loads(answer.read() or b"null")


class Statements:
    """Statements of the bank or the acquirer; satisfies ``ports.StatementSource``."""

    def __init__(self, transport: HttpTransport, base: str) -> None:
        self._transport, self._base = transport, base

    def download_statement(
        self, account_id: str, statement_date: date, sink: BinaryIO
    ) -> Download | None:
        url = f"{self._base}/{account_id}/statements/{statement_date.isoformat()}"
        request = Request("GET", url, "statement", headers={"X-Api-Key": "sandbox-bank"})
        response = self._transport.exchange(request, sink)
        if response.status == 404:
            return None
        return Download(response.digest, response.size_bytes, "")


@contextmanager
def running(sandbox: Sandbox) -> Iterator[Partners]:
    """Give the partners of a sandbox and stop it afterwards."""
    try:
        yield Partners(sandbox)
    finally:
        sandbox.stop()
