"""Webhooks of the plain JSON shop: signed by Standard Webhooks 1.0, sent once in the background.

The signed text is ``<webhook-id>.<webhook-timestamp>.<body>``; a secret is ``whsec_`` and base64.
"""

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Mapping
from typing import Any

from include.sandbox.shop.hooks import Courier, Webhook


def signed_headers(body: bytes, message_id: str, at: int, secret: str) -> dict[str, str]:
    """Return the three headers of a delivery made at a second."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = hmac.new(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(made).decode()}",
    }


class GenericHooks:
    """The addresses that want to hear of orders."""

    def __init__(self, courier: Courier, shop_id: str) -> None:
        self.courier, self._shop_id = courier, shop_id
        self._numbers = itertools.count(1)
        self._hooks: list[tuple[Webhook, str]] = []

    def clear(self) -> None:
        self.courier.clear()
        self._hooks.clear()

    def add(self, facts: Mapping[str, Any]) -> Webhook:
        """Call an address from now on.

        Raises:
            ValueError: it is no address, or the secret none.
        """
        url, secret = str(facts.get("delivery_url", "")), str(facts.get("secret", ""))
        if not url.startswith(("http://", "https://")) or not secret.startswith("whsec_"):
            raise ValueError("a webhook needs a delivery_url and a secret that begins with whsec_")
        hook: Webhook = {
            "id": len(self._hooks) + 1,
            "topic": str(facts.get("topic", "order.changed")),
            "delivery_url": url,
            "status": "active",
            "failure_count": 0,
        }
        self._hooks.append((hook, secret))
        return hook

    def tell(self, number: str, state: str) -> None:
        """Say that an order has changed; what of it, the receiver reads at the shop."""
        for hook, secret in self._hooks:
            payload = {"type": hook["topic"], "data": {"no": number, "state": state}}
            body = json.dumps(payload, separators=(",", ":")).encode()
            message_id = f"msg_{self._shop_id}_{next(self._numbers)}"
            self.courier.send(
                hook, signed_headers(body, message_id, int(time.time()), secret), body
            )
