"""Tells receivers what happened: builds, signs, delivers, retries, and can replay."""

import base64
import hashlib
import hmac
import http.client
import json
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from include.sandbox.cybersource.payments.book import Entry
from include.sandbox.cybersource.settings import Switches
from include.sandbox.cybersource.webhooks import events
from include.sandbox.cybersource.webhooks.courier import Courier, call
from include.sandbox.cybersource.webhooks.subscriptions import Key, Register, Subscription
from include.sandbox.server import log
from include.sandbox.world import World

_KEPT = 10_000  # deliveries that can be listed and replayed
_HEALTH_MINUTES = 5.0
_RECORDED_IN = ZoneInfo("America/Los_Angeles")  # the zone of the one recorded notification
_DEAD = (OSError, http.client.HTTPException)


@dataclass(slots=True)
class Notice:
    """One event for one subscription, over all its attempts."""

    notification_id: str
    webhook_id: str
    event_type: str
    product: str
    organization: str
    payload: dict[str, Any]
    event_at: datetime
    is_test: bool = False
    attempts: list[dict[str, Any]] = field(default_factory=list)  # trace id, answer, time
    status: str = "PENDING"  # PENDING, DELIVERED or FAILED

    def as_json(self) -> dict[str, Any]:
        names = ("notification_id", "webhook_id", "event_type", "status", "attempts")
        found = {name: getattr(self, name) for name in names}
        return {**found, "payload": self.payload, "organization_id": self.organization}


