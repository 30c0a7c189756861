"""From what a shop sent to an order of ours; what does not fit is named, field by field."""

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Callable
from typing import TypeVar

from include.adapters.addresses.countries import country_of
from include.domain.card_numbers import refuse_card_numbers
from include.domain.errors import Rejected
from include.domain.money import MINOR_UNIT_DIGITS, Money, total
from include.domain.order_lines import line_faults
from include.domain.orders import (
    QUANTITY_DIGITS,
    Address,
    LineKind,
    Order,
    OrderLine,
    PayerAuthentication,
    PaymentMethod,
    PaymentSource,
    Shopper,
    order_id_of,
)
from include.services.api.ports import ShopTerms
from tieout.api.problems import Problem
from tieout.api.schema import AddressIn, AuthenticationIn, LineIn, PaymentIn, PlaceOrder

_JTI = re.compile(r"[0-9A-Za-z_-]{16,80}")  # RFC 7519 leaves its form to whoever issues it
_LONGEST_PURCHASE_ORDER = 30  # SYSPRO's customer PO
_NEEDED = {
    "transient_token": ("transient_token",),
    "stored_token": ("customer_token",),
    "authorized": ("request_id",),
    "none": (),
}
_OF_THE_SHOPPER = ("authentication", "ip_address", "device_session")
_ALLOWED = {
    "transient_token": {"transient_token", "keep", *_OF_THE_SHOPPER},
    "stored_token": {"customer_token", "instrument_token", *_OF_THE_SHOPPER},
    "authorized": {"request_id"},
    "none": set[str](),
}
_MEMBERS = tuple(PaymentIn.model_fields.keys() - {"method"})
T = TypeVar("T")


