"""Which file goes wrong on which day: planted, and only on its first delivery."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from include.sandbox.world import dates

if TYPE_CHECKING:
    from include.sandbox.world.world import World

_DAYS = 24  # of so many days one has a doubled file and one a truncated file
_RESTATED_DAYS = 15


def fault(world: World, merchant: str, day: date) -> tuple[str, str] | None:
    """Return (report name, label word), or ``None``: nearly always."""
    draw = dates.chance(world.seed, merchant, day, "files").randrange(_DAYS)
    if draw > 1 or not world.fault_rate or not world.has(day):
        return None
    if draw == 0 and not world.has(day - dates.DAY):
        return None
    return sales_report(world, merchant), "duplicate_file" if draw == 0 else "truncated_file"


def restatement(world: World, merchant: str, day: date) -> str | None:
    """Return the report for which this day is meant to be restated on request."""
    rng = dates.chance(world.seed, merchant, day, "restated")
    if rng.randrange(_RESTATED_DAYS) or not world.fault_rate:
        return None
    names = [
        r.name
        for r in world.merchants[merchant].reports
        if r.content in ("batch_classic", "batch_xml", "processor_settlement", "fee_detail")
        or r.content == "fee_summary"
    ]
    return rng.choice(names)


def sales_report(world: World, merchant: str) -> str:
    """Return the report that carries sales and refunds: a merchant's first."""
    return world.merchants[merchant].reports[0].name
