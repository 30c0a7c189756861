"""``python -m tieout.cli``: dead letters, lost disputes, API clients, the audit chain.

Runs in the environment of the stack. Every change to a dead letter is signed with ``--who``, by
default the login name, and lands in the audit chain.
"""

import argparse
import getpass
import sys
from collections.abc import Callable
from datetime import date
from typing import TextIO

from include.adapters.store import audit
from include.domain.errors import IntegrationError, Rejected
from include.domain.money import Money
from include.domain.settlement import SettlementDay
from include.services.effects.dead_letters import DeadLetter, replay
from include.services.effects.ports import EffectKind
from include.wiring import Tieout, tieout
from tieout.api import clients_cli


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a fault of the families is a sentence, not a traceback."""
    given = _parser().parse_args(arguments)
    try:
        command: Callable[[Tieout, argparse.Namespace], None] = given.run
        command(tieout(), given)
    except IntegrationError as error:
        _say(str(error), sys.stderr)
        return 1
    return 0


def _list(context: Tieout, given: argparse.Namespace) -> None:
    letters = context.dead_letters.listing(given.state)
    for letter in letters:
        _say(f"{letter.dead_letter_id:6}  {letter.opened_at:%Y-%m-%d %H:%M}  {_stake(letter)}  "
             f"{letter.owner}  {letter.kind}|{letter.key}")  # fmt: skip
    _say(f"{len(letters)} {given.state}")


def _show(context: Tieout, given: argparse.Namespace) -> None:
    letter = context.dead_letters.show(given.number)
    _say(f"{letter.kind}|{letter.key}: {letter.state}\n  at stake  {_stake(letter)}\n"
         f"  why       {letter.reason}\n  do        {letter.next_action}\n"
         f"  owner     {letter.owner}, since {letter.opened_at:%Y-%m-%d %H:%M} UTC")  # fmt: skip
    for entry in audit.history(context.store, f"{letter.kind}|{letter.key}"):
        _say(f"  {entry.at:%Y-%m-%d %H:%M:%S}  {entry.who}: {entry.what}")


def _resolve(context: Tieout, given: argparse.Namespace) -> None:
    context.dead_letters.resolve(given.number, given.who, given.reason)
    _say(f"dead letter {given.number} resolved by {given.who}")


def _replay(context: Tieout, given: argparse.Namespace) -> None:
    """Try again what a dead letter holds; it is looked for first, so nothing is doubled."""
    from tieout.hooks.syspro import SysproHook

    for number in given.numbers:
        letter = context.dead_letters.show(number)
        is_effect = letter.kind in set(EffectKind)
        effect = context.effects.get(EffectKind(letter.kind), letter.key) if is_effect else None
        if effect is None:
            raise Rejected(f"no effect {letter.key!r}", f"dead letter {number}", "Resolve it.")
        conn_id = next(
            merchant.syspro_conn_id
            for merchant in context.mappings.merchants.values()
            if merchant.company_id == effect.target
        )
        hook = SysproHook(conn_id, leases=context.effects)
        with hook.session():
            engine = context.engine(hook.partners, hook.timings, worker=f"cli:{given.who}")
            after = replay(context.dead_letters, engine, number, given.who)
        _say(f"{number}: {after.state.value} {after.their_key} {after.reason}")


def _verify(context: Tieout, _given: argparse.Namespace) -> None:
    verdict = audit.verify(context.store)
    if not verdict.is_unbroken:
        raise Rejected(
            f"the audit chain does not hold at entry {verdict.broken_at}",
            "table audit",
            "Keep the table as it is; compare with a backup; find out who wrote to it.",
        )
    _say(f"{verdict.entries} entries hold; the last hash is {verdict.head}")


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
    _say(
        f"{journal.key}: {journal.debit_total} to disputes lost, built.\n"
        f"Clear 'approve' of {day} to have it approved, posted and tied out."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tieout.cli", description=__doc__)
    rooms = parser.add_subparsers(required=True)
    letters = rooms.add_parser("dead-letters").add_subparsers(required=True)
    listing = letters.add_parser("list")
    listing.add_argument("--state", choices=["open", "resolved"], default="open")
    listing.set_defaults(run=_list)
    show = letters.add_parser("show")
    show.add_argument("number", type=int)
    show.set_defaults(run=_show)
    resolve = letters.add_parser("resolve")
    resolve.add_argument("number", type=int)
    resolve.add_argument("--reason", required=True)
    resolve.set_defaults(run=_resolve)
    again = letters.add_parser("replay")
    again.add_argument("numbers", type=int, nargs="+")
    again.set_defaults(run=_replay)
    for changing in (resolve, again):
        changing.add_argument("--who", default=getpass.getuser())
    give_up = rooms.add_parser("dispute-lost")
    give_up.add_argument("merchant")
    give_up.add_argument("settlement_date", type=date.fromisoformat, help="of the chargeback")
    give_up.add_argument("case")
    give_up.add_argument("--on", type=date.fromisoformat, required=True, help="posting date")
    give_up.set_defaults(run=_give_up)
    clients_cli.add_commands(rooms)
    chain = rooms.add_parser("audit").add_subparsers(required=True)
    chain.add_parser("verify").set_defaults(run=_verify)
    return parser


def _stake(letter: DeadLetter) -> str:
    if letter.amount_minor is None or not letter.currency:
        return "unknown amount"
    return str(Money(letter.amount_minor, letter.currency))


def _say(line: str, stream: TextIO | None = None) -> None:
    (stream or sys.stdout).write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
