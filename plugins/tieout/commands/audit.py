"""``audit``: the chain of what was decided, recomputed."""

import argparse
import re

from include.domain.errors import Rejected
from include.services.effects.chain import ChainVerdict
from include.wiring import Tieout
from tieout.commands.parts import Parsers, command, group, say


def add(parsers: Parsers) -> None:
    chain = group(parsers, "audit", "the chain of what was decided")
    verify = command(chain, "verify", "recompute every hash", _verify)
    verify.add_argument("--head", default="", help="to be found; default: the one in the lake")
    verify.add_argument("--since", default="", help="a head told before, to begin with")


def _verify(context: Tieout, given: argparse.Namespace) -> None:
    for name, head in (("--head", given.head), ("--since", given.since)):
        if head and re.fullmatch("[0-9a-f]{64}", head) is None:
            # A slip of the pen must not look like a chain that was tampered with.
            what = f"{head[:70]!r} is no head: 64 digits and letters a to f"
            raise Rejected(what, name, "Copy it whole from the message.")
    verdict = context.trust.verify(given.head, given.since)
    do = "Keep the table as it is; compare with a backup; find out who wrote to it."
    if not verdict.is_whole:
        what = f"the audit chain does not hold at entry {verdict.broken_at}"
        raise Rejected(f"{what}{_place(verdict, given.head)}", "table audit", do)
    if not verdict.is_unbroken:
        noted = f"the head {given.head}" if given.head else "the head noted in the lake"
        if given.since and not verdict.entries:
            noted = f"the head {given.since}"
        raise Rejected(
            f"the {verdict.entries} entries fit each other, but {noted} is not among them: an end "
            "was cut off, or the chain was written anew",
            "table audit",
            f"{do} A store that was restored has lost its end, too: runbook restore.",
        )
    begun = ", from the head given on" if given.since else ""
    place = _place(verdict, given.head)
    say(f"{verdict.entries} entries hold{begun}; the last hash is {verdict.head}{place}")


def _place(verdict: ChainVerdict, asked: str) -> str:
    if not verdict.noted_at:
        return ""
    return (
        f"; the head {'asked for' if asked else 'noted in the lake'} is number {verdict.noted_at}"
    )
