"""What the routes cannot say of themselves: headers of answers, and the callbacks we send."""

from typing import Any

from tieout.api.auth import Needs, Open
from tieout.api.examples import EVENTS

_RATE = {
    "RateLimit-Policy": "What the client may send: q requests at once, over w seconds.",
    "RateLimit": "What is left: r requests, the next in t seconds.",
}
_BY_STATUS = {
    "401": {"WWW-Authenticate": "How to say who calls: Bearer. Not sent for a signature."},
    "405": {"Allow": "The methods of this address."},
    "409": {"Retry-After": "Seconds, where the first request with this key goes on."},
    "429": {"Retry-After": "Seconds until the next request is taken."},
    "503": {"Retry-After": "Seconds, where it is known."},
}
_UNCOUNTED = ("401", "405")  # the rate is looked at once it is known who calls


def headers_of(status: str, protection: Needs | Open) -> dict[str, Any]:
    """Return the headers that an answer of this status may have, beside its Location."""
    says = dict(_BY_STATUS.get(status, {}))
    if isinstance(protection, Needs) and status not in _UNCOUNTED:
        says |= _RATE
    return {name: _header(text) for name, text in says.items()}


def _header(text: str) -> dict[str, Any]:
    return {"description": text, "schema": {"type": "string"}}


def callbacks() -> dict[str, Any]:
    """Describe the events that a shop's own server gets; see ``translate/callbacks.py``."""
    return {
        "order": _event("An order has reached a state", "OrderEvent"),
        "shipment": _event("Goods of an order have left", "ShippedEvent"),
        "refund": _event("A refund waits for approval, was refused or moved", "RefundEvent"),
    }


def _event(summary: str, model: str) -> dict[str, Any]:
    content = {"schema": {"$ref": f"#/components/schemas/{model}"}, "examples": EVENTS[model]}
    operation = {
        "tags": ["callbacks"],
        "summary": summary,
        "description": _SIGNED,
        "operationId": _OPERATIONS[model],
        "security": [],
        "parameters": _PARAMETERS,
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {
            "2XX": {"description": "Taken. Anything else is tried again; 410 ends it."},
        },
    }
    return {"post": operation}


_OPERATIONS = {
    "OrderEvent": "order_event",
    "ShippedEvent": "shipped_event",
    "RefundEvent": "refund_event",
}
_SIGNED = (
    "Sent to the address of the shop's connection of type `shop_callback`, signed "
    "by Standard Webhooks 1.0. Compute base64(HMAC-SHA256(secret, webhook-id + '.' + "
    "webhook-timestamp + '.' + body)) over the raw body, the secret being what base64 holds behind "
    "`whsec_`, and compare it in constant time with each "
    "`v1,` signature; refuse a timestamp that is minutes off. Drop what you know by webhook-id: an "
    "event whose answer was lost comes again. Events may overtake each other, so read the order, "
    "or the refund. New types may come: answer 2xx to one that you do not know."
)
_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": name,
        "in": "header",
        "required": True,
        "description": text,
        "schema": {"type": "string"},
    }
    for name, text in (
        ("webhook-id", "Names the event; the same at every attempt."),
        ("webhook-timestamp", "Of this attempt, in seconds since 1970."),
        ("webhook-signature", "One or more of `v1,<base64>`, with a blank between."),
    )
]
