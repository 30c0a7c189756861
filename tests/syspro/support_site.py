"""The sandbox's SYSPRO with the product's engine in front of it, and orders to send there."""

import json
import urllib.request
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from include.adapters.http.transport import HttpTransport
from include.adapters.syspro.adapter import SysproAdapter, open_adapter
from include.adapters.syspro.settings import settings_from
from include.domain.erp_orders import MoveSalesOrder, OrderMove
from include.sandbox import Sandbox
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectState, Timings
from tests.simulator.memory import MemoryEffectStore
from tests.syspro.support_orders import CUSTOMER, ORDER, RECEIPT, effect_of, goods, usd

TODAY = date(2026, 11, 3)
CODE = "C00001"
TIMINGS = Timings(
    deadline=timedelta(seconds=60),
    quiescence=timedelta(seconds=300),
    look_gap=timedelta(seconds=60),
    verify_after=timedelta(0),
)
RESTING = (
    EffectState.verified,
    EffectState.rejected,
    EffectState.mismatched,
    EffectState.dead_letter,
)


@dataclass
class Clock:
    """Moved by hand, so that waiting out Q takes no time."""

    at: datetime = datetime(2026, 11, 3, 6, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


# 3 at 6.66667, 2 at 8.90, 5.00 freight, 1.50 off; in stock: 5,000 each.
SALE = replace(
    ORDER,
    customer=CODE,
    order_date=TODAY,
    warehouse="MAIN",
    lines=(
        goods(1, "TEA-1001", 3_000_000, 20_00, 4_00),
        goods(2, "TEA-1009", 2_000_000, 17_80, 3_56),
        *ORDER.lines[2:],
    ),
    amount=usd(49_56),
)
SHORT = replace(SALE, lines=(goods(1, "TEA-1014", 1_000_000, 20_00, 0),), amount=usd(20_00))
PAID = replace(RECEIPT, customer=CODE, bank="CLRUS", posting_date=TODAY)
NEW = replace(CUSTOMER, customer="W000777", branch="10")


def move(kind: OrderMove, sales_order: str, **more: Any) -> MoveSalesOrder:
    return MoveSalesOrder("A", sales_order, SALE.purchase_order, kind, **more)


class Site:
    """One SYSPRO with an engine; truth is what the sandbox's ledger holds."""

    def __init__(self, sandbox: Sandbox) -> None:
        sandbox.reset()
        self.sandbox = sandbox
        self.clock = Clock()
        self.store = MemoryEffectStore(self.clock)

    def open(self, **extra: object) -> SysproAdapter:
        given = {"company_id": "A", "base_currency": "USD", "deadline_s": 20, "connect_s": 10}
        settings = settings_from(
            "syspro_a",
            f"{self.sandbox.syspro_url}/SYSPROWCFService",
            "TIEOUT_A",
            "sandbox-A",
            {**given, **extra},
        )
        return open_adapter(settings, HttpTransport(), self.store, "test")

    def engine(self, adapter: SysproAdapter) -> Engine:
        timings = {
            kind: replace(TIMINGS, looks_first=found.looks_first)
            for kind, found in adapter.timings.items()
        }
        return Engine(self.store, adapter.partners, self.clock, timings)

    def drive(self, engine: Engine, command: object, rounds: int = 6) -> Effect:
        """Intend, then let the janitor's time pass until the effect rests."""
        effect = engine.intend(effect_of(command, key=f"{type(command).__name__} {command}"))
        for _ in range(rounds):
            effect = engine.advance(effect.kind, effect.key)
            if effect.state in RESTING:
                break
            self.clock.at += timedelta(seconds=301)
        return effect

    def control(self, path: str, **facts: Any) -> dict[str, Any]:
        url = f"{self.sandbox.control_url}/control/{path}"
        request = urllib.request.Request(url, json.dumps(facts).encode(), method="POST")  # noqa: S310
        found: dict[str, Any] = json.load(urllib.request.urlopen(request))  # noqa: S310
        return found

    def fault(self, what: str, match: str, **more: Any) -> None:
        self.control("faults", system="syspro", match=match, fault=what, **more)

    def clerk(self, action: str, **facts: Any) -> dict[str, Any]:
        return self.control("clerk", action=action, company="A", **facts)

    def truth(self, verb: str, reference: str) -> int:
        """Count what the sandbox has really done."""
        url = f"{self.sandbox.control_url}/control/ledger?system=syspro"
        rows = json.load(urllib.request.urlopen(url))  # noqa: S310
        return sum(
            row["verb"].startswith(verb) and row["reference"] == reference and row["committed"]
            for row in rows
        )
