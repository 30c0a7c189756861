"""The fields of shop and callback connections, checked before anything is sent."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from include.adapters.http.proxy import Proxy, read_proxy
from include.adapters.http.transport import check_address
from include.adapters.http.wire import MIB, Limits
from include.domain.errors import Rejected
from include.services.effects.ports import Timings

S = TypeVar("S", bound="Connection")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What all connections of this package hold. Secrets do not show in ``repr``."""

    conn_id: str
    base_url: str  # without a final slash
    connect_s: float = 3.0
    stall_s: float = 20.0
    deadline_s: float = 30.0  # of one exchange
    quiescence_s: float = 120.0  # Q: absent counts only so long after a send
    look_gap_s: float = 30.0
    max_sends: int = 3
    allow_plain_http: bool = False
    ca_bundle: str = ""

    def __post_init__(self) -> None:
        self.demand("connect_s is at most deadline_s", 0 < self.connect_s <= self.deadline_s)
        self.demand("stall_s is positive", self.stall_s > 0)
        self.demand(
            "quiescence_s exceeds deadline_s by 10 s", self.quiescence_s > self.deadline_s + 10
        )
        self.demand("max_sends is at least 1", self.max_sends >= 1)

    def demand(self, rule: str, holds: bool) -> None:
        """Raise ``Rejected`` where the connection breaks a rule."""
        if not holds:
            raise Rejected(
                f"the connection breaks the rule: {rule}", self.where, "Correct its fields."
            )

    @property
    def where(self) -> str:
        return f"connection {self.conn_id}"

    @property
    def limits(self) -> Limits:
        return Limits(
            connect_s=self.connect_s,
            stall_s=self.stall_s,
            deadline_s=self.deadline_s,
            max_wire_bytes=32 * MIB,
            max_memory_bytes=32 * MIB,
        )

    def usual_timings(self) -> Timings:
        """What the effects engine waits for, by the fields of the connection."""
        return Timings(
            deadline=timedelta(seconds=self.deadline_s),
            quiescence=timedelta(seconds=self.quiescence_s),
            look_gap=timedelta(seconds=self.look_gap_s),
            max_sends=self.max_sends,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSettings(Connection):
    """A shop. ``key`` and ``secret`` are WooCommerce's pair, or '' and a bearer token."""

    key: str = ""
    secret: str = field(repr=False)
    shop_id: str  # our name of the shop, as in the mappings
    page_size: int = 100
    webhook_secret: str = field(default="", repr=False)
    old_webhook_secret: str = field(default="", repr=False)  # still valid during a change
    webhook_url: str = ""  # WooCommerce: of our receiver, as the shop reaches it; '' leaves them be
    shape: str = ""  # generic shop: a file that replaces the shipped shape
    proxy: str = ""  # http://host:port of a web proxy; '' is direct
    proxy_login: str = ""
    proxy_password: str = field(default="", repr=False)

    @property
    def tunnel(self) -> Proxy | None:
        """Where https goes through. Raises ``Rejected``: ``proxy`` cannot be read."""
        return read_proxy(self.proxy, self.proxy_login, self.proxy_password, self.where)

    def __post_init__(self) -> None:
        Connection.__post_init__(self)
        self.demand("shop_id is set", bool(self.shop_id))
        self.demand("the password is set", bool(self.secret))
        self.demand("page_size is 1 to 100", 1 <= self.page_size <= 100)
        if self.webhook_url:
            ends = f"/v1/webhooks/woocommerce/{self.shop_id}"
            check_address(self.webhook_url, self.allow_plain_http)
            self.demand(f"webhook_url ends with {ends}", self.webhook_url.endswith(ends))
            self.demand("webhook_url needs webhook_secret, which signs", bool(self.webhook_secret))

    @property
    def timings(self) -> Timings:
        """What the effects engine waits for with this shop."""
        return self.usual_timings()

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        return tuple(s for s in (self.webhook_secret, self.old_webhook_secret) if s)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackSettings(Connection):
    """Where a shop's own server takes events, and which addresses may be called at all."""

    secret: str = field(repr=False)  # whsec_...
    old_secret: str = field(default="", repr=False)  # signs too, while the receiver changes over
    ports: str = "443"  # separated by blanks or |
    hosts: str = ""  # further hosts that an order may name; '' permits the connection's own only
    allow_local: bool = False  # loopback and private addresses; for a sandbox
    deadline_s: float = 15.0
    quiescence_s: float = 60.0
    max_sends: int = 8

    def __post_init__(self) -> None:
        Connection.__post_init__(self)
        numbers = self.ports.replace("|", " ").split()
        is_port = all(n.isascii() and n.isdigit() and 0 < int(n) < 65536 for n in numbers)
        self.demand("ports are numbers", bool(numbers) and is_port)

    @property
    def port_numbers(self) -> frozenset[int]:
        return frozenset(int(n) for n in self.ports.replace("|", " ").split())

    @property
    def host_names(self) -> frozenset[str]:
        own = (urlsplit(self.base_url).hostname or "").casefold()
        return frozenset({own, *self.hosts.replace("|", " ").casefold().split()})

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(s for s in (self.secret, self.old_secret) if s)

    @property
    def timings(self) -> Timings:
        """Nobody is asked before the first send, and the receiver's yes is the read-back."""
        return replace(self.usual_timings(), verify_after=timedelta(0), looks_first=False)


_FIXED = frozenset({"conn_id", "base_url", "key", "secret"})


def settings_from(
    kind: type[S],
    conn_id: str,
    host: str,
    port: int | None,
    login: str,
    password: str,
    extra: Mapping[str, object],
) -> S:
    """Read the fields of an Airflow connection; a blank keeps the default.

    Raises:
        Rejected: a field is missing, unknown or unusable. No secret is quoted.
    """
    where = f"connection {conn_id}"
    known = {f.name: f for f in fields(kind) if f.name not in _FIXED}
    given: dict[str, Any] = {}
    for name, value in extra.items():
        if name not in known:
            near = difflib.get_close_matches(name, list(known), 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(sorted(known))}."
            raise Rejected(f"the extra field {name!r} is unknown", where, hint)
        if value is not None and str(value).strip():
            given[name] = _convert(name, known[name].type, value, where)
    if "key" in {f.name for f in fields(kind)}:
        given["key"] = login.strip()
    if "shop_id" in known:
        given.setdefault("shop_id", "")
    given |= {"conn_id": conn_id, "base_url": base_url(host, port, where)}
    return kind(**given, secret=password.strip())  # type: ignore[call-arg]  # both kinds have it


def _convert(name: str, kind: object, value: object, where: str) -> object:
    text = str(value).strip()
    try:
        if kind is bool:
            words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
            return words[text.lower()]
        if kind is int:
            return int(text.removesuffix(".0"))  # the form hands numbers on as 100.0
        if kind is float:
            return float(text)
    except (KeyError, ValueError):
        raise Rejected(
            f"the value of {name!r} does not fit", where, "Correct the connection's field."
        ) from None
    return text


def base_url(host: str, port: int | None, where: str) -> str:
    """Join host, port and path of a connection; https unless the host says otherwise.

    Raises:
        Rejected: no host, a query or a user part in it, or two ports.
    """
    address = host.strip().rstrip("/")
    address = address if "://" in address else f"https://{address}"
    try:
        parts = urlsplit(address)
        own_port = parts.port
    except ValueError:
        parts, own_port = urlsplit(""), None
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise Rejected("the host is no plain address", where, "Write e.g. https://shop.example.")
    if own_port and port and own_port != port:
        raise Rejected(f"host says port {own_port}, port says {port}", where, "Keep one.")
    netloc = parts.netloc if own_port or not port else f"{parts.netloc}:{port}"
    return f"{parts.scheme}://{netloc}{parts.path}"
