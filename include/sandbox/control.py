"""The control server: switches faults, states and periods, and shows the truth ledger.

Tests and the demo use it; the product never does.

| call | does |
|---|---|
| ``GET /control/health`` | says that all servers answer, with their URLs |
| ``GET /control/ledger?system=&verb=&...`` | executed calls whose fields equal what is given |
| ``GET, POST, DELETE /control/faults`` | lists, adds and clears fault rules |
| ``GET /control/labels?merchant=&date=`` | what was planted on a settlement day |
| ``POST /control/periods`` | opens or closes a posting period of SYSPRO |
| ``POST /control/syspro`` | licences, logons, time-out, ledger errors, its year, order manners |
| ``POST /control/clerk`` | a person in SYSPRO: ``syspro/clerk.py`` |
| ``POST /control/restate, report_state, redeliver`` | what reports answer from now on |
| ``POST /control/cybersource, outcome, decide, settle ...`` | ``cybersource/live.py`` has them |
| ``POST /control/shop_..., callbacks`` | plays the shopper: ``shop/application.py`` |
| ``POST /control/reset`` | back to the seeded state, ledger and faults emptied |
"""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from include.sandbox.faults import Faults
from include.sandbox.ledger import Ledger, as_json
from include.sandbox.ports import World
from include.sandbox.server import App, Request, Response


class Board(Protocol):
    """What the control server steers."""

    world: World
    ledger: Ledger
    faults: Faults
    apps: Sequence[App]

    def urls(self) -> Mapping[str, str]:
        """Return the address of each server by its name."""
        ...

    def reset(self) -> None:
        """Return everything to the seeded state."""
        ...


class NoFaults:
    """The control server itself is never spoiled."""

    def play(self, exchange: object) -> bool:
        return False


class ControlApp(App):
    """Routes of its own first; any other ``POST /control/<action>`` goes to the apps."""

    system = "control"
    server_header = "tieout-sandbox"

    def __init__(self, board: Board) -> None:
        super().__init__()
        self._board = board
        add = self.router.add
        add("GET", "/control/health", self._health)
        add("GET", "/control/ledger", self._ledger)
        add("GET", "/control/faults", self._list_faults)
        add("POST", "/control/faults", self._add_fault)
        add("DELETE", "/control/faults", self._clear_faults)
        add("GET", "/control/labels", self._labels)
        add("POST", "/control/reset", self._reset)
        add("POST", "/control/(?P<action>[a-z0-9_]+)", self._act)

    def handle(self, request: Request) -> Response:
        try:
            return self.router.dispatch(request)
        except (ValueError, KeyError, TypeError) as problem:
            text = f"missing {problem}" if isinstance(problem, KeyError) else str(problem)
            return Response.of_json({"error": text}, 400)

    def _health(self, request: Request) -> Response:
        return Response.of_json({"status": "ok", "servers": dict(self._board.urls())})

    def _ledger(self, request: Request) -> Response:
        rows = self._board.ledger.rows(**request.query)
        return Response.of_json([as_json(row) for row in rows])

    def _list_faults(self, request: Request) -> Response:
        return Response.of_json([rule.as_json() for rule in self._board.faults.rules()])

    def _add_fault(self, request: Request) -> Response:
        facts = _facts(request)
        fault = str(facts.pop("fault", ""))
        return Response.of_json(self._board.faults.add(fault, **facts).as_json(), 201)

    def _clear_faults(self, request: Request) -> Response:
        self._board.faults.clear()
        return Response.of_json({"rules": 0})

    def _labels(self, request: Request) -> Response:
        day = date.fromisoformat(request.param("date"))
        labels = self._board.world.labels(request.param("merchant"), day)
        return Response.of_json([_as_json(label) for label in labels])

    def _reset(self, request: Request) -> Response:
        self._board.reset()
        return Response.of_json({"status": "reset"})

    def _act(self, request: Request) -> Response:
        action, facts = request.match["action"], _facts(request)
        for app in self._board.apps:
            answer = app.control(action, facts)
            if answer is not None:
                return Response.of_json(answer)
        return Response.of_json({"error": f"no server knows the action {action!r}"}, 404)


def _facts(request: Request) -> dict[str, Any]:
    found = request.json() or {}
    if not isinstance(found, dict):
        raise ValueError("a JSON object is needed")
    return found


def _as_json(label: object) -> object:
    """Return a label as JSON values; dates and times become ISO texts."""
    if hasattr(label, "to_json"):
        return label.to_json()
    if not dataclasses.is_dataclass(label) or isinstance(label, type):
        return label
    facts = dataclasses.asdict(label)
    return {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in facts.items()}
