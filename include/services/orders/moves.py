"""What an order does next: a pure function of its facts, the merchant's rules and the time.

Read ``next_move`` from the top; each rule stands where it takes effect.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from include.domain.money import Money
from include.domain.order_rules import CaptureWhen, OnExpiry, OrderRules
from include.domain.order_state import CREDIT_HOLDS, OrderFacts, OrderState, RequestedCapture
from include.domain.orders import LineKind, Order
from include.domain.paying import is_shops
from include.domain.payments import PaymentStatus
from include.domain.reviews import Decision
from include.domain.standing import (
    NOT_PAID,
    gives_back,
    holds_money,
    is_all_returned,
    is_back_unshipped,
    is_too_late,
    is_under_review,
    is_wholly_captured,
    news_of,
    waits_for_clerk,
)
from include.services.orders.driver import Ask, Move, Perform, Rest
from include.services.orders.expiring import (
    is_expiring,
    is_first_looked_at,
    lapses_at,
    on_expiry,
)
from include.services.orders.forgotten import payment_to_seek, renewal_to_seek, to_seek
from include.services.orders.numbering import next_number, reversal_step
from include.services.orders.renewals import renewal_source

# How often the ERP is asked what a clerk did; the pollers usually know it long before.
_LOOK_FOR_RELEASE = timedelta(minutes=15)
_LOOK_FOR_INVOICE = timedelta(hours=6)
_LOOK_FOR_RETURN = timedelta(minutes=30)
_CONTRADICTED = "two fraud decisions against each other: a person decides"
_UNDECIDED = "Decision Manager has not decided"


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the decision may look at."""

    order: Order
    facts: OrderFacts
    rules: OrderRules
    now: datetime
    notes_payment: bool  # the site has a custom form for the gateway's request id
    notes_token: bool
    told_states: frozenset[str]  # the shop wants to hear of these
    calls_back: bool  # the shop's own server wants signed events
    applies_receipts: bool = False  # to invoices; a site may do so by itself
    is_doubted: bool = False  # the store may have forgotten what was done

    @property
    def is_expiring(self) -> bool:
        """Say whether its authorisation must be used or given back now."""
        return is_expiring(self.facts, self.rules, self.now)


def next_move(it: Situation) -> Move:
    """Decide. Unwinding comes before going on, and money before goods."""
    facts = it.facts
    if facts.problem:
        return Rest(OrderState.stuck, facts.problem)
    if is_too_late(facts):
        return Ask("go_on")
    if facts.stop is not None:
        if _is_unseen(it):
            return Ask("authorization")
        return (it.is_doubted and (payment_to_seek(facts) or _seek(it))) or _unwind(it)
    if is_back_unshipped(facts) and not facts.is_invoiced:
        return Ask("stop_refunded")
    return _go_on(it)


def _go_on(it: Situation) -> Move:
    """Go on as far as the payment allows; what is free needs none."""
    facts = it.facts
    if facts.is_free:
        return _deliver(it) or _see_invoice(it, OrderState.booked)
    if facts.payment is None:
        return _pay(it)
    if facts.payment.status in NOT_PAID:
        seeking = payment_to_seek(facts) if it.is_doubted else None
        return seeking or _rest(it, OrderState.declined, facts.payment.reason)
    if facts.is_contradicted:
        return Rest(OrderState.stuck, _CONTRADICTED)
    if facts.payment.status is PaymentStatus.review_first and facts.decision is not Decision.accept:
        return _rest(it, OrderState.in_review, _UNDECIDED)
    return _asking(it, _expire(it) or _deliver(it) or _collect(it))


def _seek(it: Situation) -> Move | None:
    has_money = holds_money(it.facts) or bool(it.facts.captures)
    return to_seek(it.order, it.facts, has_money=has_money, is_lapsing=it.is_expiring)


def _pay(it: Situation) -> Move:
    if is_shops(it.order, it.facts):
        return Ask("authorization")
    return Perform(f"authorize|{it.facts.attempt}")


def _is_unseen(it: Situation) -> bool:
    """Say whether the shop's authorisation holds money that nobody has looked up: it must go."""
    facts = it.facts
    return is_shops(it.order, facts) and facts.payment is None and not facts.is_reversed


def _expire(it: Situation) -> Move | None:
    """An authorisation that is about to lapse is captured, renewed or released before it does."""
    facts = it.facts
    if facts.replaced is not None:
        return Perform(reversal_step("reverse_old", facts))
    if not it.is_expiring:
        return None
    seeking = renewal_to_seek(it.order, facts) if it.is_doubted else None
    if _is_captured_next(it):
        return seeking
    if is_first_looked_at(facts, it.rules, it.now):
        return Ask("release")
    rule = on_expiry(facts, it.rules)
    if rule is OnExpiry.capture:
        return seeking or Perform(f"capture|{next_capture(it.order, facts, it.rules).number}")
    if rule is OnExpiry.renew and not facts.unrenewed and renewal_source(it.order, facts):
        is_asked = facts.renewal_asked > facts.attempt
        return Perform(f"authorize|{facts.attempt + 1}") if is_asked else Ask("renewal")
    if facts.captures and not facts.unrenewed and not is_under_review(facts):
        return Ask("leave_rest")
    if not facts.is_unspent:
        return None  # nothing of it is given back: what it still holds is used, or lapses
    return Ask("stop_expired")


