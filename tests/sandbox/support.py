"""What several tests of the sandbox share, by the file they came from."""

import csv
import http.client
import io
import json
import ssl
import threading
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from include.sandbox.board import Sandbox
from include.sandbox.cybersource import CybersourceApp
from include.sandbox.ledger import Ledger
from include.sandbox.server import Response
from include.sandbox.world import World
from include.sandbox.world.dates import utc_text
from tests.sandbox.calling import get, target
from tests.sandbox.erp_documents import (
    import_parameters,
    items,
    order,
)
from tests.sandbox.merchant import Merchant, running
from tests.sandbox.receiver import Receiver
from tests.sandbox.shopping import Shops, shops

DAY = date(2026, 3, 10)
WINDOWS = {
    "acme_us": ("2026-03-10T04:00:00Z", "2026-03-11T04:00:00Z"),
    "acme_uk": ("2026-03-10T00:00:00Z", "2026-03-11T00:00:00Z"),
    "acme_jp": ("2026-03-09T15:00:00Z", "2026-03-10T15:00:00Z"),
}
CLASSIC = "PaymentBatchDetailReport_Daily_Classic"


@pytest.fixture
def app() -> CybersourceApp:
    return CybersourceApp(World(days=120), Ledger())


def body(response: Response) -> Any:
    assert response.status in (200, 201), response.whole()
    return json.loads(response.whole())


def service(app: CybersourceApp, merchant: str, name: str, **more: object) -> Response:
    start, end = WINDOWS[merchant]
    wanted = target(f"/reporting/v3/{name}", startTime=start, endTime=end, **more)
    return get(app, merchant, wanted)


def listed(
    app: CybersourceApp, merchant: str, start: str, end: str, **more: object
) -> list[dict[str, Any]]:
    """List reports by time frame; one that ends with what is asked for is not within it."""
    second = timedelta(seconds=1)
    wanted = target(
        "/reporting/v3/reports",
        startTime=utc_text(datetime.fromisoformat(start) - second),
        endTime=utc_text(datetime.fromisoformat(end) + second),
        timeQueryType=more.pop("timeQueryType", "reportTimeFrame"),
        **more,
    )
    answer = get(app, merchant, wanted)
    return [] if answer.status == 404 else body(answer)["reportSearchResults"]


def download(
    app: CybersourceApp, merchant: str, name: str, day: date, accept: str = "text/csv"
) -> Response:
    wanted = target(
        "/reporting/v3/report-downloads",
        organizationId=merchant,
        reportDate=(day + timedelta(days=1)).isoformat(),
        reportName=name,
    )
    return get(app, merchant, wanted, accept)


def rows(data: bytes) -> list[dict[str, str]]:
    lines = list(csv.reader(io.StringIO(data.decode())))
    assert {len(line) for line in lines} == {len(lines[1])}
    return [dict(zip(lines[1], line, strict=True)) for line in lines[2:]]


HOOKS = "/notification-subscriptions/v2/webhooks"
CASES = ["risk.casemanagement.decision.accept", "risk.casemanagement.decision.reject"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


@pytest.fixture(name="shop")
def webhook_shop(sandbox: Sandbox) -> Merchant:
    sandbox.reset()
    shop = Merchant(sandbox)
    shop.control("cybersource", webhook_review=False, webhook_minute_s=0.002)
    return shop


def make_key(shop: Merchant) -> dict[str, str]:
    body = {
        "clientRequestAction": "CREATE",
        "keyInformation": {
            "provider": "nrtd",
            "tenant": shop.name,
            "keyType": "sharedSecret",
            "organizationId": shop.name,
            "expiryDuration": "365",
        },
    }
    status, answer = shop.call("POST", "/kms/egress/v2/keys-sym", body)
    assert (status, answer["status"]) == (201, "SUCCESS")
    found: dict[str, str] = answer["keyInformation"]
    return found


def wanted(shop: Merchant, receiver: Receiver, **more: Any) -> dict[str, Any]:
    return {
        "name": "decisions",
        "organizationId": shop.name,
        "products": [{"productId": "decisionManager", "eventTypes": CASES}],
        "webhookUrl": f"{receiver.url}/hook",
        "healthCheckUrl": f"{receiver.url}/health",
        "notificationScope": "SELF",
        "securityPolicy": {"securityType": "KEY", "proxyType": "external"},
        **more,
    }


def subscribe(shop: Merchant, receiver: Receiver, **more: Any) -> Any:
    status, answer = shop.call("POST", HOOKS, wanted(shop, receiver, **more))
    assert status == 201, answer
    return answer


def decided(shop: Merchant, decision: str = "ACCEPT", code: str = "SO-1") -> str:
    own_id = shop.held(word="review", code=code)
    shop.control("decide", request_id=own_id, decision=decision)
    return own_id


Wire = Any


def place(desk: Wire, *lines: str, switches: Any = None, **heads: Any) -> Any:
    return desk.post("SORTOI", order(*lines, **heads), import_parameters(**(switches or {})))


def placed(desk: Wire, *lines: str, **heads: Any) -> str:
    """Place an order and return its number, read back as a client has to."""
    place(desk, *lines, **heads)
    (row,) = desk.rows("SorMaster", CustomerPoNumber=heads.get("po", "PO-1"))
    return str(row["SalesOrder"])


def texts(reply: Any) -> list[str]:
    return [found.text or "" for found in reply.iter("ErrorDescription")]


def status(desk: Wire, number: str, wanted: str, **more: str) -> Any:
    facts = {"SalesOrder": number, "NewOrderStatus": wanted, **more}
    return desk.post("SORTOS", items("PostSorOrderStatus", facts))


@pytest.fixture(name="shop")
def woo_shop() -> Iterator[Shops]:
    with shops() as found:
        yield found


class TlsProxy:
    """What stands in front of many shops: TLS ends here, and a header says so."""

    def __init__(self, target: str, certificate: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        address = urlsplit(target)

        class Pass(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                there = http.client.HTTPConnection(str(address.hostname), address.port)
                headers = {**dict(self.headers.items()), "X-Forwarded-Proto": "https"}
                there.request("GET", self.path, headers=headers)
                answer = there.getresponse()
                body = answer.read()
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Pass)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
