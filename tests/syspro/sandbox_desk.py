"""A worker with its adapter for one company, and the truth behind the sandbox's SYSPRO."""

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from include.adapters.http.transport import HttpTransport
from include.adapters.syspro.adapter import open_adapter
from include.adapters.syspro.settings import settings_from
from include.domain.journal import Journal
from include.sandbox import Sandbox
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind, EffectState, Timings
from tests.simulator.memory import MemoryEffectStore

TIMINGS = Timings(
    deadline=timedelta(seconds=60),
    quiescence=timedelta(seconds=300),
    look_gap=timedelta(seconds=60),
    verify_after=timedelta(0),
)
VERBS = {
    EffectKind.gl_journal: "GENTJL",
    EffectKind.cash_book_entry: "CSHTWD",
    EffectKind.ap_invoice: "APSTIN",
}
RESTS = (EffectState.verified, EffectState.rejected, EffectState.mismatched)


@dataclass
class Clock:
    """Moved by hand, so that waiting out Q takes no time."""

    at: datetime = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


class Desk:
    """Posts journals, and may ask the sandbox for faults and for what was really posted."""

    def __init__(
        self,
        sandbox: Sandbox,
        effect_for: Callable[[Journal], Effect],
        company: str = "A",
        *,
        is_doubted: bool = False,
        **extra: object,
    ) -> None:
        given = {"company_id": company, "base_currency": "USD", "deadline_s": 20, "connect_s": 10}
        path = "" if extra.get("adapter") == "api_services" else "/SYSPROWCFService"
        settings = settings_from(
            "syspro_a",
            sandbox.syspro_url + path,
            f"TIEOUT_{company}",
            f"sandbox-{company}",
            {**given, **extra},
        )
        self.control_url, self._effect_for, self.clock = sandbox.control_url, effect_for, Clock()
        store = MemoryEffectStore(self.clock)
        self.adapter = open_adapter(settings, HttpTransport(), store, "test")
        timings = dict.fromkeys(EffectKind, TIMINGS)
        partners = self.adapter.partners
        self.engine = Engine(store, partners, self.clock, timings, looks_first=lambda: is_doubted)

    def control(self, path: str, **facts: Any) -> None:
        """Tell the sandbox how SYSPRO shall be, as a person at its control server."""
        request = urllib.request.Request(  # noqa: S310 - our own server on this machine
            f"{self.control_url}/control/{path}", json.dumps(facts).encode(), method="POST"
        )
        urllib.request.urlopen(request).read()  # noqa: S310

    def fault(self, what: str, match: str, **more: Any) -> None:
        self.control("faults", system="syspro", match=match, fault=what, **more)

    def rows(self, verb: str) -> list[dict[str, Any]]:
        """Read what the truth ledger holds of one business object."""
        url = f"{self.control_url}/control/ledger?system=syspro&verb={verb}"
        found: list[dict[str, Any]] = json.load(urllib.request.urlopen(url))  # noqa: S310
        return found

    def posted(self, journal: Journal) -> int:
        """Count how often the truth ledger holds the journal."""
        effect = self._effect_for(journal)
        reference = dict(journal.details).get("invoice") or effect.reference
        rows = self.rows(VERBS[effect.kind])
        return sum(row["reference"] == reference and row["committed"] for row in rows)

    def intend(self, journal: Journal) -> Effect:
        return self.engine.intend(self._effect_for(journal))

    def advance(self, journal: Journal) -> Effect:
        effect = self._effect_for(journal)
        return self.engine.advance(effect.kind, effect.key)

    def drive(self, journal: Journal, rounds: int = 6) -> Effect:
        """Intend, then let the janitor's time pass until the effect rests."""
        self.intend(journal)
        for _ in range(rounds):
            found = self.advance(journal)
            if found.state in RESTS:
                return found
            self.clock.at += timedelta(seconds=301)
        return found

    def read_back(self, journal: Journal) -> dict[str, Any]:
        """Read what SYSPRO holds now; it differs in nothing from what was sent."""
        effect = self._effect_for(journal)
        back = self.engine.read_back(effect.kind, effect.key)
        assert back.differences == ()
        return dict(back.found[0].facts)
