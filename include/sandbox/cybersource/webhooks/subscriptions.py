"""Keys and subscriptions: who is told what, where, and signed with which key."""

import base64
import hashlib
import secrets
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from include.sandbox.cybersource.credentials import PORTFOLIO
from include.sandbox.cybersource.payments.reading import Problem, flag, part, section, text

STATES = ("PENDING_REVIEW", "BLOCKED", "INACTIVE", "ACTIVE", "SUSPENDED")
_POLICY: dict[str, Any] = {
    "algorithm": "ARITHMETIC",
    "firstRetry": 1,
    "interval": 1,
    "numberOfRetries": 3,
    "deactivateFlag": False,
    "repeatSequenceCount": 0,
    "repeatSequenceWaitTime": 0,
}
_TEXTS = ("name", "description", "webhookUrl", "healthCheckUrl", "notificationScope")
_SCOPES = ("SELF", "DESCENDANTS", "CUSTOM")


@dataclass(frozen=True, slots=True)
class Key:
    """A symmetric key that signs an organization's webhooks."""

    key_id: str
    secret: bytes
    expires_at: datetime

    @property
    def text(self) -> str:
        return base64.b64encode(self.secret).decode()


@dataclass(slots=True)
class Subscription:
    """One webhook subscription."""

    webhook_id: str
    organization: str
    products: list[dict[str, Any]]
    texts: dict[str, str]
    policy: dict[str, Any]
    security: dict[str, Any]
    created: str
    status: str
    version: int = 1
    health: list[int] = field(default_factory=list)  # answers of the health check

    def product_of(self, event_type: str) -> str:
        """Return the product an event belongs to here, or ``""`` where it is not subscribed."""
        found = (p["productId"] for p in self.products if event_type in p["eventTypes"])
        return next(found, "")

    def covers(self, merchant: str) -> bool:
        if self.organization == merchant:
            return True
        return self.organization == PORTFOLIO and self.texts["notificationScope"] != "SELF"

    def delays(self) -> list[float]:
        """Return the minutes to wait before each retry."""
        first, step = float(self.policy["firstRetry"]), float(self.policy["interval"])
        count = int(self.policy["numberOfRetries"])
        if self.policy["algorithm"] == "GEOMETRIC":
            once = [first * step**n for n in range(count)]
        else:
            once = [first + step * n for n in range(count)]
        again = [float(self.policy["repeatSequenceWaitTime"]) + once[0], *once[1:]] if once else []
        return once + again * int(self.policy["repeatSequenceCount"])

    def as_json(self) -> dict[str, Any]:
        return {
            "webhookId": self.webhook_id,
            "organizationId": self.organization,
            "products": self.products,
            **self.texts,
            "createdOn": self.created,
            "status": self.status,
            "retryPolicy": dict(self.policy),
            "securityPolicy": {**self.security, "digitalSignatureEnabled": "yes"},
            "version": str(self.version),
            "deliveryType": "nrtdCentral",
        }


