"""``orders``: read, cancel, capture, and what ends an order that nothing else can end.

What is asked for here is kept and due at once; the sweep of the DAG ``orders`` carries it out
within a minute.
"""

import argparse
from collections.abc import Callable

from include.domain.money import Money
from include.domain.order_state import OrderFacts, OrderState
from include.services.orders.sagas import Saga
from include.wiring import Tieout
from tieout.commands.parts import (
    DUE,
    ORDER,
    Command,
    Parsers,
    command,
    desks_of,
    group,
    money,
    order_id_of,
    say,
    whole,
    words,
)


def add(parsers: Parsers) -> None:
    orders = group(parsers, "orders", "read and end orders, ask for captures")
    listing = command(orders, "list", "newest first", _list)
    listing.add_argument("--state", choices=[state.value for state in OrderState], default="")
    listing.add_argument("--shop", default="")
    listing.add_argument("--expiring", action="store_true", help="whose authorisation lapses soon")
    listing.add_argument("--limit", type=whole(10_000), default=50)
    command(orders, "show", "where one stands", _show).add_argument("order", help=ORDER)
    command(orders, "timeline", "all that happened to one", _timeline).add_argument(
        "order", help=ORDER
    )
    capture = command(orders, "capture", "take money that is held", _capture, is_signed=True)
    capture.add_argument("order", help=ORDER)
    capture.add_argument("--amount", default="", help="default: all that is left")
    capture.add_argument("--cause", required=True, type=words, help="the same cause captures once")
    _end(orders, "cancel", "unwind one: what was held or taken goes back", _cancel)
    _end(orders, "give-up", "end one that is stuck and invoiced; the invoice stays", _give_up)
    _end(orders, "hold-gone", "end one whose hold cannot be reversed any more", _hold_gone)


def _end(orders: Parsers, name: str, does: str, run: Command) -> None:
    ending = command(orders, name, does, run, is_signed=True)
    ending.add_argument("order", help=ORDER)
    ending.add_argument(
        "--reason", required=True, type=words, help="for the timeline and the audit"
    )


def _list(context: Tieout, given: argparse.Namespace) -> None:
    from include.adapters.store.order_views import SqlOrderViews
    from include.services.api.ports import OrderFilter

    if given.expiring:
        return _list_expiring(context)
    wanted = OrderFilter(shop_id=given.shop, state=given.state)
    rows = SqlOrderViews(context.store).listing(wanted, given.limit, None)
    if given.shop and not rows:
        context.today.shop(given.shop)
    for row in rows:
        say(
            f"{row.order_id}  {row.accepted_at:%Y-%m-%d %H:%M}  {row.shop_id}/{row.number}  "
            f"{row.amount}  {row.state}  {row.reason[:80]}"
        )
    return say(f"{len(rows)} orders")


def _list_expiring(context: Tieout) -> None:
    from include.adapters.store.command_lists import holds

    now, found = context.clock.now(), 0
    for hold in holds(context.store):
        merchant_id = context.today.shop(hold.shop_id).merchant_id
        rules = context.today.order_rules(merchant_id)
        if hold.expires_at is not None and rules.expiry_due_at(hold.expires_at) <= now:
            found += 1
            say(
                f"{hold.order_id}  {hold.shop_id}/{hold.number}  {hold.amount}  {hold.state}  "
                f"lapses {hold.expires_at:%Y-%m-%d %H:%M} UTC"
            )
    say(f"{found} orders")


def _show(context: Tieout, given: argparse.Namespace) -> None:
    order_id = order_id_of(context, given.order)
    order, saga = context.orders.content(order_id), context.orders.get(order_id)
    facts = saga.facts
    payment = facts.payment
    told = f"{payment.theirs} {payment.request_id} {payment.reason}" if payment else ""
    say(f"{order_id}  {order.shop_id}/{order.number}  {order.amount}: {saga.state}")
    rows = {
        "reason": saga.reason,
        "payment": "none: it is free" if facts.is_free else told,
        "lapses": str(facts.expires_at or ""),
        "decision": f"{facts.decision or ''} {facts.decided_by}".strip(),
        "sales order": f"{facts.sales_order} {facts.suspense_reason}".strip(),
        "customer": facts.customer,
        "captured": str(Money(facts.captured_minor(), order.currency)),
        "given back": str(Money(facts.returned_minor, order.currency)),
        "invoice": facts.invoice,
        "stopped": f"{facts.stop.who}: {facts.stop.why}" if facts.stop else "",
        "next try": str(saga.next_at or ""),
    }
    for name, value in rows.items():
        if value:
            say(f"  {name:12}{value}")


def _timeline(context: Tieout, given: argparse.Namespace) -> None:
    order_id = order_id_of(context, given.order)
    for entry in context.orders.timeline(order_id):
        detail = "" if entry.detail == "{}" else entry.detail
        say(f"{entry.at:%Y-%m-%d %H:%M:%S}  {entry.what}  {detail}  {entry.who}".rstrip())


def _cancel(context: Tieout, given: argparse.Namespace) -> None:
    _ended(context, given, desks_of(context).service.cancel)


def _give_up(context: Tieout, given: argparse.Namespace) -> None:
    _ended(context, given, desks_of(context).service.give_up)


def _hold_gone(context: Tieout, given: argparse.Namespace) -> None:
    _ended(context, given, desks_of(context).service.hold_is_gone)


def _ended(
    context: Tieout,
    given: argparse.Namespace,
    end: Callable[..., Saga[OrderFacts]],
) -> None:
    order_id = order_id_of(context, given.order)
    saga = end(order_id, given.who, given.reason, via="cli")
    say(f"{order_id}: {saga.state}; {DUE}")


def _capture(context: Tieout, given: argparse.Namespace) -> None:
    order_id = order_id_of(context, given.order)
    currency = context.orders.content(order_id).currency
    amount = money(given.amount, currency) if given.amount else None
    cause = f"cli {given.cause}"
    desks_of(context).service.capture(order_id, amount, given.who, cause, via="cli")
    say(f"{order_id}: capture of {amount or 'all that is left'}; {DUE}")
