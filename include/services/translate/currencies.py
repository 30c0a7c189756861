"""Which currency a customer is kept in, and what an amount is worth in the company's own.

A dated rate is units of the base for one of the order's currency (``fx_rates.yaml``). SYSPRO keeps
rates either way round: multiplied into the base or divided. Both round half-even, once, at the end.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from include.domain.errors import Rejected
from include.domain.money import MINOR_UNIT_DIGITS, Money, half_even
from include.domain.shops import RateSource

_RATE = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,6})0*)?")


@dataclass(frozen=True, slots=True)
class BaseRate:
    """A rate and which way it works."""

    millionths: int
    is_divided: bool  # SYSPRO's D: foreign is base times the rate
    source: str  # "fx_rates.yaml" or "SYSPRO"

    def __post_init__(self) -> None:
        if self.millionths <= 0:
            raise ValueError(f"a rate is above zero, not {self.millionths} millionths")

    def to_base(self, amount: Money, base: str) -> Money:
        """Return an amount in the company's currency, half-even to one minor unit."""
        if amount.currency == base:
            return amount
        if not self.is_divided:
            return amount.convert(self.millionths, base)
        up = amount.minor * 10 ** MINOR_UNIT_DIGITS[base] * 1_000_000
        down = 10 ** MINOR_UNIT_DIGITS[amount.currency] * self.millionths
        return Money(half_even(up, down), base)


def dated_rate(millionths: int) -> BaseRate:
    """Return a rate of ``Mappings.fx_rate(order currency, base currency, day)``."""
    return BaseRate(millionths, is_divided=False, source="fx_rates.yaml")


def syspro_rate(text: str, multiply_or_divide: str, where: str) -> BaseRate:
    """Return a rate as SYSPRO's currency table shows it.

    Args:
        text: e.g. ``1.083700``; six decimals at most.
        multiply_or_divide: ``M`` or ``D``.
        where: for the message.

    Raises:
        Rejected: it is no rate above zero, or of neither way.
    """
    found = _RATE.fullmatch(text.strip())
    millionths = int(found[1] + (found[2] or "").ljust(6, "0")) if found else 0
    way = multiply_or_divide.strip().upper()
    if not millionths or way not in ("M", "D"):
        raise Rejected(
            f"{text!r} {multiply_or_divide!r} is no rate", where, "Correct the currency in SYSPRO."
        )
    return BaseRate(millionths, is_divided=way == "D", source="SYSPRO")


@dataclass(frozen=True, slots=True)
class ShopRates:
    """The rates of one shop, by the source that its mapping names."""

    source: RateSource
    base: str  # the currency of its SYSPRO company
    dated: Callable[[str, str, date], int]  # ``Mappings.fx_rate``
    of_company: Callable[[str], BaseRate]  # SYSPRO's own, of today
    where: str  # "shops.yaml:6"

    def convert(self, amount: Money, currency: str, on: date) -> Money:
        """Return an amount in another currency at the rate of a day, half-even.

        Raises:
            Rejected: there is no such rate; the message holds the line to add. Never a guess.
            Retryable: SYSPRO could not be asked.
        """
        if amount.currency == currency:
            return amount
        if self.source is RateSource.dated:
            return dated_rate(self.dated(amount.currency, currency, on)).to_base(amount, currency)
        if currency != self.base:
            raise Rejected(
                f"SYSPRO's rates lead into {self.base}, not from {amount.currency} to {currency}",
                self.where,
                "Write 'exchange_rates: dated', and the pair into fx_rates.yaml.",
            )
        return self.of_company(amount.currency).to_base(amount, currency)


def check_customer_currency(order_currency: str, customer_currency: str, customer: str) -> None:
    """Let an order into an account of its own currency only: SYSPRO takes no other.

    Raises:
        Rejected: they differ.
    """
    if order_currency != customer_currency:
        raise Rejected(
            f"the order is in {order_currency}, customer {customer} in {customer_currency}",
            f"SYSPRO customer {customer}",
            f"Link the shopper to a customer in {order_currency} (tieout.cli customers link); a "
            "currency cannot be changed once there are transactions.",
        )