class Register:
    """Thread-safe keeper of keys and subscriptions."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._keys: dict[str, Key] = {}
        self._subscriptions: dict[str, Subscription] = {}

    def make_key(self, organization: str, days: int) -> Key:
        """Make an organization's key; it replaces an older one at once."""
        key = Key(str(uuid.uuid4()), secrets.token_bytes(32), datetime.now(UTC) + timedelta(days))
        with self.lock:
            self._keys[organization] = key
        return key

    def key(self, organization: str) -> Key | None:
        return self._keys.get(organization)

    def create(
        self, organization: str, body: dict[str, Any], known: set[str], status: str
    ) -> Subscription:
        """Keep a subscription.

        Raises:
            Problem: a member is missing or wrong, or there is no key to sign with.
        """
        if not text(body, "webhookUrl", 2048):
            raise Problem("MISSING_FIELD", "webhookUrl")
        kind = text(body, "securityPolicy.securityType") or "KEY"
        if kind.upper() == "KEY" and organization not in self._keys:
            raise Problem("INVALID_DATA", "securityPolicy.securityType")
        digest = hashlib.sha256(uuid.uuid4().bytes).hexdigest()
        found = Subscription(
            str(uuid.UUID(digest[:32])),
            organization,
            products_of(body, known),
            {"notificationScope": "DESCENDANTS", "name": "", "description": ""},
            dict(_POLICY),
            {"securityType": kind},
            datetime.now(UTC).isoformat(" ", timespec="milliseconds").removesuffix("+00:00"),
            status,
        )
        _write(found, body)
        with self.lock:
            self._subscriptions[found.webhook_id] = found
        return found

    def change(self, found: Subscription, body: dict[str, Any], known: set[str]) -> bool:
        """Change members; return whether the URL is another one, which is reviewed anew."""
        before = found.texts["webhookUrl"]
        with self.lock:
            if "products" in body or "eventTypes" in body:
                found.products = products_of(body, known)
            _write(found, body)
            found.version += 1
        return found.texts["webhookUrl"] != before

    def get(self, webhook_id: str) -> Subscription | None:
        return self._subscriptions.get(webhook_id)

    def remove(self, webhook_id: str) -> None:
        with self.lock:
            self._subscriptions.pop(webhook_id, None)

    def all(self) -> list[Subscription]:
        with self.lock:
            return list(self._subscriptions.values())

    def is_empty(self) -> bool:
        return not self._subscriptions

    def reset(self) -> None:
        with self.lock:
            self._keys.clear()
            self._subscriptions.clear()


def products_of(body: dict[str, Any], known: set[str]) -> list[dict[str, Any]]:
    """Return the subscribed products, from the present shape or the one of version 1."""
    found = part(body, "products")
    if found is None and body.get("productId"):
        found = [{"productId": body["productId"], "eventTypes": body.get("eventTypes")}]
    if not found:
        raise Problem("MISSING_FIELD", "products")
    kept = []
    for product in found if isinstance(found, list) else [found]:
        if not isinstance(product, dict):
            raise Problem("INVALID_DATA", "products")
        types = product.get("eventTypes")
        if not isinstance(types, list) or not types or not set(map(str, types)) <= known:
            raise Problem("INVALID_DATA", "products.eventTypes")
        kept.append({"productId": str(product.get("productId")), "eventTypes": list(types)})
    return kept


def _write(found: Subscription, body: dict[str, Any]) -> None:
    texts = {name: text(body, name, 2048) for name in _TEXTS if name in body}
    for name in ("webhookUrl", "healthCheckUrl"):
        if texts.get(name) and not _is_url(texts[name]):
            raise Problem("INVALID_DATA", name)
    if texts.get("notificationScope", "SELF") not in _SCOPES:
        raise Problem("INVALID_DATA", "notificationScope")
    found.texts.update(texts)
    policy = section(body, "retryPolicy")
    for name in set(policy) & set(_POLICY):
        found.policy[name] = _policy_value(body, name, policy[name])


def _policy_value(body: dict[str, Any], name: str, value: Any) -> Any:
    path = f"retryPolicy.{name}"
    if name == "deactivateFlag":
        return flag(body, path)
    if name == "algorithm":
        if value not in ("ARITHMETIC", "GEOMETRIC", "LINEAR"):
            raise Problem("INVALID_DATA", path)
        return value
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1440:
        raise Problem("INVALID_DATA", path)
    return value


def _is_url(url: str) -> bool:
    """Say whether a receiver may be called: HTTPS, as the vendor; plain HTTP only near by.

    Near by is this machine, or a name without a dot, as containers of one network have.
    """
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return False
    host = parts.hostname or ""
    is_local = host in ("127.0.0.1", "::1") or "." not in host
    is_allowed = parts.scheme == "https" or (parts.scheme == "http" and is_local)
    return bool(host) and port_is_fine and is_allowed
