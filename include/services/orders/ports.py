"""What order to cash needs of the outside; adapters satisfy these without inheriting."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from include.domain.erp_orders import (
    AddCustomer,
    AddSalesOrder,
    BookReceipt,
    CustomerCredit,
    CustomerMatch,
    ErpDocument,
    ErpOrder,
    Shipment,
)
from include.domain.money import Money
from include.domain.order_rules import OrderRules
from include.domain.order_state import Ending, OrderFacts, OrderState
from include.domain.orders import Order, OrderLine
from include.domain.payments import Authorized, StoredToken
from include.domain.refunds import RefundRow, RefundState
from include.domain.shops import CustomerBasis
from include.domain.stock import StockLevel
from include.services.ports import Clock


class GatewayReader(Protocol):
    """The gateway, read side."""

    def authorization(self, request_id: str) -> Authorized | None:
        """Return what an authorisation holds, whole; ``None``: not found (yet).

        Raises:
            Retryable: could not ask, or cannot be told.
            Rejected: it holds nothing any more: reversed, captured or voided by somebody.
        """
        ...


class ErpOrderReader(Protocol):
    """SYSPRO, read side, as order to cash needs it. All raise ``Retryable``: could not ask."""

    def stock(self, stock_codes: Sequence[str], warehouse: str) -> Sequence[StockLevel]: ...

    def credit(self, customer: str) -> CustomerCredit: ...

    def customers(self, email: str) -> Sequence[CustomerMatch]:
        """Return the customers of a mail address, in any currency."""
        ...

    def order(
        self, *, purchase_order: str = "", sales_order: str = "", customer: str = ""
    ) -> ErpOrder | None: ...

    def documents_of(self, purchase_order: str, customer: str) -> Sequence[ErpDocument]: ...


class Rates(Protocol):
    """What an amount is worth in another currency; by the source that the shop's mapping names."""

    def convert(self, amount: Money, currency: str, on: date) -> Money:
        """Return an amount at the rate of a day, rounded half-even once.

        Raises:
            Rejected: there is no such rate; the message holds the line to add.
            Retryable: SYSPRO could not be asked for it.
        """
        ...


class CustomerLinks(Protocol):
    """Which SYSPRO customer a shop's shopper is, where a person or the shop's rule said so."""

    def find(self, shop_id: str, shopper_keys: Sequence[str], currency: str) -> str | None:
        """Return the customer by the first key that has one; ``''``: our own code, by a person.

        ``None``: nobody has said anything.
        """
        ...

    def keep(self, shop_id: str, shopper_key: str, currency: str, customer: str) -> str:
        """Link a shopper by the shop's rule, once; return the link that stands, maybe another."""
        ...


class NoLinks:
    """Satisfies ``CustomerLinks`` where nobody is linked."""

    def find(self, shop_id: str, shopper_keys: Sequence[str], currency: str) -> str | None:
        return None

    def keep(self, shop_id: str, shopper_key: str, currency: str, customer: str) -> str:
        return customer


NO_LINKS = NoLinks()


class OpenReceipts(Protocol):
    """SYSPRO, read side, where receipts are applied to invoices."""

    def applies_receipts(self) -> bool:
        """Say whether we do it at this site; another does it by itself, or by a person."""
        ...

    def receipts_of(self, references: Sequence[str]) -> Sequence[ErpDocument]:
        """Return the pseudo-invoices of these receipts; ``purchase_order`` is the reference.

        Raises:
            Retryable, Rejected: could not ask, or could not read the answer.
        """
        ...


