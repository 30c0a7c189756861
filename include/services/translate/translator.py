"""One shop's translation as the sagas ask it; satisfies ``services.orders.ports.Translator``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol

from include.domain.erp_orders import AddCustomer, AddSalesOrder, BookReceipt, Shipment
from include.domain.errors import Rejected
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.order_rules import OrderRules
from include.domain.order_state import ENDED, Ending, OrderFacts, OrderState
from include.domain.orders import QUANTITY_DIGITS, LineKind, Order, OrderLine, PaymentSource
from include.domain.refunds import RefundState
from include.domain.shops import Ask, CustomerBasis, FieldMap, Shop, ShopStatus
from include.services.orders.payment_told import PaymentTable, payment_told
from include.services.shop.commands import MOST_TEXT, Callback, OrderUpdate, RefundRecord
from include.services.shop.ports import Checkout
from include.services.translate import callbacks, customers, erp_commands
from include.services.translate.lines import erp_lines
from include.services.translate.order_request import to_order, to_total
from include.services.translate.ports import Addresses
from include.services.translate.shop_fields import (
    Request,
    read_checkout,
    read_order,
    read_total,
)
from include.services.translate.shown_again import (
    with_codes_taken,
    without_codes,
    without_tried,
)

_KEPT = {OrderState.declined: (Ask.cancel,), OrderState.cancelled: ()}
# No end is newer than another: a store that was put back may have forgotten how it told of one.
_RANK = {
    state: len(OrderState) if state in ENDED else rank for rank, state in enumerate(OrderState)
}


class StatusTable(Protocol):
    """``OrderTables.shop_status`` with its shop's kind bound."""

    def __call__(self, state: str) -> ShopStatus: ...


class EndingTable(Protocol):
    """``OrderTables.ending`` with its day and language bound."""

    def __call__(self, ending: Ending, products: Sequence[str]) -> str: ...


