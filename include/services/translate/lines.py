"""From the shopper's lines to SYSPRO's: kits folded, identical lines joined, discounts spread.

Money is never lost on the way: the lines that come out sum to those that went in, net and tax.
The order itself keeps its lines as they were sold; level II and III facts are made of them.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from include.domain.money import Money, allocate, total
from include.domain.orders import LineKind, OrderLine
from include.domain.shops import KitMode, Shop


def erp_lines(lines: Sequence[OrderLine], shop: Shop) -> tuple[OrderLine, ...]:
    """Return what a sales order holds of an order's lines, ascending by line number."""
    found = tuple(lines)
    if shop.kits is KitMode.exploded_by_syspro:
        found = fold_kits(found)
    if shop.merge_identical_lines:
        found = merge_identical(found)
    if shop.has_tax_line:
        found = tax_as_a_line(found)
    return tuple(sorted(found, key=lambda line: line.number))


def tax_as_a_line(lines: Sequence[OrderLine]) -> tuple[OrderLine, ...]:
    """Give the shop's tax a line of its own: SYSPRO, told not to compute any, drops it otherwise.

    A live SYSPRO 8 ignores tax per line in silence; the AR document would then be too small.
    """
    tax = total((line.tax for line in lines), lines[0].net.currency)
    if not tax.minor:
        return tuple(lines)
    none = Money(0, tax.currency)
    number = max(line.number for line in lines) + 1
    extra = OrderLine(number, LineKind.tax, "Tax", 1_000_000, tax, none)
    return (*(replace(line, tax=none) for line in lines), extra)


def fold_kits(lines: Sequence[OrderLine]) -> tuple[OrderLine, ...]:
    """Leave the components out, and give the kit their money: SYSPRO explodes it by itself."""
    parts: dict[int, list[OrderLine]] = defaultdict(list)
    for line in lines:
        if line.parent:
            parts[line.parent].append(line)
    return tuple(_with(line, parts[line.number]) for line in lines if not line.parent)


def merge_identical(lines: Sequence[OrderLine]) -> tuple[OrderLine, ...]:
    """Join goods of one stock code, unit, text and price; the first line's number stays."""
    kits = {line.parent for line in lines if line.parent}
    twins: dict[object, list[OrderLine]] = defaultdict(list)
    for line in lines:
        is_plain = line.kind is LineKind.goods and not line.parent and line.number not in kits
        twins[_likeness(line) if is_plain else line.number].append(line)
    return tuple(
        replace(
            _with(first, others),
            quantity_millionths=sum(one.quantity_millionths for one in (first, *others)),
        )
        for first, *others in twins.values()
    )


def _likeness(line: OrderLine) -> object:
    quantity = line.quantity_millionths
    price, tax = Fraction(line.net.minor, quantity), Fraction(line.tax.minor, quantity)
    return line.stock_code, line.unit, line.description, price, tax


def _with(line: OrderLine, others: Sequence[OrderLine]) -> OrderLine:
    """Return a line with the money of others beside its own."""
    return replace(
        line,
        net=total((line.net, *(one.net for one in others)), line.net.currency),
        tax=total((line.tax, *(one.tax for one in others)), line.tax.currency),
    )


@dataclass(frozen=True, slots=True)
class LevelLine:
    """One line of level III data: what a card issuer is told was bought. Never negative."""

    number: int
    code: str
    description: str
    quantity_millionths: int
    unit: str
    amount: Money  # net, its part of the discounts taken off
    discount: Money  # that part, positive
    tax: Money


def level_three(lines: Sequence[OrderLine]) -> tuple[LevelLine, ...]:
    """Return level III lines; discounts are spread over the rest by their net, to the cent.

    Tax of a discount is taken off in the same way, so the sum is still the order's.
    """
    currency = lines[0].net.currency
    sold = [line for line in lines if line.kind is not LineKind.discount]
    off = [line for line in lines if line.kind is LineKind.discount]
    weights = [line.net.minor for line in sold]
    if not sum(weights):
        weights = [1] * len(sold)
    less = allocate(-total((line.net for line in off), currency), weights)
    less_tax = allocate(-total((line.tax for line in off), currency), weights)
    return tuple(
        LevelLine(
            number=line.number,
            code=line.stock_code or line.kind.value,
            description=line.description,
            quantity_millionths=line.quantity_millionths,
            unit=line.unit,
            amount=line.net - part,
            discount=part,
            tax=line.tax - its_tax,
        )
        for line, part, its_tax in zip(sold, less, less_tax, strict=True)
    )


@dataclass(frozen=True, slots=True)
class LevelTwo:
    """Level II data of an order."""

    purchase_order: str
    tax: Money
    freight: Money
    discount: Money  # positive


def level_two(purchase_order: str, lines: Sequence[OrderLine]) -> LevelTwo:
    """Sum what level II asks for."""
    currency = lines[0].net.currency

    def net_of(kind: LineKind) -> Money:
        return total((line.net for line in lines if line.kind is kind), currency)

    return LevelTwo(
        purchase_order,
        tax=total((line.tax for line in lines), currency),
        freight=net_of(LineKind.freight),
        discount=-net_of(LineKind.discount),
    )
