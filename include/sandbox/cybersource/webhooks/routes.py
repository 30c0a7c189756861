"""The calls that administer webhooks: keys, products, subscriptions, test and replay."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from include.sandbox.cybersource.payments import answers
from include.sandbox.cybersource.payments.reading import Problem, body_of, text, words
from include.sandbox.cybersource.settings import Switches
from include.sandbox.cybersource.signature import Caller
from include.sandbox.cybersource.webhooks.events import ENCRYPTED, PRODUCTS
from include.sandbox.cybersource.webhooks.sender import Notice, Sender
from include.sandbox.cybersource.webhooks.subscriptions import STATES, Register, Subscription
from include.sandbox.ledger import Ledger
from include.sandbox.server import Request, Response
from include.sandbox.world.dates import utc_text

Handler = Callable[[Request, Caller], Response]
_TEST_MESSAGE = "Your webhook integration works. This is only a test."


class WebhookRoutes:
    """Handlers; each takes the request and who calls."""

    def __init__(
        self, register: Register, sender: Sender, switches: Switches, ledger: Ledger
    ) -> None:
        self.register, self.sender = register, sender
        self.switches, self.ledger = switches, ledger

    def refusing(self, handler: Handler) -> Handler:
        """Return a handler that answers a refusal as the service does."""

        def handle(request: Request, caller: Caller) -> Response:
            try:
                return handler(request, caller)
            except Problem as problem:
                at = utc_text(datetime.now(UTC))
                return answers.refusal("", at, problem.reason, problem.fields)

        return handle

    def make_key(self, request: Request, caller: Caller) -> Response:
        """POST /kms/egress/v2/keys-sym."""
        body = body_of(request)
        path = "keyInformation.organizationId"
        organization = self._owner(text(body, path), path, caller)
        if text(body, "clientRequestAction") != "CREATE":
            raise Problem("INVALID_DATA", "clientRequestAction")
        days = text(body, "keyInformation.expiryDuration", 4) or "365"
        if not (days.isascii() and days.isdigit()) or not 1 <= int(days) <= 1095:
            raise Problem("INVALID_DATA", "keyInformation.expiryDuration")
        key = self.register.make_key(organization, int(days))
        self._record("webhook_key", key.key_id, request)
        information = {
            "provider": "NRTD",
            "tenant": organization,
            "organizationId": organization,
            "keyId": key.key_id,
            "key": key.text,
            "keyType": "sharedSecret",
            "status": "Active",
            "expirationDate": f"{key.expires_at:%Y-%m-%dT%H:%M:%S}+0000",
        }
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}+0000"
        answer = {"submitTimeUtc": now, "status": "SUCCESS", "keyInformation": information}
        return Response.of_json(answer, 201)

    def products(self, request: Request, caller: Caller) -> Response:
        """GET /notification-subscriptions/v2/products/{organizationId}."""
        self._owner(request.match["id"], "organizationId", caller)
        return Response.of_json(
            [
                {
                    "productId": product,
                    "productName": product,
                    "eventTypes": [
                        {"eventName": name, "payloadEncryption": product in ENCRYPTED}
                        for name in names
                    ],
                }
                for product, names in self._products().items()
            ]
        )

    def _products(self) -> dict[str, tuple[str, ...]]:
        settings = self.switches.now
        found = PRODUCTS[settings.event_generation]
        return {k: v for k, v in found.items() if k != "payments" or settings.payment_events}

    def _known(self) -> set[str]:
        return {name for names in self._products().values() for name in names}

    def create(self, request: Request, caller: Caller) -> Response:
        """POST /notification-subscriptions/v2/webhooks."""
        body = body_of(request)
        organization = self._owner(text(body, "organizationId"), "organizationId", caller)
        status = "PENDING_REVIEW" if self.switches.now.webhook_review else "ACTIVE"
        found = self.register.create(organization, body, self._known(), status)
        self._record("webhook_subscription", found.webhook_id, request)
        self.sender.check_health(found)
        return Response.of_json(found.as_json(), 201)

    def listed(self, request: Request, caller: Caller) -> Response:
        """GET /notification-subscriptions/v2/webhooks."""
        organization = request.query.get("organizationId", caller.merchant)
        product = request.query.get("productId", "")
        event = request.query.get("eventType", "")
        kept = [
            s.as_json()
            for s in self.register.all()
            if s.organization == organization
            and self._may_see(s, caller)
            and (not product or any(p["productId"] == product for p in s.products))
            and (not event or s.product_of(event))
        ]
        return Response.of_json(kept)

    def one(self, request: Request, caller: Caller) -> Response:
        """GET, PATCH and DELETE /notification-subscriptions/v2/webhooks/{id}."""
        found = self._found(request, caller)
        if found is None:
            return _absent()
        if request.method == "DELETE":
            self.register.remove(found.webhook_id)
            return Response(200, b"", "application/json")
        if request.method == "PATCH":
            is_moved = self.register.change(found, body_of(request), self._known())
            if is_moved and self.switches.now.webhook_review:
                found.status = "PENDING_REVIEW"
        return Response.of_json(found.as_json())

    def set_status(self, request: Request, caller: Caller) -> Response:
        """PUT /notification-subscriptions/v2/webhooks/{id}/status: ACTIVE or INACTIVE."""
        found = self._found(request, caller)
        if found is None:
            return _absent()
        status = text(body_of(request), "status")
        is_movable = found.status in ("ACTIVE", "INACTIVE", "SUSPENDED")
        if status not in ("ACTIVE", "INACTIVE") or not is_movable:
            raise Problem("INVALID_DATA", "status")
        found.status = status
        return Response.of_json({})

    def test(self, request: Request, caller: Caller) -> Response:
        """POST /notification-subscriptions/v1/webhooks/{id}: send a message that means nothing."""
        found = self._found(request, caller)
        if found is None:
            return _absent()
        product = found.products[0]
        payload = {"testPayload": {"message": _TEST_MESSAGE}}
        notice = Notice(
            "",
            found.webhook_id,
            product["eventTypes"][0],
            product["productId"],
            found.organization,
            payload,
            datetime.now(UTC),
            is_test=True,
        )
        self.sender.send(notice)
        answer = {
            "eventDate": f"{notice.event_at:%Y-%m-%dT%H:%M:%S}",
            "eventType": notice.event_type,
            "organizationId": notice.organization,
            "payloads": payload,
            "productId": notice.product,
            "requestType": "NEW",
            "retryNumber": "0",
            "webhookId": notice.webhook_id,
        }
        return Response.of_json(answer, 201)

    def replay(self, request: Request, caller: Caller) -> Response:
        """POST /nrtf/v1/webhooks/{id}/replays: by trace ids, or by delivery status."""
        found = self._found(request, caller)
        if found is None:
            return _absent()
        body = body_of(request)
        traces = words(body, "byTransactionTraceIdentifiers")
        status = text(body, "byDeliveryStatus.status")
        if not traces and not status:
            raise Problem("MISSING_FIELD", "byTransactionTraceIdentifiers")
        count = self.sender.replay(found.webhook_id, traces, status)
        return Response.of_json({"webhookId": found.webhook_id, "replayed": count}, 202)

    def approve(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Play the vendor's review: ``webhook_id`` and optionally ``status``, ACTIVE by default."""
        found = self.register.get(str(facts["webhook_id"]))
        status = str(facts.get("status", "ACTIVE"))
        if found is None or status not in STATES:
            raise ValueError(f"no webhook {facts['webhook_id']!r}, or no state {status!r}")
        found.status = status
        return found.as_json()

    def _owner(self, organization: str, path: str, caller: Caller) -> str:
        owner = organization or caller.merchant
        if owner in caller.merchants or owner == caller.organization:
            return owner
        raise Problem("INVALID_DATA", path)

    def _found(self, request: Request, caller: Caller) -> Subscription | None:
        found = self.register.get(request.match["id"])
        return found if found and self._may_see(found, caller) else None

    def _may_see(self, found: Subscription, caller: Caller) -> bool:
        return found.organization in (*caller.merchants, caller.organization)

    def _record(self, verb: str, reference: str, request: Request) -> None:
        self.ledger.record("cybersource", verb, reference, request.body)


def _absent() -> Response:
    body = {"status": "NOT_FOUND", "reason": "NOT_FOUND", "message": "The webhook is not known."}
    return Response(404, json.dumps(body).encode(), "application/json")
