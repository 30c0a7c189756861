"""``orders``, ``refunds`` and ``reviews``: what people decide about trade.

What is asked for here is kept and due at once; the sweep of the DAG ``orders`` carries it out
within a minute. Only a review's decision is carried to the gateway by the command itself.
"""

import argparse
from collections.abc import Callable
from datetime import datetime, timedelta

from include.domain.money import Money
from include.domain.order_state import OrderFacts, OrderState
from include.domain.reviews import Decision
from include.services.orders.driver import Saga
from include.wiring import Tieout
from tieout.commands.parts import Parsers, desks_of, money, note, order_id_of, say, signed

_DUE = "it is carried out within a minute"


def add(parsers: Parsers) -> None:
    _add_orders(parsers)
    _add_refunds(parsers)
    reviews = parsers.add_parser("reviews").add_subparsers(required=True)
    reviews.add_parser("list").set_defaults(run=_list_reviews)
    for word in ("accept", "reject"):
        decide = reviews.add_parser(word)
        decide.add_argument("order", help="order id, or shop/number")
        decide.add_argument("--comment", default="")
        decide.set_defaults(run=_decide, decision=Decision(word))
        signed(decide)


def _add_orders(parsers: Parsers) -> None:
    orders = parsers.add_parser("orders").add_subparsers(required=True)
    listing = orders.add_parser("list")
    listing.add_argument("--state", choices=[state.value for state in OrderState], default="")
    listing.add_argument("--shop", default="")
    listing.add_argument("--expiring", action="store_true", help="whose authorisation lapses soon")
    listing.add_argument("--limit", type=int, default=50)
    listing.set_defaults(run=_list)
    for word, run in (("show", _show), ("timeline", _timeline)):
        shown = orders.add_parser(word)
        shown.add_argument("order", help="order id, or shop/number")
        shown.set_defaults(run=run)
    cancel = orders.add_parser("cancel")
    cancel.add_argument("order")
    cancel.add_argument("--reason", required=True)
    cancel.set_defaults(run=_cancel)
    give_up = orders.add_parser("give-up", help="one that is stuck and invoiced; the invoice stays")
    give_up.add_argument("order")
    give_up.add_argument("--reason", required=True)
    give_up.set_defaults(run=_give_up)
    capture = orders.add_parser("capture")
    capture.add_argument("order")
    capture.add_argument("--amount", default="", help="default: all that is left")
    capture.add_argument("--cause", required=True, help="the same cause captures once")
    capture.set_defaults(run=_capture)
    gone = orders.add_parser("hold-gone", help="one whose hold cannot be reversed any more")
    gone.add_argument("order")
    gone.add_argument("--reason", required=True, help="e.g. the bank says that it has lapsed")
    gone.set_defaults(run=_hold_gone)
    signed(cancel, give_up, gone, capture)


def _add_refunds(parsers: Parsers) -> None:
    refunds = parsers.add_parser("refunds").add_subparsers(required=True)
    listing = refunds.add_parser("list")
    listing.add_argument("--state", default="waiting")
    listing.set_defaults(run=_list_refunds)
    approve = refunds.add_parser("approve")
    approve.add_argument("refund")
    approve.set_defaults(run=_approve)
    refuse = refunds.add_parser("refuse")
    refuse.add_argument("refund")
    refuse.add_argument("--reason", required=True)
    refuse.set_defaults(run=_refuse)
    retry = refunds.add_parser("retry", help="one that the gateway has refused")
    retry.add_argument("refund")
    retry.set_defaults(run=_retry)
    outside = refunds.add_parser("paid-outside", help="refused by the gateway, paid by a person")
    outside.add_argument("refund")
    outside.add_argument("--reference", required=True, help="of the payment, e.g. the transfer's")
    outside.set_defaults(run=_paid_outside)
    signed(approve, refuse, retry, outside)


# Orders ------------------------------------------------------------------------------------------


def _list(context: Tieout, given: argparse.Namespace) -> None:
    from include.adapters.store.order_views import SqlOrderViews
    from include.services.api.ports import OrderFilter

    if given.expiring:
        return _list_expiring(context)
    wanted = OrderFilter(shop_id=given.shop, state=given.state)
    rows = SqlOrderViews(context.store).listing(wanted, given.limit, None)
    for row in rows:
        say(
            f"{row.order_id}  {row.accepted_at:%Y-%m-%d %H:%M}  {row.shop_id}/{row.number}  "
            f"{row.amount}  {row.state}  {row.reason[:80]}"
        )
    return say(f"{len(rows)} orders")


def _list_expiring(context: Tieout) -> None:
    from include.adapters.store.care_lists import holds

    now = context.clock.now()
    for hold in holds(context.store):
        merchant_id = context.today.shop(hold.shop_id).merchant_id
        rules = context.today.order_rules(merchant_id)
        if hold.expires_at is not None and rules.expiry_due_at(hold.expires_at) <= now:
            say(
                f"{hold.order_id}  {hold.shop_id}/{hold.number}  {hold.amount}  {hold.state}  "
                f"lapses {hold.expires_at:%Y-%m-%d %H:%M} UTC"
            )


