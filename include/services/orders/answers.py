"""What is asked of gateway and ERP on the way, and what their answers change. Reads only."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from include.domain.erp_orders import NOT_RELEASED, SUSPENDED, owed_by
from include.domain.errors import Rejected, Retryable
from include.domain.money import Money
from include.domain.order_rules import OnCredit, OnExpiry
from include.domain.order_state import FOUND_IN_SUSPENSE, OrderFacts, RequestedCapture, Stop
from include.domain.orders import Order
from include.domain.paying import source_of
from include.domain.payments import StoredToken
from include.domain.refunds import called_off
from include.domain.reviews import Decision
from include.domain.standing import is_under_review, waits_for_clerk
from include.services.orders.applications import ask_applications
from include.services.orders.credit import judge
from include.services.orders.folds import payment_event, with_payment
from include.services.orders.moves import authorized, to_capture
from include.services.orders.numbering import free_number
from include.services.orders.own_letters import TIEOUT
from include.services.orders.ports import ShopContext
from include.services.orders.renewals import renewal_source
from include.services.orders.sagas import Event
from include.services.orders.stock_check import ask_stock
from include.services.orders.whose_customer import account_of
from include.services.translate.currencies import check_customer_currency

_SHOWN_WITHIN = timedelta(hours=2)  # far longer than the gateway's search lags
Answer = Callable[[Order, ShopContext, OrderFacts, datetime], tuple[OrderFacts, Event | None]]


def _ask_authorization(
    order: Order, desk: ShopContext, facts: OrderFacts, now: datetime
) -> tuple[OrderFacts, Event | None]:
    """Take over what the shop authorised; it must be there, be ours and be enough."""
    wanted = source_of(order, facts).request_id
    found = desk.gateway.authorization(wanted)
    if found is None:
        since = facts.looked_at
        if since is None:
            return replace(facts, looked_at=now), Event("authorisation not shown yet", {})
        what = f"the gateway has not shown request {wanted} since {since:%Y-%m-%d %H:%M} UTC"
        where = f"order {order.number}"
        if now - since < _SHOWN_WITHIN:
            raise Retryable(what, where, "It is asked again; its search shows a payment late.")
        if facts.stop is not None:  # a hold that is not there need not be given back
            return replace(facts, is_reversed=True), Event("authorisation never shown", {})
        raise Rejected(what, where, "Check the request id with the shop; cancel the order.")
    facts = replace(facts, looked_at=None)
    if facts.stop is not None:  # whatever it holds is given back
        return with_payment(desk, facts, found, now, now), payment_event(found)
    if found.authorized is None or found.authorized != order.amount:
        raise Rejected(
            f"request {wanted} holds {found.authorized}, the order is {order.amount}",
            f"order {order.number}",
            "Cancel the order, or have the shop authorise the right amount.",
        )
    return with_payment(desk, facts, found, now, now), payment_event(found)


def _ask_credit(
    order: Order, desk: ShopContext, facts: OrderFacts, _now: datetime
) -> tuple[OrderFacts, Event | None]:
    found, linked = account_of(order, desk, facts.customer)
    customer, about = found.customer, {"customer": found.customer}
    about |= {"link": linked} if linked else {}
    facts = replace(facts, customer=customer)
    if not found.exists:
        return replace(facts, credit="good"), None
    check_customer_currency(order.currency, found.currency or order.currency, customer)
    facts = replace(facts, is_customer_known=True)
    judged = judge(order.amount, found, desk.rates, desk.today)
    if judged.verdict == "good":
        return replace(facts, credit="good"), Event("credit checked", about)
    rule, facts = judged.rule(desk.rules), replace(facts, credit_why=judged.why)
    detail = {"verdict": judged.verdict, "why": judged.why, "rule": rule.value}
    event = Event("credit checked", {**about, **detail})
    if rule is OnCredit.refuse:
        stop = Stop(TIEOUT, f"customer {customer}: credit {judged.verdict}")
        return replace(facts, credit=judged.verdict, stop=stop), event
    return replace(facts, credit="accepted" if rule is OnCredit.accept else judged.verdict), event


def _ask_token(
    order: Order, desk: ShopContext, facts: OrderFacts, _now: datetime
) -> tuple[OrderFacts, Event | None]:
    """A shopper may have had the card forgotten while the order waited for SYSPRO."""
    stored = facts.payment.stored if facts.payment else None
    if stored is None or not desk.is_leaving(order.merchant_id, stored):
        return replace(facts, card="kept"), None
    return replace(facts, card="leaving"), Event("token not noted in SYSPRO: it is leaving", {})


def _ask_release(
    order: Order, desk: ShopContext, facts: OrderFacts, now: datetime
) -> tuple[OrderFacts, Event | None]:
    found = desk.erp.order(purchase_order=order.purchase_order, customer=facts.customer)
    facts = replace(facts, looked_at=now)
    if found is not None and found.is_cancelled:
        stop = Stop("clerk", f"sales order {found.sales_order} was cancelled in SYSPRO")
        return replace(facts, is_order_cancelled=True, stop=stop), Event("cancelled in SYSPRO", {})
    if found is not None and found.status == SUSPENDED and not facts.is_suspended:
        facts = replace(facts, is_suspended=True, suspense_reason=FOUND_IN_SUSPENSE)
        return facts, Event("suspended in SYSPRO", {})
    if found is None or found.status in NOT_RELEASED or not facts.is_suspended:
        return facts, None
    return replace(facts, is_suspended=False, suspense_reason=""), Event("released in SYSPRO", {})


def _ask_invoice(
    order: Order, desk: ShopContext, facts: OrderFacts, now: datetime
) -> tuple[OrderFacts, Event | None]:
    documents = desk.erp.documents_of(order.purchase_order, facts.customer)
    invoices = tuple(one.invoice for one in documents if one.document_type == "I")
    facts = replace(facts, looked_at=now).with_invoices(invoices)
    if not invoices:
        return facts, None
    return facts, Event("invoiced in SYSPRO", {"invoice": facts.invoice})


def _ask_renewal(
    order: Order, desk: ShopContext, facts: OrderFacts, _now: datetime
) -> tuple[OrderFacts, Event | None]:
    """See that the card is there: networks fine who asks an account that its issuer has closed."""
    source = renewal_source(order, facts)
    token = StoredToken(source.customer_token, source.instrument_token) if source else None
    if token is None or not desk.is_leaving(order.merchant_id, token):
        return replace(facts, renewal_asked=facts.attempt + 1), None
    gone = "its card is closed by the issuer, or not kept any more"
    return replace(facts, unrenewed=gone), Event("not renewed", {"reason": gone})


def _stop_expired(
    order: Order, desk: ShopContext, facts: OrderFacts, _now: datetime
) -> tuple[OrderFacts, Event | None]:
    """Give the hold back before it lapses, unless goods have left that nobody has claimed yet.

    Whoever read the invoice may have been stopped before the capture was asked for: it waits for
    a person then, and the hold does not wait for them.
    """
    claimed = _with_invoices_wanted(order, desk, facts)
    if claimed.requested_captures != facts.requested_captures:
        sums = ", ".join(f"{one.cause}: {one.amount}" for one in claimed.requested_captures)
        return claimed, Event("capture asked for before the authorisation lapses", {"for": sums})
    what = "the rest of the order" if facts.captures else "the order"
    why = f"the authorisation lapses before {what} could be captured"
    why += ", and SYSPRO still holds it" if waits_for_clerk(facts) else ""
    why += f", and could not be renewed: {facts.unrenewed}" if facts.unrenewed else ""
    stop = Stop(TIEOUT, why, keeps_invoice=facts.is_invoiced or bool(facts.captures))
    return replace(facts, stop=stop), Event("stopped before the authorisation lapses", {})


def _leave_rest(
    order: Order, desk: ShopContext, facts: OrderFacts, _now: datetime
) -> tuple[OrderFacts, Event | None]:
    """Use what is left of an authorisation to its end, without another: a person is told."""
    is_rule = desk.rules.on_expiry is OnExpiry.release
    why = "on_expiry is release" if is_rule else "no card is on file"
    left = authorized(order, facts) - Money(facts.captured_minor(), order.currency)
    told = Event("the authorisation of the rest is left to lapse", {"why": why, "rest": str(left)})
    return replace(facts, unrenewed=why), told


def _with_invoices_wanted(order: Order, desk: ShopContext, facts: OrderFacts) -> OrderFacts:
    """Want what was invoiced, each under the cause by which its own reader asks: never twice."""
    is_closed = is_under_review(facts) or facts.decision is Decision.reject
    left = authorized(order, facts).minor - facts.promised_minor()
    if is_closed or not facts.is_invoiced or left <= 0:
        return facts
    shown = desk.erp.documents_of(order.purchase_order, facts.customer)
    invoices = [one for one in shown if one.document_type == "I"]
    for document, owed in owed_by(invoices):
        minor, cause = min(owed.minor, left), f"invoice {document.invoice}"
        is_known = any(one.cause == cause for one in facts.requested_captures)
        if is_known or owed.currency != order.currency or minor <= 0:
            continue
        left -= minor
        amount = Money(minor, order.currency)
        one = RequestedCapture(free_number(facts), amount, cause, is_final=not left)
        facts = replace(facts, requested_captures=(*facts.requested_captures, one))
    return facts


def _stop_returned(
    _order: Order, _desk: ShopContext, facts: OrderFacts, _now: datetime
) -> tuple[OrderFacts, Event | None]:
    stop = Stop("SYSPRO", "closed without an invoice, and everything was given back")
    return replace(facts, stop=stop), Event("stopped: nothing is left to be paid for", {})


def _stop_refunded(
    _order: Order, _desk: ShopContext, facts: OrderFacts, _now: datetime
) -> tuple[OrderFacts, Event | None]:
    """Call it off where who asked for the refund could not: the money alone has told it."""
    return called_off(facts, TIEOUT), Event("called off: all of it was refunded", {})


def _ask_delivered(
    order: Order, desk: ShopContext, facts: OrderFacts, _now: datetime
) -> tuple[OrderFacts, Event | None]:
    """Learn what had left when SYSPRO called the order off; what of it was not charged yet, is."""
    _demand_no_other(order, desk, facts)
    shown = desk.erp.documents_of(order.purchase_order, facts.customer)
    for document in shown:
        if document.amount.currency != order.currency:
            raise Rejected(
                f"{document.invoice} of an order in {order.currency} is over {document.amount}",
                f"order {order.number}",
                "It hides what was delivered: correct the invoice, or give the order up.",
            )
    # Credit notes count for nothing here: each is refunded by itself, out of what was charged.
    left = [one for one in shown if one.document_type == "I"]
    delivered = min(sum(one.amount.minor for one in left), authorized(order, facts).minor)
    delivered = max(delivered, 0)  # a discount that is ahead of its goods
    invoices = [one.invoice for one in left]
    due, taken = delivered - facts.captured_minor(), {one.number for one in facts.captures}
    facts = replace(
        facts,
        delivered_minor=delivered,
        requested_captures=tuple(one for one in facts.requested_captures if one.number in taken),
    ).with_invoices(invoices)
    if not delivered:
        return facts, None
    if due > 0 and facts.decision is not Decision.reject and not facts.is_reversed:
        cause = "delivered before it was called off"
        one = RequestedCapture(free_number(facts), Money(due, order.currency), cause, is_final=True)
        facts = replace(facts, requested_captures=(*facts.requested_captures, one))
    detail = {"invoice": ", ".join(invoices), "amount": str(Money(delivered, order.currency))}
    return facts, Event("delivered in part before it was called off", detail)


def _demand_no_other(order: Order, desk: ShopContext, facts: OrderFacts) -> None:
    """Give nothing back while a clerk's second sales order may still ship the same goods."""
    if not facts.sales_order:
        return  # none is known as ours, so none can be told from it
    other = desk.erp.order(purchase_order=order.purchase_order, customer=facts.customer)
    if other is None or other.sales_order == facts.sales_order:
        return
    if other.is_cancelled or other.is_complete:
        return
    raise Rejected(
        f"{facts.sales_order} is cancelled, but {other.sales_order} stands under the same PO",
        f"order {order.number}",
        f"Cancel {other.sales_order} in SYSPRO, and the money goes back by itself; or have it "
        f"shipped: once it is complete, what it invoiced stays paid.",
    )


