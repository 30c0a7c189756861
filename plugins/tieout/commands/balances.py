"""``balances``: what the accounts hold that must come to zero, and of what."""

import argparse
from collections.abc import Iterable
from datetime import date

from include.domain.balances import Balance, BalanceItem
from include.services.books.balances import Balances
from include.wiring import Tieout
from tieout.commands.parts import Parsers, day, known_merchant, say


def add(parsers: Parsers) -> None:
    does = "what is in transit and in dispute, batch by batch and case by case, at a day's end"
    made = parsers.add_parser("balances", help=does, description=does)
    made.set_defaults(run=_show)
    made.add_argument("merchant")
    made.add_argument("--on", type=day, help="the last day that counts; else the newest settled")


def _show(context: Tieout, given: argparse.Namespace) -> int:
    known_merchant(context, given.merchant)
    on = given.on or context.latest_day()
    balances = Balances(context.journals, context.expectations, context.disputes)
    found = balances.of(given.merchant, on)
    for one in found:
        _tell(one, on)
    if not found:
        say(f"nothing was booked for {given.merchant} up to {on}")
    return 1 if any(one.rest.minor for one in found) else 0


def _tell(one: Balance, on: date) -> None:
    where = "/".join(one.gl_accounts) or "not posted to yet"
    say(f"{one.account} ({where}) at the end of {on}: {one.ledger}, in base {one.base}")
    late = one.overdue(on)
    _list(one.items, late)
    if one.apart:
        say("  not in the ledger's figure, or there for another day:")
        _list(one.apart, ())
    if one.rest.minor:
        say(f"  UNEXPLAINED {one.rest}: somebody must look before this month is closed")
    else:
        items = "1 item" if len(one.items) == 1 else f"{len(one.items)} items"
        say(f"  explained to the cent by {items}, {len(late)} of them overdue")


def _list(items: Iterable[BalanceItem], late: Iterable[BalanceItem]) -> None:
    for item in items:
        due = f", due {item.due}" if item.due else ""
        mark = ", OVERDUE" if item in late else ""
        say(f"  {item.since}  {item.money!s:>18}  {item.what}{due}{mark}")
