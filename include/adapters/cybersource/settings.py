"""The fields of a ``cybersource`` connection, checked before anything is sent."""

import base64
import binascii
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from requests.auth import AuthBase

from include.adapters.cybersource.pace import (
    Pace,
    read_pace,
    read_tolerance,
    read_webhook_secrets,
)
from include.adapters.cybersource.signing import (
    HttpSignature,
    Identity,
    JwtBearer,
    Now,
    decode_secret,
    open_p12,
    utc_now,
)
from include.adapters.http.proxy import Proxy, read_proxy
from include.adapters.http.wire import Limits
from include.domain.errors import Rejected

EXTRA_FIELDS = (
    "auth",
    "key_id",
    "portfolio",
    "p12_path",
    "p12_secret_base64",
    "p12_passphrase",
    "connect_s",
    "stall_s",
    "deadline_s",
    "download_deadline_s",
    "authorization_deadline_s",
    "quiescence_s",
    "look_gap_s",
    "max_sends",
    "refused_means_not_accepted",
    "repeats_are_named",
    "webhook_secrets",
    "webhook_tolerance_s",
    "allow_plain_http",
    "ca_bundle",
    "proxy",
    "proxy_login",
    "proxy_password",
)


class AuthKind(StrEnum):
    """How requests are signed; the values are those of the connection form."""

    jwt = "jwt"  # HS256 with the shared secret
    http_signature = "http_signature"
    jwt_p12 = "jwt_p12"  # RS256 with the key of a P12


@dataclass(frozen=True, slots=True)
class Settings:
    """One connection. ``organization_id`` is the transacting merchant."""

    where: str  # "connection cybersource_acme_us", for messages
    base_url: str  # without a final slash
    organization_id: str
    auth: AuthKind
    key_id: str
    secret: str = field(default="", repr=False)  # base64, as the vendor shows it
    portfolio: str = ""
    p12_path: str = ""
    p12_base64: str = field(default="", repr=False)
    p12_passphrase: str = field(default="", repr=False)
    calls: Limits = field(default_factory=lambda: Limits(deadline_s=30.0))
    downloads: Limits = field(default_factory=lambda: Limits(deadline_s=900.0))
    authorizations: Limits = field(default_factory=lambda: Limits(deadline_s=20.0))
    pace: Pace = field(default_factory=lambda: Pace())
    # 429 and 503 are unknown outcomes, until the vendor documents them as "not accepted".
    refused_means_not_accepted: bool = False
    # Of an authorization: a repeated transactionId is refused by its name, so that INVALID_DATA
    # without any name is a no at once. Until measurement P1 shows it, both are looked for.
    repeats_are_named: bool = False
    webhook_secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)  # by key id
    webhook_tolerance_s: float = 3600.0  # the official samples' 60 minutes
    allow_plain_http: bool = False
    ca_bundle: str = ""
    proxy: Proxy | None = None

    @classmethod
    def from_connection(
        cls,
        conn_id: str,
        host: str,
        port: int | None,
        login: str,
        password: str,
        extra: Mapping[str, object],
    ) -> "Settings":
        """Read the fields of an Airflow connection.

        Raises:
            Rejected: a field is missing, unknown or unusable. No secret is quoted.
        """
        where = f"connection {conn_id}"
        _refuse_unknown(extra, where)
        text = {name: str(value).strip() for name, value in extra.items() if value is not None}
        auth = _one_of(text.get("auth") or "jwt", where)
        demanded = {"host": host, "login (merchant id)": login}
        if auth is AuthKind.jwt_p12:
            demanded["p12_path or p12_secret_base64"] = text.get("p12_path", "") + text.get(
                "p12_secret_base64", ""
            )
        else:
            demanded |= {"password (shared secret)": password, "key_id": text.get("key_id", "")}
        for name, value in demanded.items():
            if not value:
                raise Rejected(f"the field {name} is empty", where, "Fill it in.")
        return cls(
            where=where,
            base_url=base_url(host, port, where),
            organization_id=login.strip(),
            auth=auth,
            key_id=text.get("key_id", ""),
            secret=password.strip() if password else "",
            portfolio=text.get("portfolio", ""),
            p12_path=text.get("p12_path", ""),
            p12_base64=text.get("p12_secret_base64", ""),
            p12_passphrase=text.get("p12_passphrase", ""),
            calls=_limits(text, "deadline_s", 30.0, where),
            downloads=_limits(text, "download_deadline_s", 900.0, where),
            authorizations=_limits(text, "authorization_deadline_s", 20.0, where),
            pace=read_pace(text, where),
            refused_means_not_accepted=_truth(text, "refused_means_not_accepted", where),
            repeats_are_named=_truth(text, "repeats_are_named", where),
            webhook_secrets=read_webhook_secrets(text.get("webhook_secrets", ""), where),
            webhook_tolerance_s=read_tolerance(text.get("webhook_tolerance_s", ""), where),
            allow_plain_http=_truth(text, "allow_plain_http", where),
            ca_bundle=text.get("ca_bundle", ""),
            proxy=read_proxy(
                text.get("proxy", ""),
                text.get("proxy_login", ""),
                text.get("proxy_password", ""),
                where,
            ),
        )

    def signer(self, now: Now = utc_now) -> AuthBase:
        """Return what signs each request.

        Raises:
            Rejected: secret or P12 cannot be used.
        """
        identity = Identity(self.organization_id, self.portfolio)
        if self.auth is AuthKind.http_signature:
            return HttpSignature(identity, self.key_id, decode_secret(self.secret, self.where), now)
        if self.auth is AuthKind.jwt:
            return JwtBearer(identity, self.key_id, decode_secret(self.secret, self.where), now)
        key_id, key = open_p12(self._p12(), self.p12_passphrase, self.where)
        return JwtBearer(identity, self.key_id or key_id, key, now)

    def _p12(self) -> bytes:
        try:
            if self.p12_base64:
                return base64.b64decode(self.p12_base64, validate=True)
            return Path(self.p12_path).read_bytes()
        except (binascii.Error, ValueError):
            reason = "p12_secret_base64 is not base64"
        except OSError as fault:
            reason = f"the file {self.p12_path!r} cannot be read: {fault.strerror}"
        raise Rejected(reason, self.where, "Correct the field of the connection.")


