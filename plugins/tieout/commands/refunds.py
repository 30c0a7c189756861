"""``refunds``: the second person's word, and what becomes of one that the gateway has refused."""

import argparse

from include.domain.refunds import RefundState
from include.wiring import Tieout
from tieout.commands.parts import DUE, Parsers, command, desks_of, group, say, words


def add(parsers: Parsers) -> None:
    refunds = group(parsers, "refunds", "decide refunds, and mend those that were refused")
    listing = command(refunds, "list", "those of one state, the oldest first", _list)
    listing.add_argument(
        "--state", choices=[state.value for state in RefundState], default="waiting"
    )
    approve = command(
        refunds, "approve", "let one go; never by who asked", _approve, is_signed=True
    )
    refuse = command(refunds, "refuse", "say no before it has moved", _refuse, is_signed=True)
    refuse.add_argument("--reason", required=True, type=words)
    retry = command(refunds, "retry", "ask the gateway once more", _retry, is_signed=True)
    outside = command(
        refunds, "paid-outside", "refused by the gateway, paid by a person", _paid_outside,
        is_signed=True,
    )  # fmt: skip
    outside.add_argument(
        "--reference", required=True, type=words, help="of the payment, e.g. the transfer's"
    )
    for parser in (approve, refuse, retry, outside):
        parser.add_argument("refund")


def _list(context: Tieout, given: argparse.Namespace) -> None:
    from include.adapters.store.command_lists import refunds_in

    rows = refunds_in(context.store, given.state)
    for row in rows:
        say(
            f"{row.refund_id}  {row.asked_at:%Y-%m-%d %H:%M}  {row.amount}  {row.order_id}  "
            f"asked by {row.asked_by}: {row.reason}"
        )
    say(f"{len(rows)} {given.state}")


def _approve(context: Tieout, given: argparse.Namespace) -> None:
    row = context.refunds.approve(given.refund, given.who, via="cli")
    say(f"{given.refund}: {row.amount} approved by {given.who}; {DUE}")


def _retry(context: Tieout, given: argparse.Namespace) -> None:
    desks_of(context).service.try_refund_again(given.refund, given.who, via="cli")
    say(f"{given.refund}: asked for again by {given.who}; {DUE}")


def _paid_outside(context: Tieout, given: argparse.Namespace) -> None:
    service = desks_of(context).service
    service.pay_refund_outside(given.refund, given.reference, given.who, via="cli")
    say(f"{given.refund}: paid outside as {given.reference}, says {given.who}; book it by hand")


def _refuse(context: Tieout, given: argparse.Namespace) -> None:
    service = desks_of(context).service
    service.refuse_refund(given.refund, given.who, given.reason, via="cli")
    say(f"{given.refund}: refused by {given.who}")
