"""A merchant's client of the sandbox's live Cybersource: real HTTP, JWT, nothing of the product."""

import base64
import hashlib
import http.client
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import jwt

from include.sandbox import bank, cybersource
from include.sandbox.board import Sandbox, new_ledger
from include.sandbox.cybersource import CybersourceApp
from include.sandbox.cybersource.live import Live
from include.sandbox.world import World
from tests.sandbox.calling import KEY_IDS, secret

DAY = date(2026, 3, 18)  # the business date of live trade, a Wednesday
Answer = tuple[int, Any]


@contextmanager
def running(**options: Any) -> Iterator[Sandbox]:
    """Run a Cybersource and a bank over a small world that trades live on ``DAY``."""
    world, ledger = World(**{"days": 40, "live_date": DAY, **options}), new_ledger(None)
    apps = (cybersource.app(world=world, ledger=ledger), bank.app(world=world, ledger=ledger))
    sandbox = Sandbox(world, apps, ledger)
    try:
        yield sandbox
    finally:
        sandbox.stop()


class Merchant:
    """Talks for one merchant over one connection that stays open."""

    def __init__(self, sandbox: Sandbox, name: str = "acme_us") -> None:
        assert isinstance(sandbox.world, World)
        self.sandbox, self.world, self.name = sandbox, sandbox.world, name
        address = urlsplit(sandbox.cybersource_url)
        self._host = f"{address.hostname}:{address.port}"
        self._wire = http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        data = b"" if body is None else json.dumps(body).encode()
        return self.send(method, path, data, headers)

    def send(
        self, method: str, path: str, data: bytes, headers: dict[str, str] | None = None
    ) -> Answer:
        """Make a call with a body of any bytes."""
        token = self._token(method, path, data)
        sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._wire.request(method, path, data or None, {**sent, **(headers or {})})
        response = self._wire.getresponse()
        answer = response.read()
        is_json = "json" in (response.getheader("Content-Type") or "")
        return response.status, json.loads(answer) if is_json and answer else answer

    def _token(self, method: str, path: str, data: bytes) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iat": now,
            "exp": now + 120,
            "iss": self.name,
            "jti": str(uuid.uuid4()),
            "request-method": method,
            "request-host": self._host,
            "request-resource-path": path,
            "v-c-jwt-version": "2",
            "v-c-merchant-id": self.name,
        }
        if method in ("POST", "PUT", "PATCH"):
            claims["digest"] = base64.b64encode(hashlib.sha256(data).digest()).decode()
            claims["digestAlgorithm"] = "SHA-256"
        key = KEY_IDS[self.name]
        return jwt.encode(claims, secret(self.name), algorithm="HS256", headers={"kid": key})

    def pay(self, amount: str = "100.00", word: str = "", **more: Any) -> Answer:
        """Authorize; ``word`` chooses the outcome, and ``capture``, ``mti``, ``code`` ... add."""
        return self.call("POST", "/pts/v2/payments", payment(amount, word, **more))

    def held(self, amount: str = "100.00", word: str = "", **more: Any) -> str:
        """Authorize and return the request id."""
        status, answer = self.pay(amount, word, **more)
        assert status == 201, answer
        return str(answer["id"])

    def capture(self, request_id: str, amount: str = "100.00", **more: Any) -> Answer:
        path = f"/pts/v2/payments/{request_id}/captures"
        return self.call("POST", path, order(amount, **more))

    def refund(self, request_id: str, amount: str, noun: str = "captures", **more: Any) -> Answer:
        return self.call("POST", f"/pts/v2/{noun}/{request_id}/refunds", order(amount, **more))

    def reverse(self, request_id: str, amount: str = "100.00", **more: Any) -> Answer:
        path = f"/pts/v2/payments/{request_id}/reversals"
        return self.call("POST", path, reversal(amount, **more))

    def void(self, request_id: str, noun: str = "captures") -> Answer:
        return self.call("POST", f"/pts/v2/{noun}/{request_id}/voids", {})

    def find(self, query: str) -> list[Any]:
        """Search transactions and return the summaries."""
        status, answer = self.call("POST", "/tss/v2/searches", {"query": query, "limit": 100})
        assert status == 201, answer
        return list(answer.get("_embedded", {}).get("transactionSummaries", []))

    def one(self, request_id: str) -> Any:
        status, answer = self.call("GET", f"/tss/v2/transactions/{request_id}")
        assert status == 200, answer
        return answer

    def control(self, action: str, **facts: Any) -> Any:
        """Act as the vendor, a reviewer or the calendar."""
        address = urlsplit(self.sandbox.control_url)
        wire = http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
        try:
            wire.request("POST", f"/control/{action}", json.dumps(facts).encode())
            response = wire.getresponse()
            answer = json.loads(response.read())
            assert response.status < 300, answer
            return answer
        finally:
            wire.close()

    @property
    def live(self) -> Live:
        """The live half itself, for what no call can bring about."""
        app = self.sandbox.services["cybersource"].app
        assert isinstance(app, CybersourceApp)
        return app.live

    def requests(self, **facts: str) -> list[Any]:
        return list(self.control("live_requests", organization_id=self.name, **facts)["requests"])

    def executed(self, verb: str, **wanted: str) -> int:
        """Count what was executed, by the truth ledger."""
        return self.sandbox.ledger.count(system="cybersource", verb=verb, **wanted)


def payment(amount: str, word: str = "", **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = order(amount, **more)
    body["tokenInformation"] = {"transientTokenJwt": f"tt-{word or 'approved'}-0001"}
    processing: dict[str, Any] = {"capture": bool(more.get("capture", False))}
    if more.get("actions"):
        processing["actionList"] = more["actions"]
    body["processingInformation"] = processing
    body["orderInformation"]["billTo"] = {"email": more.get("email", "ann@example.com")}
    return body


def order(amount: str, **more: Any) -> dict[str, Any]:
    reference = {"code": more.get("code", "SO-1"), "transactionId": more.get("mti")}
    return {
        "clientReferenceInformation": {k: v for k, v in reference.items() if v},
        "orderInformation": {
            "amountDetails": {"totalAmount": amount, "currency": more.get("currency", "USD")}
        },
    }


def reversal(amount: str, **more: Any) -> dict[str, Any]:
    body = order(amount, **more)
    del body["orderInformation"]
    body["reversalInformation"] = {"amountDetails": {"totalAmount": amount}, "reason": "test"}
    return body
