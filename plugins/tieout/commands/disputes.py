"""``dispute-lost`` and ``dispute-answered``: what people know of a dispute."""

import argparse

from include.domain.settlement import SettlementDay
from include.wiring import Tieout
from tieout.commands.parts import Parsers, command, day, say


def add(parsers: Parsers) -> None:
    lost = command(
        parsers, "dispute-lost", "write off a chargeback that is given up", _give_up, is_signed=True
    )
    lost.add_argument("merchant")
    lost.add_argument("settlement_date", type=day, help="of the chargeback")
    lost.add_argument("case")
    lost.add_argument("--on", type=day, required=True, help="posting date")
    answered = command(
        parsers, "dispute-answered", "contested: it is not written off", _answered, is_signed=True
    )
    answered.add_argument("merchant")
    answered.add_argument("case")
    answered.add_argument("--on", type=day, required=True, help="when it was")


def _give_up(context: Tieout, given: argparse.Namespace) -> None:
    from include.services.disputes.give_up import give_up_dispute

    day = SettlementDay(given.merchant, given.settlement_date)
    journal = give_up_dispute(
        day,
        context.merchant(day),
        case_number=given.case,
        posting_date=given.on,
        who=given.who,
        via="cli",
        lake=context.lake,
        disputes=context.disputes,
        books=context.journals,
        mappings=context.mappings,
    )
    say(
        f"{journal.key}: {journal.debit_total} to disputes lost, built.\n"
        f"The next run asks about it; to be asked now, clear 'approve_write_offs' of "
        f"{given.merchant} in the newest one."
    )


def _answered(context: Tieout, given: argparse.Namespace) -> None:
    from include.services.disputes.note_answer import note_answer

    void = note_answer(
        given.merchant,
        given.case,
        answered_on=given.on,
        who=given.who,
        via="cli",
        disputes=context.disputes,
        journals=context.journals,
    )
    voided = ", and the write-off that waited for approval is void" if void else ""
    say(f"{given.case} was contested on {given.on}: it waits for the issuer{voided}.")
