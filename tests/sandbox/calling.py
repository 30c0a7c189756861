"""A client of the sandbox's Cybersource that signs by the vendor's recipe, written for tests."""

import base64
import hashlib
import hmac
import time
import uuid
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import jwt

from include.sandbox.cybersource import CybersourceApp
from include.sandbox.server import Request, Response

HOST = "sandbox.test:18080"
KEY_IDS = {
    "acme_us": "6d75ffad-ed36-4b2f-9f5a-sandbox0001",
    "acme_uk": "6d75ffad-ed36-4b2f-9f5a-sandbox0002",
    "acme_jp": "6d75ffad-ed36-4b2f-9f5a-sandbox0003",
    "acme_portfolio": "6d75ffad-ed36-4b2f-9f5a-sandbox0009",
}


def secret(owner: str) -> bytes:
    return hashlib.sha256(f"tieout-sandbox-{owner}".encode()).digest()


def target(path: str, **query: object) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def claims(method: str, wanted: str, merchant: str, body: bytes = b"") -> dict[str, Any]:
    now = int(time.time())
    found: dict[str, Any] = {
        "iat": now,
        "exp": now + 120,
        "iss": merchant,
        "jti": str(uuid.uuid4()),
        "request-method": method,
        "request-host": HOST,
        "request-resource-path": wanted,
        "v-c-jwt-version": "2",
        "v-c-merchant-id": merchant,
    }
    if method == "POST":
        found["digest"] = base64.b64encode(hashlib.sha256(body).digest()).decode()
        found["digestAlgorithm"] = "SHA-256"
    return found


def token(payload: dict[str, Any], owner: str) -> str:
    return jwt.encode(payload, secret(owner), algorithm="HS256", headers={"kid": KEY_IDS[owner]})


def signature_headers(
    method: str, wanted: str, merchant: str, body: bytes = b"", owner: str = "", date: str = ""
) -> dict[str, str]:
    owner = owner or merchant
    date = date or formatdate(usegmt=True)
    digest = "SHA-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode()
    lines = [f"host: {HOST}", f"date: {date}", f"request-target: {method.lower()} {wanted}"]
    names = "host date request-target v-c-merchant-id"
    if method == "POST":
        lines.append(f"digest: {digest}")
        names = "host date request-target digest v-c-merchant-id"
    lines.append(f"v-c-merchant-id: {owner}")
    made = hmac.new(secret(owner), "\n".join(lines).encode(), hashlib.sha256).digest()
    headers = {
        "host": HOST,
        "date": date,
        "v-c-merchant-id": merchant,
        "signature": f'keyid="{KEY_IDS[owner]}", algorithm="HmacSHA256", headers="{names}", '
        f'signature="{base64.b64encode(made).decode()}"',
    }
    return {**headers, "digest": digest} if method == "POST" else headers


def request(
    method: str, wanted: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> Request:
    parts = urlsplit(wanted)
    return Request(
        method,
        wanted,
        unquote(parts.path),
        dict(parse_qsl(parts.query, keep_blank_values=True)),
        {"host": HOST, **(headers or {})},
        body,
    )


def get(app: CybersourceApp, merchant: str, wanted: str, accept: str = "*/*") -> Response:
    bearer = token(claims("GET", wanted, merchant), merchant)
    headers = {"authorization": f"Bearer {bearer}", "accept": accept}
    return app.handle(request("GET", wanted, headers))


def post(app: CybersourceApp, merchant: str, wanted: str, body: bytes) -> Response:
    bearer = token(claims("POST", wanted, merchant, body), merchant)
    headers = {"authorization": f"Bearer {bearer}", "content-type": "application/json"}
    return app.handle(request("POST", wanted, headers, body))
