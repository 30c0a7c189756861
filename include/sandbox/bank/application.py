"""The routes of the bank, the acquirer and the chat webhook."""

import hmac
import threading
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from include.sandbox.bank.acquirer import daily_file
from include.sandbox.bank.statements import FORMATS
from include.sandbox.ledger import Ledger
from include.sandbox.server import App, Handler, Request, Response
from include.sandbox.world import World
from include.sandbox.world.facts import ACCOUNT_OWNERS

API_KEY = "sandbox-bank"  # invented, like everything here


class BankApp(App):
    """Statements and acquirer files behind an API key; the webhook takes anything."""

    system = "bank"
    server_header = "SandBank"

    def __init__(self, world: World, ledger: Ledger) -> None:
        super().__init__()
        self.world = world
        self._ledger = ledger
        self._messages: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        day = r"(?P<day>\d{4}-\d{2}-\d{2})"
        add = self.router.add
        add("GET", f"/bank/accounts/(?P<name>[^/]+)/statements/{day}", _keyed(self._statement))
        add("GET", f"/acquirer/(?P<name>[^/]+)/statements/{day}", _keyed(self._acquirer))
        add("POST", "/chat/hook", self._take_message)
        add("GET", "/chat/messages", self._list_messages)

    def _statement(self, request: Request) -> Response:
        account, day = request.match["name"], _day(request)
        statement = self.world.bank(account, day) if day and account in ACCOUNT_OWNERS else None
        if statement is None:
            return _absent(f"no statement of {account} for {request.match['day']}")
        write, mime_type = FORMATS[ACCOUNT_OWNERS[account][0].bank_format]
        return Response(200, write(statement), mime_type)

    def _acquirer(self, request: Request) -> Response:
        name, day = request.match["name"], _day(request)
        facts = self.world.merchants.get(name)
        if facts is None or facts.fee_kind != "acquirer" or day is None or not self.world.has(day):
            return _absent(f"no statement of {name} for {request.match['day']}")
        return Response(200, daily_file(self.world.settled(name, day)), "text/plain")

    def _take_message(self, request: Request) -> Response:
        try:
            body = request.json()
        except ValueError:
            return Response.of_text("invalid_payload", 400)
        self._ledger.record("chat", "hook", "", request.body)
        with self._lock:
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            self._messages.append({"at": at, "body": body})
        return Response.of_text("ok")

    def _list_messages(self, request: Request) -> Response:
        return Response.of_json(self.messages())

    def messages(self) -> list[dict[str, Any]]:
        """Return what the webhook received, oldest first: ``{"at": ..., "body": ...}``."""
        with self._lock:
            return list(self._messages)

    def control(self, action: str, facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """``chat``: show the messages."""
        return {"messages": self.messages()} if action == "chat" else None

    def reset(self) -> None:
        with self._lock:
            self._messages.clear()


def _keyed(handler: Handler) -> Handler:
    def handle(request: Request) -> Response:
        given = request.headers.get("x-api-key", "")
        if not hmac.compare_digest(given.encode(), API_KEY.encode()):
            return Response.of_json({"error": "the X-Api-Key is missing or wrong"}, 401)
        return handler(request)

    return handle


def _day(request: Request) -> date | None:
    try:
        return date.fromisoformat(request.match["day"])
    except ValueError:
        return None


def _absent(text: str) -> Response:
    return Response.of_json({"error": text}, 404)