def base_url(host: str, port: int | None, where: str) -> str:
    """Join host and port of a connection; https unless the host says otherwise.

    Raises:
        Rejected: a path, query or user part in the host, or two ports.
    """
    address = host.strip().rstrip("/")
    address = address if "://" in address else f"https://{address}"
    try:
        parts = urlsplit(address)
        own_port = parts.port
    except ValueError:
        parts, own_port = urlsplit(""), None
    if not parts.hostname or parts.path or parts.query or "@" in parts.netloc:
        raise Rejected(
            "the host is not a plain host name", where, "Write e.g. apitest.cybersource.com."
        )
    if own_port and port and own_port != port:
        raise Rejected(f"host says port {own_port}, port says {port}", where, "Keep one.")
    return address if own_port or not port else f"{address}:{port}"


def _refuse_unknown(extra: Mapping[str, object], where: str) -> None:
    for name in extra:
        if name not in EXTRA_FIELDS:
            near = difflib.get_close_matches(name, EXTRA_FIELDS, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(EXTRA_FIELDS)}."
            raise Rejected(f"the extra field {name!r} is unknown", where, hint)


def _one_of(value: str, where: str) -> AuthKind:
    try:
        return AuthKind(value)
    except ValueError:
        words = ", ".join(kind.value for kind in AuthKind)
    raise Rejected(f"auth {value!r} is unknown", where, f"Choose one of {words}.")


def _truth(text: Mapping[str, str], name: str, where: str) -> bool:
    value = text.get(name, "").lower()
    if value in ("", "false", "no", "0"):
        return False
    if value in ("true", "yes", "1"):
        return True
    raise Rejected(f"{name} {value!r} is not yes or no", where, "Write true or false.")


def _limits(text: Mapping[str, str], deadline: str, usual: float, where: str) -> Limits:
    try:
        return Limits(
            connect_s=float(text.get("connect_s") or 3.0),
            stall_s=float(text.get("stall_s") or 30.0),
            deadline_s=float(text.get(deadline) or usual),
        )
    except ValueError:
        reason = f"connect_s, stall_s and {deadline} are not seconds in this order"
    raise Rejected(reason, where, "Write positive seconds; connect_s at most the deadline.")
