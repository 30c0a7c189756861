"""``dead-letters``: what could not be finished, of all flows; shown, tried again, resolved."""

import argparse

from include.adapters.store import audit
from include.domain.errors import IntegrationError, Rejected
from include.domain.money import Money
from include.services.effects.dead_letters import DeadLetter
from include.services.next_actions import suggest
from include.wiring import Tieout
from tieout.commands.parts import Parsers, command, desks_of, group, say, whole, words

NUMBER = whole(2**31 - 1)


def add(parsers: Parsers) -> None:
    letters = group(parsers, "dead-letters", "what could not be finished, of all flows")
    listing = command(letters, "list", "what is open, and what to do", _list)
    listing.add_argument("--state", choices=["open", "resolved"], default="open")
    listing.add_argument("--kind", default="", help="only this kind")
    show = command(letters, "show", "one, with its history", _show)
    show.add_argument("number", type=NUMBER)
    resolve = command(
        letters, "resolve", "say that it was settled by hand, and how", _resolve, is_signed=True
    )
    resolve.add_argument("numbers", type=NUMBER, nargs="+")
    resolve.add_argument("--reason", required=True, type=words)
    again = command(
        letters, "replay", "try again; looked for first, nothing is doubled", _replay,
        is_signed=True,
    )  # fmt: skip
    again.add_argument("numbers", type=NUMBER, nargs="*")
    again.add_argument("--kind", default="", help="every open one of this kind")
    again.add_argument("--all", action="store_true", help="every open one")


def _list(context: Tieout, given: argparse.Namespace) -> None:
    letters = context.dead_letters.every(given.state, given.kind)
    for letter in letters:
        say(
            f"{letter.dead_letter_id:6}  {letter.opened_at:%Y-%m-%d %H:%M}  {_stake(letter)}  "
            f"{letter.owner}  {letter.kind}|{letter.key}"
        )
        do = suggest(letter) or letter.next_action
        if letter.state == "open":
            say(f"        {letter.reason[:110]}\n        -> {do}")
    say(f"{len(letters)} {given.state}")


def _show(context: Tieout, given: argparse.Namespace) -> None:
    letter = context.dead_letters.show(given.number)
    say(
        f"{letter.kind}|{letter.key}: {letter.state}\n  at stake  {_stake(letter)}\n"
        f"  why       {letter.reason}\n  do        {letter.next_action}\n"
        f"  owner     {letter.owner}, since {letter.opened_at:%Y-%m-%d %H:%M} UTC"
    )
    if suggestion := suggest(letter):
        say(f"  suggested {suggestion}")
    if letter.state == "resolved":
        say(f"  resolved  by {letter.resolved_by}: {letter.resolution}")
    for entry in audit.history(context.store, f"{letter.kind}|{letter.key}"):
        say(f"  {entry.at:%Y-%m-%d %H:%M:%S}  {entry.who}: {entry.what}")


def _resolve(context: Tieout, given: argparse.Namespace) -> None:
    for number in given.numbers:
        context.dead_letters.resolve(number, given.who, given.reason, via="cli")
        say(f"dead letter {number} resolved by {given.who}")


def _replay(context: Tieout, given: argparse.Namespace) -> int:
    """Try each again; one that fails does not stop the next, but the command fails."""
    numbers = _chosen(context, given)
    desks, failed = desks_of(context), 0
    for number in numbers:
        letter = context.dead_letters.show(number)
        try:
            say(f"{number}: {_again(context, desks, letter, given.who)}")
        except IntegrationError as fault:
            failed += 1
            say(f"{number}: not replayed: {fault}")
    say(f"{len(numbers) - failed} replayed, {failed} not")
    return 1 if failed else 0


def _again(context: Tieout, desks: object, letter: DeadLetter, who: str) -> str:
    from include.adapters.store.inbox import SqlInbox
    from include.services.inbox.ports import DEAD_LETTER_KIND
    from tieout.desks.repair import replay_one

    if letter.kind == DEAD_LETTER_KIND:
        SqlInbox(context.store).retry(letter.key, who, via="cli")
        return "received; it is handled within a minute"
    return replay_one(desks, letter.dead_letter_id, who, via="cli")  # type: ignore[arg-type]


def _chosen(context: Tieout, given: argparse.Namespace) -> list[int]:
    if bool(given.numbers) + bool(given.kind) + given.all != 1:
        raise Rejected("what is to be replayed is not clear", "replay", "Numbers, --kind or --all.")
    if given.numbers:
        return list(dict.fromkeys(given.numbers))
    found = [letter.dead_letter_id for letter in context.dead_letters.every(kind=given.kind)]
    if given.kind and not found:
        what = f"no dead letter of kind {given.kind!r} is open"
        raise Rejected(what, "dead letters", "List them first: the kind stands before the |.")
    return found


def _stake(letter: DeadLetter) -> str:
    if letter.amount_minor is None or not letter.currency:
        return "unknown amount"
    return str(Money(letter.amount_minor, letter.currency))
