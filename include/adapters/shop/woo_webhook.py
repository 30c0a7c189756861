"""Webhooks that WooCommerce sends us: real, or a clean refusal with a status and a reason.

The signature is base64 of the HMAC-SHA256 of the raw body. It has no timestamp; a replay is
harmless, since what counts is the order as the shop has it now. The delivery id is a hash of the
webhook's id and the second: orders that change in one second share it, so the body names a
delivery, too.
Source: WooCommerce REST documentation v3, "Webhooks"; WC_Webhook::get_new_delivery_id, read
2026-11-27; reliability reference, section 3.8.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from include.adapters.http.strict_json import NotStrictJsonError, parse
from include.domain.card_numbers import card_number_paths

MAX_BYTES = 1024 * 1024
_PREFIX = "x-wc-webhook-"
_NEEDED = ("topic", "resource", "event", "signature", "id", "delivery-id")
_TOPIC = re.compile(r"[a-z_]{1,40}\.[a-z_]{1,40}")
_NUMBER = re.compile(r"[0-9]{1,12}")
_DELIVERY = re.compile(r"[0-9A-Za-z_-]{1,64}")
_PING = re.compile(rb"webhook_id=[0-9]{1,12}")

Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class WooEvent:
    """A delivery whose signature holds."""

    topic: str  # e.g. "order.updated"
    webhook_id: str
    delivery_id: str  # one for all that the webhook delivers in a second
    digest: str  # of the raw body

    @property
    def key(self) -> str:
        """Name the delivery in the inbox; a second copy has the same name."""
        return f"{self.webhook_id}|{self.delivery_id}|{self.digest}"


@dataclass(frozen=True, slots=True)
class WooPing:
    """The hello of a new webhook: unsigned, carries nothing, deserves a 200 and no row."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing is stored; ``reason`` names fields, never values."""

    status: int
    reason: str
    holds_card_number: bool = False  # an alarm is due


def receive(
    headers: Mapping[str, str] | Iterable[Header], body: bytes, secrets: Sequence[str]
) -> WooEvent | WooPing | Refusal:
    """Judge one delivery. Total: whatever comes in, one of the three goes out.

    Args:
        headers: as received; pairs show a doubled header, a mapping cannot.
        body: the raw bytes; a body that was parsed and written again has another signature.
        secrets: of the webhook, the newest first.
    """
    if len(body) > MAX_BYTES:
        return Refusal(413, f"more than {MAX_BYTES} bytes")
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    ours = [(n.lower().removeprefix(_PREFIX), v) for n, v in pairs if n.lower().startswith(_PREFIX)]
    found = dict(ours)
    if len(found) != len(ours):
        return Refusal(400, "a webhook header comes twice")
    if not found and _PING.fullmatch(body):
        return WooPing()
    missing = [name for name in _NEEDED if not found.get(name)]
    if "signature" in missing:
        return Refusal(401, "there is no signature")
    if not is_signed(body, found["signature"], secrets):
        return Refusal(401, "the signature does not hold")
    if missing:
        return Refusal(400, f"the header {_PREFIX}{missing[0]} is missing")
    return _read(found, body)


def is_signed(body: bytes, signature: str, secrets: Sequence[str]) -> bool:
    """Say whether one of the secrets made the signature; in constant time for each."""
    try:
        given = base64.b64decode(signature, validate=True)
        is_canonical = base64.b64encode(given).decode() == signature
    except (binascii.Error, ValueError):
        return False
    if len(given) != hashlib.sha256().digest_size or not is_canonical:
        return False
    holds = False
    for secret in filter(None, secrets):
        made = hmac.new(secret.encode(), body, hashlib.sha256).digest()
        holds |= hmac.compare_digest(made, given)
    return holds


def _read(found: Mapping[str, str], body: bytes) -> WooEvent | Refusal:
    topic = found["topic"]
    is_whole = _TOPIC.fullmatch(topic) and topic == f"{found['resource']}.{found['event']}"
    if not is_whole:
        return Refusal(400, "topic, resource and event do not go together")
    if not _NUMBER.fullmatch(found["id"]) or not _DELIVERY.fullmatch(found["delivery-id"]):
        return Refusal(400, "the webhook's or the delivery's id is none")
    try:
        payload = parse(body)
        json.dumps(payload, ensure_ascii=False).encode()  # fails on a lone surrogate
    except (NotStrictJsonError, UnicodeEncodeError, RecursionError, ValueError):
        return Refusal(400, "the body is no JSON with exactly one meaning")
    if not isinstance(payload, dict):
        return Refusal(400, "the body is no JSON object")
    for path in card_number_paths(payload):
        return Refusal(422, f"the field {path[:200]} holds a card number", True)
    digest = hashlib.sha256(body).hexdigest()
    return WooEvent(topic, found["id"], found["delivery-id"], digest)