def _go_on(
    order: Order, desk: ShopContext, facts: OrderFacts, _now: datetime
) -> tuple[OrderFacts, Event | None]:
    """Withdraw a cancellation that came after SYSPRO's invoice; a refused capture is tried anew."""
    asked, wanted = facts.stop, to_capture(order, facts, desk.rules)
    detail = {"invoice": facts.invoice, "asked": asked.why if asked else ""}
    if wanted is not None and f"capture|{wanted.number}" in facts.left_behind:
        # In its place: a final one that was asked for later would give its hold back before it.
        fresh = replace(wanted, number=free_number(facts))
        renumbered = (fresh if one is wanted else one for one in facts.requested_captures)
        facts = replace(facts, requested_captures=tuple(renumbered))
    return replace(facts, stop=None), Event("too late to cancel", detail)


ANSWERS: Mapping[str, Answer] = {
    "authorization": _ask_authorization,
    "stock": ask_stock,
    "credit": _ask_credit,
    "token": _ask_token,
    "release": _ask_release,
    "invoice": _ask_invoice,
    "applications": ask_applications,
    "renewal": _ask_renewal,
    "stop_expired": _stop_expired,
    "leave_rest": _leave_rest,
    "stop_returned": _stop_returned,
    "stop_refunded": _stop_refunded,
    "delivered": _ask_delivered,
    "go_on": _go_on,
}
