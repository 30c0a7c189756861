"""WooCommerce webhooks: signed, delivered once in the background, disabled when nobody answers.

A failed delivery is not repeated: what is lost is lost, and only polling finds it.
Source: WooCommerce REST documentation v3, "Webhooks"; WC_Webhook, read 2026-11-27.
"""

import base64
import hashlib
import hmac
import http.client
import json
import queue
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from include.sandbox.ledger import Ledger

FAILURES_TO_DISABLE = 5
KEPT = 1000
TIMEOUT_S = 5.0
_SALT = b"sandbox salt"  # of the site

Webhook = dict[str, Any]
_Job = tuple[Webhook, dict[str, str], bytes]


def signature(body: bytes, secret: str) -> str:
    """Return base64 of the HMAC-SHA256 of the raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def delivery_id(webhook_id: int, second: int) -> str:
    """Return the id of whatever a webhook delivers in a second, as ``wp_hash`` makes it."""
    return hmac.new(_SALT, f"{webhook_id}{second}".encode(), hashlib.md5).hexdigest()


class Courier:
    """Delivers in the background, in order; remembers what it sent and what came back."""

    def __init__(self, ledger: Ledger, source: str) -> None:
        self._ledger, self._source = ledger, source
        self._jobs: queue.Queue[_Job] = queue.Queue()
        self._lock = threading.Lock()
        self._is_running = False
        self._to_drop = 0
        self.sent: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def drop(self, times: int) -> None:
        """Lose the next deliveries, as a shop that crashes does."""
        with self._lock:
            self._to_drop = times

    def clear(self) -> None:
        """Forget what was sent, and lose nothing from now on."""
        self.drop(0)
        self.sent.clear()

    def ping(self, hook: Webhook) -> None:
        """Say hello to a new webhook's address: form encoded and unsigned."""
        body = f"webhook_id={hook['id']}".encode()
        self.send(hook, {"Content-Type": "application/x-www-form-urlencoded"}, body)

    def deliver(self, hook: Webhook, secret: str, payload: Mapping[str, Any], second: int) -> None:
        """Queue one delivery that is made in a second."""
        with self._lock:
            if self._to_drop:
                self._to_drop -= 1
                return
        body = json.dumps(payload, separators=(",", ":")).encode()  # as PHP: escaped, no blanks
        resource, _, event = hook["topic"].partition(".")
        headers = {
            "Content-Type": "application/json",
            "X-WC-Webhook-Source": self._source,
            "X-WC-Webhook-Topic": hook["topic"],
            "X-WC-Webhook-Resource": resource,
            "X-WC-Webhook-Event": event,
            "X-WC-Webhook-Signature": signature(body, secret),
            "X-WC-Webhook-ID": str(hook["id"]),
            "X-WC-Webhook-Delivery-ID": delivery_id(hook["id"], second),
        }
        self.send(hook, headers, body)

    def wait(self, seconds: float) -> bool:
        """Wait until all is delivered; false where time is up first."""
        with self._jobs.all_tasks_done:
            return self._jobs.all_tasks_done.wait_for(
                lambda: not self._jobs.unfinished_tasks, seconds
            )

    def send(self, hook: Webhook, headers: dict[str, str], body: bytes) -> None:
        """Queue a delivery whose headers are made already."""
        self._jobs.put((hook, headers, body))
        with self._lock:
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="shop-courier", daemon=True).start()

    def _run(self) -> None:
        while True:
            hook, headers, body = self._jobs.get()
            try:
                self._carry(hook, headers, body)
            finally:
                self._jobs.task_done()

    def _carry(self, hook: Webhook, headers: dict[str, str], body: bytes) -> None:
        status = post(hook["delivery_url"], headers, body)
        is_taken = 200 <= status <= 299
        delivery = headers.get("X-WC-Webhook-Delivery-ID") or headers.get("webhook-id", "ping")
        self.sent.append(
            {
                "webhook_id": hook["id"],
                "topic": headers.get("X-WC-Webhook-Topic", "ping"),
                "delivery_id": delivery,
                "status": status,
                "headers": headers,
                "body": body.decode(),
            }
        )
        self._ledger.record(
            "shop", "webhook", delivery, body, committed=is_taken, topic=hook["topic"]
        )
        hook["failure_count"] = 0 if is_taken else hook["failure_count"] + 1
        if hook["failure_count"] >= FAILURES_TO_DISABLE:
            hook["status"] = "disabled"  # for good: nothing but an update enables it again


def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """Post once without following redirects; 0 is no answer."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    agent = {"User-Agent": "WooCommerce/9.4.2 Hookshot (WordPress/6.7)"}
    try:
        with closing(kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)) as connection:
            connection.request("POST", path, body, {**agent, **headers})
            return connection.getresponse().status
    except (OSError, ValueError, http.client.HTTPException):
        return 0
