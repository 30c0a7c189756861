"""``audit``: the chain of what was decided, recomputed."""

import argparse

from include.domain.errors import Rejected
from include.wiring import Tieout
from tieout.commands.parts import Parsers, command, group, say


def add(parsers: Parsers) -> None:
    chain = group(parsers, "audit", "the chain of what was decided")
    verify = command(chain, "verify", "recompute every hash", _verify)
    verify.add_argument("--head", default="", help="to be found; default: the one in the lake")


def _verify(context: Tieout, given: argparse.Namespace) -> None:
    verdict = context.trust.verify(given.head)
    if not verdict.is_unbroken:
        raise Rejected(
            f"the audit chain does not hold at entry {verdict.broken_at}",
            "table audit",
            "Keep the table as it is; compare with a backup; find out who wrote to it.",
        )
    say(f"{verdict.entries} entries hold; the last hash is {verdict.head}")
