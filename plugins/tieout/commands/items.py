"""``open-items``: what does not tie; shown, and resolved by people."""

import argparse
from collections.abc import Mapping
from typing import Any

from include.domain.matching import Cause
from include.domain.money import Money
from include.wiring import Tieout
from tieout.commands.parts import Parsers, command, day, group, known_merchant, say


def add(parsers: Parsers) -> None:
    items = group(parsers, "open-items", "what does not tie in the settlement")
    listing = command(items, "list", "what is open, and what would close it", _list)
    listing.add_argument("--merchant", default="", help="only this merchant's")
    listing.add_argument("--cause", choices=[one.value for one in Cause], default="")
    listing.add_argument("--day", type=day, help="only of this settlement date")
    listing.add_argument("--state", choices=["open", "resolved"], default="open")
    resolve = command(
        items, "resolve", "close all of those named, or none", _resolve, is_signed=True
    )
    resolve.add_argument("keys", nargs="+", metavar="KEY", help="a number of the list, or a key")
    resolve.add_argument("--reason", required=True)


def _list(context: Tieout, given: argparse.Namespace) -> None:
    from include.adapters.store.views import list_open_items

    rows = list_open_items(
        context.store,
        merchant_id=given.merchant,
        state=given.state,
        cause=given.cause,
        day=given.day,
    )
    if given.merchant and not rows:
        known_merchant(context, given.merchant)
    for row in rows:
        say(
            f"{row['item_id']:6}  {row['settlement_date']}  {row['merchant_id']}  {row['cause']}  "
            f"{_amount(row)}  {row['owner']}\n        {row['explanation']}"
        )
        if given.state == "open":
            say(f"        -> {row['next_action']}")
        else:
            say(
                f"        resolved by {row['resolved_by']}, {row['resolved_at']:%Y-%m-%d %H:%M}: "
                f"{row['resolution']}"
            )
    say(f"{len(rows)} {given.state}")


def _resolve(context: Tieout, given: argparse.Namespace) -> None:
    from include.adapters.store.item_desk import resolve_items

    for row in resolve_items(
        context.store, given.keys, who=given.who, reason=given.reason, via="cli"
    ):
        say(
            f"open item {row['item_id']} ({row['merchant_id']}, {row['settlement_date']}, "
            f"{row['cause']}, {_amount(row)}) resolved by {given.who}"
        )


def _amount(row: Mapping[str, Any]) -> str:
    if row["amount_minor"] is None or not row["currency"]:
        return "amount not known"
    return str(Money(row["amount_minor"], row["currency"]))
