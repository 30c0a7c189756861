"""``reviews``: orders that Decision Manager holds, and two decisions against each other.

A decision is carried to the gateway by the command itself; what is settled, by the next sweep.
"""

import argparse
from datetime import datetime, timedelta

from include.domain.order_state import OrderState
from include.domain.reviews import Decision
from include.wiring import Tieout
from tieout.commands.parts import (
    DUE,
    ORDER,
    Parsers,
    command,
    desks_of,
    group,
    order_id_of,
    say,
)

_WORDS = (Decision.accept, Decision.reject)


def add(parsers: Parsers) -> None:
    reviews = group(parsers, "reviews", "decide what fraud review holds")
    command(reviews, "list", "what waits, and when it lapses", _list)
    for word in _WORDS:
        does = f"{word.value} one at the gateway; its order follows"
        decide = command(reviews, word.value, does, _decide, is_signed=True)
        decide.set_defaults(decision=word)
        _about(decide)
    settle = command(
        reviews, "settle", "say which of two contrary decisions stands", _settle, is_signed=True
    )
    _about(settle)
    settle.add_argument("decision", choices=[word.value for word in _WORDS])


def _about(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("order", help=ORDER)
    parser.add_argument("--comment", default="", help="for the timeline and the audit")


def _list(context: Tieout, _given: argparse.Namespace) -> None:
    from include.adapters.store.command_lists import holds

    rows = holds(context.store, [OrderState.in_review])
    now = context.clock.now()
    for row in rows:
        say(
            f"{row.order_id}  {row.shop_id}/{row.number}  {row.amount}  "
            f"waits {_hours(now - row.accepted_at)}, {_lapse(row.expires_at)}"
        )
    say(f"{len(rows)} under review")


def _decide(context: Tieout, given: argparse.Namespace) -> int:
    from include.services.orders.decide_review import decide_review

    order_id, desks = order_id_of(context, given.order), desks_of(context)
    desk = desks.of(context.orders.content(order_id).shop_id)
    found = decide_review(
        desks.service,
        desk.engine,
        order_id,
        given.decision,
        analyst=given.who,
        comments=given.comment,
        via="cli",
    )
    say(f"{order_id}: {found}")
    return 0 if found.is_certain else 1


def _settle(context: Tieout, given: argparse.Namespace) -> None:
    order_id, decision = order_id_of(context, given.order), Decision(given.decision)
    service = desks_of(context).service
    service.settle_contradiction(order_id, decision, given.who, why=given.comment, via="cli")
    say(f"{order_id}: {decision.value} stands; {DUE}")


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:.1f} h"


def _lapse(at: datetime | None) -> str:
    return f"lapses {at:%Y-%m-%d %H:%M} UTC" if at else "holds no money"
