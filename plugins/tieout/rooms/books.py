"""``dispute-lost`` and ``audit``."""

import argparse
from datetime import date

from include.adapters.store import audit
from include.domain.errors import Rejected
from include.domain.settlement import SettlementDay
from include.wiring import Tieout
from tieout.rooms.parts import Rooms, say


def add(rooms: Rooms) -> None:
    give_up = rooms.add_parser("dispute-lost")
    give_up.add_argument("merchant")
    give_up.add_argument("settlement_date", type=date.fromisoformat, help="of the chargeback")
    give_up.add_argument("case")
    give_up.add_argument("--on", type=date.fromisoformat, required=True, help="posting date")
    give_up.set_defaults(run=_give_up)
    chain = rooms.add_parser("audit").add_subparsers(required=True)
    verify = chain.add_parser("verify", help="recompute every hash")
    verify.add_argument("--head", default="", help="noted earlier: also prove that no end is cut")
    verify.set_defaults(run=_verify)


def _verify(context: Tieout, given: argparse.Namespace) -> None:
    verdict = audit.verify(context.store, given.head)
    if not verdict.is_unbroken:
        raise Rejected(
            f"the audit chain does not hold at entry {verdict.broken_at}",
            "table audit",
            "Keep the table as it is; compare with a backup; find out who wrote to it.",
        )
    say(f"{verdict.entries} entries hold; the last hash is {verdict.head}")


def _give_up(context: Tieout, given: argparse.Namespace) -> None:
    from include.services.give_up_dispute import give_up_dispute

    day = SettlementDay(given.merchant, given.settlement_date)
    journal = give_up_dispute(
        day,
        context.merchant(day),
        case_number=given.case,
        posting_date=given.on,
        lake=context.lake,
        books=context.journals,
        mappings=context.mappings,
    )
    say(
        f"{journal.key}: {journal.debit_total} to disputes lost, built.\n"
        f"Clear 'approve' of {day} to have it approved, posted and tied out."
    )
