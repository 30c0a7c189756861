"""Tax that a shop rounds once for the whole order, while it shows that of each line rounded.

Three lines of 9.99 at 7.25 % show 0.72 each, and their order 2.17. Prices that hold their tax are
taken apart unrounded as well, so that a line's net amount is rounded for show, too.
Source: WooCommerce's setting woocommerce_tax_round_at_subtotal: WC_Cart_Totals and
WC_Abstract_Order::set_total_tax, read 2026-11-27.
"""

from collections.abc import Sequence
from dataclasses import replace

from include.domain.money import Money, allocate, total
from include.domain.orders import OrderLine


def with_order_tax(
    lines: Sequence[OrderLine], amount: Money, tax: Money, *, is_in_price: bool
) -> tuple[OrderLine, ...]:
    """Return the lines with the order's own tax, where rounding alone can have made them differ.

    The difference goes to the lines with the largest taxes.

    Args:
        lines: as they were sent.
        amount: of the order, with its tax.
        tax: of the order.
        is_in_price: whether its prices hold their tax.

    Returns:
        The lines as they are, where they differ by more than half a minor unit for each taxed
        line, or in net amounts that nobody rounded.
    """
    taxes = [max(line.tax.minor, 0) for line in lines]
    taxed = sum(tax > 0 for tax in taxes)
    off_net = amount - tax - total((line.net for line in lines), amount.currency)
    off_tax = tax - total((line.tax for line in lines), amount.currency)
    # The order's net amount is what its rounded tax leaves of the total: half a unit more.
    most_net = taxed + 1 if is_in_price else 0
    if not taxed or 2 * abs(off_tax.minor) > taxed or 2 * abs(off_net.minor) > most_net:
        return tuple(lines)
    shares = zip(lines, allocate(off_net, taxes), allocate(off_tax, taxes), strict=True)
    return tuple(
        replace(line, net=line.net + net_share, tax=line.tax + tax_share)
        for line, net_share, tax_share in shares
    )
