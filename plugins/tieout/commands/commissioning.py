"""``commissioning``: what no public source says of this site, measured and recorded.

Measured at the vendors' test accounts with TIEOUT_MODE=sandbox, each command prints one line; the
lines are recorded where production runs.
"""

import argparse
import sys

from include.domain.commissioning import WORDS, Probe
from include.domain.errors import Rejected
from include.wiring import Tieout
from tieout.commands import measuring
from tieout.commands.parts import Parsers, command, group, say


def add(parsers: Parsers) -> None:
    facts = group(parsers, "commissioning", "what must be known of a site before it goes live")
    command(facts, "list", "what is recorded, by connection", _list)
    record = command(
        facts, "record", "keep lines that measurements printed; they come by standard input",
        _record, is_signed=True,
    )  # fmt: skip
    record.add_argument("--connection", default="", help="where they hold; default: as they say")
    measuring.add(facts)


def _list(context: Tieout, given: argparse.Namespace) -> None:
    from include.domain.canonical import plain_json

    found = context.commissioning.listing()
    for fact in found:
        say(f"{fact.connection}  {fact.probe}  {fact.measured_at:%Y-%m-%d %H:%M} UTC  {fact.who}")
        say(f"  {WORDS[fact.probe]}: {plain_json(dict(fact.found))}")
    known = {fact.probe for fact in found}
    for probe in (one for one in Probe if one not in known):
        say(f"nowhere  {probe}  {WORDS[probe]}")


def _record(context: Tieout, given: argparse.Namespace) -> None:
    from include.adapters.commissioning_lines import fact_of

    lines = [line for line in sys.stdin.read().splitlines() if line.strip()]
    if not lines:
        raise Rejected("no line came", "standard input", "Pipe in what the measurements printed.")
    facts = [fact_of(line, given.who, given.connection) for line in lines]  # all, or none
    now = context.clock.now()
    if early := [fact for fact in facts if fact.measured_at > now]:
        what = f"{early[0].probe} was measured at {early[0].measured_at}, which is still to come"
        raise Rejected(what, "standard input", "The newest one counts: correct its time.")
    for fact in facts:
        context.commissioning.record(fact, via="cli")
        say(f"{fact.connection}  {fact.probe}  recorded")
