"""Plain services through the HTTP provider's ``HttpHook``: bank, acquirer and chat.

The provider's hook sends every unknown key of ``extra`` as a header, has no time-out and logs
whole error bodies (Airflow reference, trap 2). So the key lives in the password of the
connection, limits are explicit, the status is judged here, and the hook is given our adapter for
one exchange, which brings the deadline and the line between 'never sent' and 'unknown'.
"""

import json
import logging
import re
from datetime import date
from typing import Any, BinaryIO
from urllib.parse import quote

from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk import BaseHook

from include.adapters.cybersource.client import HeadKeeper
from include.adapters.http.proxy import read_proxy
from include.adapters.http.status import judge
from include.adapters.http.transport import (
    WIRE_FAULTS,
    Fault,
    check_address,
    conclude,
    receive,
    wire_fault,
)
from include.adapters.http.watch import OneShotAdapter, Watch
from include.adapters.http.wire import MIB, Limits, Request, Response
from include.domain.errors import Rejected, Retryable
from include.services.effects.departure import departing
from include.services.ports import Download
from tieout.hooks.connections import connection_of
from tieout.hooks.masking import hide, hide_proxy

STATEMENT_LIMITS = Limits(
    connect_s=3, stall_s=30, deadline_s=300, max_wire_bytes=64 * MIB, max_body_bytes=512 * MIB
)
CHAT_LIMITS = Limits(connect_s=3, stall_s=10, deadline_s=15, max_memory_bytes=MIB)
_KEY_HEADER = "X-Api-Key"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
# What HttpHook itself understands in `extra`; anything else would become a header.
_PROXY = ("proxy", "proxy_login", "proxy_password")
_OPTIONS = frozenset({"allow_plain_http", *_PROXY})


