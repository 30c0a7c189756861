"""From the shopper's lines to SYSPRO's: kits folded or spread, identical lines joined, tax a line.

Money is never lost on the way: the lines that come out sum to those that went in, net and tax.
The order itself keeps its lines as they were sold: the authorisation's level II and III data, with
discounts taken off, is made of them by the gateway's adapter.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from include.domain.errors import Rejected
from include.domain.money import Money, allocate, total
from include.domain.order_lines import is_kept
from include.domain.orders import LineKind, OrderLine
from include.domain.shops import KitMode, Shop


def erp_lines(lines: Sequence[OrderLine], shop: Shop) -> tuple[OrderLine, ...]:
    """Return what a sales order holds of an order's lines, ascending by line number.

    Raises:
        Rejected: they would not hold the order's money; nothing of it is sent.
    """
    is_exploded = shop.kits is KitMode.exploded_by_syspro
    found = fold_kits(lines) if is_exploded else spread_kits(lines)
    if shop.merge_identical_lines:
        found = merge_identical(found)
    _demand_all_money(lines, found)
    if shop.has_tax_line:
        found = tax_as_a_line(found)
    return tuple(sorted(found, key=lambda line: line.number))


def _demand_all_money(sold: Sequence[OrderLine], written: Sequence[OrderLine]) -> None:
    currency = sold[0].net.currency
    for name in ("net", "tax"):
        asked = total((getattr(line, name) for line in sold), currency)
        kept = total((getattr(line, name) for line in written), currency)
        if kept != asked:
            raise Rejected(
                f"the sales order's lines would hold {kept} {name}, and {asked} was sold",
                "the order's kits",
                "Cancel the order; its shop must send kits of one level, with goods in them.",
            )


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


def spread_kits(lines: Sequence[OrderLine]) -> tuple[OrderLine, ...]:
    """Leave a kit out whose components came with it, and give them its money.

    It is divided as the components' own prices are, or by their quantities where they have none.
    """
    parts: dict[int, list[OrderLine]] = defaultdict(list)
    for line in lines:
        if line.parent:
            parts[line.parent].append(line)
    dearer = {
        line.number: line
        for kit in lines
        if kit.number in parts
        for line in _with_share(kit, parts[kit.number])
    }
    return tuple(dearer.get(line.number, line) for line in lines if line.number not in parts)


def _with_share(kit: OrderLine, parts: Sequence[OrderLine]) -> Iterator[OrderLine]:
    weights = [part.net.minor for part in parts]
    if not sum(weights):
        weights = [part.quantity_millionths for part in parts]
    shares = zip(parts, allocate(kit.net, weights), allocate(kit.tax, weights), strict=True)
    for part, net, tax in shares:
        yield replace(part, net=part.net + net, tax=part.tax + tax, parent=0)


def merge_identical(lines: Sequence[OrderLine]) -> tuple[OrderLine, ...]:
    """Join goods of one stock code, unit, text and price; the first line's number stays.

    What joined would be a cent off by its unit price stays apart.
    """
    kits = {line.parent for line in lines if line.parent}
    found: list[OrderLine] = []
    places: dict[object, int] = {}
    for line in lines:
        is_plain = line.kind is LineKind.goods and not line.parent and line.number not in kits
        likeness = _likeness(line) if is_plain else line.number
        if likeness in places and _is_whole(one := _joined(found[places[likeness]], line)):
            found[places[likeness]] = one
        else:
            places[likeness] = len(found)
            found.append(line)
    return tuple(found)


def _joined(first: OrderLine, second: OrderLine) -> OrderLine:
    quantity = first.quantity_millionths + second.quantity_millionths
    return replace(_with(first, [second]), quantity_millionths=quantity)


def _is_whole(line: OrderLine) -> bool:
    return all(is_kept(worth, line.quantity_millionths) for worth in (line.net, line.gross))


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