class Sender:
    """Events in, calls out; only the courier's threads ever wait."""

    def __init__(self, world: World, switches: Switches, register: Register) -> None:
        self.world, self.switches, self.register = world, switches, register
        self.courier = Courier()
        self.notices: deque[Notice] = deque(maxlen=_KEPT)

    def tell(self, happening: str, entry: Entry) -> None:
        """Send what a happening is called to all who asked for it; quick where nobody did."""
        if self.register.is_empty():
            return
        settings = self.switches.now
        is_open = settings.payment_events or settings.event_generation == "older"
        for event_type in events.names_of(happening, entry, settings.event_generation):
            if is_open or not event_type.startswith("payments."):
                self.emit(entry.merchant, event_type, events.payload_of(event_type, entry))

    def emit(self, merchant: str, event_type: str, payload: dict[str, Any]) -> int:
        """Send one event to all active subscriptions of it; return to how many."""
        count = 0
        for subscription in self.register.all():
            product = subscription.product_of(event_type)
            is_wanted = product and subscription.covers(merchant)
            if is_wanted and subscription.status == "ACTIVE":
                now = self.world.live.now(merchant)
                owner = subscription.organization
                own_id = str(uuid.uuid4())
                notice = Notice(
                    own_id, subscription.webhook_id, event_type, product, owner, payload, now
                )
                self.send(notice)
                count += 1
        return count

    def send(self, notice: Notice) -> None:
        self.notices.append(notice)
        self.courier.after(0, lambda: self._deliver(notice, 0))

    def _deliver(self, notice: Notice, number: int) -> None:
        """Make one attempt, and plan the next where it fails."""
        subscription = self.register.get(notice.webhook_id)
        if subscription is None:
            notice.status = "FAILED"
            return
        trace = str(uuid.uuid4())  # new each time, so it is no key against duplicates
        body, signed = self._written(notice, number, trace)
        headers = _headers(notice, number, trace)
        key = self.register.key(subscription.organization)
        if key is not None:
            headers["v-c-signature"] = signature(key, signed, int(time.time() * 1000))
        answer = self._called(subscription, headers, body)
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        notice.attempts.append({"trace_id": trace, "answer": answer, "at": at})
        if 200 <= answer < 300:
            notice.status = "DELIVERED"
            return
        delays = subscription.delays()
        if number < len(delays) and not notice.is_test:
            wait = delays[number] * self.switches.now.webhook_minute_s
            self.courier.after(wait, lambda: self._deliver(notice, number + 1))
            return
        notice.status = "FAILED"
        if subscription.policy["deactivateFlag"] and subscription.texts.get("healthCheckUrl"):
            subscription.status = "SUSPENDED"
            self.check_health(subscription)

    def _called(self, subscription: Subscription, headers: dict[str, str], body: bytes) -> int:
        """Return the receiver's status; 0 where none came."""
        try:
            return call("POST", subscription.texts["webhookUrl"], headers, body)
        except _DEAD as fault:
            log.info("webhook %s got no answer: %r", subscription.webhook_id, fault)
            return 0

    def _written(self, notice: Notice, number: int, trace: str) -> tuple[bytes, str]:
        """Return the body, and the text of its payload that is signed."""
        settings = self.switches.now
        is_array = settings.webhook_payload == "array" and not notice.is_test
        payload: Any = [notice.payload] if is_array else notice.payload
        at = notice.event_at.strftime("%Y-%m-%dT%H:%M:%S")  # without a zone, as the guide has it
        if is_array:
            at = notice.event_at.astimezone(_RECORDED_IN).isoformat(timespec="milliseconds")
        body: dict[str, Any] = {
            "eventType": notice.event_type,
            "webhookId": notice.webhook_id,
            "productId": notice.product,
            "organizationId": notice.organization,
            "eventDate": at,
            "transactionTraceId": trace,
            "retryNumber": number,
            "payloads" if notice.is_test else "payload": payload,
            "requestType": "RETRY" if number else "NEW",
        }
        if is_array:
            body["notificationId"] = notice.notification_id
        spaced = (", ", ": ") if settings.webhook_spacing else (",", ":")
        signed = spaced if settings.webhook_signs == "raw" else (",", ":")
        text = json.dumps(body, ensure_ascii=False, separators=spaced)
        return text.encode(), json.dumps(payload, ensure_ascii=False, separators=signed)

    def check_health(self, subscription: Subscription) -> None:
        """Ask the health URL some minutes from now; a suspended one until it answers."""
        minute = self.switches.now.webhook_minute_s
        self.courier.after(_HEALTH_MINUTES * minute, lambda: self._asked_health(subscription))

    def _asked_health(self, subscription: Subscription) -> None:
        url = subscription.texts.get("healthCheckUrl", "")
        if not url or self.register.get(subscription.webhook_id) is None:
            return
        try:
            answer = call("GET", url, {"v-c-webhook-id": subscription.webhook_id})
        except _DEAD:
            answer = 0
        subscription.health = [*subscription.health[-99:], answer]
        if subscription.status == "SUSPENDED":
            if 200 <= answer < 300:
                subscription.status = "ACTIVE"
            else:
                self.check_health(subscription)

    def replay(self, webhook_id: str, traces: list[str], status: str) -> int:
        """Send past notices again, those of some trace ids or of a status; return how many."""
        found = [
            n
            for n in list(self.notices)
            if n.webhook_id == webhook_id
            and not n.is_test
            and (n.status == status or any(a["trace_id"] in traces for a in n.attempts))
        ]
        for old in found:
            notice = Notice(
                old.notification_id,
                webhook_id,
                old.event_type,
                old.product,
                old.organization,
                old.payload,
                old.event_at,
            )
            self.send(notice)
        return len(found)

    def reset(self) -> None:
        self.courier.clear()
        self.notices.clear()


def signature(key: Key, payload: str, at_ms: int) -> str:
    """Return the value of ``v-c-signature``: HMAC-SHA256 over the time, a dot and the payload."""
    made = hmac.new(key.secret, f"{at_ms}.{payload}".encode(), hashlib.sha256).digest()
    return f"t={at_ms};keyId={key.key_id};sig={base64.b64encode(made).decode()}"


def _headers(notice: Notice, number: int, trace: str) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "v-c-event-type": notice.event_type,
        "v-c-organization-id": notice.organization,
        "v-c-product-name": notice.product,
        "v-c-request-type": "RETRY" if number else "NEW",
        "v-c-retry-count": str(number),
        "v-c-transaction-trace-id": trace,
        "v-c-webhook-id": notice.webhook_id,
    }
