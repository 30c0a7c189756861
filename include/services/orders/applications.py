"""Which receipt pays which invoice of an order: oldest first, never more than is left of either."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from include.domain.erp_orders import ErpDocument
from include.domain.errors import Rejected
from include.domain.money import Money, total
from include.domain.order_state import Application, OrderFacts
from include.domain.orders import Order, reference_of
from include.services.orders.ports import ShopContext
from include.services.orders.sagas import Event


@dataclass(slots=True)
class _Open:
    """A receipt or an invoice, and what is left of it while the plan is made."""

    key: str
    minor: int


def applies_receipts(desk: ShopContext) -> bool:
    """Say whether this site's receipts are applied by us."""
    return desk.open_receipts is not None and desk.open_receipts.applies_receipts()


def ask_applications(
    order: Order, desk: ShopContext, facts: OrderFacts, _now: datetime
) -> tuple[OrderFacts, Event | None]:
    """Read what is left of receipts and invoices, and plan.

    A document that cannot be read does not leave the order stuck: what we know ourselves is
    planned, and its effect finds the same fault and becomes a dead letter.
    """
    if desk.open_receipts is None:
        raise ValueError("this site's receipts are applied by others")
    captures = [one.number for one in facts.captures if one.receipt]
    references = [receipt_reference(order, number) for number in captures]
    try:
        invoices = [
            one
            for one in desk.erp.documents_of(order.purchase_order, facts.customer)
            if one.document_type == "I" and one.amount.currency == order.currency
        ]
        shown = desk.open_receipts.receipts_of(references)
        receipts = {
            one.purchase_order: one for one in shown if one.amount.currency == order.currency
        }
        planned, odd = plan(order, facts, invoices, receipts), _less_left(facts, invoices)
    except Rejected:
        planned, odd = _unread(facts), {}
    facts = replace(
        facts,
        applications=(*facts.applications, *planned),
        planned_documents=facts.documents_to_plan(),
    )
    detail = {"planned": [f"{one.amount} to {one.invoice}" for one in planned], **odd}
    return facts, Event("receipts weighed against invoices", detail)


def receipt_reference(order: Order, capture: int) -> str:
    """Name the receipt of a capture as SYSPRO knows it."""
    return reference_of(f"{order.order_id}|receipt|{capture}")


def plan(
    order: Order,
    facts: OrderFacts,
    invoices: Sequence[ErpDocument],
    receipts: Mapping[str, ErpDocument],
) -> tuple[Application, ...]:
    """Return what is to be applied besides what was planned before; nothing that went back early.

    Args:
        order: whose receipts.
        facts: with its captures and what was planned before, which is left alone: each receipt
            is set against each invoice once.
        invoices: of the order, in its currency.
        receipts: by reference, in its currency too; one that is missing is unknown, not empty.
    """
    oldest = sorted(invoices, key=lambda one: (one.document_date, one.invoice))
    back = _given_back(facts)
    to_pay = [_Open(one.invoice, _invoice_left(facts, one)) for one in oldest]
    found: list[Application] = []
    for captured in (one for one in facts.captures if one.receipt):
        shown = receipts.get(receipt_reference(order, captured.number))
        used = sum(one.amount.minor for one in _standing(facts) if one.capture == captured.number)
        ours, theirs = captured.amount.minor - used, shown.left if shown else None
        ours -= back[captured.number]
        left = _Open("", ours if theirs is None else min(ours, theirs.minor))
        met = {a.invoice for a in facts.applications if a.capture == captured.number}
        for invoice, pieces in _shares(left, [one for one in to_pay if one.key not in met]):
            amount, drawn_from, paid_to = (Money(minor, order.currency) for minor in pieces)
            number = len(facts.applications) + len(found) + 1
            found.append(Application(number, captured.number, invoice, amount, drawn_from, paid_to))
    return tuple(found)


def _given_back(facts: OrderFacts) -> Counter[int]:
    """Return, by capture, the minor units that went back early: the newest gave first.

    Accounts receivable books them by a receipt below zero of its own, so the receipt shows no less.
    """
    left, found = facts.early_minor, Counter[int]()
    for one in reversed(facts.captures):
        found[one.number] = min(left, one.amount.minor)
        left -= found[one.number]
    return found


def _shares(receipt: _Open, invoices: Sequence[_Open]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield invoice with amount, what was left of the receipt, and what was left of the invoice."""
    for invoice in invoices:
        amount = min(receipt.minor, invoice.minor)
        if amount > 0:
            yield invoice.key, (amount, receipt.minor, invoice.minor)
            receipt.minor -= amount
            invoice.minor -= amount


def _invoice_left(facts: OrderFacts, invoice: ErpDocument) -> int:
    """Return what an invoice still wants; ours in flight may not show in its balance yet."""
    ours = invoice.amount.minor - _used(facts, invoice)
    return ours if invoice.left is None else min(ours, invoice.left.minor)


def _used(facts: OrderFacts, invoice: ErpDocument) -> int:
    return sum(one.amount.minor for one in _standing(facts) if one.invoice == invoice.invoice)


def _standing(facts: OrderFacts) -> Iterator[Application]:
    """Yield what was made, or still may be: what was refused is open again, on both sides."""
    return (one for one in facts.applications if not one.is_refused)


def _less_left(facts: OrderFacts, invoices: Sequence[ErpDocument]) -> dict[str, list[str]]:
    """Name invoices that others have paid or credited; what nothing explains is told at night."""
    found = [
        f"{one.left} of {one.invoice}"
        for one in invoices
        if one.left is not None and one.left.minor < one.amount.minor - _used(facts, one)
    ]
    return {"less left than we know of": found} if found else {}


def _unread(facts: OrderFacts) -> tuple[Application, ...]:
    """Plan by what we know ourselves: what each receipt has not paid yet, for the last invoice.

    Where that is too much, its effect is refused, and somebody is told.
    """
    invoice, found, back = facts.invoices[-1], list[Application](), _given_back(facts)
    for captured in (one for one in facts.captures if one.receipt):
        made = [one for one in facts.applications if one.capture == captured.number]
        used = (one.amount for one in _standing(facts) if one.capture == captured.number)
        rest = captured.amount - total(used, captured.amount.currency)
        rest -= Money(back[captured.number], rest.currency)
        if rest.minor > 0 and invoice not in [one.invoice for one in made]:
            number = len(facts.applications) + len(found) + 1
            found.append(Application(number, captured.number, invoice, rest, rest, rest))
    return tuple(found)
