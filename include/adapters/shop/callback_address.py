"""Which addresses a callback may go to: an order can name one, so it may be an attack on us.

Two judgements. ``refuse_url`` reads the text when it is taken in and again before it is called.
``refuse_address`` judges every IP address that the name leads to, in the transport, on the very
address that is then connected to; so a name that changes between check and use gains nothing.
Redirects are never followed. Source: reliability reference, section 3.8; OWASP API7:2023.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

LONGEST = 2000
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)+[a-z][a-z0-9-]{{0,61}}[a-z0-9]")  # the last label: no number
_WORD = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")  # localhost, or a container's name
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class AddressRules:
    """What a connection permits."""

    ports: frozenset[int]
    hosts: frozenset[str]  # in lower case; only these are called
    allow_plain_http: bool = False
    allow_local: bool = False  # loopback and private addresses

    def refuse_url(self, url: str) -> str:
        """Say why a URL must not be called; '' permits it. Never raises."""
        if not isinstance(url, str) or len(url) > LONGEST:
            return "the address is no text or too long"
        if not all("\x21" <= letter <= "\x7e" for letter in url) or "\\" in url or "#" in url:
            return "the address holds a character that does not belong"
        try:
            parts = urlsplit(url)
            port, host = parts.port, (parts.hostname or "").casefold()
        except ValueError:
            return "the address cannot be read"
        if parts.scheme not in ("https", "http"):
            return f"{parts.scheme!r} is not https"
        if parts.scheme == "http" and not self.allow_plain_http:
            return "plain http shows the event to the network"
        if "@" in parts.netloc:
            return "a user part hides which host is meant"
        usual = 443 if parts.scheme == "https" else 80
        if (usual if port is None else port) not in self.ports:
            return "this port is not permitted"
        return self._refuse_host(host)

    def _refuse_host(self, host: str) -> str:
        if not host:
            return "there is no host"
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            address = None
        if address is not None:
            if reason := self.refuse_address(host):
                return reason
        elif _NAME.fullmatch(host) is None and not (self.allow_local and _WORD.fullmatch(host)):
            return "the host is no full name"  # 2130706433, 0x7f.1, localhost, intranet
        if host not in self.hosts:
            return "this host is not among those of the connection"  # xn-- look-alikes included
        return ""

    def refuse_address(self, address: str) -> str:
        """Say why an IP address must not be called; '' permits it. Never raises."""
        try:
            found = _real(ipaddress.ip_address(address.partition("%")[0]))
        except ValueError:
            return "this is no IP address"
        is_local = found.is_loopback or (found.is_private and not found.is_link_local)
        if found.is_link_local or found.is_unspecified or found.is_multicast or found.is_reserved:
            return "the name leads to an address that no server has"
        if is_local and self.allow_local:
            return ""
        return "" if found.is_global else "the name leads into a private network"


def _real(address: _IpAddress) -> _IpAddress:
    """Return the IPv4 address inside of an IPv6 one that only wraps it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address
