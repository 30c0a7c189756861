"""What a shopper puts together: lines, discount, freight and fees, priced exactly."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from include.sandbox.shop.amounts import Priced, TaxRule, minor_of, share_out

PAYMENT_META = {
    "transient_token": "_cybersource_transient_token",
    "tms_token": "_cybersource_tms_token",
    "request_id": "_cybersource_request_id",
}


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One product; ``before`` is without and ``after`` with its part of the discount."""

    sku: str
    name: str
    quantity: int
    price_minor: int  # of one, as the price list says
    before: Priced
    after: Priced


@dataclass(frozen=True, slots=True)
class Basket:
    """A priced basket; everything in minor units of one currency."""

    currency: str
    tax: TaxRule
    lines: tuple[BasketLine, ...]
    freight: Priced
    freight_title: str
    fees: tuple[tuple[str, Priced], ...]
    coupon: str

    @property
    def discount(self) -> Priced:
        return _sum([line.before - line.after for line in self.lines])

    @property
    def total(self) -> Priced:
        return _sum(
            [*(line.after for line in self.lines), self.freight, *(p for _, p in self.fees)]
        )


def _sum(parts: Sequence[Priced]) -> Priced:
    nothing = Fraction(0)
    return Priced(sum((p.net for p in parts), nothing), sum((p.tax for p in parts), nothing))


def fill_basket(
    facts: Mapping[str, Any], prices: Mapping[str, tuple[str, str]], currency: str, usual: TaxRule
) -> Basket:
    """Price what the caller asks for.

    Args:
        facts: ``lines`` [{sku, quantity, name?, price?}], ``discount``, ``coupon``, ``freight``,
            ``freight_title``, ``fees`` [{name, amount}], ``tax_bps``, ``prices_include_tax``,
            ``round_tax_at_subtotal``.
        prices: name and price by SKU; a line's own price wins.
        currency: of the shop.
        usual: the shop's tax.

    Raises:
        ValueError: an unknown SKU without a price, or a quantity or amount that is none.
    """
    tax = TaxRule(
        int(facts.get("tax_bps", usual.rate_bps)),
        bool(facts.get("prices_include_tax", usual.is_in_price)),
        bool(facts.get("round_tax_at_subtotal", usual.is_rounded_late)),
    )
    asked = [_asked(line, prices, currency) for line in facts.get("lines", ())]
    if not asked:
        raise ValueError("an order needs lines: [{sku, quantity}]")
    rows = [price * quantity for _, _, quantity, price in asked]
    off = share_out(minor_of(facts.get("discount", "0"), currency), rows)
    lines = tuple(
        BasketLine(sku, name, quantity, price, tax.split(row), tax.split(row - less))
        for (sku, name, quantity, price), row, less in zip(asked, rows, off, strict=True)
    )
    freight = minor_of(facts.get("freight", "0"), currency)
    fees: Sequence[Mapping[str, Any]] = facts.get("fees", ())
    return Basket(
        currency,
        tax,
        lines,
        tax.split(freight),
        str(facts.get("freight_title", "Flat rate")) if freight else "",
        tuple((str(f["name"]), tax.split(minor_of(f["amount"], currency))) for f in fees),
        str(facts.get("coupon", "")) or ("WELCOME" if any(off) else ""),
    )


def _asked(
    line: Mapping[str, Any], prices: Mapping[str, tuple[str, str]], currency: str
) -> tuple[str, str, int, int]:
    sku, quantity = str(line["sku"]), line.get("quantity", 1)
    if not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 1:
        raise ValueError(f"quantity {quantity!r} of {sku} is no whole number above zero")
    name, price = prices.get(sku, (sku, ""))
    price = str(line.get("price", price))
    if not price:
        raise ValueError(f"{sku!r} is no product of the shop and the line names no price")
    return sku, str(line.get("name", name)), quantity, minor_of(price, currency)


def payment_of(facts: Mapping[str, Any]) -> tuple[str, str]:
    """Return kind and value of the payment reference; ('', '') where there is none.

    Raises:
        ValueError: an unknown kind, or a value that may be a card number.
    """
    found = facts.get("payment") or {}
    kind, value = str(found.get("kind", "")), str(found.get("value", ""))
    if kind and kind not in PAYMENT_META:
        raise ValueError(f"payment kind {kind!r} is none of {', '.join(PAYMENT_META)}")
    if kind != "request_id" and re.fullmatch(r"(?:[0-9][ -]?){13,19}", value):
        raise ValueError("this may be a card number; a shop holds only tokens")
    return kind, value


SHOPPER: Mapping[str, str] = {
    "first_name": "Ada",
    "last_name": "Example",
    "company": "",
    "address_1": "1 Sample Street",
    "address_2": "",
    "city": "Springfield",
    "state": "IL",
    "postcode": "62701",
    "country": "US",
    "email": "ada@example.com",
    "phone": "+1 217 555 0100",
}
SHOPPER_UK: Mapping[str, str] = {
    **SHOPPER,
    "address_1": "2 Sample Lane",
    "city": "Sampleton",
    "state": "Kent",
    "postcode": "TN1 1AA",
    "country": "GB",
    "phone": "+44 1632 960100",
}