class _Faults:
    """Collects what is wrong, so that one answer names all of it."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def add(self, field: str, problem: str) -> None:
        self.found.append((field, problem))

    def read(self, field: str, make: Callable[[], T], otherwise: T) -> T:
        try:
            return make()
        except Rejected as fault:
            self.add(field, fault.what)
            return otherwise

    def stop(self) -> None:
        if self.found:
            detail = f"{self.found[0][0]}: {self.found[0][1]}"
            raise Problem("invalid", detail, fields=self.found[:50])


def read_amount(text: str, currency: str, field: str) -> Money:
    """Read an amount above zero.

    Raises:
        Problem: finer than the currency, or zero.
    """
    faults = _Faults()
    found = faults.read(field, lambda: Money.parse(text, currency, field), Money(1, currency))
    if found.minor <= 0:
        faults.add(field, "it must be above zero")
    faults.stop()
    return found


def read_order(body: PlaceOrder, shop_id: str, shop: ShopTerms) -> Order:
    """Build the order.

    Raises:
        Problem: the content does not fit together; nothing was kept.
        CardNumberRefused: there is one within the transient token.
    """
    faults = _Faults()
    if body.currency not in MINOR_UNIT_DIGITS or body.currency not in shop.currencies:
        faults.add("currency", f"this shop sells in {', '.join(shop.currencies)}")
        faults.stop()
    zero = Money(0, body.currency)
    amount = faults.read("amount", lambda: Money.parse(body.amount, body.currency, "amount"), zero)
    is_free = body.payment.method == "none"
    is_read = not faults.found  # what is not read stands as zero, which is no fault of its own
    if is_read and amount.minor <= 0 and not (is_free and not amount.minor):
        faults.add("amount", "it must be above zero, or 0 with the payment's method none")
    elif is_free and amount.minor:
        faults.add("payment.method", "none is for an order of 0 alone: this one must be paid")
    lines = tuple(
        _line(line, place, body.currency, faults) for place, line in enumerate(body.lines, 1)
    )
    _check_lines(lines, amount, faults)
    payment = _payment(body.payment, faults)
    shopper = _shopper(body, faults)
    purchase_order = shop.purchase_order(body.number)
    if len(purchase_order) > _LONGEST_PURCHASE_ORDER:
        faults.add("number", f"{purchase_order!r} is longer than SYSPRO's 30 characters")
    faults.stop()
    return Order(
        order_id=order_id_of(shop_id, body.number),
        shop_id=shop_id,
        merchant_id=shop.merchant_id,
        number=body.number,
        purchase_order=purchase_order,
        currency=body.currency,
        amount=amount,
        shopper=shopper,
        lines=lines,
        payment=payment,
        note=body.note,
    )


def read_payment(body: PaymentIn) -> PaymentSource:
    """Build what pays for an order anew.

    Raises:
        Problem: the members do not fit together.
        CardNumberRefused: there is one within the transient token.
    """
    faults = _Faults()
    payment = _payment(body, faults)
    if payment.method is PaymentMethod.none:
        faults.add("payment.method", "it must be paid: none is for an order of 0 alone")
    faults.stop()
    return payment


def _line(line: LineIn, place: int, currency: str, faults: _Faults) -> OrderLine:
    at = f"lines[{place - 1}]"
    zero = Money(0, currency)
    net = faults.read(f"{at}.net", lambda: Money.parse(line.net, currency, at), zero)
    tax = faults.read(f"{at}.tax", lambda: Money.parse(line.tax, currency, at), zero)
    kind = LineKind(line.kind)
    quantity = _millionths(line.quantity)
    if quantity == 0:
        faults.add(f"{at}.quantity", "it must be above zero")
    if kind is LineKind.discount and (net.minor > 0 or tax.minor > 0):
        faults.add(f"{at}.net", "a discount is not positive")
    if kind is not LineKind.discount and (net.minor < 0 or tax.minor < 0):
        faults.add(f"{at}.net", "only a discount may be negative")
    if (kind is LineKind.goods) != bool(line.stock_code):
        faults.add(f"{at}.stock_code", "goods have one, other lines have none")
    return OrderLine(
        number=line.number or place,
        kind=kind,
        description=line.description,
        quantity_millionths=quantity,
        net=net,
        tax=tax,
        stock_code=line.stock_code,
        unit=line.unit,
        parent=line.parent,
    )


def _millionths(text: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(QUANTITY_DIGITS, "0"))


def _check_lines(lines: tuple[OrderLine, ...], amount: Money, faults: _Faults) -> None:
    for fault in line_faults(lines):
        field = "lines" if fault.place is None else f"lines[{fault.place}].parent"
        faults.add(field, fault.what)
    summed = total((line.gross for line in lines), amount.currency)
    if summed != amount and not faults.found:
        faults.add("amount", f"the lines sum to {summed}, not {amount}")


def _payment(payment: PaymentIn, faults: _Faults) -> PaymentSource:
    method = payment.method
    given = {name for name in _MEMBERS if getattr(payment, name)}
    for name in _NEEDED[method]:
        if name not in given:
            faults.add(f"payment.{name}", f"the method {method} needs it")
    for name in sorted(given - _ALLOWED[method]):
        faults.add(f"payment.{name}", f"the method {method} has no use for it")
    return PaymentSource(
        method=PaymentMethod(method),
        transient_id=_transient_id(payment.transient_token, faults),
        customer_token=payment.customer_token,
        instrument_token=payment.instrument_token,
        request_id=payment.request_id,
        keep=payment.keep,
        authentication=_authentication(payment.authentication, faults),
        ip_address=_ip_address(payment.ip_address, faults),
        device_session=payment.device_session,
    )


def _authentication(proof: AuthenticationIn | None, faults: _Faults) -> PayerAuthentication | None:
    if proof is None:
        return None
    given = {name: text for name, text in proof if text}
    if "transaction_id" in given and len(given) > 1:
        faults.add("payment.authentication", "a transaction_id is given alone")
    if not given.keys() & {"transaction_id", "commerce_indicator"}:
        faults.add("payment.authentication", "it needs a transaction_id or a commerce_indicator")
    return PayerAuthentication(**given)


def _ip_address(text: str, faults: _Faults) -> str:
    """Return it as it is written; the gateway would refuse the payment for one that is none."""
    try:
        return str(ipaddress.ip_address(text)) if text else ""
    except ValueError:
        faults.add("payment.ip_address", "it is no IPv4 or IPv6 address")
        return ""


def _transient_id(token: str, faults: _Faults) -> str:
    """Return the ``jti``; the token itself is not kept. The gateway checks it, not we.

    Raises:
        CardNumberRefused: the token holds one where nobody sees it, in base64.
    """
    if "." not in token:
        return token
    part = token.split(".")[1]
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        jti = found.get("jti") if isinstance(found, dict) else None
    except (binascii.Error, ValueError, RecursionError):
        found = jti = None
    refuse_card_numbers({"payment.transient_token": found}, "the request body")
    if not isinstance(jti, str) or _JTI.fullmatch(jti) is None:
        faults.add("payment.transient_token", "it is no transient token: there is no jti in it")
        return ""
    return jti


def _shopper(body: PlaceOrder, faults: _Faults) -> Shopper:
    found = body.shopper
    bill_to = _address(found.bill_to, "shopper.bill_to", faults)
    ship_to = bill_to
    if found.ship_to is not None:
        ship_to = _address(found.ship_to, "shopper.ship_to", faults)
    return Shopper(
        name=found.name,
        email=found.email,
        bill_to=bill_to,
        ship_to=ship_to,
        reference=found.reference,
        phone=found.phone,
    )


def _address(address: AddressIn, field: str, faults: _Faults) -> Address:
    if country_of(address.country) is None:
        faults.add(f"{field}.country", "it is no country of ISO 3166-1")
    return Address(
        name=address.name,
        lines=tuple(address.lines),
        city=address.city,
        country=address.country,
        postal_code=address.postal_code,
        region=address.region,
        company=address.company,
    )
