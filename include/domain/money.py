"""Exact money: a whole count of minor units in one ISO 4217 currency."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from include.domain.errors import Rejected

# ISO 4217 list one, column "Mnr unt", where it is not 2. A test compares this table with the
# published list; extend it from there, never by guess.
_DIGITS_OTHER_THAN_TWO = {
    **dict.fromkeys(
        ("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF").split(),
        0,
    ),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
_TWO_DIGITS = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
    "GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK "
    "LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO "
    "NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS "
    "SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD "
    "XCD XCG YER ZAR ZMW ZWG"
).split()

MINOR_UNIT_DIGITS: dict[str, int] = {**dict.fromkeys(_TWO_DIGITS, 2), **_DIGITS_OTHER_THAN_TWO}

PLAIN_DECIMAL = re.compile(r"(-?)([0-9]{1,16})(?:\.([0-9]+))?")  # no blank, 1e3, 1_000 or NaN


@dataclass(frozen=True, slots=True)
class Money:
    """An amount; ``minor`` is signed: 1234 is 12.34 USD, 1234 JPY, 1.234 KWD."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in MINOR_UNIT_DIGITS:
            raise ValueError(f"{self.currency!r} is not an ISO 4217 currency with minor units")
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise TypeError(f"minor units are whole, not {self.minor!r}")

    @classmethod
    def parse(cls, text: str, currency: str, where: str) -> "Money":
        """Read a plain decimal such as ``-1234.50``; lose no digit, invent none.

        Raises:
            Rejected: not a plain ASCII decimal, unknown currency, or finer than one minor unit.
        """
        found = PLAIN_DECIMAL.fullmatch(text)
        if found is None or currency not in MINOR_UNIT_DIGITS:
            raise Rejected(
                f"{text!r} {currency!r} is not money", where, "Ask the sender for a corrected file."
            )
        sign, whole, fraction = found.groups(default="")
        fraction, digits = fraction.rstrip("0"), MINOR_UNIT_DIGITS[currency]
        if len(fraction) > digits:
            raise Rejected(
                f"{text!r} is finer than {currency} allows",
                where,
                "Ask the sender for a corrected file.",
            )
        minor = int(whole + fraction.ljust(digits, "0"))
        return cls(-minor if sign else minor, currency)

    def __str__(self) -> str:
        """Plain decimal and currency, e.g. ``-12.34 USD``; ``Money.parse`` reads it back."""
        return f"{self.decimal} {self.currency}"

    @property
    def decimal(self) -> str:
        """The amount as a plain decimal with the currency's digits, e.g. ``-12.34``."""
        digits = MINOR_UNIT_DIGITS[self.currency]
        sign, whole = ("-" if self.minor < 0 else ""), str(abs(self.minor)).rjust(digits + 1, "0")
        return f"{sign}{whole[:-digits]}.{whole[-digits:]}" if digits else f"{sign}{whole}"

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot mix {self} with {other}")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def convert(self, rate_millionths: int, currency: str) -> "Money":
        """Convert at a dated rate, half-even to one minor unit of ``currency``.

        Args:
            rate_millionths: units of ``currency`` for one unit of ours, times 1,000,000
                (SYSPRO keeps six decimals), so 1.083700 is 1_083_700.
            currency: the target.
        """
        up = 10 ** MINOR_UNIT_DIGITS[currency]
        down = 10 ** MINOR_UNIT_DIGITS[self.currency] * 1_000_000
        return Money(half_even(self.minor * rate_millionths * up, down), currency)


def half_even(numerator: int, denominator: int) -> int:
    """Divide to a whole number; exactly half goes to the even one. The denominator is positive."""
    quotient, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and quotient % 2):
        quotient += 1
    return quotient


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Sum amounts of one currency; nothing sums to zero of that currency."""
    result = Money(0, currency)
    for amount in amounts:
        result = result + amount
    return result


def allocate(amount: Money, weights: Sequence[int]) -> tuple[Money, ...]:
    """Split by weights so that the parts sum to ``amount``: largest remainder, first wins ties."""
    if not weights or min(weights) < 0 or sum(weights) == 0:
        raise ValueError(f"cannot allocate by {weights!r}")
    whole = sum(weights)
    shares = [divmod(amount.minor * weight, whole) for weight in weights]
    short = amount.minor - sum(share for share, _ in shares)
    order = sorted(range(len(shares)), key=lambda i: (-shares[i][1], i))
    extra = set(order[:short])
    return tuple(
        Money(share + (i in extra), amount.currency) for i, (share, _) in enumerate(shares)
    )
