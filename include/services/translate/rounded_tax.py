"""Tax that a shop rounds once for the whole order, while it shows that of each line rounded.

Three lines of 9.99 at 7.25 % show 0.72 each, and their order 2.17. Prices that hold their tax are
taken apart unrounded as well, so that a line's net amount is rounded for show, too.
Source: WooCommerce's setting woocommerce_tax_round_at_subtotal: WC_Cart_Totals and
WC_Abstract_Order::set_total_tax, read 2026-11-27.
"""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from include.domain.money import Money, allocate, total
from include.domain.orders import OrderLine

_LEAST_RATE = Fraction(1, 100)  # where no line shows any


def with_order_tax(
    lines: Sequence[OrderLine], amount: Money, tax: Money, *, is_in_price: bool
) -> tuple[OrderLine, ...]:
    """Return the lines with the order's own tax, where rounding alone can have made them differ.

    The difference goes to the lines with the largest taxes, or where none shows any, amounts.

    Args:
        lines: as they were sent.
        amount: of the order, with its tax.
        tax: of the order.
        is_in_price: whether its prices hold their tax.

    Returns:
        The lines as they are, where they differ by more than half a minor unit for each line
        with a tax, shown or too small for that, or in net amounts that nobody rounded.
    """
    taxes = [max(line.tax.minor, 0) for line in lines]
    taxed = sum(tax > 0 for tax in taxes) + _too_small(lines)
    off_net = amount - tax - total((line.net for line in lines), amount.currency)
    off_tax = tax - total((line.tax for line in lines), amount.currency)
    # The order's net amount is what its rounded tax leaves of the total: half a unit more.
    most_net = taxed + 1 if is_in_price else 0
    if not taxed or 2 * abs(off_tax.minor) > taxed or 2 * abs(off_net.minor) > most_net:
        return tuple(lines)
    weights = taxes if any(taxes) else [max(line.net.minor, 0) for line in lines]
    shares = zip(lines, allocate(off_net, weights), allocate(off_tax, weights), strict=True)
    return tuple(
        replace(line, net=line.net + net_share, tax=line.tax + tax_share)
        for line, net_share, tax_share in shares
    )


def _too_small(lines: Sequence[OrderLine]) -> int:
    """Count lines whose tax may be less than what shows, by the lowest rate of the others.

    Of both that is the bound: net amounts are rounded for show, too.
    """
    rates = [
        Fraction(2 * line.tax.minor - 1, 2 * line.net.minor + 1)
        for line in lines
        if line.tax.minor > 0 and line.net.minor > 0
    ]
    lowest = min(rates, default=_LEAST_RATE)
    return sum(
        line.net.minor > 0 and not line.tax.minor and (2 * line.net.minor - 1) * lowest < 1
        for line in lines
    )
