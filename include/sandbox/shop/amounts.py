"""Exact amounts of a shop: minor units inside, decimals as text outside."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from include.sandbox.world.facts import DIGITS, decimal_text

_DECIMAL = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,6}))?")


def minor_of(value: object, currency: str) -> int:
    """Read a decimal as text or whole number.

    Raises:
        ValueError: no plain decimal, or finer than the currency.
    """
    found = _DECIMAL.fullmatch(str(value))
    if found is None or isinstance(value, bool) or currency not in DIGITS:
        raise ValueError(f"{value!r} is not an amount of {currency}")
    sign, whole, fraction = found.groups(default="")
    fraction, digits = fraction.rstrip("0"), DIGITS[currency]
    if len(fraction) > digits:
        raise ValueError(f"{value!r} is finer than {currency} allows")
    minor = int(whole + fraction.ljust(digits, "0"))
    return -minor if sign else minor


def shown(amount: Fraction) -> int:
    """Round to whole minor units, half away from zero, as shops show an amount."""
    sign = -1 if amount < 0 else 1
    return sign * int(abs(amount) + Fraction(1, 2))


@dataclass(frozen=True, slots=True)
class Priced:
    """Net and tax of one line: whole minor units, unless tax is rounded at the subtotal."""

    net: Fraction
    tax: Fraction

    @property
    def gross(self) -> Fraction:
        return self.net + self.tax

    def __sub__(self, other: "Priced") -> "Priced":
        return Priced(self.net - other.net, self.tax - other.tax)


@dataclass(frozen=True, slots=True)
class TaxRule:
    """How a shop taxes: one rate, and whether prices hold it.

    ``is_rounded_late`` is woocommerce_tax_round_at_subtotal: a line keeps its tax unrounded, and
    only what is shown, of a line as of the order, is rounded. Source: WC_Cart_Totals and
    WC_Abstract_Order::set_total_tax, read 2026-11-27.
    """

    rate_bps: int
    is_in_price: bool
    is_rounded_late: bool = False

    def split(self, price_minor: int) -> Priced:
        """Return net and tax of what the price list says for a whole line."""
        price = Fraction(price_minor)
        if self.is_in_price:
            net = self._rounded(price * 10_000 / (10_000 + self.rate_bps))
            return Priced(net, price - net)
        return Priced(price, self._rounded(price * self.rate_bps / 10_000))

    def _rounded(self, amount: Fraction) -> Fraction:
        return amount if self.is_rounded_late else Fraction(shown(amount))


def share_out(minor: int, weights: Sequence[int]) -> list[int]:
    """Split an amount by weights so that the parts sum to it: largest remainder."""
    whole = sum(weights)
    if not whole:
        return [0 for _ in weights]
    shares = [divmod(minor * weight, whole) for weight in weights]
    short = minor - sum(part for part, _ in shares)
    order = sorted(range(len(shares)), key=lambda i: (-shares[i][1], i))
    return [part + (i in order[:short]) for i, (part, _) in enumerate(shares)]


__all__ = ["DIGITS", "Priced", "TaxRule", "decimal_text", "minor_of", "share_out", "shown"]
