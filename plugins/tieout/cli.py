"""``python -m tieout.cli``: dead letters, orders, tokens, webhooks, API clients, the audit.

Runs in the environment of the stack. Whatever changes something is signed with ``--who``, by
default the login name, and lands in the audit chain.
"""

import argparse
import sys

from include.domain.errors import IntegrationError
from include.wiring import tieout
from tieout.commands import audit, clients, disputes, letters, orders, store, tokens, webhooks
from tieout.commands.parts import Command, say


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a fault of the families is a sentence, not a traceback."""
    given = _parser().parse_args(arguments)
    try:
        command: Command = given.run
        return command(tieout(), given) or 0
    except IntegrationError as error:
        say(str(error), sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tieout.cli", description=__doc__)
    parsers = parser.add_subparsers(required=True)
    for command in (letters, orders, tokens, webhooks, clients, disputes, audit, store):
        command.add(parsers)
    return parser


if __name__ == "__main__":
    sys.exit(main())
