"""Who calls: HTTP Signature and JWT checked as the vendor describes them.

Source: the vendor's getting-started pages on HTTP signature and JSON web tokens, and what its
Python SDK sends. How far a date may be off is not published; five minutes are assumed here.
"""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import jwt
from jwt.types import Options

from include.sandbox.cybersource.credentials import Keyring
from include.sandbox.server import Request

CLOCK_S = 300
_BODY_METHODS = ("POST", "PUT", "PATCH")
_FIELD = re.compile(r'(\w+)="([^"]*)"')
# Times and audience are checked here, by rules that are not the library's.
_OFF: Options = {"verify_exp": False, "verify_iat": False, "verify_aud": False, "verify_jti": False}
_JTI = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Refused(Exception):
    """The call is not authenticated; the text is for the sandbox's log only."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller: the merchant it acts for and all it may act for."""

    merchant: str
    merchants: tuple[str, ...]
    organization: str = ""  # whose key it is: a merchant's, or a portfolio's


class Gate:
    """Checks signatures.

    Args:
        keyring: the keys to accept.
        now: seconds since the epoch.
    """

    def __init__(self, keyring: Keyring, now: Callable[[], float] = time.time) -> None:
        self._keyring = keyring
        self._now = now

    def check(self, request: Request) -> Caller:
        """Return who calls.

        Raises:
            Refused: no signature, or one that does not hold.
        """
        authorization = request.headers.get("authorization", "")
        if authorization.startswith("Bearer "):
            return self._check_token(request, authorization.removeprefix("Bearer ").strip())
        if "signature" in request.headers:
            return self._check_signature(request)
        raise Refused("neither Signature nor Bearer token")

    def _check_signature(self, request: Request) -> Caller:
        fields = dict(_FIELD.findall(request.headers["signature"]))
        key = self._keyring.shared(fields.get("keyid", ""))
        if key is None:
            raise Refused("unknown keyid")
        if fields.get("algorithm") != "HmacSHA256":
            raise Refused("algorithm is not HmacSHA256")
        names = fields.get("headers", "").split(" ")
        if names != _signed_names(request.method):
            raise Refused(f"signed headers are {names}")
        merchant = request.headers.get("v-c-merchant-id", "")
        if merchant not in key.merchants:
            raise Refused("the key does not belong to v-c-merchant-id")
        self._check_date(request.headers.get("date", ""))
        if request.method in _BODY_METHODS:
            expected = "SHA-256=" + _digest(request.body)
            if not _equal(request.headers.get("digest", ""), expected):
                raise Refused("Digest differs from the body")
        lines = _signing_text(request, names, key.owner)
        wanted = hmac.new(key.secret, lines.encode(), hashlib.sha256).digest()
        if not _equal(fields.get("signature", ""), base64.b64encode(wanted).decode()):
            raise Refused("signature differs")
        return Caller(merchant, key.merchants, key.owner)

    def _check_date(self, text: str) -> None:
        try:
            seconds = parsedate_to_datetime(text).timestamp()
        except (ValueError, TypeError) as problem:
            raise Refused("Date is unreadable") from problem
        if abs(seconds - self._now()) > CLOCK_S:
            raise Refused("Date is too far off")

    def _check_token(self, request: Request, token: str) -> Caller:
        claims, owner, merchants = self._verified(token)
        now = self._now()
        issued, expires = claims.get("iat"), claims.get("exp")
        if not isinstance(issued, int) or not isinstance(expires, int):
            raise Refused("iat and exp are needed")
        if expires < now or issued > now + CLOCK_S or issued < now - CLOCK_S:
            raise Refused("token is expired or from the future")
        if not _JTI.fullmatch(str(claims.get("jti", ""))):
            raise Refused("jti is not a UUID")
        _check_claims(claims, request)
        merchant = str(claims.get("v-c-merchant-id", ""))
        if claims.get("iss") != owner or merchant not in merchants:
            raise Refused("iss or v-c-merchant-id does not fit the key")
        return Caller(merchant, merchants, owner)

    def _verified(self, token: str) -> tuple[Mapping[str, object], str, tuple[str, ...]]:
        """Return the claims of a token whose signature holds, and whose key it is."""
        try:
            header = jwt.get_unverified_header(token)
            name, algorithm = str(header.get("kid", "")), header.get("alg")
            shared, certificate = self._keyring.shared(name), self._keyring.certificate(name)
            if algorithm == "HS256" and shared:
                claims = jwt.decode(token, shared.secret, algorithms=["HS256"], options=_OFF)
                return claims, shared.owner, shared.merchants
            if algorithm == "RS256" and certificate:
                merchant, public = certificate
                claims = jwt.decode(token, public, algorithms=["RS256"], options=_OFF)
                return claims, merchant, (merchant,)
        except (jwt.PyJWTError, ValueError, TypeError) as problem:
            raise Refused("token does not hold") from problem
        raise Refused("unknown kid or algorithm")


def _check_claims(claims: Mapping[str, object], request: Request) -> None:
    host = request.headers.get("host", "")
    if claims.get("request-method") != request.method:
        raise Refused("request-method differs")
    if claims.get("request-resource-path") != request.target:
        raise Refused("request-resource-path differs")
    if claims.get("request-host") not in (host, host.rpartition(":")[0] or host):
        raise Refused("request-host differs")
    if claims.get("v-c-jwt-version") != "2":
        raise Refused("v-c-jwt-version is not 2")
    if request.method not in _BODY_METHODS:
        return
    if claims.get("digestAlgorithm") != "SHA-256":
        raise Refused("digestAlgorithm is not SHA-256")
    if not _equal(str(claims.get("digest", "")), _digest(request.body)):
        raise Refused("digest differs from the body")


def _signed_names(method: str) -> list[str]:
    names = ["host", "date", "request-target", "digest", "v-c-merchant-id"]
    return names if method in _BODY_METHODS else [name for name in names if name != "digest"]


def _signing_text(request: Request, names: list[str], owner: str) -> str:
    """Return the lines under the signature; a portfolio signs its own id, not the header's."""
    values = {
        "request-target": f"{request.method.lower()} {request.target}",
        "v-c-merchant-id": owner,
    }
    return "\n".join(f"{n}: {values.get(n, request.headers.get(n, ''))}" for n in names)


def _digest(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def _equal(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())
