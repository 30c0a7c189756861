"""An order as we take it from a shop: who buys what, where it goes, and how it is paid.

There is no field for a card number: a payment is a token, or was authorised by the shop.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from include.domain.money import Money, total

QUANTITY_DIGITS = 6  # SYSPRO's 12.6
PRICE_DIGITS = 5  # SYSPRO's 10.5
# SYSPRO's, by whatever door an order comes; it may hold a blank, but not at either end.
STOCK_CODE = r"[0-9A-Za-z._/+#-]([0-9A-Za-z ._/+#-]{0,28}[0-9A-Za-z._/+#-])?"
USUAL_UNIT = "EA"  # of a line that names none


@dataclass(frozen=True, slots=True)
class Address:
    """Where somebody lives, in the national format's own parts."""

    name: str  # the person
    lines: tuple[str, ...]  # street and house, one to four
    city: str
    country: str  # ISO 3166-1 alpha-2
    postal_code: str = ""
    region: str = ""  # state, province or county, as its country writes it
    company: str = ""


@dataclass(frozen=True, slots=True)
class Shopper:
    """Who buys."""

    name: str
    email: str
    bill_to: Address
    ship_to: Address
    reference: str = ""  # the shop's customer id; '' for a guest
    phone: str = ""


class LineKind(StrEnum):
    """What a line sells."""

    goods = "goods"  # has a stock code
    freight = "freight"
    discount = "discount"  # its net is negative
    fee = "fee"  # gift wrapping, handling
    tax = "tax"  # made by us for the ERP, where the shop's tax is a charge; no shop sells it


