"""Check ``v-c-signature``: total, constant in time, and with several keys alive at once.

``t=<milliseconds>;keyId=<id>;sig=<base64>``; sig = HMAC-SHA256(key, ``t`` + ``.`` + payload text).
The signature is never a key against duplicates: it changes with every retry.
Source: Cybersource reference 5.4; reliability reference F8, F16, 3.8.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_LONGEST_HEADER = 1024
_MILLISECONDS = re.compile(r"[0-9]{10,14}")  # 14 digits end in the year 5138
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PARTS = frozenset({"t", "keyId", "sig"})
_DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a notification is theirs, and why not."""

    is_good: bool
    reason: str = ""  # a fixed word, safe to log and to count


def verify(
    header: str | None,
    signed_texts: Sequence[bytes],
    keys: Mapping[str, bytes],
    now: datetime,
    tolerance: timedelta,
) -> Verdict:
    """Judge one notification; never raises on what a stranger sent.

    Args:
        header: ``v-c-signature`` as received; ``None`` if there is none.
        signed_texts: what may have been signed, from ``body.read_body``.
        keys: decoded keys by id; two or more while a key is replaced.
        now: aware.
        tolerance: how far ``t`` may be off, in both directions.
    """
    claim = _read(header)
    if isinstance(claim, str):
        return Verdict(False, claim)
    key_id, milliseconds, signature = claim
    signed_at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(milliseconds))
    if not _matches(keys.get(key_id, b""), milliseconds, signed_texts, signature):
        known = "signature does not match" if keys.get(key_id) else "key id is unknown"
        return Verdict(False, known)
    if abs(now - signed_at) > tolerance:
        age = "too old" if now > signed_at else "from the future"
        return Verdict(False, f"signature is {age}")
    return Verdict(True)


def header_fault(header: str | None) -> str:
    """Say what is wrong with a header by itself, ``""`` if nothing: known before a body is read."""
    claim = _read(header)
    return claim if isinstance(claim, str) else ""


def sign(key: bytes, milliseconds: int, text: bytes) -> str:
    """Return the ``sig`` of a text: for test calls and fixtures."""
    return base64.b64encode(_digest(key, str(milliseconds), text)).decode()


def _digest(key: bytes, milliseconds: str, text: bytes) -> bytes:
    return hmac.new(key, milliseconds.encode() + b"." + text, hashlib.sha256).digest()


def _matches(key: bytes, milliseconds: str, texts: Sequence[bytes], signature: bytes) -> bool:
    """Compare with every text, an unknown key included, so that time tells nothing."""
    found = [
        hmac.compare_digest(_digest(key or b"\0", milliseconds, text), signature) for text in texts
    ]
    return any(found) and bool(key)


def _read(header: str | None) -> tuple[str, str, bytes] | str:
    """Return key id, milliseconds and signature, or the reason why there are none."""
    parts = _split(header)
    if isinstance(parts, str):
        return parts
    signature = _decode(parts["sig"])
    if _MILLISECONDS.fullmatch(parts["t"]) is None:
        return "time is no count of milliseconds"
    if _KEY_ID.fullmatch(parts["keyId"]) is None:
        return "key id is malformed"
    if signature is None:
        return "signature is not base64 of 32 bytes"
    return parts["keyId"], parts["t"], signature


def _split(header: str | None) -> dict[str, str] | str:
    """Return the three parts, or the reason why there are none."""
    if header is None or not header.strip():
        return "no signature header"
    if len(header) > _LONGEST_HEADER or not header.isascii():
        return "signature header is malformed"
    text = header.strip().removesuffix(";").removesuffix('"')  # a printed one ends in '";'
    parts: dict[str, str] = {}
    for part in text.split(";"):
        name, mark, value = part.strip().partition("=")  # the first only: base64 may end in more
        if not mark or name not in _PARTS:
            return "signature header is malformed"
        if name in parts:
            return "signature header repeats a part"
        parts[name] = value
    if parts.keys() != _PARTS:
        missing = sorted(_PARTS - parts.keys())
        return f"signature header lacks {missing[0]}"
    return parts


def _decode(text: str) -> bytes | None:
    """Decode strictly: one signature has one writing."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    is_canonical = base64.b64encode(found).decode() == text
    return found if is_canonical and len(found) == _DIGEST_BYTES else None
