"""SYSPRO's receivables: what is left of receipts and invoices, and the clerk who is at them, too.

Played in some seeds. A receipt is applied to an invoice by us or by the clerk, and either may go
for something else. SYSPRO applies no more than is left of either. Its balances show at once, what
stands under a reference only when the search has it.
"""

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.domain.erp_orders import ErpDocument
from include.domain.money import Money
from include.services.effects.ports import Effect
from include.services.effects.ports import EffectKind as K
from tests.prove.sales_order import SalesOrder
from tests.prove.truth import Entry
from tests.simulator.hub import EPOCH

if TYPE_CHECKING:
    from tests.prove.world import World

_MATCHED, _PAID, _USED = 0.2, 0.35, 0.5  # of the invoices, each up to here


@dataclass(frozen=True, slots=True)
class Applied:
    """What went off a receipt, an invoice or both; '' is somebody else's."""

    seq: int
    receipt: str  # our reference of it
    invoice: str
    minor: int


class Receivables:
    """The ledger of one seed, and its clerk, who draws by dice of their own."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.is_played = world.swarm.applies
        self.applied: list[Applied] = []
        self._of_receipt: dict[str, list[Applied]] = defaultdict(list)
        self._of_invoice: dict[str, list[Applied]] = defaultdict(list)

    # What is left ----------------------------------------------------------------------------

    def receipt(self, reference: str) -> Entry | None:
        """Return the one receipt under a reference; of two nobody can say which is meant."""
        found = self._world.truth.standing(reference)
        return found[0] if len(found) == 1 and found[0].kind is K.ar_receipt else None

    def receipt_left(self, reference: str, before: float = float("inf")) -> int:
        found = self.receipt(reference)
        gone = sum(one.minor for one in self._of_receipt[reference] if one.seq < before)
        return found.amount_minor - gone if found else 0

    def invoice_left(self, number: str, before: float = float("inf")) -> int:
        gone = sum(one.minor for one in self._of_invoice[number] if one.seq < before)
        return self._invoiced(number) - gone

    def receipts_of(self, order_id: str) -> Iterator[str]:
        """Yield the references of the receipts of an order's captures."""
        for entry in self._world.truth.by_kind[K.ar_receipt]:
            if entry.order_id == order_id and self.receipt(entry.reference) is entry:
                yield entry.reference

    def invoices_of(self, purchase_order: str) -> list[str]:
        orders = self._world.truth.orders_of(purchase_order)[:1]
        return [number for order in orders for number, _, _ in order.invoices]

    def _invoiced(self, number: str) -> int:
        for order in self._world.truth.sales_orders.values():
            for name, minor, _ in order.invoices:
                if name == number:
                    return minor
        return 0

    # What we do, and may read ----------------------------------------------------------------

    def has_left(self, effect: Effect) -> bool:
        """Say whether SYSPRO takes an application: no more than is left of both."""
        asked = json.loads(effect.payload)
        both = self.receipt_left(asked["receipt_reference"]), self.invoice_left(asked["invoice"])
        return effect.amount_minor <= min(both)

    def take(self, effect: Effect, seq: int) -> None:
        asked = json.loads(effect.payload)
        self._apply(asked["receipt_reference"], asked["invoice"], effect.amount_minor, seq)

    def down(self, effect: Effect) -> tuple[int, int]:
        """By how much receipt and invoice have gone down since it was planned; -1 is not known."""
        asked = json.loads(effect.payload)
        reference, number = asked["receipt_reference"], asked["invoice"]
        known = self.receipt(reference)
        drawn = asked["receipt_left"]["minor"] - self.receipt_left(reference) if known else -1
        paid = asked["invoice_left"]["minor"] - self.invoice_left(number)
        return drawn, paid

    def shown(self, references: Sequence[str]) -> list[ErpDocument]:
        """Show receipts as pseudo-invoices."""
        found = []
        for reference in references:
            entry = self.receipt(reference)
            if entry is not None:
                amounts = entry.amount_minor, self.receipt_left(reference)
                whole, left = (Money(minor, "USD") for minor in amounts)
                found.append(
                    ErpDocument(
                        "", f"_CRD{entry.their_key[-4:]}", "C", reference, "", whole,
                        EPOCH.date(), left=left,
                    )
                )  # fmt: skip
        return found

    # The clerk -------------------------------------------------------------------------------

    def hear_invoice(self, order: SalesOrder, number: str) -> None:
        """Let the clerk be at an invoice some time after it was made."""
        if not self.is_played or not self._invoiced(number):
            return
        dice = random.Random(f"receivables {self._world.seed} {number}")  # noqa: S311
        draw, after = dice.random(), dice.uniform(0, 4000)
        if draw < _USED:
            act = self._match if draw < _MATCHED else self._pay if draw < _PAID else self._use
            self._world.people.later(after, lambda: act(order, number))

    def _match(self, order: SalesOrder, number: str) -> None:
        for reference in list(self.receipts_of(order.order_id)):
            both = self.receipt_left(reference), self.invoice_left(number)
            self._by_clerk("matched by hand", reference, number, min(both))

    def _pay(self, _order: SalesOrder, number: str) -> None:
        """Somebody pays a part of an invoice otherwise."""
        self._by_clerk("paid otherwise", "", number, self.invoice_left(number) * 3 // 10)

    def _use(self, order: SalesOrder, _number: str) -> None:
        """A part of a receipt is used for an invoice that is not of its order."""
        for reference in list(self.receipts_of(order.order_id))[:1]:
            self._by_clerk("used otherwise", reference, "", self.receipt_left(reference) * 4 // 10)

    def match_all(self, order_id: str) -> None:
        """Apply what is left of an order's receipts to what is left of its invoices, by hand."""
        code = self._world.plans[order_id].order.purchase_order
        for order in self._world.truth.orders_of(code)[:1]:
            for number, _, _ in order.invoices:
                self._match(order, number)

    def has_doubled(self, order_id: str) -> bool:
        """Say whether a receipt of an order is there twice: its own letter comes first."""
        receipts = [e for e in self._world.truth.by_kind[K.ar_receipt] if e.order_id == order_id]
        return any(self.receipt(one.reference) is None for one in receipts)

    def _by_clerk(self, what: str, receipt: str, invoice: str, minor: int) -> None:
        if minor > 0:
            self._world.coverage[what, "AA", "clerk"] += 1
            self._apply(receipt, invoice, minor, self._world.next_seq())

    def _apply(self, receipt: str, invoice: str, minor: int, seq: int) -> None:
        one = Applied(seq, receipt, invoice, minor)
        self.applied.append(one)
        if receipt:
            self._of_receipt[receipt].append(one)
        if invoice:
            self._of_invoice[invoice].append(one)
