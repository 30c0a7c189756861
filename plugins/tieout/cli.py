"""``python -m tieout.cli``: everything that people ask for or decide from the shell.

Runs in the environment of the stack. Whatever changes something is signed with ``--who``, by
default the login name, and lands in the audit chain.
"""

import argparse
import sys

from sqlalchemy.exc import SQLAlchemyError

from include.domain.errors import IntegrationError
from include.wiring import tieout
from tieout.commands import (
    audit,
    clients,
    commissioning,
    customers,
    disputes,
    items,
    letters,
    orders,
    preflight,
    preview,
    refunds,
    reviews,
    store,
    tokens,
    webhooks,
)
from tieout.commands.parts import Command, say, speaking
from tieout.hooks.connections import read_airflow_database

_COMMANDS = (
    *(letters, items, orders, refunds, reviews, disputes),
    *(customers, tokens, webhooks, clients, preflight, commissioning, preview, audit, store),
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a fault of the families, or of the store, is a sentence, not a traceback."""
    given = _parser().parse_args(arguments)
    read_airflow_database()
    try:
        command: Command = given.run
        with speaking():
            return command(tieout(), given) or 0
    except IntegrationError as error:
        say(str(error), sys.stderr)
    except SQLAlchemyError as fault:  # its words hold the statement
        kind = type(fault).__name__
        say(f"The store does not answer: {kind}. Look at TIEOUT_STORE_URL.", sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tieout.cli", description=__doc__)
    parsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in _COMMANDS:
        module.add(parsers)
    return parser


if __name__ == "__main__":
    sys.exit(main())
