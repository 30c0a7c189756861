"""Who is at the other end: the socket's peer, or whom a proxy of ours says it speaks for.

Anybody can write ``X-Forwarded-For``. It is read where the peer is a trusted proxy, and from its
end: each proxy appends whom it heard, so that what stands before a stranger is the stranger's word.
"""

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from starlette.requests import Request
from starlette.types import Scope

from include.domain.errors import Rejected

Network = IPv4Network | IPv6Network
_HEADER = b"x-forwarded-for"
_NOBODY = "-"  # a socket of this machine has no address
_WITH_PORT = re.compile(r"\[(.+)\](?::[0-9]+)?|([0-9.]+):[0-9]+")


def networks_of(text: str, where: str) -> tuple[Network, ...]:
    """Read addresses and networks with commas between.

    Raises:
        Rejected: one is none, or has bits set outside its network.
    """
    try:
        return tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())
    except ValueError as fault:
        raise Rejected(f"{where} is {text!r}: {fault}", "the environment", _SAMPLE) from None


_SAMPLE = "Addresses or networks of your proxies, e.g. 10.1.2.3,10.9.0.0/16."


def address_of(scope: Scope, trusted: Sequence[Network]) -> str:
    """Return the address of who sent a request, as text; ``-`` where there is none."""
    peer = scope.get("client")
    if not peer:
        return _NOBODY
    found = str(peer[0])
    if not trusted or not _is_among(_parse(found), trusted):
        return found
    for name in reversed(_forwarded(scope)):
        address = _parse(name)
        if address is None:
            break  # no address: the proxy that passed it on is the last we know
        found = str(address)
        if not _is_among(address, trusted):
            break
    return found


def sender_of(request: Request) -> str:
    """Return what the outermost layer has noted of a request; see ``guard``."""
    state: Mapping[str, Any] = request.scope.get("state", {})
    return str(state.get("address", _NOBODY))


def _forwarded(scope: Scope) -> list[str]:
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == _HEADER]
    return [one.strip() for one in ",".join(lines).split(",")] if lines else []


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address, with or without a port; IPv4 written as IPv6 is IPv4.

    The zone of an IPv6 address goes: it may be any text, and we tell no stranger's text.
    """
    if found := _WITH_PORT.fullmatch(text):
        text = found[1] or found[2]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_among(address: IPv4Address | IPv6Address | None, trusted: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in trusted)
