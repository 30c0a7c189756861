"""An order's lines: how they hang together, what a unit price keeps, what an amount stands for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from include.domain.money import MINOR_UNIT_DIGITS, Money, half_even, total
from include.domain.orders import PRICE_DIGITS, QUANTITY_DIGITS, LineKind, OrderLine

_VALUE_DIGITS = 2  # SYSPRO's 12.2: of a line's value, whatever the currency


@dataclass(frozen=True, slots=True)
class LineFault:
    """What is wrong with an order's lines."""

    place: int | None  # of the line, from 0; None for the order as a whole
    what: str
    do: str


def line_faults(lines: Sequence[OrderLine]) -> Iterator[LineFault]:
    """Yield what is wrong: folding a kit into one line must lose no money and no meaning.

    So there are goods, and a component is goods under goods that are no component themselves: no
    kit in a kit, no circle, nothing below a discount.
    """
    if all(line.kind is not LineKind.goods for line in lines):
        yield LineFault(None, "the order has no goods", "Send at least one line of goods.")
    known = {line.number: line for line in lines}
    if len(known) != len(lines):
        yield LineFault(None, "two lines share a number", "Number them, or leave the numbers out.")
    for place, line in enumerate(lines):
        if not line.parent:
            continue
        kit = known.get(line.parent)
        if kit is None or kit is line:
            yield LineFault(place, f"there is no other line {line.parent}", "Name the kit's line.")
        elif {line.kind, kit.kind} != {LineKind.goods}:
            yield LineFault(place, "only goods belong to a kit, which is goods", "Leave it out.")
        elif kit.parent:
            do = "Send kits of one level; a component is no kit."
            yield LineFault(place, "it names a line that is a component itself", do)


def unit_price(worth: Money, quantity_millionths: int) -> int:
    """Return what one piece costs, in 1/100,000 of the major unit, half-even."""
    return half_even(worth.minor * _scale(worth), quantity_millionths)


def is_kept(worth: Money, quantity_millionths: int) -> bool:
    """Say whether the unit price times the quantity is that amount again, as SYSPRO rounds it.

    A price has five decimals: beyond 1,000 pieces what is cut off it may come to half a cent. Which
    way exactly half goes nobody has published, so it counts as lost.
    """
    finest: int = 10 ** max(0, MINOR_UNIT_DIGITS[worth.currency] - _VALUE_DIGITS)
    product = unit_price(worth, quantity_millionths) * quantity_millionths
    off = abs(product - worth.minor * _scale(worth))
    return worth.minor % finest == 0 and 2 * off < finest * _scale(worth)


def _scale(worth: Money) -> int:
    scale: int = 10 ** (PRICE_DIGITS - MINOR_UNIT_DIGITS[worth.currency] + QUANTITY_DIGITS)
    return scale


def part_of(lines: Sequence[OrderLine], amount: Money) -> tuple[OrderLine, ...]:
    """Return the lines that an amount of an order stands for; their gross sums to it exactly.

    The whole is the lines themselves. What is less takes the same share of each net and each tax,
    as one piece: which goods it was for, no amount can tell. Rounding goes to the largest
    remainders, so nothing that is zero becomes more, and a discount stays one. Of an amount that is
    no part of them nobody knows what it is for: no lines.
    """
    whole = total((line.gross for line in lines), lines[0].net.currency)
    if amount == whole:
        return tuple(lines)
    if amount.currency != whole.currency or not 0 < amount.minor < whole.minor:
        return ()
    wholes = [money.minor for line in lines for money in (line.net, line.tax)]
    shares = [divmod(minor * amount.minor, whole.minor) for minor in wholes]
    short = amount.minor - sum(share for share, _ in shares)
    largest = sorted(range(len(shares)), key=lambda at: (-shares[at][1], at))[:short]
    minors = [share + (at in largest) for at, (share, _) in enumerate(shares)]
    parts = zip(lines, minors[::2], minors[1::2], strict=True)
    return tuple(
        replace(
            line,
            quantity_millionths=10**QUANTITY_DIGITS,
            net=Money(net, amount.currency),
            tax=Money(tax, amount.currency),
        )
        for line, net, tax in parts
        if net or tax
    )
