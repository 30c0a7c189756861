"""A gateway and a SYSPRO that list what they executed for us, and whatever a test adds."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import pytest

from include.adapters.store.compared_orders import SqlProgress
from include.adapters.store.comparison import SqlLedger
from include.domain.calendar import settlement_window
from include.domain.erp_orders import ErpDocument, ErpOrder
from include.domain.errors import Retryable
from include.domain.money import Money
from include.domain.orders import Order
from include.services.comparing.compare_systems import CompareSystems
from include.services.comparing.erp_side import ErpSide
from include.services.comparing.gateway_side import GatewaySide
from include.services.comparing.ports import Did, Findings, GatewayRow
from include.services.sync.ports import Tally
from include.services.sync.push_refunds import RefundPush
from tests.care.conftest import Care

DAY = date(2026, 11, 3)
DID = {f"payment_{did.value}": did for did in Did}


@dataclass
class Systems:
    """What the gateway and SYSPRO list: by default, exactly what they executed for us."""

    care: Care
    more_rows: list[GatewayRow] = field(default_factory=list)
    erp_orders: dict[str, ErpOrder] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)  # request ids that the gateway lost
    credit_notes: list[ErpDocument] = field(default_factory=list)
    is_down: bool = False  # the gateway's list
    in_shop: dict[str, Order] = field(default_factory=dict)  # by purchase order
    asked_together: list[tuple[str, ...]] = field(default_factory=list)  # purchase orders
    gives_up_at: str = ""  # a purchase order at which SYSPRO answers no more
    compare: CompareSystems | None = None  # of the last run

    # The gateway's list ----------------------------------------------------------------------

    def between(self, start_at: datetime, end_at: datetime) -> Iterator[GatewayRow]:
        if self.is_down:
            raise Retryable("no answer", "search", "Ask again.")
        truth = self.care.kit.partner.truth
        for effect in truth.done:
            answer = truth.answers.get((effect.kind, effect.reference))
            did = DID.get(effect.kind.value)
            if did is None or answer is None or answer.their_key in self.hidden:
                continue
            amount = Money(effect.amount_minor, effect.currency)
            moved = None if answer.is_no else did
            yield GatewayRow(answer.their_key, moved, effect.reference, "", amount)
        yield from self.more_rows

    def mti_of(self, request_id: str) -> str:
        return ""

    # SYSPRO's lists --------------------------------------------------------------------------

    def orders_since(self, cursor: str) -> Sequence[ErpOrder]:
        return [one for one in self.erp_orders.values() if one.cursor > cursor]

    def read_ahead(
        self, purchase_orders: Sequence[str], references: Sequence[str]
    ) -> AbstractContextManager[None]:
        self.asked_together.append(tuple(purchase_orders))
        if self.gives_up_at in purchase_orders:
            raise Retryable("no answer", "SYSPRO", "Ask again.")
        return nullcontext()

    def documents_of(self, purchase_order: str, customer: str) -> Sequence[ErpDocument]:
        return self.care.kit.erp.documents.get(purchase_order, [])

    def receipts_of(self, references: Sequence[str]) -> Sequence[ErpDocument]:
        return self.care.kit.erp.receipts_of(references)

    def overpaid(self) -> Sequence[str]:
        every = [one for found in self.care.kit.erp.documents.values() for one in found]
        return [one.purchase_order for one in every if one.left is not None and one.left.minor < 0]

    # The comparison --------------------------------------------------------------------------

    def take_order(self, purchase_order: str) -> bool:
        order = self.in_shop.get(purchase_order)
        if order is not None:
            self.care.kit.run(order)
        return order is not None

    def take_cancellation(self, found: ErpOrder) -> bool:
        return self._push().take_cancellation(found)

    def _push(self) -> RefundPush:
        care = self.care
        return RefundPush(
            "acme_us", "A", self, care.kit.service, care.watermarks, care.shelf, "ann@acme"
        )

    def credit_notes_since(self, cursor: str) -> Sequence[ErpDocument]:
        return [one for one in self.credit_notes if one.cursor > cursor]

    def orders_of(self, purchase_order: str, customer: str) -> Sequence[ErpOrder]:
        shown = self.erp_orders.values()
        return [one for one in shown if one.purchase_order == purchase_order]

    def cancelled_since(self, cursor: str) -> Sequence[ErpOrder]:
        return ()

    def run(self) -> Tally:
        care = self.care
        self.care.kit.clock.move(hours=2)
        ledger = SqlLedger(care.store, lambda _c: care.kit.clock.now())
        findings = Findings(care.shelf, ledger, "ann@acme")
        gateway = GatewaySide(
            merchant_id="acme_us",
            organization_id="acme_us_org",
            prefixes=["W"],
            feed=self,
            ledger=ledger,
            service=care.kit.service,
            engine=care.kit.engine,
            take_order=self.take_order,
            findings=findings,
        )
        erp = ErpSide(
            merchant_id="acme_us",
            company_id="A",
            prefixes=["W"],
            feed=self,
            service=care.kit.service,
            engine=care.kit.engine,
            take_order=self.take_order,
            take_cancellation=self.take_cancellation,
            findings=findings,
            tolerance_minor=2,
        )
        read_again = self._push().read_again
        progress = SqlProgress(care.store)
        self.compare = CompareSystems(
            "acme_us", gateway, erp, ledger, care.watermarks, progress, read_again
        )
        return self.compare.run(DAY, settlement_window(DAY, "America/New_York"), nullcontext)

    def book(self, order: Order, **changes: object) -> None:
        """Have SYSPRO list the sales order of an order of ours."""
        facts = self.care.kit.service.orders.get(order.order_id).facts
        number = facts.sales_order or "009999"
        made = ErpOrder(
            number, "W1", order.purchase_order, "1", False, cursor=f"2026-11-03-{number}"
        )
        found = replace(made, **changes)  # type: ignore[arg-type]
        self.erp_orders[found.sales_order] = found

    def letters(self) -> list[str]:
        return [kind for kind, _ in self.care.open_letters()]

    def state(self, order: Order) -> str:
        return self.care.kit.service.orders.get(order.order_id).state


@pytest.fixture
def systems(care: Care) -> Systems:
    return Systems(care)
