"""What order to cash writes into the ERP, and what it reads there.

Each command is the exact content of one effect (``canonical.to_json``).
Source: SYSPRO reference, sections 4.1 to 4.4, 4.7 and 5.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.orders import LineKind, OrderLine
from include.domain.shops import Charge, ChargeLine


@dataclass(frozen=True, slots=True)
class ErpAddress:
    """Five lines of forty characters and a postal code, already in Windows-1252."""

    lines: tuple[str, str, str, str, str]
    postal_code: str


@dataclass(frozen=True, slots=True)
class AddCustomer:
    """Create a customer under a code of ours (ARSSCS add)."""

    company_id: str
    customer: str  # the key, made by us
    name: str
    short_name: str
    email: str
    phone: str
    currency: str
    sold_to: ErpAddress
    ship_to: ErpAddress
    branch: str
    terms_code: str
    area: str = ""
    salesperson: str = ""
    customer_class: str = ""
    tax_status: str = ""
    credit_limit: int = 0
    user_field: str = ""  # UserField1, at most 10 characters


@dataclass(frozen=True, slots=True)
class AddSalesOrder:
    """Create a sales order (SORTOI); ``purchase_order`` is our key and is always read back."""

    company_id: str
    customer: str
    purchase_order: str  # at most 30
    order_date: date
    currency: str
    amount: Money  # of all lines, tax included: what the read-back is compared with
    lines: tuple[OrderLine, ...]
    ship_name: str
    ship_to: ErpAddress
    email: str
    warehouse: str
    order_type: str = ""
    shipping_instructions: str = ""
    special_instructions: str = ""
    is_suspended: bool = False  # straight into suspense: held for a fraud review
    allocation: str = "A"  # F all or nothing, B back order, A what there is
    prices_include_tax: bool = False
    is_untaxed: bool = False  # by SYSPRO: the shop's tax is in the lines, and it shall add none
    charges: Mapping[LineKind, Charge] = field(default_factory=dict, hash=False)

    def charge_for(self, kind: LineKind) -> Charge:
        """Return how lines of a kind are written.

        A payload of before charges were part of it names none: SYSPRO's own classes then apply.
        """
        is_freight = kind is LineKind.freight
        return self.charges.get(kind) or Charge(
            ChargeLine.freight if is_freight else ChargeLine.misc
        )


class OrderMove(StrEnum):
    """What is done to a sales order that exists."""

    hold = "hold"  # SORTOS to S
    release = "release"  # SORTOS S to 1
    cancel = "cancel"  # SORTOX


@dataclass(frozen=True, slots=True)
class MoveSalesOrder:
    """Hold, release or cancel a sales order; natural: done is where the order already is so."""

    company_id: str
    sales_order: str
    purchase_order: str
    move: OrderMove
    expected_status: str = ""  # optimistic guard; '' for none
    reason_code: str = ""  # cancel reason, at most 6
    authority: str = ""  # credit authority for a release


@dataclass(frozen=True, slots=True)
class BookReceipt:
    """Book a captured payment in AR against card clearing (ARSTPY), unapplied under our key.

    A negative amount gives a refund back: the same clearing bank, the other way round.
    """

    company_id: str
    customer: str
    reference: str  # the effect's reference, also the pseudo-invoice's customer PO
    purchase_order: str
    amount: Money  # positive for a receipt, negative for a refund
    bank: str  # the cash-book bank whose ledger is card clearing
    posting_date: date
    # Of a foreign receipt: base units per unit, times 1,000,000, as its settlement is converted, so
    # that card clearing returns to zero. 0: SYSPRO converts it at its own rate.
    rate_millionths: int = 0
    base_currency: str = ""  # of the company, where there is a rate


@dataclass(frozen=True, slots=True)
class ApplyReceipt:
    """Pay an invoice of an order from a receipt that is booked: no money moves (ARSTPY of 0.00).

    What was left of both when this was planned goes with it: where both have gone down by the
    amount since, somebody has applied it already.
    """

    company_id: str
    customer: str
    purchase_order: str
    receipt_reference: str  # the receipt's own: the customer PO of its pseudo-invoice
    invoice: str
    amount: Money  # positive; at most what is left of both
    receipt_left: Money
    invoice_left: Money
    bank: str  # ARSTPY wants one, even though nothing reaches it
    posting_date: date

    def __post_init__(self) -> None:
        if not 0 < self.amount.minor <= min(self.receipt_left.minor, self.invoice_left.minor):
            raise ValueError(f"{self.amount} is more than is left of receipt or invoice")


@dataclass(frozen=True, slots=True)
class SetCustomField:
    """Write one field of a custom form (COMSFM or COMTFM)."""

    company_id: str
    form: str  # ORD or CUS
    key: str  # sales order or customer
    name: str
    value: str


def key_number(text: str) -> str:
    """Return a key comparable: blanks and leading zeros of a number are not part of it."""
    text = text.strip()
    return (text.lstrip("0") or "0") if text.isdigit() else text


def same_key(ours: str, theirs: str) -> bool:
    return key_number(ours).casefold() == key_number(theirs).casefold()


# What is read ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CustomerCredit:
    """What SYSPRO says of a customer's account."""

    customer: str
    exists: bool
    is_on_hold: bool
    credit_limit: Money | None
    balance: Money | None
    outstanding_orders: Money | None = None
    currency: str = ""  # the customer's; each amount has its own, see ``base_amounts``
    email: str = ""  # '' where SYSPRO has none, or does not say


