"""The dead letters that an order's own facts open and close: no effect stands behind them."""

from collections.abc import Mapping
from dataclasses import dataclass

from include.domain.money import Money
from include.domain.order_state import OrderFacts
from include.domain.reviews import Decision
from include.domain.standing import is_back_unshipped, is_under_review, is_wholly_captured
from include.services.effects.store import DeadLetterNote
from include.services.orders.gateway_refusals import refusal_of

SHIPPED_UNPAID, REST_UNPAID = "shipped_unpaid", "rest_unpaid"  # kinds of dead letter
SHIPPED_REFUNDED, REFUNDED_EARLY = "shipped_refunded", "refunded_early"
TIEOUT = "tieout"  # as who stopped an order: nobody who would know of its goods


@dataclass(frozen=True, slots=True)
class OwnLetter:
    """What a person is told, and the step whose effect says what is at stake; '' is the order."""

    note: DeadLetterNote
    step: str = ""
    minor: int | None = None  # at stake, where it is a part of the order


def own_letters(facts: OrderFacts) -> Mapping[str, OwnLetter]:
    """Return, by kind, the letters that are open as long as the facts are so."""
    found: dict[str, OwnLetter] = {}
    refusal, unpaid, rest = refusal_of(facts), _shipped_unpaid(facts), _rest_unpaid(facts)
    if refusal is not None:
        found[refusal.kind] = OwnLetter(refusal.note, refusal.step)
    if unpaid is not None:
        found[SHIPPED_UNPAID] = OwnLetter(unpaid)
    if rest is not None:
        found[REST_UNPAID] = rest
    if facts.early_minor > 0:
        found |= _refunded(facts)
    return found


def _refunded(facts: OrderFacts) -> Mapping[str, OwnLetter]:
    """Tell what went back for goods that SYSPRO may still ship, or has shipped all the same.

    Open until a person resolves it: that the rest is invoiced mends nothing.
    """
    early = Money(facts.early_minor, facts.captures[0].amount.currency)
    order = f"sales order {facts.sales_order}" if facts.sales_order else "the order"
    if is_back_unshipped(facts):
        receipt = "No receipt is applied to it."
        if any(one.is_begun and not one.is_refused for one in facts.applications):
            receipt = (
                "Its receipt was applied to it before: the refund's entry stands open instead."
            )
        note = DeadLetterNote(
            f"{early} was asked back before anything was invoiced and has gone back, which is all "
            f"that was paid, and the goods have left (invoice {', '.join(facts.invoices)})",
            "Have the goods back and credit the invoice in SYSPRO (a letter says that its credit "
            "note cannot be refunded: resolve that, too), or collect it from the customer. "
            f"{receipt} Then resolve this.",
        )
        return {SHIPPED_REFUNDED: OwnLetter(note, minor=early.minor)} if facts.is_invoiced else {}
    if facts.stop is not None:
        return {}
    note = DeadLetterNote(
        f"{early} went back before anything was invoiced, and {order} still holds all goods",
        "Take what is not wanted any more out of it in SYSPRO, or lower its price, before it is "
        "invoiced. Else the invoice stays open by what went back: post a credit to the invoice "
        "itself, for a credit note of its own would be refunded once more. Then resolve this.",
    )
    return {REFUNDED_EARLY: OwnLetter(note, minor=early.minor)}


def _rest_unpaid(facts: OrderFacts) -> OwnLetter | None:
    """Tell that what is left of an order is soon held by nobody, or is held no more.

    Before its goods leave: in SYSPRO it is still to be delivered.
    """
    if not facts.captures or facts.is_order_cancelled or is_wholly_captured(facts):
        return None
    stop, approved = facts.stop, facts.approved
    if approved is None:
        return None
    left = approved - Money(facts.captured_minor(), approved.currency)
    order = f"sales order {facts.sales_order}" if facts.sales_order else "the order"
    if stop is not None and stop.keeps_invoice and stop.who == TIEOUT:
        note = DeadLetterNote(
            f"{left} of it were not captured before the hold was gone",
            f"What is left of {order} must not leave: cancel it in SYSPRO, or have the shopper "
            "pay anew; what leaves all the same, collect from the customer. Then resolve this.",
        )
        return OwnLetter(note, minor=left.minor)
    if stop is not None or not facts.unrenewed:
        return None
    until = f"{facts.expires_at:%Y-%m-%d %H:%M} UTC" if facts.expires_at else "soon"
    note = DeadLetterNote(
        f"{left} of it are not captured, and the authorisation lapses at {until} without another: "
        f"{facts.unrenewed}",
        f"Ship and invoice the rest before, which charges it. Else cancel what is left of {order} "
        "in SYSPRO, or have the shopper pay anew: what leaves later may be charged to nobody.",
    )
    return OwnLetter(note, minor=left.minor)


def _shipped_unpaid(facts: OrderFacts) -> DeadLetterNote | None:
    """Tell that goods have left which nobody is charged for: yet, or any more.

    A clerk may release and ship in SYSPRO what waits for a fraud decision. Whoever gave the order
    up beside its invoice knows it.
    """
    stop = facts.stop
    if not facts.is_invoiced or facts.captures:
        return None
    left, keeps_invoice = ", ".join(facts.invoices), stop is not None and stop.keeps_invoice
    if stop is not None and keeps_invoice and stop.who != TIEOUT:
        return None
    if facts.is_reversed or keeps_invoice:
        return DeadLetterNote(
            f"the goods have left (invoice {left}), and nothing was captured: the hold is gone",
            "The invoice stands in accounts receivable: collect it from the customer, or have the "
            "goods back and credit it in SYSPRO; then resolve this.",
        )
    if not is_under_review(facts) or facts.decision is Decision.reject:
        return None
    until = f"{facts.expires_at:%Y-%m-%d %H:%M} UTC" if facts.expires_at else "the end of the hold"
    return DeadLetterNote(
        f"the goods have left (invoice {left}), and nothing is captured: the fraud review is open",
        f"Decide the review before {until}: accept charges them; else the hold is released and "
        "they are charged to nobody. Ask who released the sales order in SYSPRO.",
    )
