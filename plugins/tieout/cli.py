"""``python -m tieout.cli``: everything that people ask for or decide from the shell.

Runs in the environment of the stack. Whatever changes something is signed with ``--who`` and
the login name, and lands in the audit chain.
"""

import argparse
import sys

from sqlalchemy.exc import SQLAlchemyError

from include.adapters.store.api_alerts import SqlAlarms
from include.adapters.store.faults import store_words
from include.domain.card_numbers import CardNumberRefused
from include.domain.errors import IntegrationError
from include.services.effects.chain import signer
from include.wiring import tieout
from tieout.commands import (
    audit,
    balances,
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
    shoppers,
    store,
    tokens,
    webhooks,
)
from tieout.commands.login import login
from tieout.commands.parts import Command, conclude, say, speaking
from tieout.hooks.connections import read_airflow_database

_COMMANDS = (
    *(letters, items, balances, orders, refunds, reviews, disputes),
    *(customers, shoppers, tokens, webhooks, clients),
    *(preflight, commissioning, preview, audit, store),
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a fault of the families, or of the store, is a sentence, not a traceback."""
    given = _parser().parse_args(arguments)
    read_airflow_database()
    try:
        return _run(given.run, given)
    except IntegrationError as error:
        say(str(error), sys.stderr)
    except SQLAlchemyError as fault:  # its words hold the statement
        say(store_words(fault), sys.stderr)
    return 1


def _run(command: Command, given: argparse.Namespace) -> int:
    """Run it; a card number in what somebody typed is refused and rings the alarm."""
    try:
        with speaking():
            return command(tieout(), given) or 0
    except CardNumberRefused as fault:
        who = signer("cli", getattr(given, "who", login()))
        SqlAlarms(tieout().store).card_number(who, fault.what)
        raise


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tieout.cli", description=__doc__)
    parsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in _COMMANDS:
        module.add(parsers)
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        conclude(sys.stdout)