class RefundFacts(Protocol):
    """What of a refund the shop is told."""

    @property
    def amount(self) -> Money: ...

    @property
    def reason(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ShopTranslator:
    """Everything between one shop's words and SYSPRO's. Pure, but for the tables it was given."""

    shop: Shop
    merchant: Merchant
    rules: OrderRules
    fields: FieldMap
    status_of: StatusTable
    payment_of: PaymentTable
    ending_of: EndingTable
    addresses: Addresses
    fx_rate: Callable[[str, str, date], int]  # ``Mappings.fx_rate``
    asks: Mapping[str, Ask]  # what a status that the shop's people set asks of us

    def order(self, raw: Mapping[str, Any], where: str = "") -> Order:
        """Return the order that the shop's own JSON holds.

        Raises:
            CardNumberRefused, Rejected: see ``read_order`` and ``to_order``.
        """
        where = where or f"shop {self.shop.shop_id}"
        return self.order_of_request(read_order(raw, self.fields, where), where)

    def shown(self, raw: Mapping[str, Any], taken: Order, where: str) -> Order:
        """Return what the shop's own JSON holds of an order that was taken, paid as it was.

        One that came by the API need not say in the shop how it is paid; a payment once made
        stays. So does a stock code that the shop shows otherwise, or no more, of the same goods.

        Raises:
            CardNumberRefused, Rejected: as ``order``.
        """
        return self._as_taken(self._again(raw, taken, where), taken, where)

    def paid_again(
        self, raw: Mapping[str, Any], taken: Order, tried: Sequence[PaymentSource], where: str
    ) -> Order:
        """Return the same as its shopper pays it now; what was tried may stand beside it still.

        Raises:
            CardNumberRefused, Rejected: as ``order``.
        """
        request = without_tried(self._again(raw, taken, where), tried)
        return to_order(request, self.shop, self.rules, self.addresses, where)

    def _again(self, raw: Mapping[str, Any], taken: Order, where: str) -> Request:
        shown = read_order(raw, without_codes(self.fields), where)
        found = with_codes_taken(shown, taken, lambda one: self._as_taken(one, taken, where))
        if any(line.get("stock_code") == "" for line in found["lines"]):
            read_order(raw, self.fields, where)  # which names the path of what is lost
        return found

    def _as_taken(self, request: Request, taken: Order, where: str) -> Order:
        paid = taken.payment
        return to_order(request, self.shop, self.rules, self.addresses, where, payment=paid)

    def total(self, raw: Mapping[str, Any], where: str) -> Money:
        """Return the total that the shop's own JSON shows; see ``read_total`` and ``to_total``."""
        return to_total(read_total(raw, self.fields, where), self.shop, where)

    def checkout(self, raw: Mapping[str, Any], where: str) -> Checkout:
        """Return how an order came about; see ``read_checkout``."""
        return read_checkout(raw, self.fields, where)

    def order_of_request(self, request: Mapping[str, Any], where: str = "") -> Order:
        """Return the order that a request of the API asks for."""
        return to_order(request, self.shop, self.rules, self.addresses, where)

    def normalized(self, order: Order) -> Order:
        """Return an order of the API with its addresses as their countries write them.

        One that was read from the shop's own JSON comes out as it went in.

        Raises:
            Rejected: an address is wrong, the order is larger than the rules allow, or SYSPRO would
                not hold its money to the cent.
        """
        where, shopper, rules = f"order {order.number}", order.shopper, self.rules
        if len(order.lines) > rules.max_lines:
            raise Rejected(
                f"{len(order.lines)} lines are more than {rules.max_lines}",
                where,
                f"Split the order, or raise max_lines ({rules.where}).",
            )
        for line in order.lines:
            if line.quantity_millionths > rules.max_quantity * 10**QUANTITY_DIGITS:
                raise Rejected(
                    f"line {line.number} orders more than {rules.max_quantity}",
                    where,
                    f"Order less, or raise max_quantity ({rules.where}).",
                )
        erp_commands.demand_kept(order, self.shop, where)
        checked = replace(
            shopper,
            bill_to=self.addresses.normalize(shopper.bill_to, f"{where}, bill_to"),
            ship_to=self.addresses.normalize(shopper.ship_to, f"{where}, ship_to"),
        )
        return replace(order, shopper=checked)

    def customer_code(self, order: Order) -> str:
        return customers.customer_code(self.shop, order.shopper, order.currency)

    def ending(self, ending: Ending, products: Sequence[str]) -> str:
        return self.ending_of(ending, products)

    def goods(self, order: Order) -> tuple[OrderLine, ...]:
        """Return the goods that the sales order will hold: kits as the shop's table says."""
        lines = erp_lines(order.lines, self.shop)
        return tuple(line for line in lines if line.kind is LineKind.goods)

    def customer_basis(self, order: Order) -> CustomerBasis:
        return customers.customer_basis(self.shop, order.shopper, order.currency)

    def add_customer(self, order: Order, customer: str) -> AddCustomer:
        return erp_commands.add_customer(order, self.shop, self.merchant, customer, self.addresses)

    def add_sales_order(
        self,
        order: Order,
        customer: str,
        order_date: date,
        *,
        is_suspended: bool,
        is_short: bool = False,
    ) -> AddSalesOrder:
        return erp_commands.add_sales_order(
            order,
            self.shop,
            self.rules,
            self.merchant,
            customer,
            order_date,
            self.addresses,
            is_suspended=is_suspended,
            is_short=is_short,
        )

    def receipt(
        self, order: Order, customer: str, amount: Money, posting_date: date, reference: str
    ) -> BookReceipt:
        return erp_commands.book_receipt(
            order,
            self.shop,
            self.merchant,
            customer,
            amount,
            posting_date,
            reference,
            self.fx_rate,
        )

    def clearing_bank(self, currency: str) -> str:
        return self.shop.clearing_bank(currency)

    def left_out(self, order: Order) -> tuple[str, ...]:
        return erp_commands.left_out(order, self.addresses)

    def shop_update(self, order: Order, facts: OrderFacts, state: OrderState) -> OrderUpdate:
        """Return what the shop is told of a state, and whether its shopper reads it."""
        told = self.status_of(state.value)
        payment = payment_told(facts, self.payment_of)
        shown = {
            "number": order.number,
            "sales_order": facts.sales_order,
            "amount": str(order.amount),
            "captured": str(Money(facts.captured_minor(), order.currency)),
            "reason": facts.stop.told if facts.stop else "",
            "payment": payment.sentence if payment else "No payment was made.",
            "invoice": facts.invoice,
        }
        return OrderUpdate(
            shop_id=self.shop.shop_id,
            order_number=order.number,
            sequence=_rank(state, facts),
            status=told.status,
            note=told.note_of(shown)[:MOST_TEXT],
            is_note_for_shopper=told.is_for_shopper(shown),
            kept=self._kept(state),
        )

    def _kept(self, state: OrderState | None = None) -> tuple[str, ...]:
        """Return the statuses of its people that a state does not take the place of.

        A cancellation does of all: it is the answer to theirs, which would else be unheard. A
        decline leaves *cancelled*: as *failed* the shopper could pay for it once more.
        """
        kept = _KEPT.get(state, (Ask.cancel, Ask.keep)) if state else (Ask.cancel, Ask.keep)
        return tuple(name for name, ask in self.asks.items() if ask in kept)

    def callback(
        self, order: Order, facts: OrderFacts, state: OrderState, at: datetime
    ) -> Callback:
        """Return the event that the shop's own server gets of an order's state."""
        return callbacks.order_event(order, facts, state, at, self.payment_of)

    def refund_callback(
        self, order: Order, refund: callbacks.RefundTold, state: RefundState, at: datetime
    ) -> Callback:
        """Return the event that the shop's own server gets of a refund's state."""
        return callbacks.refund_event(order, refund, state, at)

    def shipped_callback(self, order: Order, shipment: Shipment, at: datetime) -> Callback:
        """Return the event that the shop's own server gets of a dispatch note."""
        return callbacks.shipped_event(order, shipment, at)

    def shipment(
        self, order: Order, facts: OrderFacts, shipment: Shipment, state: OrderState
    ) -> OrderUpdate:
        """Return what the shop is told of a dispatch note; an order that has ended stays ended.

        ``state`` is how far the order has come.
        """
        told = self.status_of("shipped")
        shown = {
            "number": order.number,
            "sales_order": shipment.sales_order,
            "carrier": shipment.carrier,
            "tracking": shipment.tracking,
        }
        meta = (("carrier", shipment.carrier), ("tracking_number", shipment.tracking))
        return OrderUpdate(
            shop_id=self.shop.shop_id,
            order_number=order.number,
            sequence=_rank(state, facts),
            status="" if state in ENDED else told.status,
            note=told.note_of(shown)[:MOST_TEXT],
            is_note_for_shopper=told.is_for_shopper(shown),
            kept=self._kept(),
            meta=tuple((name, value) for name, value in meta if value),
        )

    def shop_refund(self, order: Order, refund: RefundFacts) -> RefundRecord:
        """Return the shop's record of a refund."""
        return RefundRecord(
            shop_id=self.shop.shop_id,
            order_number=order.number,
            amount=refund.amount,
            reason=refund.reason[:MOST_TEXT],
        )


def _rank(state: OrderState, facts: OrderFacts) -> int:
    """Rank what is told of an order; all of one that is paid anew is news after its decline."""
    return _RANK[state] + (len(OrderState) + 1) * (facts.first_attempt - 1)