def _asking(it: Situation, move: Move) -> Move:
    """An order that would rest on an authorisation nobody could renew asks a person meanwhile."""
    facts = it.facts
    if not isinstance(move, Rest) or not facts.unrenewed or is_wholly_captured(facts):
        return move
    lapses = f"{facts.expires_at:%Y-%m-%d %H:%M} UTC" if facts.expires_at else "soon"
    why, what = "the authorisation could not be renewed", "it"
    if facts.captures:
        why, what = "the authorisation of the rest could not be renewed", "what is left of it"
    why += f" ({facts.unrenewed}) and lapses at {lapses}: ship and capture before, or cancel {what}"
    return Rest(OrderState.stuck, why, move.until)


def _is_captured_next(it: Situation) -> bool:
    """Goods that have left are charged, however late."""
    is_free = it.facts.is_invoiced and not is_under_review(it.facts)
    return is_free and to_capture(it.order, it.facts, it.rules) is not None


def _deliver(it: Situation) -> Move | None:
    """Bring customer and sales order into the ERP."""
    order, facts = it.order, it.facts
    if not facts.stock and any(line.kind is LineKind.goods for line in order.lines):
        return Ask("stock")
    if not facts.credit:
        return Ask("credit")
    if not facts.is_customer_known:
        return Perform("customer|1")
    if not facts.sales_order:
        return Perform("sales_order|1")
    if it.notes_payment and not facts.is_free and "payment" not in facts.forms_noted:
        return Perform(f"note_payment|{facts.sales_order_version}")
    has_token = facts.payment is not None and facts.payment.stored is not None
    if (
        it.notes_token
        and has_token
        and "token" not in facts.forms_noted
        and facts.card != "leaving"
    ):
        return Perform("note_token|1") if facts.card else Ask("token")
    return _hold(it)


def _hold(it: Situation) -> Move | None:
    facts = it.facts
    if is_under_review(facts):
        if not facts.is_suspended and not facts.is_invoiced:
            return Perform(_of_sales_order("hold", facts))
        return _receive(facts) or _rest(it, OrderState.in_review, _UNDECIDED)
    if waits_for_clerk(facts):
        reason = "held in SYSPRO"
        if facts.credit in CREDIT_HOLDS:
            why = f" ({facts.credit_why})" if facts.credit_why else ""
            reason = f"held in SYSPRO: credit {facts.credit}{why}"
        state = OrderState.captured if facts.captures else OrderState.booked
        return _receive(facts) or _look(it, "release", _LOOK_FOR_RELEASE, state, reason)
    if facts.is_suspended and not facts.is_invoiced:  # SYSPRO releases nothing that has left
        return Perform(_of_sales_order("release", facts))
    return None


def _receive(facts: OrderFacts) -> Move | None:
    """Book the receipt of what was taken, whatever the goods wait for: it is in the bank."""
    open_ones = (one for one in facts.captures if not one.receipt)
    return next((Perform(f"receipt|{one.number}") for one in open_ones), None)


def _of_sales_order(name: str, facts: OrderFacts) -> str:
    """Name a hold or release; each authorisation of a sales order may need its own."""
    again = f".{facts.attempt}" if facts.attempt > 1 else ""
    return f"{name}|{facts.sales_order_version}{again}"


def _collect(it: Situation) -> Move:
    """Capture, book the receipt, see the invoice and apply the receipt to it."""
    facts = it.facts
    wanted = to_capture(it.order, facts, it.rules)
    if wanted is not None:
        return Perform(f"capture|{wanted.number}")
    receiving = _receive(facts)
    if receiving is not None:
        return receiving
    if not facts.captures:
        return _rest(it, OrderState.booked, "captured at shipment")
    if facts.is_unspent and is_wholly_captured(facts) and holds_money(facts):
        # Paid back on the same day, and never unwound.
        return Perform(reversal_step("reverse", facts))
    applying = _apply(it)
    if applying is not None:
        return applying
    if facts.is_invoiced and not is_wholly_captured(facts):
        return _rest(it, OrderState.captured, "the rest is captured as it is shipped")
    if is_all_returned(facts) and facts.is_order_cancelled and not facts.is_invoiced:
        return Ask("stop_returned")  # closed in SYSPRO, and there is nothing left to be paid for
    return _see_invoice(it, OrderState.captured)


def _see_invoice(it: Situation, state: OrderState) -> Move:
    """Wait for SYSPRO's invoice, with which an order that owes nothing is complete."""
    facts = it.facts
    if facts.is_invoiced:
        return _rest(it, OrderState.completed, "")
    is_closed = "SYSPRO has closed it without an invoice: cancel it, or have it invoiced"
    reason = is_closed if facts.is_order_cancelled else "waits for SYSPRO's invoice"
    return _look(it, "invoice", _LOOK_FOR_INVOICE, state, reason)


