"""``shoppers``: a person is taken out of what we keep, on request."""

import argparse
from datetime import timedelta

from include.domain.errors import Rejected
from include.services.effects.chain import signer
from include.services.profiles.forget_orders import DISPUTED_FOR
from include.wiring import Tieout
from tieout.commands.parts import Parsers, command, desks_of, group, mail_address, say, whole


def add(parsers: Parsers) -> None:
    shoppers = group(parsers, "shoppers", "persons, as far as we keep them")
    forget = command(
        shoppers,
        "forget",
        "delete stored cards, and take the person out of orders that have ended",
        _forget,
        is_signed=True,
    )
    forget.add_argument("--shop", required=True)
    forget.add_argument("--email", required=True, type=mail_address)
    forget.add_argument(
        "--days",
        type=whole(3650, least=0),
        default=DISPUTED_FOR.days,
        help="for which an order is kept whole, for it may be disputed (%(default)s)",
    )


def _forget(context: Tieout, given: argparse.Namespace) -> int:
    from tieout.desks.care_desk import forgetter, order_forgetter

    context.today.shop(given.shop)
    desk = desks_of(context).of(given.shop)
    if desk.engine.is_doubted():
        raise Rejected(
            "the store may have forgotten what its orders did since a backup",
            f"shop {given.shop}",
            "End that first (runbook restore); then repeat this, and all since the backup.",
        )
    tokens = forgetter(desk).forget(given.email, signer("cli", given.who))
    say(str(tokens))
    if not tokens.is_whole:
        say("orders are kept: by them the stored cards are found; ask again once those are gone")
        return 1
    kept_for = timedelta(days=given.days)
    found = order_forgetter(desk).forget(given.email, given.who, via="cli", kept_for=kept_for)
    for line in found.lines():
        say(line)
    return 1 if found.kept else 0
