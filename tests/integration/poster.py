"""A worker that posts one journal to the sandbox over HTTP, and dies where it is told to.

It advances the journal once, on a store clock moved by hours; at the given occurrence of a boundary
it kills itself with SIGKILL, as a lost machine would.
"""

import os
import signal
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from include.adapters.http.transport import HttpTransport
from include.adapters.store.clock import database_now
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.syspro.adapter import open_adapter
from include.adapters.syspro.settings import settings_from
from include.domain.journal import Journal, JournalKind, JournalLine
from include.domain.money import Money
from include.services.effects.boundaries import Boundary
from include.services.effects.engine import Engine
from include.services.post_journals import effect_of
from include.wiring import UtcClock


def line(account: str, minor: int, source: str) -> JournalLine:
    return JournalLine(account, Money(minor, "USD"), Money(minor, "USD"), source)


JOURNAL = Journal(
    key="acme_us|2026-10-31|B1|USD|settlement|1",
    kind=JournalKind.settlement,
    merchant_id="acme_us",
    company_id="A",
    batch_id="B1",
    settlement_date=date(2026, 10, 31),
    posting_date=date(2026, 10, 31),
    version=1,
    rate_millionths=1_000_000,
    lines=(
        line("1160", 26798, "net"),
        line("6150", 702, "fee.interchange"),
        line("1170", 8000, "chargeback"),
        line("6155", 1500, "fee.chargeback"),
        line("1150", 3000, "refund"),
        line("1150", -40000, "gross_sale"),
    ),
)
EXTRA = {
    "company_id": "A",
    "base_currency": "USD",
    "allow_plain_http": True,
    "deadline_s": 20,
    "quiescence_s": 60,
    "look_gap_s": 5,
    "operator_wait_s": 5,
}


def main(
    store_url: str, syspro_url: str, said: Path, hours: int, boundary: str = "", nth: int = 1
) -> None:
    """Post; how the effect stands is written into ``said``."""
    remaining = nth

    def die(reached: Boundary) -> None:
        nonlocal remaining
        if reached.value == boundary:
            remaining -= 1
            if remaining == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def clock(connection: Connection) -> datetime:
        return database_now(connection) + timedelta(hours=hours)

    store = SqlEffectStore(open_store(store_url), clock, die)
    settings = settings_from("syspro_a", syspro_url, "TIEOUT_A", "sandbox-A", EXTRA)
    adapter = open_adapter(settings, HttpTransport(True, ""), store, f"poster:{os.getpid()}")
    kinds = dict.fromkeys(adapter.partners, settings.timings)
    engine = Engine(store, adapter.partners, UtcClock(), kinds, worker="poster", boundary=die)
    effect = engine.intend(effect_of(JOURNAL, "ar.us@acme.example"))
    effect = engine.advance(effect.kind, effect.key)
    said.write_text(f"{effect.state.value} {effect.their_key}\n")
