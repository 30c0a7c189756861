"""The cards behind tokens: a type, an expiry and the last four digits; never a number.

A transient token is a compact JWT, or its ``jti``. The sandbox reads no signature, as no caller
could make one. What stands in the ``jti`` may choose the card and the outcome: the words of
``outcomes.OUTCOMES``, and ``mastercard``, ``amex``, ``discover`` or ``jcb``.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.sandbox.world.facts import CARD_CODES

_TOKEN = re.compile(r"[A-Za-z0-9_.+=-]{4,8192}")
_TYPE_WORDS = {
    "mastercard": "MasterCard",
    "amex": "American Express",
    "discover": "Discover",
    "jcb": "JCB",
}
_PAN = re.compile(r"[0-9]{12,19}")


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a card without its number."""

    type: str = "Visa"
    suffix: str = "1111"
    month: str = "12"
    year: str = "2031"
    fingerprint: str = ""  # the same for each token of one card

    @property
    def code(self) -> str:
        return CARD_CODES[self.type]


@dataclass(frozen=True, slots=True)
class Transient:
    """A transient token that was read: its name and its card."""

    jti: str
    card: Card


def read_transient(token: str) -> Transient | None:
    """Return what a JWT or a jti stands for; ``None`` where it is neither."""
    if not _TOKEN.fullmatch(token) or _PAN.fullmatch(token):
        return None
    claims = _claims(token) if "." in token else {"jti": token}
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti or _PAN.fullmatch(jti):
        return None
    return Transient(jti, card_of(jti, str(claims.get("card", ""))))


def card_of(jti: str, name: str = "") -> Card:
    """Return the card of a token; tokens with one card name share a card."""
    folded = f"{jti} {name}".casefold()
    kind = next((kind for word, kind in _TYPE_WORDS.items() if word in folded), "Visa")
    digest = hashlib.sha256(f"card|{name or jti}".encode()).hexdigest()
    return Card(kind, f"{int(digest[:8], 16) % 10_000:04d}", fingerprint=digest[:32])


def make_jwt(jti: str, card_name: str, expires_at: int) -> str:
    """Return a transient token as the vendor's form hands it out; its signature is invented."""
    card = card_of(jti, card_name)
    content = {
        "iss": "Flex/08",
        "exp": expires_at,
        "type": "mf-2.0.0",
        "jti": jti,
        "card": card_name,
        "content": {
            "paymentInformation": {
                "card": {
                    "expirationMonth": {"value": card.month},
                    "expirationYear": {"value": card.year},
                    "type": {"value": card.code},
                    "number": {"maskedValue": f"XXXXXXXXXXXX{card.suffix}"},
                }
            }
        },
    }
    parts: tuple[Mapping[str, object], ...] = ({"alg": "RS256", "kid": "sandbox"}, content)
    body = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
    return f"{body}.{_encoded(hashlib.sha256(body.encode()).digest())}"


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
