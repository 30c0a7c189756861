"""Who is calling WooCommerce: OAuth 1.0a over plain http, keys over https.

Source: WooCommerce's REST documentation, "Authentication over HTTP", and RFC 5849. https is what
a proxy in front says by ``X-Forwarded-Proto``; this server itself speaks plain http.
"""

import base64
import binascii
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from include.sandbox.server import Request
from include.sandbox.shop.errors import unauthorized

WINDOW_S = 15 * 60
_NEEDED = (
    "oauth_consumer_key",
    "oauth_timestamp",
    "oauth_nonce",
    "oauth_signature",
    "oauth_signature_method",
)
_HASHES = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An invented key; ``permissions`` is read, write or read_write."""

    key: str
    secret: str
    permissions: str


def make_key(name: str, permissions: str) -> ApiKey:
    """Derive a key from a name; worth nothing anywhere."""
    return ApiKey(
        "ck_" + hashlib.sha256(f"tieout-sandbox-{name}-key".encode()).hexdigest()[:40],
        "cs_" + hashlib.sha256(f"tieout-sandbox-{name}-secret".encode()).hexdigest()[:40],
        permissions,
    )


class Gate:
    """Checks every call; remembers nonces for the length of the window."""

    def __init__(self, keys: tuple[ApiKey, ...], clock: Callable[[], float] = time.time) -> None:
        self._keys = {key.key: key for key in keys}
        self._clock = clock
        self._nonces: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def check(self, request: Request) -> ApiKey:
        """Return the key of the caller.

        Raises:
            WooError: 401.
        """
        is_https = request.headers.get("x-forwarded-proto", "").casefold() == "https"
        key = self._by_secret(request) if is_https else self._by_oauth(request)
        verb = "read" if request.method in ("GET", "HEAD", "OPTIONS") else "write"
        if key.permissions not in (verb, "read_write"):
            raise unauthorized(f"The API key provided does not have {verb} permissions.")
        return key

    def _by_secret(self, request: Request) -> ApiKey:
        name, secret = request.query.get("consumer_key"), request.query.get("consumer_secret")
        if not (name and secret):
            name, secret = _basic(request.headers.get("authorization", ""))
        key = self._keys.get(name)
        if not name or key is None:
            raise _anonymous(request)
        if not hmac.compare_digest(key.secret.encode(), secret.encode()):
            raise unauthorized("Consumer Secret is invalid.")
        return key

    def _by_oauth(self, request: Request) -> ApiKey:
        params = _oauth_params(request)
        missing = [name for name in _NEEDED if not params.get(name)]
        if len(missing) == len(_NEEDED):
            raise _anonymous(request)
        if missing:
            code = "woocommerce_rest_authentication_missing_parameter"
            raise unauthorized(f"Missing OAuth parameters {', '.join(missing)}", code)
        key = self._keys.get(params["oauth_consumer_key"])
        if key is None:
            raise unauthorized("Consumer key is invalid.")
        method = params["oauth_signature_method"]
        if method not in _HASHES:
            raise unauthorized("Invalid signature - signature method is invalid.")
        made = sign(request, params, key.secret, method)
        if not hmac.compare_digest(made.encode(), params["oauth_signature"].encode()):
            raise unauthorized("Invalid signature - provided signature does not match.")
        self._demand_fresh(key, params["oauth_timestamp"], params["oauth_nonce"])
        return key

    def _demand_fresh(self, key: ApiKey, timestamp: str, nonce: str) -> None:
        now = self._clock()
        is_number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 15
        if not is_number or abs(int(timestamp) - now) > WINDOW_S:
            raise unauthorized("Invalid timestamp.")
        with self._lock:
            if self._nonces.get((key.key, nonce), 0) > now - WINDOW_S:
                raise unauthorized("Invalid nonce - nonce has already been used.")
            self._nonces[key.key, nonce] = now
            while next(iter(self._nonces.values())) <= now - WINDOW_S:  # oldest first
                del self._nonces[next(iter(self._nonces))]


def sign(request: Request, params: Mapping[str, str], secret: str, method: str) -> str:
    """Return the signature that the parameters should carry, base64."""
    address = f"http://{request.headers.get('host', '')}{urlsplit(request.target).path}"
    pairs = sorted((k, v) for k, v in params.items() if k != "oauth_signature")
    joined = "&".join(f"{_encode(name)}={_encode(value)}" for name, value in pairs)
    base = "&".join(quote(part, safe="") for part in (request.method, address, joined))
    made = hmac.new(f"{secret}&".encode(), base.encode(), _HASHES[method]).digest()
    return base64.b64encode(made).decode()


def _encode(text: str) -> str:
    # A parameter may come encoded already: decode, then encode again by RFC 3986.
    return quote(unquote(text), safe="~")


def _oauth_params(request: Request) -> dict[str, str]:
    found = dict(parse_qsl(urlsplit(request.target).query, keep_blank_values=True))
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.casefold() == "oauth":
        for part in rest.split(","):
            name, _, value = part.strip().partition("=")
            if name.startswith("oauth_"):
                found[name] = unquote(value.strip('"'))
    return found


def _basic(header: str) -> tuple[str, str]:
    scheme, _, value = header.partition(" ")
    try:
        text = base64.b64decode(value, validate=True).decode() if scheme == "Basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    name, _, secret = text.partition(":")
    return name, secret


def _anonymous(request: Request) -> Exception:
    if request.method == "GET":
        return unauthorized("Sorry, you cannot list resources.", "woocommerce_rest_cannot_view")
    return unauthorized(
        "Sorry, you are not allowed to create resources.", "woocommerce_rest_cannot_create"
    )
