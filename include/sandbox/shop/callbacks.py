"""Receives what the product tells its shops; it records and verifies nothing.

``POST /callbacks/{shop}``, or any path below it, keeps headers and body. By the control server it
can be told to answer the next n deliveries with a status of choice, e.g. 500, or 302 with a
``location``.
"""

import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from include.sandbox.ledger import Ledger
from include.sandbox.server import Request, Response, Router


class Callbacks:
    """Thread-safe."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._received: dict[str, list[dict[str, Any]]] = defaultdict(list)
            self._to_fail: dict[str, tuple[int, int, str]] = {}

    def add_to(self, router: Router) -> None:
        router.add("POST", r"/callbacks/(?P<shop>[\w-]{1,60})(/.*)?", self._take)

    def fail(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer the next ``times`` deliveries of ``shop`` with ``status`` (and ``location``)."""
        status, times = int(facts.get("status", 500)), int(facts.get("times", 1))
        if not 100 <= status <= 599:
            raise ValueError(f"{status} is no status")
        with self._lock:
            self._to_fail[str(facts["shop"])] = (times, status, str(facts.get("location", "")))
        return {"shop": facts["shop"], "times": times, "status": status}

    def received(self, shop: str) -> list[dict[str, Any]]:
        """Return deliveries, oldest first: ``{headers, body, status}``."""
        with self._lock:
            return list(self._received[shop])

    def _take(self, request: Request) -> Response:
        shop = request.match["shop"]
        with self._lock:
            times, status, location = self._to_fail.get(shop, (0, 204, ""))
            if times:
                self._to_fail[shop] = (times - 1, status, location)
            else:
                status, location = 204, ""
            headers, body = dict(request.headers), request.body.decode("utf-8", "replace")
            self._received[shop].append({"headers": headers, "body": body, "status": status})
        is_taken = 200 <= status <= 299
        reference = request.headers.get("webhook-id", "")
        self._ledger.record(
            "shop", "callback", reference, request.body, committed=is_taken, shop=shop
        )
        return Response(status, b"", "", [("Location", location)] if location else [])