class PlainHook(BaseHook):
    """One ``http`` connection, asked through ``HttpHook`` one exchange at a time."""

    conn_name_attr = "http_conn_id"
    default_conn_name = "http_default"
    conn_type = "http"
    hook_name = "HTTP"

    def __init__(self, http_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.http_conn_id = http_conn_id

    def _base_and_key(self) -> tuple[str, str]:
        """Return the address and the password, which is the key.

        Raises:
            Rejected: no host, a login, or extra fields that would be sent as headers.
        """
        found = connection_of(self.http_conn_id)
        where, password = f"connection {self.http_conn_id}", found.password or ""
        hide(password)
        hide_proxy(found.extra_dejson)
        unknown = sorted(set(found.extra_dejson) - _OPTIONS)
        if unknown:
            raise Rejected(
                f"the extra fields {', '.join(unknown)} would be sent as headers",
                where,
                "Remove them; the key belongs into the password.",
            )
        # With a login the provider's hook would send both as Basic credentials.
        if not found.host or found.login:
            raise Rejected("the connection needs a host and no login", where, "Correct it.")
        address = found.host if "://" in found.host else f"{found.schema or 'https'}://{found.host}"
        address = f"{address.rstrip('/')}:{found.port}" if found.port else address.rstrip("/")
        permits = str(found.extra_dejson.get("allow_plain_http", "")).lower() == "true"
        check_address(address + "/", permits)
        return address, password

    def demand_usable(self) -> str:
        """Return the address; nothing is sent. Raises ``Rejected``: the connection cannot serve."""
        return self._base_and_key()[0]

    def _exchange(
        self, base: str, path: str, request: Request, sink: BinaryIO | None = None
    ) -> Response:
        """Let ``HttpHook`` send one request through our adapter; see ``Transport.exchange``."""
        with Watch(request.limits, leave=request.leave) as watch:
            answer = self._attempt(base, path, request, sink, watch)
            seconds = watch.seconds
        return conclude(request, answer, watch.has_written, seconds)

    def _attempt(
        self, base: str, path: str, request: Request, sink: BinaryIO | None, watch: Watch
    ) -> Response | Fault:
        hook = _OneExchange(request.method, self.http_conn_id, base, OneShotAdapter(watch))
        hook.proxies = self._proxies()
        options: dict[str, Any] = {
            "timeout": (request.limits.connect_s, request.limits.stall_s),
            "check_response": False,
            "allow_redirects": False,
            "stream": True,
            "verify": True,
            "trust_env": False,
        }
        data = request.body.decode() if request.body is not None else None
        try:
            answer = hook.run(path, data, dict(request.headers), options)
        except WIRE_FAULTS as fault:
            return wire_fault(fault, watch)
        with answer:
            return receive(request, answer.raw, sink, watch)

    def _proxies(self) -> dict[str, str]:
        """Return where https goes through, as requests takes it."""
        extra = connection_of(self.http_conn_id).extra_dejson
        address, login, password = (str(extra.get(name) or "") for name in _PROXY)
        found = read_proxy(address, login, password, f"connection {self.http_conn_id}")
        return {} if found is None else {"https": found.url}

    def _download(self, path: str, what: str, sink: BinaryIO) -> Download | None:
        base, key = self._base_and_key()
        headers = {"Accept-Encoding": "gzip", _KEY_HEADER: key}
        request = Request("GET", base + path, what, headers=headers, limits=STATEMENT_LIMITS)
        keeper = HeadKeeper(sink)
        response = self._exchange(base, path, request, keeper)  # type: ignore[arg-type] # only write
        if response.status == 404:
            return None
        if error := judge(response, request):
            raise error
        head = keeper.head.lstrip().lower()
        if response.status != 200 or head.startswith((b"<!doctype html", b"<html")):
            raise Retryable(
                f"{what} was answered {response.status} without a statement",
                request.where,
                "Nothing was kept. Ask again; if it stays, ask who answers at this address.",
            )
        return Download(response.digest, response.size_bytes, response.content_type)


class _OneExchange(HttpHook):
    """``HttpHook`` for one exchange, with what it logs and guesses switched off."""

    def __init__(self, method: str, conn_id: str, base: str, adapter: OneShotAdapter) -> None:
        super().__init__(method=method, http_conn_id=conn_id, adapter=adapter)
        self._base = base
        self.proxies: dict[str, str] = {}

    @property
    def log(self) -> Any:
        # At DEBUG it would write the whole address, which for a chat webhook is the secret.
        return _QUIET

    def _set_base_url(self, connection: Any) -> None:
        # The provider's default is plain http; ours is https, and it has been checked.
        self.base_url = self._base
        self._base_url_initialized = True

    def get_conn(
        self, headers: dict[Any, Any] | None = None, extra_options: dict[str, Any] | None = None
    ) -> Any:
        session = super().get_conn(headers, extra_options)
        for name in _OPTIONS:
            session.headers.pop(name, None)
        return session

    def run_and_check(self, session: Any, prepped_request: Any, extra_options: Any) -> Any:
        """Send, without the provider's warning that quotes the exception and its address."""
        return session.send(
            prepped_request,
            stream=True,
            verify=True,
            cert=None,
            proxies=self.proxies,
            timeout=extra_options["timeout"],
            allow_redirects=False,
        )


class BankHook(PlainHook):
    """Bank statements; satisfies ``ports.StatementSource``."""

    default_conn_name = "bank_default"

    def download_statement(
        self, account_id: str, statement_date: date, sink: BinaryIO
    ) -> Download | None:
        """Stream the statement of one account and booking date; ``None``: none issued (yet).

        Raises:
            Retryable, Rejected: as the transport and the status say; the sink is then worthless.
        """
        path = f"/bank/accounts/{_name(account_id)}/statements/{statement_date.isoformat()}"
        return self._download(path, f"download the statement of {account_id}", sink)


class AcquirerHook(PlainHook):
    """Acquirer statements, by merchant number; satisfies ``ports.StatementSource``."""

    default_conn_name = "acquirer_default"

    def download_statement(
        self, account_id: str, statement_date: date, sink: BinaryIO
    ) -> Download | None:
        """Stream the statement of one merchant number; ``None``: none issued (yet)."""
        path = f"/acquirer/{_name(account_id)}/statements/{statement_date.isoformat()}"
        return self._download(path, f"download the acquirer statement of {account_id}", sink)


class ChatHook(PlainHook):
    """Chat alerts to a webhook (Slack, Teams and Mattermost take the same body).

    The path of a webhook is its secret, so it is the password of the connection.
    """

    default_conn_name = "chat_default"

    def send(self, text: str) -> None:
        """Post one message.

        Raises:
            Retryable, Rejected, OutcomeUnknown: as for any write; an alert is not repeated blindly.
        """
        base, path = self._base_and_key()
        if not path.startswith("/"):
            raise Rejected(
                "the password is not the path of a webhook",
                f"connection {self.http_conn_id}",
                "Enter the part of the webhook's address after the host, from the slash on.",
            )
        body = json.dumps({"text": text}).encode()
        headers = {"Content-Type": "application/json"}
        # The address in messages and in the log stops before the secret path.
        shown = Request(
            "POST", base + "/", "send a chat alert", "", headers, body, True, CHAT_LIMITS
        )
        with departing(_unrecorded):
            response = self._exchange(base, path, shown)
        if error := judge(response, shown):
            raise error


def _unrecorded() -> None:
    """An alert is no effect: nobody's books change, and the next one says what is still so."""


def _name(value: str) -> str:
    """An account becomes a part of the path, so it may hold nothing that changes the path."""
    if _NAME.fullmatch(value) is None or ".." in value:
        raise Rejected(f"{value[:70]!r} is not an account", "merchants.yaml", "Correct it.")
    return quote(value, safe="")


_QUIET = logging.getLogger("tieout.http_hook")
_QUIET.setLevel(logging.WARNING)
