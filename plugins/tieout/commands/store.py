"""``store``: what a person knows of the store and it does not, e.g. that it was restored."""

import argparse

from include.wiring import Tieout
from tieout.commands.parts import Parsers, note, say, signed


def add(parsers: Parsers) -> None:
    store = parsers.add_parser("store").add_subparsers(required=True)
    doubt = store.add_parser("doubt", help="look for every write before it is sent")
    doubt.add_argument("--reason", required=True, help="e.g. failed over to a replica")
    doubt.set_defaults(run=_doubt)
    signed(doubt)


def _doubt(context: Tieout, given: argparse.Namespace) -> None:
    context.trust.doubt(given.reason)
    note(context, given.who, "store doubted", "store", reason=given.reason)
    say("Every write is looked for first, until the dead letter of kind 'store' is resolved.")
