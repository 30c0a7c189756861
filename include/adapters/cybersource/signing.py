"""Sign requests to Cybersource: JWT by default, HTTP Signature by setting.

Source: Cybersource reference, section 1, read 2026-11-23. The vendor retires HTTP Signature in
September 2026; the same key id and secret sign a JWT with HS256. With MetaKey the portfolio
signs and the transacting merchant is named beside it.

The signed text is taken from the prepared request, the very bytes that will be sent: a body
serialized again after the digest is the usual cause of "authentication failed".
"""

import base64
import binascii
import hashlib
import hmac
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from requests import PreparedRequest
from requests.auth import AuthBase

from include.domain.errors import Rejected

Now = Callable[[], datetime]
JWT_LIFETIME_S = 120
_BODY_VERBS = ("POST", "PUT", "PATCH")
_FEWEST_KEY_BYTES = 16


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who transacts, and who signs for it."""

    merchant_id: str
    portfolio_id: str = ""  # MetaKey: the portfolio's key signs for its merchants

    @property
    def signer_id(self) -> str:
        return self.portfolio_id or self.merchant_id


def host_of(url: str) -> str:
    """Return the Host header a client sends: the port only where it is not the scheme's own."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return host if parts.port in (None, usual) else f"{host}:{parts.port}"


def body_bytes(prepared: PreparedRequest) -> bytes:
    body = prepared.body
    if isinstance(body, str):
        return body.encode()
    if body is None or isinstance(body, bytes):
        return body or b""
    raise ValueError("a signed body must be bytes, because it is read twice")


def body_digest(prepared: PreparedRequest) -> str | None:
    """Return base64 of the body's SHA-256; ``None`` for verbs that carry no body."""
    if (prepared.method or "").upper() not in _BODY_VERBS:
        return None
    return base64.b64encode(hashlib.sha256(body_bytes(prepared)).digest()).decode()


@dataclass(frozen=True, slots=True)
class HttpSignature(AuthBase):
    """HMAC-SHA256 over host, date, target, digest and signer; reference, section 1.1."""

    identity: Identity
    key_id: str
    secret: bytes = field(repr=False)
    now: Now = utc_now

    def __call__(self, prepared: PreparedRequest) -> PreparedRequest:
        host, digest = host_of(prepared.url or ""), body_digest(prepared)
        date = format_datetime(self.now().astimezone(UTC), usegmt=True)
        target = f"{(prepared.method or '').lower()} {prepared.path_url}"
        rows = {"host": host, "date": date, "request-target": target}
        if digest is not None:
            rows["digest"] = f"SHA-256={digest}"
            prepared.headers["Digest"] = rows["digest"]
        rows["v-c-merchant-id"] = self.identity.signer_id
        text = "\n".join(f"{name}: {value}" for name, value in rows.items())
        signature = base64.b64encode(
            hmac.new(self.secret, text.encode(), hashlib.sha256).digest()
        ).decode()
        prepared.headers["Host"], prepared.headers["Date"] = host, date
        prepared.headers["v-c-merchant-id"] = self.identity.merchant_id
        prepared.headers["Signature"] = (
            f'keyid="{self.key_id}", algorithm="HmacSHA256", '
            f'headers="{" ".join(rows)}", signature="{signature}"'
        )
        return prepared


@dataclass(frozen=True, slots=True)
class JwtBearer(AuthBase):
    """A token per request, good for two minutes; reference, section 1.2.

    ``key`` is the decoded shared secret (HS256) or the private key of a P12 (RS256).
    """

    identity: Identity
    key_id: str
    key: bytes | RSAPrivateKey = field(repr=False)
    now: Now = utc_now
    new_id: Callable[[], str] = lambda: str(uuid.uuid4())

    def __call__(self, prepared: PreparedRequest) -> PreparedRequest:
        issued, digest = int(self.now().timestamp()), body_digest(prepared)
        claims: dict[str, str | int] = {
            "iat": issued,
            "exp": issued + JWT_LIFETIME_S,
            "iss": self.identity.signer_id,
            "jti": self.new_id(),
            "request-host": host_of(prepared.url or ""),
            "request-method": (prepared.method or "").upper(),
            "request-resource-path": prepared.path_url,
            "v-c-jwt-version": "2",
            "v-c-merchant-id": self.identity.merchant_id,
        }
        if digest is not None:
            claims |= {"digest": digest, "digestAlgorithm": "SHA-256"}
        token = jwt.encode(
            dict(sorted(claims.items())),  # the vendor's own serializer sorts, too
            self.key,
            algorithm="HS256" if isinstance(self.key, bytes) else "RS256",
            headers={"kid": self.key_id},
        )
        prepared.headers["Host"] = host_of(prepared.url or "")
        prepared.headers["Authorization"] = f"Bearer {token}"
        return prepared


def decode_secret(text: str, where: str) -> bytes:
    """Decode the shared secret the vendor shows as base64.

    Raises:
        Rejected: blank, not base64, or too short to be a key. The value is not shown.
    """
    try:
        secret = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) < _FEWEST_KEY_BYTES:
        raise Rejected(
            "the shared secret is not the base64 text of a key",
            where,
            "Copy it again from the vendor's key management page, without blanks or line breaks.",
        )
    return secret


def open_p12(data: bytes, passphrase: str, where: str) -> tuple[str, RSAPrivateKey]:
    """Return key id and private key of a P12: the ``serialNumber`` in the subject is the key id.

    Raises:
        Rejected: wrong passphrase, damaged file, no RSA key, or no serial number.
    """
    do = "Make a new P12 on the vendor's key management page and enter its passphrase."
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(data, passphrase.encode() or None)
    except ValueError:  # its own text may quote the input
        key, certificate = None, None
    if not isinstance(key, RSAPrivateKey) or certificate is None:
        raise Rejected("the P12 does not open with this passphrase, or has no RSA key", where, do)
    numbers = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    if len(numbers) != 1:
        raise Rejected("the P12's certificate names no serial number", where, do)
    return str(numbers[0].value), key
