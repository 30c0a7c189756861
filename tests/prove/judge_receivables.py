"""Whether each invoice was paid by its order's receipts, and whether what we call applied is.

Asked of SYSPRO's ledger, in the seeds in which we apply receipts.
"""

import json
from collections.abc import Iterator

from tests.prove.judge import Judge, Step, Violation


class ReceivablesJudge(Judge):
    """Judges accounts receivable beside the order's own money."""

    def receivables(self) -> Iterator[Violation]:
        if not self.world.receivables.is_played:
            return
        yield from self._paid_by_receipts()
        yield from self._of_one_order()

    def _paid_by_receipts(self) -> Iterator[Violation]:
        """Of a completed order no receipt has money left while one of its invoices wants some.

        But what went back before anything was known to be invoiced: the customer owes it.
        """
        ledger = self.world.receivables
        for order_id, code, early in self.rows(
            "SELECT order_id, purchase_order, json_extract(facts, '$.early_minor') FROM orders "
            "WHERE state = 'completed'"
        ):
            received = sum(ledger.receipt_left(one) for one in ledger.receipts_of(order_id))
            open_minor = sum(ledger.invoice_left(one) for one in ledger.invoices_of(code))
            if received > early and open_minor > 0:
                what = f"{order_id}: {received} of its receipts, {open_minor} of its invoices left"
                yield Violation("I40 receipts pay invoices", what)

    def _of_one_order(self) -> Iterator[Violation]:
        """No receipt pays another order's invoice; that neither gives too much SYSPRO sees to."""
        ledger, truth = self.world.receivables, self.truth
        order_of = {
            number: order.order_id
            for order in truth.sales_orders.values()
            for number, _, _ in order.invoices
        }
        for one in ledger.applied:
            if one.receipt and one.invoice:
                whose = truth.by_reference[one.receipt][0].order_id
                if order_of[one.invoice] != whose:
                    yield Violation("I41 a receipt pays its own order", f"{whose}: {one.invoice}")

    def application(self, step: Step) -> Iterator[Violation]:
        """What is called applied was applied, by us or by hand, or nothing is left to apply."""
        if step.state not in ("done", "verified"):
            return
        asked = "SELECT payload FROM effects WHERE kind = ? AND key = ?"
        content = json.loads(self.rows(asked, step.kind, step.key)[0][0])
        receipt, invoice = content["receipt_reference"], content["invoice"]
        ledger = self.world.receivables
        minor = sum(
            one.minor
            for one in ledger.applied
            if (one.receipt, one.invoice) == (receipt, invoice) and one.seq < step.seq
        )
        left = ledger.receipt_left(receipt, step.seq), ledger.invoice_left(invoice, step.seq)
        if minor < step.amount_minor and min(left) > 0:
            yield Violation("I13 no false success", f"{step.key} is {step.state}: {left} left")
