"""One request over one fresh connection: urllib3's own connection, without pool or session.

Requests' session and urllib3's pool would spell every address anew, letter by letter, and read the
trusted certificates for every call; neither is of use to a connection that serves once.
"""

import ssl
from functools import cache
from http.client import HTTPS_PORT
from pathlib import Path
from urllib.parse import urlsplit

import certifi
import requests
from requests.structures import CaseInsensitiveDict
from urllib3 import BaseHTTPResponse
from urllib3.connection import HTTPConnection
from urllib3.util.ssl_ import create_urllib3_context

from include.adapters.http.proxy import Proxy
from include.adapters.http.redact import hide_library_addresses
from include.adapters.http.watch import Watch, WatchedHTTPConnection, WatchedHTTPSConnection
from include.adapters.http.wire import Request

_ALWAYS = {"Accept-Encoding": "gzip", "User-Agent": "tieout"}


def prepared(request: Request) -> requests.PreparedRequest:
    """Return what is sent: the URL exactly as it is, since we encoded it, and it may be signed."""
    outgoing = requests.PreparedRequest()
    outgoing.method, outgoing.url = request.method, request.url
    outgoing.headers = CaseInsensitiveDict({**_ALWAYS, **request.headers})
    outgoing.body = request.body
    return outgoing if request.auth is None else request.auth(outgoing)


def connect_to(url: str, watch: Watch, ca_bundle: str, proxy: Proxy | None) -> HTTPConnection:
    """Return a connection that is made when the request is sent, and that asks the watch first.

    ``proxy``: https goes through its tunnel.

    Raises:
        OSError: the trusted certificates cannot be read.
    """
    hide_library_addresses()
    parts, stall_s = urlsplit(url), watch.limits.stall_s
    host = parts.hostname or ""
    if parts.scheme == "http":
        return WatchedHTTPConnection(host, parts.port, timeout=stall_s, watch=watch)
    trust = _trust(ca_bundle or certifi.where())
    first = (host, parts.port) if proxy is None else (proxy.host, proxy.port)
    made = WatchedHTTPSConnection(*first, timeout=stall_s, ssl_context=trust, watch=watch)
    if proxy is not None:
        made.set_tunnel(host, parts.port or HTTPS_PORT, proxy.headers)
    return made


def send(
    connection: HTTPConnection, outgoing: requests.PreparedRequest, watch: Watch
) -> BaseHTTPResponse:
    """Send and return the answer's status and headers; its body is still on the wire.

    Raises:
        OSError, http.client.HTTPException: as ``transport.WIRE_FAULTS`` says.
    """
    parts = urlsplit(str(outgoing.url))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(
            str(outgoing.method),
            target,
            body=outgoing.body,
            headers=outgoing.headers,
            preload_content=False,
            decode_content=False,
        )
    except (BrokenPipeError, ConnectionResetError):
        # A server may answer before it has read all, and hang up: the answer counts. Before the
        # first byte, e.g. in the handshake, there is nothing that it could answer.
        if not watch.has_written:
            raise
    return connection.getresponse()


def _trust(bundle: str) -> ssl.SSLContext:
    """Return the context of a bundle, read anew only once the file has changed."""
    return _read_trust(bundle, Path(bundle).stat().st_mtime_ns)


@cache
def _read_trust(bundle: str, _changed_at: int) -> ssl.SSLContext:
    found = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    found.check_hostname = True
    if Path(bundle).is_dir():
        found.load_verify_locations(capath=bundle)
    else:
        found.load_verify_locations(cafile=bundle)
    return found