def _show(context: Tieout, given: argparse.Namespace) -> None:
    order_id = order_id_of(context, given.order)
    order, saga = context.orders.content(order_id), context.orders.get(order_id)
    facts = saga.facts
    payment = facts.payment
    say(f"{order_id}  {order.shop_id}/{order.number}  {order.amount}: {saga.state}")
    rows = {
        "reason": saga.reason,
        "payment": f"{payment.theirs} {payment.request_id} {payment.reason}" if payment else "",
        "lapses": str(facts.expires_at or ""),
        "decision": f"{facts.decision or ''} {facts.decided_by}".strip(),
        "sales order": f"{facts.sales_order} {facts.hold_reason}".strip(),
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
    _end(context, given, desks_of(context).service.cancel, "order cancel asked for")


def _give_up(context: Tieout, given: argparse.Namespace) -> None:
    _end(context, given, desks_of(context).service.give_up, "order given up")


def _hold_gone(context: Tieout, given: argparse.Namespace) -> None:
    _end(context, given, desks_of(context).service.hold_is_gone, "hold is gone")


def _end(
    context: Tieout,
    given: argparse.Namespace,
    end: Callable[[str, str, str], Saga[OrderFacts]],
    what: str,
) -> None:
    order_id = order_id_of(context, given.order)
    saga = end(order_id, given.who, given.reason)
    note(context, given.who, what, f"order|{order_id}", why=given.reason)
    say(f"{order_id}: {saga.state}; {_DUE}")


def _capture(context: Tieout, given: argparse.Namespace) -> None:
    order_id = order_id_of(context, given.order)
    currency = context.orders.content(order_id).currency
    amount = money(given.amount, currency) if given.amount else None
    desks_of(context).service.capture(order_id, amount, given.who, f"cli {given.cause}")
    shown = str(amount or "all that is left")
    note(context, given.who, "capture asked for", f"order|{order_id}", amount=shown)
    say(f"{order_id}: capture of {shown}; {_DUE}")


# Refunds -----------------------------------------------------------------------------------------


def _list_refunds(context: Tieout, given: argparse.Namespace) -> None:
    from include.adapters.store.care_lists import refunds_in

    rows = refunds_in(context.store, given.state)
    for row in rows:
        say(
            f"{row.refund_id}  {row.asked_at:%Y-%m-%d %H:%M}  {row.amount}  {row.order_id}  "
            f"asked by {row.asked_by}: {row.reason}"
        )
    say(f"{len(rows)} {given.state}")


def _approve(context: Tieout, given: argparse.Namespace) -> None:
    row = context.refunds.approve(given.refund, given.who, via="cli")
    say(f"{given.refund}: {row.amount} approved by {given.who}; {_DUE}")


def _retry(context: Tieout, given: argparse.Namespace) -> None:
    desks_of(context).service.try_refund_again(given.refund, given.who, via="cli")
    say(f"{given.refund}: asked for again by {given.who}; {_DUE}")


def _paid_outside(context: Tieout, given: argparse.Namespace) -> None:
    service = desks_of(context).service
    service.pay_refund_outside(given.refund, given.reference, given.who, via="cli")
    say(f"{given.refund}: paid outside as {given.reference}, says {given.who}; book it by hand")


def _refuse(context: Tieout, given: argparse.Namespace) -> None:
    context.refunds.refuse(given.refund, given.who, given.reason, via="cli")
    say(f"{given.refund}: refused by {given.who}")


# Reviews -----------------------------------------------------------------------------------------


def _list_reviews(context: Tieout, _given: argparse.Namespace) -> None:
    from include.adapters.store.care_lists import holds

    rows = holds(context.store, [OrderState.in_review])
    now = context.clock.now()
    for row in rows:
        say(
            f"{row.order_id}  {row.shop_id}/{row.number}  {row.amount}  "
            f"waits {_hours(now - row.accepted_at)}, {_lapse(row.expires_at)}"
        )
    say(f"{len(rows)} under review")


def _decide(context: Tieout, given: argparse.Namespace) -> int:
    from include.services.orders.decide_review import decide_review

    order_id, desks = order_id_of(context, given.order), desks_of(context)
    desk = desks.of(context.orders.content(order_id).shop_id)
    detail = {"decision": given.decision.value, "comment": given.comment}
    note(context, given.who, "review decision asked for", f"order|{order_id}", **detail)
    found = decide_review(
        desks.service,
        desk.engine,
        order_id,
        given.decision,
        analyst=given.who,
        comments=given.comment,
    )
    say(f"{order_id}: {found}")
    return 0 if found.is_certain else 1


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:.1f} h"


def _lapse(at: datetime | None) -> str:
    return f"lapses {at:%Y-%m-%d %H:%M} UTC" if at else "holds no money"
