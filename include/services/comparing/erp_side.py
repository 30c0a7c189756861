"""SYSPRO against us, both ways: what is paid is booked, and what is booked is paid."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from include.domain.erp_orders import ErpDocument, ErpOrder
from include.domain.errors import Illegible, Rejected
from include.domain.money import Money, total
from include.domain.order_state import ENDED, OrderFacts, OrderState
from include.domain.orders import Order
from include.services.comparing.credited import credited_fault, credited_minor
from include.services.comparing.ports import ErpFeed, Findings, has_form
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectKind
from include.services.effects.states import EXECUTED
from include.services.orders.applications import receipt_reference
from include.services.orders.order_service import OrderService
from include.services.orders.sagas import Event, Saga

_DO = "It is worked on; if SYSPRO answers and this stays, see the order's timeline."


@dataclass(frozen=True, slots=True)
class ErpSide:
    """Compares one merchant's company."""

    merchant_id: str
    company_id: str
    prefixes: Sequence[str]  # of purchase orders of the merchant's shops
    feed: ErpFeed
    service: OrderService
    engine: Engine
    take_order: Callable[[str], bool]
    take_cancellation: Callable[[ErpOrder], bool]  # as the poller does, which may have missed it
    findings: Findings
    tolerance_minor: int  # an invoice may differ by this much: SYSPRO rounds tax by itself
    seen: set[str] = field(default_factory=set)  # sales orders

    # SYSPRO's orders against our payments ----------------------------------------------------

    def listed_since(self, cursor: str) -> Sequence[ErpOrder]:
        """Read the company's sales orders that changed since, page by page.

        Args:
            cursor: a date to begin with; the rest of the pages follow by SYSPRO's own.

        Returns:
            One of each, as it was seen first; none that an earlier call has returned.

        Raises:
            Retryable, Rejected: SYSPRO could not be asked.
        """
        listed: list[ErpOrder] = []
        while True:
            page = [one for one in self.feed.orders_since(cursor) if self._is_new(one)]
            listed += page
            if not page or page[-1].cursor == cursor:
                return listed
            cursor = page[-1].cursor

    def compare_listed(self, listed: Iterable[ErpOrder]) -> None:
        """Hold every sales order under our prefixes against a standing payment.

        Outside of SYSPRO's session: shops and the gateway are asked about what does not fit.

        Raises:
            Retryable: SYSPRO could not be asked.
        """
        for found in listed:
            if self._is_ours(found.purchase_order):
                self._sales_order(found)
            else:
                self.findings.is_not_ours()

    def _is_new(self, found: ErpOrder) -> bool:
        if found.sales_order in self.seen:
            return False
        self.seen.add(found.sales_order)
        return True

    def _is_ours(self, purchase_order: str) -> bool:
        """Say whether a purchase order is an order of ours, or has the form of one.

        A clerk may type a customer's own, and it may begin as ours do; ours go on with a digit.
        """
        is_shaped = has_form(purchase_order, self.prefixes)
        return is_shaped or self.service.orders.find(self.merchant_id, purchase_order) is not None

    def _sales_order(self, found: ErpOrder) -> None:
        item = ("erp_unpaid", f"{self.company_id}|{found.sales_order}")
        order_id = self.service.orders.find(self.merchant_id, found.purchase_order)
        if found.is_cancelled:
            self._cancelled(found, order_id)
            return self.findings.fits(item)
        if order_id is None and self.take_order(found.purchase_order):
            order_id = self.service.orders.find(self.merchant_id, found.purchase_order)
        if order_id is None:
            return self._unpaid(item, found, None, "no order of ours is behind it")
        order, saga = self.service.orders.content(order_id), self.service.orders.get(order_id)
        if not _stands(saga.facts):
            saga = self._again(order_id)
            if saga.facts.is_order_cancelled:
                return self.findings.fits(item)
            return self._unpaid(item, found, order, f"its payment does not stand ({saga.state})")
        if saga.facts.sales_order not in ("", found.sales_order):
            said = f"{saga.facts.sales_order} is the sales order of {found.purchase_order}"
            return self._unpaid(item, found, order, said)
        return self.findings.fits(item)

    def _cancelled(self, found: ErpOrder, order_id: str | None) -> None:
        """Give back what a paid order holds whose sales order a clerk cancelled."""
        if order_id is None:
            return
        facts = self.service.orders.get(order_id).facts
        is_its_own = facts.sales_order == found.sales_order
        if is_its_own and facts.stop is None and _stands(facts):
            self.take_cancellation(found)
            self.service.advance(order_id)

    def _unpaid(
        self, item: tuple[str, str], found: ErpOrder, order: Order | None, said: str
    ) -> None:
        fault = Rejected(
            f"sales order {found.sales_order} ({found.purchase_order}) is open, yet {said}",
            f"company {self.company_id}",
            "Cancel it in SYSPRO unless it is paid otherwise; then resolve this.",
        )
        self.findings.differs(*item, fault, order.amount if order else None)

    # Our orders against SYSPRO ---------------------------------------------------------------

    def credited(self) -> set[str]:
        """Return the orders whose invoices may have been credited, however long ago they were.

        Raises:
            Retryable: SYSPRO could not be asked.
        """
        overpaid = self.feed.overpaid()
        found = {self.service.orders.find(self.merchant_id, code) for code in overpaid if code}
        return {one for one in found if one} | self.findings.open_of("invoice_credited")

    def catch_up(self, order_ids: Iterable[str]) -> None:
        """Have orders that are behind look once more; outside of SYSPRO's session, as above."""
        for order_id in sorted(order_ids):
            if _is_behind(self.service.orders.get(order_id)):
                self._again(order_id)

    def compare_orders(
        self, order_ids: Iterable[str], held: Mapping[str, int]
    ) -> Mapping[str, int]:
        """Hold orders that held or moved money against SYSPRO's sales orders and receipts.

        Args:
            order_ids: a few: what SYSPRO shows of them is read together.
            held: what an earlier try has held, by id the version: these are passed over.

        Returns:
            Those that were held now, in the same way.

        Raises:
            Retryable: SYSPRO could not be asked.
        """
        orders, now = self.service.orders, dict[str, int]()
        standing = list[tuple[Order, Saga[OrderFacts]]]()
        for order_id in order_ids:
            saga = orders.get(order_id)
            if held.get(order_id) == saga.version:
                continue
            now[order_id] = saga.version
            if not _stands(saga.facts) or saga.facts.stop is not None:
                self.findings.fits(*_items(order_id), ("invoice_credited", order_id))
            else:
                standing.append((orders.content(order_id), saga))
        if standing:  # their facts are read before SYSPRO, which may only know more by then
            codes = [order.purchase_order for order, _ in standing]
            with self.feed.read_ahead(
                codes, [one for each in standing for one in _receipts(*each)]
            ):
                for order, saga in standing:
                    self._order(order, saga)
        return now

    def _order(self, order: Order, saga: Saga[OrderFacts]) -> None:
        order_id, facts = order.order_id, saga.facts
        missing = [] if facts.sales_order else ["sales order"]
        missing += [f"receipt of {one.amount}" for one in facts.captures if not one.receipt]
        gone, differences = self._read_back(order_id, facts)
        if missing or gone:
            where = f"order {order.number}, company {self.company_id}"
            is_how, what = "free" if facts.is_free else "paid", ", ".join([*missing, *gone])
            fault = Rejected(f"{is_how}, yet SYSPRO has no {what}", where, _DO)
            return self.findings.differs("erp_missing", order_id, fault, order.amount)
        credited: Sequence[tuple[str, str]] = ()
        try:
            documents = self._documents(order, facts)
            credited = self._credited(order, facts, documents)
        except Rejected as odd:  # SYSPRO has just shown the rest of it, so it is not silent
            differences.append(f"{odd.where}: what SYSPRO shows cannot be read ({odd.what})")
        else:
            differences += self._invoiced(order, facts, documents)
        if differences:
            fault = Rejected(
                "; ".join(differences),
                f"order {order.number}, sales order {facts.sales_order}",
                "Correct it in SYSPRO (the payment is what the gateway moved), then resolve this.",
            )
            return self.findings.differs("erp_difference", order_id, fault, order.amount)
        return self.findings.fits(*_items(order_id), *credited)

    def _documents(self, order: Order, facts: OrderFacts) -> Sequence[ErpDocument]:
        is_due = facts.is_invoiced and facts.captures
        return self.feed.documents_of(order.purchase_order, facts.customer) if is_due else ()

    def _credited(
        self, order: Order, facts: OrderFacts, documents: Sequence[ErpDocument]
    ) -> Sequence[tuple[str, str]]:
        """Tell of what a clerk has credited on an invoice itself; return what fits."""
        ours = [one for one in documents if one.amount.currency == order.currency]
        minor = credited_minor(order, facts, ours, self.feed.receipts_of)
        item = ("invoice_credited", order.order_id)
        if minor <= self.tolerance_minor:
            return [item]
        credited = Money(minor, order.currency)
        self.findings.differs(*item, credited_fault(order, facts, credited), credited)
        return []

    def _read_back(self, order_id: str, facts: OrderFacts) -> tuple[list[str], list[str]]:
        """Return what SYSPRO does not show any more, and what it shows otherwise than sent."""
        gone, differences = [], []
        for kind, key, words in _writes(order_id, facts):
            effect = self.engine.find(kind, key)
            if effect is None or effect.state not in EXECUTED:
                continue  # under way, or a dead letter of its own
            try:
                shown = self.engine.read_back(kind, key)
            except Illegible as fault:
                differences.append(f"{words}: what SYSPRO shows cannot be read ({fault.what})")
                continue
            if not shown.found:
                gone.append(f"{words} any more")
            elif len(shown.found) > 1:
                keys = ", ".join(one.their_key for one in shown.found)
                differences.append(f"{words} is there {len(shown.found)} times: {keys}")
            differences += [
                f"{words}: {one.what} ours {one.ours}, SYSPRO {one.theirs}"
                for one in shown.differences
            ]
        return gone, differences

    def _invoiced(
        self, order: Order, facts: OrderFacts, documents: Sequence[ErpDocument]
    ) -> list[str]:
        """A completed order is invoiced for what was captured, in the same currency.

        What goes back for goods that were closed short need not be invoiced.
        """
        if not facts.is_invoiced or not facts.captures:
            return []
        invoices = [one.amount for one in documents if one.document_type == "I"]
        strange = sorted({one.currency for one in invoices} - {order.currency})
        if strange:
            return [f"invoiced in {', '.join(strange)}, paid in {order.currency}"]
        invoiced, captured = total(invoices, order.currency), facts.captured_minor()
        if abs(invoiced.minor - captured) <= self.tolerance_minor:
            return []
        if abs(self.service.left_minor(order.order_id, facts, invoiced.minor)) <= (
            self.tolerance_minor
        ):
            return []
        return [f"invoiced {invoiced}, captured {Money(captured, order.currency)}"]

    def _again(self, order_id: str) -> Saga[OrderFacts]:
        """Have the saga look: the normal path repairs what it can."""
        orders = self.service.orders
        orders.amend(order_id, lambda facts: facts, Event("compared with SYSPRO"))
        return self.service.advance(order_id)


