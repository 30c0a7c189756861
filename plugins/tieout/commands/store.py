"""``store``: what a person knows of the store and it does not, e.g. that it was restored."""

import argparse

from include.services.effects.chain import Signed
from include.wiring import Tieout
from tieout.commands.parts import Parsers, command, group, say, words


def add(parsers: Parsers) -> None:
    store = group(parsers, "store", "what a person knows of the store and it does not")
    doubt = command(
        store, "doubt", "look for every write before it is sent", _doubt, is_signed=True
    )
    doubt.add_argument("--reason", required=True, type=words, help="e.g. failed over to a replica")


def _doubt(context: Tieout, given: argparse.Namespace) -> None:
    signed = Signed("store doubted", given.who, "cli", {"reason": given.reason})
    context.trust.doubt(given.reason, signed)
    say("Every write is looked for first, until the dead letter of kind 'store' is resolved.")
