"""Invoices that were credited without a note of their own: nobody would refund that.

A credit note that a clerk posts to the invoice itself has no row in ArInvoice (ARSTIN,
``PostToExistingInvoice``): it only lowers what is left of the invoice, and no poll of credit notes
sees it. Source: SYSPRO reference, section 4.4.
"""

from collections.abc import Callable, Sequence

from include.domain.erp_orders import ErpDocument
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import OrderFacts
from include.domain.orders import Order
from include.services.orders.applications import receipt_reference

ReceiptsOf = Callable[[Sequence[str]], Sequence[ErpDocument]]


def credited_minor(
    order: Order, facts: OrderFacts, documents: Sequence[ErpDocument], receipts_of: ReceiptsOf
) -> int:
    """Return by how much more its invoices have gone down than anything we know explains.

    Receipts explain it, whoever applied them; so do credit notes that were set against an invoice,
    and refunds that were asked for otherwise: the clerk may have credited those. SYSPRO is asked
    for the receipts only where our own applications are not enough.

    Args:
        order: whose invoices.
        facts: with its captures, applications and refunds.
        documents: of the order, credit notes among them.
        receipts_of: SYSPRO's receipts by our references.

    Raises:
        Retryable, Rejected: SYSPRO could not be asked for the receipts.
    """
    invoices = [one for one in documents if one.document_type == "I"]
    down = sum(_used(one, unknown=0) for one in invoices)
    notes = [one for one in documents if one.document_type == "C"]
    down -= sum(_used(one, unknown=one.amount.minor) for one in notes)
    surplus = facts.captured_minor() - sum(one.amount.minor for one in invoices)
    down -= max(0, facts.returned_minor - facts.credited_minor - max(0, surplus))
    applied = sum(one.amount.minor for one in facts.applications if not one.is_refused)
    if down <= applied:
        return 0
    booked = {receipt_reference(order, one.number): one for one in facts.captures if one.receipt}
    shown = {one.purchase_order: one for one in receipts_of(tuple(booked))}
    used = 0
    for reference, taken in booked.items():
        receipt = shown.get(reference)  # one that is gone is used up
        used += _used(receipt, unknown=taken.amount.minor) if receipt else taken.amount.minor
    return max(0, down - max(applied, used))


def credited_fault(order: Order, facts: OrderFacts, credited: Money) -> Rejected:
    """Return what a person is told of it."""
    return Rejected(
        f"invoice {', '.join(facts.invoices)} was credited {credited} without a note of its own",
        f"order {order.number}, sales order {facts.sales_order}",
        f"Refund {credited} through the shop or the API if the shopper shall have it back, else "
        "take the credit back in SYSPRO; then resolve this. A credit note with a number of its "
        "own is refunded by itself.",
    )


def _used(document: ErpDocument, *, unknown: int) -> int:
    return unknown if document.left is None else document.amount.minor - document.left.minor
