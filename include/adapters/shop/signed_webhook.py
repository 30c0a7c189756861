"""Webhooks of a shop whose way of signing is declared in its mapping; see ``WebhookRules``.

Both schemes sign the raw bytes, so a body that was parsed and written again has another signature.
``standard`` signs the delivery's name and time as well: an old delivery is refused, and one that is
repeated cannot be renamed. ``body_hmac`` signs the body alone: a repeat has the same name, and one
renamed by a forger is harmless, since an event only says which order to read again at the shop.
Source: standard-webhooks specification 1.0; WooCommerce REST documentation v3, "Webhooks".
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from include.adapters.http.strict_json import NotStrictJsonError, parse
from include.adapters.shop.callbacks import demand_secret
from include.adapters.shop.calls import text_at
from include.adapters.shop.woo_webhook import is_signed
from include.domain.shops import Said, WebhookRules, WebhookScheme
from include.services.inbox.ports import Refusal, Verdict

_VERSION = "v1,"
_MOST_SIGNATURES = 8  # a receiver is told of a few at most, while a secret is replaced
_SIGNED_NAME = re.compile(r"[0-9A-Za-z_:\-]{1,128}")  # no dot: the signed text is divided by them
_NAME = re.compile(r"[0-9A-Za-z_.:\-]{1,128}")
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_UNSIGNED = Refusal("the signature does not hold")


class WebhookJudge:
    """The check of one shop; see ``services.inbox.ports.Verifier``."""

    def __init__(self, rules: WebhookRules, secrets: Sequence[str], where: str) -> None:
        """Take the secrets, the newest first.

        Raises:
            Rejected: one is not written as its scheme wants it; it is not quoted.
        """
        self._rules, self._secrets = rules, tuple(secrets)
        is_standard = rules.scheme is WebhookScheme.standard
        self._keys = [demand_secret(one, where) for one in secrets] if is_standard else []

    def __call__(self, raw: bytes, headers: Mapping[str, str], now: datetime) -> Verdict | Refusal:
        rules = self._rules
        given = headers.get(rules.signature_header.lower(), "")
        if not given:
            return Refusal("there is no signature")
        if rules.scheme is WebhookScheme.standard:
            refused = self._refuse_standard(raw, headers, given, now)
        else:
            refused = None if is_signed(raw, given, self._secrets) else _UNSIGNED
        return refused or self._read(raw, headers)

    def _refuse_standard(
        self, raw: bytes, headers: Mapping[str, str], given: str, now: datetime
    ) -> Refusal | None:
        rules = self._rules
        name = headers.get(rules.delivery.header.lower(), "")
        at = headers.get(rules.timestamp_header.lower(), "")
        if not _SIGNED_NAME.fullmatch(name) or not _SECONDS.fullmatch(at):
            return Refusal("the delivery's name or its time is missing or none")
        signed = f"{name}.{at}.".encode() + raw
        made = [hmac.new(key, signed, hashlib.sha256).digest() for key in self._keys]
        if not _any_holds(given, made):
            return _UNSIGNED
        if abs(now.timestamp() - int(at)) > rules.tolerance.total_seconds():
            return Refusal("it was signed too long ago, or ahead of time")
        return None

    def _read(self, raw: bytes, headers: Mapping[str, str]) -> Verdict | Refusal:
        """Name a genuine delivery; the signature holds, so what is wrong now is the sender's."""
        try:
            body = parse(raw)
        except NotStrictJsonError:
            return Refusal("the body is no JSON with exactly one meaning", is_malformed=True)
        if not isinstance(body, dict):
            return Refusal("the body is no JSON object", is_malformed=True)
        found = {
            "delivery": _said(self._rules.delivery, body, headers),
            "event": _said(self._rules.event, body, headers),
        }
        for what, text in found.items():
            if not _NAME.fullmatch(text):
                return Refusal(f"its {what} is missing or none", is_malformed=True)
        return Verdict(found["delivery"], found["event"])


def order_number(rules: WebhookRules, body: object) -> str:
    """Return the number of the order that a kept event speaks of; ``''`` where it names none."""
    return text_at(body, rules.order_at)


def _said(said: Said, body: object, headers: Mapping[str, str]) -> str:
    found = headers.get(said.header.lower(), "") if said.header else text_at(body, said.at)
    return said.words.get(found, found)


def _any_holds(given: str, made: Sequence[bytes]) -> bool:
    """Compare each signature of the header with each of ours, each in constant time."""
    parts = given.split(" ")
    holds = False
    for part in parts[:_MOST_SIGNATURES]:
        theirs = _digest(part)
        for ours in made:
            holds |= theirs is not None and hmac.compare_digest(ours, theirs)
    return holds


def _digest(part: str) -> bytes | None:
    """Read one signature; another version's, or one not written as base64 is, is none."""
    text = part.removeprefix(_VERSION)
    try:
        found = base64.b64decode(text, validate=True)
        is_canonical = base64.b64encode(found).decode() == text
    except (binascii.Error, ValueError):
        return None
    is_whole = part.startswith(_VERSION) and len(found) == hashlib.sha256().digest_size
    return found if is_whole and is_canonical else None