def _apply(it: Situation) -> Move | None:
    """Apply receipts to invoices; planned anew whenever there is one more of either."""
    facts = it.facts
    if not it.applies_receipts or not facts.invoices:
        return None
    for one in facts.applications:
        if not one.is_begun:
            return Perform(f"apply|{one.number}")
    return Ask("applications") if facts.planned_documents < facts.documents_to_plan() else None


def to_capture(order: Order, facts: OrderFacts, rules: OrderRules) -> RequestedCapture | None:
    """Return the next capture: one that was asked for, or the whole at once."""
    wanted = facts.open_captures()
    if wanted:
        return wanted[0]
    if rules.capture_when is CaptureWhen.at_once and not facts.captures:
        return RequestedCapture(
            next_number(facts), authorized(order, facts), "at once", is_final=True
        )
    return None


def authorized(order: Order, facts: OrderFacts) -> Money:
    """What the bank approved, at most the order's amount; nothing if in another currency."""
    approved = facts.approved
    if approved is None or approved.currency != order.currency:
        return Money(0, order.currency)
    return min(approved, order.amount, key=lambda money: money.minor)


def next_capture(order: Order, facts: OrderFacts, rules: OrderRules) -> RequestedCapture:
    """Return what is captured next; all that is held, if nobody wants less."""
    left = authorized(order, facts) - Money(facts.captured_minor(), order.currency)
    return to_capture(order, facts, rules) or RequestedCapture(
        next_number(facts), left, "before it lapses", is_final=True
    )


def _unwind(it: Situation) -> Move:
    """Take back what was done: its sales order, its captures by refunds of their own, its hold.

    What was invoiced before SYSPRO called the order off has left: it is charged, and stays paid.
    """
    facts = it.facts
    stop = facts.stop
    if stop is None:
        raise ValueError("nothing to unwind")
    if facts.sales_order and not facts.is_order_cancelled and not stop.keeps_invoice:
        return Perform(f"cancel_order|{facts.sales_order_version}")
    if facts.replaced is not None:
        return Perform(reversal_step("reverse_old", facts))
    charging = _charge_delivered(it)
    if charging is not None:
        return charging
    receiving = _receive(facts) if facts.is_customer_known else None
    if receiving is not None:  # the refund's entry must meet its receipt
        return receiving
    if gives_back(facts):
        # Looked at again: the refund is asked for after this is written, or its order not told.
        again = it.now + _LOOK_FOR_RETURN
        return Rest(OrderState.cancelling, f"{stop.why}: the captures are given back", again)
    if holds_money(facts) and facts.is_unspent:
        return Perform(reversal_step("reverse", facts))
    if facts.is_free and facts.is_invoiced:  # what had left of it was delivered
        return _rest(it, OrderState.completed, stop.why)
    if not (facts.captures and (stop.keeps_invoice or facts.delivered_minor)):
        return _rest(it, stop.ends_as, stop.why)
    return _apply(it) or _rest(it, OrderState.completed, stop.why)


def _charge_delivered(it: Situation) -> Move | None:
    """Charge what had left when the order was called off, unless somebody has given it up."""
    facts = it.facts
    if not facts.sales_order or not facts.is_order_cancelled:
        return None
    if facts.stop is not None and facts.stop.keeps_invoice:
        return None
    if facts.delivered_minor is None:
        return Ask("delivered")
    if not facts.delivered_minor or facts.is_reversed or facts.decision is Decision.reject:
        return None
    wanted = facts.open_captures()
    if not wanted:
        return None
    if facts.is_contradicted:
        return Rest(OrderState.stuck, _CONTRADICTED)
    if is_under_review(facts):  # undecided to the end, it is charged to nobody
        until = lapses_at(facts, it.rules)
        return None if it.is_expiring else Rest(OrderState.in_review, _UNDECIDED, until)
    return Perform(f"capture|{wanted[0].number}")


def _look(it: Situation, question: str, every: timedelta, state: OrderState, reason: str) -> Move:
    """Ask the ERP now and then; rest in between."""
    looked_at = it.facts.looked_at
    if looked_at is None or it.now - looked_at >= every:
        return Ask(question)
    return _rest(it, state, reason, until=looked_at + every)


def _rest(it: Situation, state: OrderState, reason: str, until: datetime | None = None) -> Move:
    """Rest in a state; the shop is told of it first, once."""
    facts, news = it.facts, news_of(state, it.facts)
    if state in it.told_states and facts.shop_told_state != news:
        return Perform(f"tell|{news}")
    if it.calls_back and facts.callback_state != news:
        return Perform(f"callback|{news}")
    lapses, is_open = lapses_at(facts, it.rules), not (facts.stop or is_wholly_captured(facts))
    if lapses is not None and is_open and it.now < lapses:
        until = min(until, lapses) if until else lapses
    return Rest(state, reason, until)