SOLD = tuple(kind for kind in LineKind if kind is not LineKind.tax)


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line. ``net`` and ``tax`` are for the whole line and exact; the unit price is shown."""

    number: int  # 1..9999, SYSPRO's customer PO line
    kind: LineKind
    description: str
    quantity_millionths: int  # 2.5 is 2_500_000
    net: Money  # without tax; negative for a discount
    tax: Money
    stock_code: str = ""  # SYSPRO's; '' unless goods
    unit: str = USUAL_UNIT
    parent: int = 0  # the kit's line number; 0 for none

    @property
    def gross(self) -> Money:
        return self.net + self.tax


class PaymentMethod(StrEnum):
    """What the shop hands over in place of a card."""

    transient_token = "transient_token"  # noqa: S105 - Flex: its jti, spent once, minutes old
    stored_token = "stored_token"  # noqa: S105 - TMS: customer and payment instrument
    authorized = "authorized"  # the shop authorised it: the gateway's request id
    none = "none"  # nothing: the order costs nothing


@dataclass(frozen=True, slots=True)
class PayerAuthentication:
    """That the shopper proved whose card it is (3-D Secure), as the shop's checkout learned it.

    Either the gateway's id of a challenge that was answered, which it validates as it authorises,
    or what enrolment or validation returned, member by member. It proves one payment, once.
    Source: Cybersource, ``consumerAuthenticationInformation``; the names are its own.
    """

    transaction_id: str = ""  # authenticationTransactionId; '' where the rest is given
    commerce_indicator: str = ""  # vbv, spa, ...: how well it is proved, and who bears a fraud
    cavv: str = ""  # all networks but Mastercard
    ucaf_authentication_data: str = ""  # Mastercard
    ucaf_collection_indicator: str = ""  # Mastercard: 0, 1 or 2
    xid: str = ""
    directory_server_transaction_id: str = ""
    specification_version: str = ""  # of 3-D Secure, 2.2.0
    eci_raw: str = ""
    # Of some processors alone: Asia, Middle East and Africa want the first two, ATOS the third.
    pares_status: str = ""
    veres_enrolled: str = ""
    cavv_algorithm: str = ""


@dataclass(frozen=True, slots=True)
class PaymentSource:
    """How the order is paid."""

    method: PaymentMethod
    transient_id: str = ""  # the transient token's jti; the token itself is not kept
    customer_token: str = ""  # TMS customer, 32 hex digits
    instrument_token: str = ""  # TMS payment instrument; '' is the customer's default
    request_id: str = ""  # of the authorisation made by the shop, 22 digits
    keep: bool = False  # the shopper wants the card kept: TOKEN_CREATE
    authentication: PayerAuthentication | None = None  # of a card that the shopper is here with
    ip_address: str = ""  # where the shopper pays from, for Decision Manager
    device_session: str = ""  # of the checkout's profiling page, each time anew: its fingerprint


@dataclass(frozen=True, slots=True)
class Order:
    """What was ordered, as accepted; it never changes, but for whom it names.

    Its total is the sum of its lines.
    """

    order_id: str  # ours: a pure function of shop and number
    shop_id: str
    merchant_id: str  # include/mappings/merchants.yaml
    number: str  # the shop's
    purchase_order: str  # prefix of the shop and number: SYSPRO's customer PO, the gateway's code
    currency: str
    amount: Money
    shopper: Shopper
    lines: tuple[OrderLine, ...]
    payment: PaymentSource
    note: str = ""

    def __post_init__(self) -> None:
        if not self.lines:
            raise ValueError(f"order {self.number!r} has no lines")
        summed = total((line.gross for line in self.lines), self.currency)
        if summed != self.amount:
            raise ValueError(f"order {self.number!r}: lines sum to {summed}, not {self.amount}")
        numbers = [line.number for line in self.lines]
        if len(set(numbers)) != len(numbers):
            raise ValueError(f"order {self.number!r}: two lines share a number")

    @property
    def is_free(self) -> bool:
        """Say whether it costs nothing, and so nothing pays for it."""
        return not self.amount.minor and self.payment.method is PaymentMethod.none

    @property
    def buyer(self) -> str:
        """Name the shopper among all shops of the merchant; '' for a guest.

        At most 100 characters, the longest name that the gateway keeps.
        """
        reference = self.shopper.reference
        return f"{self.shop_id}:{reference}"[:100] if reference else ""


def changes(taken: Order, shown: Order, *, money_only: bool) -> tuple[str, ...]:
    """Say what of an order its shop shows otherwise now; no word of it names a person.

    Args:
        taken: as we took it.
        shown: as the shop shows it now.
        money_only: its goods are on their way, say, so that nothing else can be put right.
    """
    found = [*total_changes(taken, shown.amount)]
    if not money_only and (goods := _goods(shown)) != _goods(taken):
        found.append(f"the goods are {goods} now, and were {_goods(taken)}")
    # A shopper who was forgotten lives nowhere; whom an order was taken for has at least one line.
    is_known = bool(taken.shopper.ship_to.lines)
    if not money_only and is_known and _way(shown.shopper.ship_to) != _way(taken.shopper.ship_to):
        found.append("it goes to another address now")
    return tuple(found)


def total_changes(taken: Order, shown: Money) -> tuple[str, ...]:
    """Say so where a shop shows another total of an order than it was taken at."""
    if shown == taken.amount:
        return ()
    return (f"the total is {shown} now, and it was taken at {taken.amount}",)


def _goods(order: Order) -> str:
    ordered: dict[str, int] = {}
    for line in order.lines:
        if line.kind is LineKind.goods:
            code = line.stock_code
            ordered[code] = ordered.get(code, 0) + line.quantity_millionths
    return ", ".join(f"{_quantity(count)} {code}" for code, count in sorted(ordered.items()))


def _quantity(millionths: int) -> str:
    whole, rest = divmod(millionths, 10**QUANTITY_DIGITS)
    return f"{whole}.{rest:06}".rstrip("0").rstrip(".")


def _way(address: Address) -> tuple[str, ...]:
    parts = (*address.lines, address.city, address.region, address.postal_code, address.country)
    return tuple(" ".join(part.casefold().split()) for part in (address.name, *parts))


def order_id_of(shop_id: str, number: str) -> str:
    """Name an order for ever: the same shop and number give the same id."""
    return "ord_" + hashlib.sha256(f"{shop_id}|{number}".encode()).hexdigest()[:26]


def reference_of(key: str) -> str:
    """What we plant at the other side: 20 characters, a pure function of an effect's key."""
    return "TO" + hashlib.sha256(key.encode()).hexdigest()[:18].upper()
