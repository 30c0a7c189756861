"""Journal lines from class sums: the worked tables of the accounting reference, sections 2 and 4.

Debit positive, credit negative. A class that sums to zero has no line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from include.domain.accounts import GlTemplate
from include.domain.journal import JournalLine
from include.domain.money import Money

NET, PAYABLE, BANK, FX_ROUNDING = "net", "acquirer_payable", "bank", "fx_rounding"
# How a journal reads: what we get first, then what was taken, then what it was taken from.
_ORDER = (
    NET,
    BANK,
    PAYABLE,
    "fee.",
    "reserve",
    "adjustment",
    "chargeback",
    "chargeback_reversal",
    "refund",
    "gross_sale",
    "dispute_lost",
    FX_ROUNDING,
)


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a journal should say: minor units and account by source, e.g. ``fee.interchange``."""

    minor: Mapping[str, int]  # debit positive; sums to zero
    accounts: Mapping[str, str]


def settlement_amounts(
    sums: Mapping[str, int], template: GlTemplate, *, fees_as_invoice: bool
) -> Amounts:
    """Turn sums by role, signed from the merchant, into debits and credits.

    Args:
        sums: minor units by role: ``gross_sale``, ``fee.interchange``, ...
        template: accounts by role, in force on the posting date.
        fees_as_invoice: fees go to the acquirer's payable account; its invoice distributes them.

    Raises:
        Rejected: the template lacks an account; the message holds the line to add.
    """
    minor: dict[str, int] = {}
    for role, amount in sums.items():
        # Fees booked as an invoice meet on one account, whatever their kind.
        name = PAYABLE if fees_as_invoice and role.startswith("fee.") else role
        minor[name] = minor.get(name, 0) - amount
    minor[NET] = sum(sums.values())
    return _with_accounts(minor, template)


def invoice_amounts(sums: Mapping[str, int], template: GlTemplate) -> Amounts:
    """Distribute the acquirer's bill: fees debited, the payable account credited."""
    fees = {role: -amount for role, amount in sums.items() if role.startswith("fee.")}
    return _with_accounts({**fees, PAYABLE: -sum(fees.values())}, template)


def _with_accounts(minor: Mapping[str, int], template: GlTemplate) -> Amounts:
    kept = {source: amount for source, amount in minor.items() if amount}
    return Amounts(kept, {source: template.account(source) for source in kept})


def in_base(
    amounts: Amounts,
    currency: str,
    base_currency: str,
    rate_millionths: int,
    rounding_account: str,
    held: Mapping[str, tuple[int, int]] | None = None,
) -> tuple[JournalLine, ...]:
    """Convert each line half-even; what that leaves over becomes a visible rounding line.

    Args:
        amounts: what to book.
        currency: of the batch.
        base_currency: of the company.
        rate_millionths: base units per unit, times 1,000,000.
        rounding_account: takes the difference, in the base currency only.
        held: by source, the minor units that its account holds at another rate, and the base
            minor units it holds them at; debit positive as ``amounts``.
    """
    lines = []
    for source, minor in amounts.minor.items():
        part, base = (held or {}).get(source, (0, 0))
        rest = Money(minor - part, currency).convert(rate_millionths, base_currency)
        whole = rest + Money(base, base_currency)
        lines.append(JournalLine(amounts.accounts[source], Money(minor, currency), whole, source))
    left = -sum(line.base.minor for line in lines)
    if left:
        lines.append(
            JournalLine(
                rounding_account, Money(0, currency), Money(left, base_currency), FX_ROUNDING
            )
        )
    return in_order(lines)


def in_order(lines: Iterable[JournalLine]) -> tuple[JournalLine, ...]:
    """Order lines as a controller reads them; equal content gives equal bytes."""

    def place(line: JournalLine) -> tuple[int, str, str]:
        found = next((i for i, name in enumerate(_ORDER) if line.source == name), None)
        if found is None:
            found = next(
                (i for i, n in enumerate(_ORDER) if line.source.startswith(n)), len(_ORDER)
            )
        return found, line.gl_account, line.source

    return tuple(sorted(lines, key=place))
