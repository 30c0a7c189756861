"""``preflight``: ask everything that a merchant's days and orders will need; nothing is written."""

import argparse

from include.wiring import Tieout
from tieout.commands.parts import Parsers, command, say


def add(parsers: Parsers) -> None:
    check = command(
        parsers, "preflight", "ask all that a merchant's days and orders will need", _check
    )
    check.add_argument("merchant")


def _check(context: Tieout, given: argparse.Namespace) -> int:
    from include.services.preflight import Verdict, preflight
    from tieout.desks.preflight_desk import PreflightDesk

    results = []
    for result in preflight(PreflightDesk(context, given.merchant).checks()):
        results.append(result)
        check = result.check
        say(f"{result.verdict:<9}  {check.place}: {check.what}: {result.words}")
        if result.do:
            say(f"{'':<9}  -> {result.do}")
    counted = {one: sum(it.verdict is one for it in results) for one in Verdict}
    say(", ".join(f"{count} {one}" for one, count in counted.items()))
    return 0 if counted[Verdict.ok] == len(results) else 1
