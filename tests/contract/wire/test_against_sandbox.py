"""Our client against the sandbox, which was written from the vendor's pages and shares no code."""

import base64
import io
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from include.adapters.cybersource.check import check
from include.adapters.cybersource.client import Client
from include.adapters.cybersource.reporting import Reporting
from include.adapters.cybersource.search import Search, between
from include.adapters.cybersource.settings import Settings
from include.adapters.cybersource.signing import utc_now
from include.adapters.http.transport import HttpTransport
from include.adapters.settings_file import ROOT, read_settings
from include.domain.calendar import report_date, settlement_window
from include.sandbox import start
from include.services.ports import ReportState

DAY = date(2026, 3, 17)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Any]:
    running = start(seed=7, port=0)
    yield running
    running.stop()


def demo_client(sandbox: Any, conn_id: str, **changes: Any) -> Client:
    """Return a client with the demo's connection, pointed at this sandbox."""
    fields = read_settings(ROOT / "airflow_settings.yaml", {}).connections[conn_id]
    extra = json.loads(fields["extra"]) | changes
    settings = Settings.from_connection(
        conn_id, sandbox.cybersource_url, None, fields["login"], fields["password"], extra
    )
    return Client(settings, HttpTransport(), utc_now)


@pytest.mark.parametrize("auth", ["jwt", "http_signature"])
@pytest.mark.parametrize("merchant", ["acme_us", "acme_uk", "acme_jp"])
def test_the_demo_keys_sign_in_both_ways(sandbox: Any, merchant: str, auth: str) -> None:
    is_good, words = check(demo_client(sandbox, f"cybersource_{merchant}", auth=auth))
    assert is_good, words


def test_a_p12_signs_in(sandbox: Any) -> None:
    server = next(app for app in sandbox.apps if app.system == "cybersource")
    wish = {"organization_id": "acme_uk", "passphrase": "open sesame"}
    made = server.control("p12", wish)
    client = demo_client(
        sandbox,
        "cybersource_acme_uk",
        auth="jwt_p12",
        key_id="",
        p12_secret_base64=made["p12_base64"],
        p12_passphrase=made["passphrase"],
    )
    is_good, words = check(client)
    assert is_good, words


def test_a_wrong_secret_is_refused_in_words(sandbox: Any) -> None:
    fields = read_settings(ROOT / "airflow_settings.yaml", {}).connections["cybersource_acme_us"]
    wrong = base64.b64encode(b"another key of the right length!").decode()
    settings = Settings.from_connection(
        "c", sandbox.cybersource_url, None, "acme_us", wrong, json.loads(fields["extra"])
    )
    is_good, words = check(Client(settings, HttpTransport(), utc_now))
    assert not is_good
    assert "check key id, secret" in words


def test_a_search_with_a_signed_body_finds_what_the_detail_call_knows(sandbox: Any) -> None:
    client = demo_client(sandbox, "cybersource_acme_jp")
    window = settlement_window(DAY, "Asia/Tokyo")
    rows = list(
        Search(client).transactions(between("submitTimeUtc", window.start_at, window.end_at), 20)
    )
    assert len(rows) > 20  # more than one page
    assert len({row["id"] for row in rows}) == len(rows)
    facts = Reporting(client).transaction(rows[0]["id"])
    assert facts is not None
    assert facts.currency == "JPY"


def test_a_ready_report_is_downloaded_under_the_date_on_which_its_window_ends(
    sandbox: Any,
) -> None:
    reporting = Reporting(demo_client(sandbox, "cybersource_acme_us"))
    window = settlement_window(DAY, "America/New_York")
    name = "PaymentBatchDetailReport_Daily_Classic"
    (entry,) = (e for e in reporting.list_reports("acme_us", window) if e.name == name)
    assert (entry.state, entry.window) == (ReportState.ready, window)
    sink = io.BytesIO()
    found = reporting.download_report("acme_us", name, report_date(DAY), "text/csv", sink)
    assert found is not None
    assert found.size_bytes == len(sink.getvalue())
    assert b"2026-03-17T04:00:00Z to 2026-03-18T04:00:00Z" in sink.getvalue().splitlines()[0]