def _receipts(order: Order, saga: Saga[OrderFacts]) -> Sequence[str]:
    return [receipt_reference(order, one.number) for one in saga.facts.captures if one.receipt]


def _items(order_id: str) -> Sequence[tuple[str, str]]:
    return ("erp_missing", order_id), ("erp_difference", order_id)


def _stands(facts: OrderFacts) -> bool:
    """Say whether a payment holds or has moved money for this order, or it needs none."""
    if facts.is_free:
        return facts.stop is None
    payment = facts.payment
    is_approved = payment is not None and payment.authorized is not None
    has_money = is_approved and (facts.captures or not facts.is_reversed)
    left = facts.captured_minor() - facts.returned_minor
    is_given_back = facts.stop is not None and facts.stop.ends_as is not OrderState.completed
    return bool(has_money) and not (is_given_back and left <= 0)


def _is_behind(saga: Saga[OrderFacts]) -> bool:
    """Say whether the normal path has something left to do in SYSPRO."""
    facts = saga.facts
    if saga.state in ENDED or facts.stop is not None:
        return False
    is_booked = facts.sales_order and all(one.receipt for one in facts.captures)
    return not (_stands(facts) and is_booked)


def _writes(order_id: str, facts: OrderFacts) -> Sequence[tuple[EffectKind, str, str]]:
    """Name the effects that booked an order, with words for people."""
    receipts = [
        (
            EffectKind.ar_receipt,
            f"{order_id}|receipt|{one.number}",
            f"receipt {one.receipt}",
        )
        for one in facts.captures
    ]
    sales_order = f"sales order {facts.sales_order}"
    return [(EffectKind.sales_order, f"{order_id}|sales_order|1", sales_order), *receipts]
