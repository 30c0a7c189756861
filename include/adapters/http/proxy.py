"""An outgoing web proxy, as some networks demand one: a tunnel, so TLS still ends at the host.

Set per connection; the environment's ``HTTPS_PROXY`` counts for nothing, since a write must go the
way that the connection says. Plain http is for this machine or a private network and goes direct.
"""

import base64
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from include.domain.errors import Rejected

_PORT = 3128


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where the tunnel begins, and what opens it."""

    host: str
    port: int
    login: str = ""
    password: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """The whole of it, as requests takes it: a secret where it has a password."""
        who = f"{quote(self.login, safe='')}:{quote(self.password, safe='')}@" if self.login else ""
        return f"http://{who}{self.host}:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        if not self.login:
            return {}
        both = base64.b64encode(f"{self.login}:{self.password}".encode()).decode("ascii")
        return {"Proxy-Authorization": f"Basic {both}"}


def read_proxy(address: str, login: str, password: str, where: str) -> Proxy | None:
    """Read ``http://host[:port]``; '' is none.

    Raises:
        Rejected: it is not that, or holds a password, which has a field of its own. It is not
            quoted then.
    """
    if not address.strip():
        return None
    try:
        parts = urlsplit(address.strip())
        port = parts.port or _PORT
    except ValueError:
        parts, port = urlsplit(""), 0
    is_plain = not (parts.path.strip("/") or parts.query or "@" in parts.netloc)
    if parts.scheme != "http" or not parts.hostname or not is_plain:
        raise Rejected(
            "the field proxy cannot be read",
            where,
            "Write it like http://proxy.example:3128; a login has the fields proxy_login and "
            "proxy_password.",
        )
    return Proxy(parts.hostname, port, login, password)