class Translator(Protocol):
    """From our order to what SYSPRO and the shop are told; the mappings of one shop."""

    def normalized(self, order: Order) -> Order:
        """Return the order with its addresses as their countries write them.

        Raises:
            Rejected: an address is wrong, or the order is larger than the rules allow.
        """
        ...

    def customer_code(self, order: Order) -> str:
        """Name the SYSPRO customer of this shopper; a pure function of shop and shopper."""
        ...

    def customer_basis(self, order: Order) -> CustomerBasis:
        """Say what that name is made of."""
        ...

    def goods(self, order: Order) -> Sequence[OrderLine]:
        """Return the lines of goods that the sales order will hold.

        Raises:
            Rejected: its kits cannot be written without losing money.
        """
        ...

    def ending(self, ending: Ending, products: Sequence[str]) -> str:
        """Say to the shopper, in a clause, why an order with these stock codes is ended."""
        ...

    def add_customer(self, order: Order, customer: str) -> AddCustomer: ...

    def add_sales_order(
        self,
        order: Order,
        customer: str,
        order_date: date,
        *,
        is_suspended: bool,
        is_short: bool = False,
    ) -> AddSalesOrder: ...

    def left_out(self, order: Order) -> Sequence[str]:
        """Name what of an order the sales order and its customer have no room for."""
        ...

    def receipt(
        self, order: Order, customer: str, amount: Money, posting_date: date, reference: str
    ) -> BookReceipt: ...

    def clearing_bank(self, currency: str) -> str:
        """Return SYSPRO's bank where receipts of the shop stand.

        Raises:
            Rejected: there is none for the currency; the message holds the line to add.
        """
        ...

    def shop_update(self, order: Order, facts: OrderFacts, state: OrderState) -> object:
        """Return the shop's command for one of ``ShopContext.told_states``."""
        ...

    def callback(self, order: Order, facts: OrderFacts, state: OrderState, at: datetime) -> object:
        """Return the signed event that the shop's own server gets."""
        ...

    def shipped_callback(self, order: Order, shipment: Shipment, at: datetime) -> object:
        """Return the signed event that tells the shop's own server that goods have left."""
        ...

    def refund_callback(
        self, order: Order, refund: RefundRow, state: RefundState, at: datetime
    ) -> object:
        """Return the signed event that tells the shop's own server where a refund stands."""
        ...

    def shop_refund(self, order: Order, refund: RefundRow) -> object:
        """Return the shop's command that records a refund there."""
        ...


@dataclass(frozen=True, slots=True)
class ShopContext:
    """Everything the sagas of one shop need, joined by the wiring."""

    organization_id: str
    company_id: str
    shop_target: str  # the shop as a target of effects, e.g. its shop id
    owner: str
    warehouse: str
    rules: OrderRules
    translator: Translator
    gateway: GatewayReader
    erp: ErpOrderReader
    rates: Rates
    clock: Clock
    told_states: frozenset[str]  # the shop wants to hear of these
    today: date  # the merchant's business date: posting dates come from it, never from a clock
    tells_refunds: bool = True
    credit_authority: str = "TIEOUT"  # who releases a sales order from suspense
    links: CustomerLinks = NO_LINKS
    links_by_mail: bool = False  # a shopper who is no customer of ours may be one of SYSPRO's
    callback_target: str = ""  # '': the shop has no server for events
    token_form: tuple[str, str] = ("", "")  # custom form and field for tokens; '' is our store
    payment_form: tuple[str, str] = ("", "")  # for the gateway's request id on the sales order
    refund_form: tuple[str, str] = ("", "")  # for the refund's request id on the sales order
    open_receipts: OpenReceipts | None = None  # ``None``: receipts are applied by others
    has_fixed_day: bool = False  # of a sandbox: its instants are of another day than our clock's
    is_leaving: Callable[[str, StoredToken], bool] = lambda _merchant, _token: False  # the vault
    demand_open: Callable[[], object] = lambda: None  # raises Rejected: it takes no new orders
    # Where a receipt goes that SYSPRO refuses on a date for its period; ``None``: it waits.
    next_open: Callable[[date], date | None] = lambda _refused: None
    calendar: Callable[[datetime], date] = datetime.date  # the merchant's

    def day_of(self, sent_at: datetime | None) -> date:
        """Return the business date on which something was sent, however late that is learned."""
        if sent_at is None or self.has_fixed_day:
            return self.today
        return min(self.calendar(sent_at), self.today)