@dataclass(frozen=True, slots=True)
class CustomerMatch:
    """A customer that may be the same person."""

    customer: str
    email: str
    currency: str  # ISO 4217


# Statuses of an order that nobody has been seen to release: suspended, not shown, and "in process",
# which an order of any status has while somebody has it open and leaves as it was.
SUSPENDED = "S"
NOT_RELEASED = (SUSPENDED, "0", "")


@dataclass(frozen=True, slots=True)
class ErpOrder:
    """A sales order as SYSPRO shows it."""

    sales_order: str
    customer: str
    purchase_order: str
    status: str  # SYSPRO's: 0 1 2 3 4 8 9 S F * \
    is_cancelled: bool
    last_invoice: str = ""
    cursor: str = ""  # the row's TimeStamp, for polling
    is_complete: bool = False  # nothing more is shipped, be it that a clerk has closed it short


@dataclass(frozen=True, slots=True)
class Shipment:
    """A dispatch note."""

    sales_order: str
    note: str
    carrier: str
    tracking: str  # from the site's custom form; '' where none
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row of a feed that makes no sense; the rows behind it are worked on all the same."""

    key: str
    purchase_order: str
    cursor: str
    fault: Rejected


@dataclass(frozen=True, slots=True)
class ErpDocument:
    """An AR invoice or credit note of an order, or the pseudo-invoice of a receipt."""

    customer: str
    invoice: str
    document_type: str  # I, C or D
    purchase_order: str
    sales_order: str
    # Positive, whatever SYSPRO's sign; below zero of an invoice alone, whose discount is more than
    # the goods that are on it: nobody owes it, and the next invoice pays for it.
    amount: Money
    document_date: date
    cursor: str = ""
    left: Money | None = None  # not paid, or not applied, yet; ``None``: SYSPRO does not say


def owed_by(invoices: Iterable[ErpDocument]) -> Iterator[tuple[ErpDocument, Money]]:
    """Yield what each invoice asks for, oldest first: one below zero goes off those after it.

    The discount of an order is on its first invoice, whole, however few goods are.
    """
    ahead = Counter[str]()
    for one in sorted(invoices, key=lambda one: (one.document_date, one.invoice)):
        currency = one.amount.currency
        owed = one.amount.minor + ahead[currency]
        ahead[currency] = min(owed, 0)
        if owed > 0:
            yield one, Money(owed, currency)
