"""What the commands share: how a line is said, and who does it."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from contextvars import ContextVar
from datetime import date
from typing import TYPE_CHECKING, Any, TextIO

from include.domain.errors import Rejected
from include.domain.money import Money
from include.wiring import Tieout
from tieout.commands.login import login, signature

if TYPE_CHECKING:
    from tieout.desks.order_desk import Desks

Parsers = Any  # argparse keeps the type of subparsers to itself
Command = Callable[[Tieout, argparse.Namespace], int | None]  # anything but 0 or None is a failure

DUE = "it is carried out within a minute"  # by the sweep of the DAG ``orders``
ORDER = "order id, or shop/number"


def group(parsers: Parsers, name: str, does: str) -> Parsers:
    """Add a group of commands, e.g. ``orders``, with its line of help."""
    made = parsers.add_parser(name, help=does, description=does)
    return made.add_subparsers(required=True, metavar="COMMAND")


def command(
    parsers: Parsers, name: str, does: str, run: Command, *, is_signed: bool = False
) -> argparse.ArgumentParser:
    """Add one command with its line of help; what changes something is signed."""
    made: argparse.ArgumentParser = parsers.add_parser(name, help=does, description=does)
    made.set_defaults(run=run)
    if is_signed:
        help_ = "your name; the login name, which is the default, is recorded beside it"
        made.add_argument("--who", default=login(), type=signature, help=help_)
    return made


_output: ContextVar[TextIO | None] = ContextVar("output", default=None)


@contextmanager
def speaking() -> Iterator[None]:
    """Leave standard output to what commands say; all else that is printed, logs too, is a remark.

    Airflow logs to standard output, and what a command says may be piped on.
    """
    before = _output.set(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _output.reset(before)


def say(line: str, stream: TextIO | None = None) -> None:
    with suppress(BrokenPipeError):  # whoever read has gone; what was begun is finished
        (stream or _output.get() or sys.stdout).write(line + "\n")


def conclude(stream: TextIO) -> None:
    """Say the rest; where nobody reads it any more, leave nothing to say at Python's end."""
    try:
        stream.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def whole(most: int, least: int = 1) -> Callable[[str], int]:
    """Return the reader of a number between two; anything else ends in the usage."""

    def number(text: str) -> int:
        is_whole = text.isascii() and text.isdigit() and len(text) < 20
        if not (is_whole and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text[:30]!r} is no number from {least} to {most}")
        return int(text)

    return number


def words(text: str) -> str:
    """Read what a person says of it; a blank says nothing to who reads it later."""
    if not text.strip():
        raise argparse.ArgumentTypeError("is blank; whoever reads it later must know")
    return text.strip()


def day(text: str) -> date:
    """Read a day as it is written everywhere here; anything else ends in the usage."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:30]!r} is no day like 2026-11-20") from None


def known_merchant(context: Tieout, merchant_id: str) -> None:
    """Look a merchant up, for "none" about a name that was mistyped reads as good news.

    Raises:
        Rejected: it is in no entry of the file.
    """
    if merchant_id not in context.mappings.merchants:
        known = ", ".join(sorted(context.mappings.merchants))
        what = f"there is no merchant {merchant_id!r}"
        raise Rejected(what, "merchants.yaml", f"Name one of {known}.")


def mail_address(text: str) -> str:
    """Read an address; an empty one would be everybody's who has none."""
    if not text.strip().partition("@")[2]:
        raise argparse.ArgumentTypeError(f"{text[:30]!r} is no mail address")
    return text.strip()


def desks_of(context: Tieout) -> "Desks":
    """Return the shops' desks; importing them brings Airflow, which takes a while."""
    from tieout.desks.order_desk import Desks

    return Desks(context)


def order_id_of(context: Tieout, given: str) -> str:
    """Read an order id, or ``shop/number``.

    Raises:
        Rejected: there is no such order.
    """
    from include.domain.orders import order_id_of as name

    shop_id, slash, number = given.partition("/")
    order_id = name(shop_id, number) if slash else given
    try:
        context.orders.content(order_id)
    except Rejected as fault:  # a person looks for what they have typed, not for its digest
        what = f"there is no order {given!r}"
        raise Rejected(what, fault.where, f"Give its {ORDER}.") from None
    return order_id


def money(text: str, currency: str) -> Money:
    """Read an amount as people write it."""
    try:
        found = Money.parse(text, currency, "--amount")
    except Rejected as fault:
        raise Rejected(fault.what, fault.where, "Write it like 12.50.") from None
    if found.minor <= 0:
        raise Rejected(f"{text} is no amount to move", "--amount", "Name a positive amount.")
    return found
