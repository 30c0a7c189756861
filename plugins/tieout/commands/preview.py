"""``preview``: what changed mappings would make of days that have run; nothing is booked."""

import argparse
from datetime import timedelta
from pathlib import Path

from include.domain.errors import Rejected
from include.domain.settlement import SettlementDay
from include.wiring import Tieout
from tieout.commands.parts import Parsers, command, day, say

_MOST_DAYS = 100


def add(parsers: Parsers) -> None:
    shown = command(parsers, "preview", "what changed mappings would make of past days", _preview)
    shown.add_argument("merchant")
    shown.add_argument("first", type=day, help="settlement date")
    shown.add_argument("--to", type=day, help="the last one; default: the first")
    shown.add_argument(
        "--mappings", type=Path, required=True, help="a copy of include/mappings, with the change"
    )


def _preview(context: Tieout, given: argparse.Namespace) -> None:
    from include.mappings.load import load_mappings
    from tieout.desks.preview import preview

    days = _days(given)
    if not (given.mappings / "merchants.yaml").is_file():
        do = "Copy include/mappings, change the copy, and name its folder."
        raise Rejected(f"{given.mappings} holds no mappings", "--mappings", do)
    changed = load_mappings(given.mappings)
    with preview(context, changed, given.merchant) as shown:
        for day in days:
            said = shown.of_day(day)
            say(f"{day}: {'this would change' if said else 'nothing would change'}")
            for line in said:
                say(f"  {line}")


def _days(given: argparse.Namespace) -> list[SettlementDay]:
    count = ((given.to or given.first) - given.first).days + 1
    if not 1 <= count <= _MOST_DAYS:
        raise Rejected(f"{count} days", "--to", f"Choose 1 to {_MOST_DAYS}, first to last.")
    return [SettlementDay(given.merchant, given.first + timedelta(days=n)) for n in range(count)]
