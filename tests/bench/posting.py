"""How many calls SYSPRO gets per posted journal: a day's journals through the real engine."""

import logging
import tempfile
from datetime import date, timedelta
from pathlib import Path

import structlog

from include.domain.settlement import SettlementDay
from include.sandbox import start
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectKind, Timings
from include.services.post_journals import effect_of
from tests.accuracy.partners import WallClock, running
from tests.accuracy.quarter import Quarter
from tests.simulator.memory import MemoryEffectStore

DAYS = (date(2026, 10, 26), date(2026, 10, 27), date(2026, 10, 28), date(2026, 10, 29))
MERCHANTS = ("acme_us", "acme_uk", "acme_jp")
_TIMINGS = Timings(
    deadline=timedelta(seconds=60),
    quiescence=timedelta(seconds=300),
    look_gap=timedelta(seconds=60),
    verify_after=timedelta(0),
)


def calls_per_journal() -> float:
    """Post four days of three merchants, one session a merchant and day; return calls a journal."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    sandbox = start(seed=7, start=DAYS[0], days=len(DAYS) + 3, open_from=(2026, 1))
    calls = posted = 0
    with tempfile.TemporaryDirectory() as folder, running(sandbox) as partners:
        quarter = Quarter(Path(folder), partners, sandbox.world)
        for on in DAYS:
            for merchant_id in MERCHANTS:
                quarter.run_day(SettlementDay(merchant_id, on), [])
                made, count = _post(quarter, SettlementDay(merchant_id, on))
                calls, posted = calls + made, posted + count
    return calls / posted


def _post(quarter: Quarter, day: SettlementDay) -> tuple[int, int]:
    merchant = quarter.mappings.merchant(day.merchant_id, day.settlement_date)
    ledger = quarter.partners.ledger(merchant)
    store, clock = MemoryEffectStore(WallClock()), WallClock()
    engine = Engine(store, ledger.partners, clock, dict.fromkeys(EffectKind, _TIMINGS))
    before, count = ledger.calls(), 0
    with ledger.session():
        for booked in quarter.journals.of_day(day):
            effect = engine.intend(effect_of(booked.journal, merchant.owner))
            done = engine.advance(effect.kind, effect.key)
            if done.state.value not in ("done", "verified"):
                raise RuntimeError(f"{done.key}: {done.state.value}, {done.reason}")
            count += 1
    return ledger.calls() - before, count
