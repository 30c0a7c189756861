"""The lines of an order request: goods, kits, freight, fees, and discounts as their own lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.domain.errors import Rejected
from include.domain.money import MINOR_UNIT_DIGITS, Money, allocate, total
from include.domain.order_lines import line_faults
from include.domain.order_rules import OrderRules
from include.domain.orders import (
    PRICE_DIGITS,
    QUANTITY_DIGITS,
    SOLD,
    STOCK_CODE,
    USUAL_UNIT,
    LineKind,
    OrderLine,
)
from include.services.translate.fields import Fields

_ONE = 10**QUANTITY_DIGITS
_UNIT = r"[A-Za-z0-9]{1,10}"
MOST_LINES = 9999  # SYSPRO's customer PO line


@dataclass(frozen=True, slots=True)
class _Row:
    """A line as it was sent."""

    fields: Fields
    kind: LineKind
    line_id: str
    parent_id: str
    net: Money
    tax: Money
    less: tuple[Money, Money] | None  # net and tax after the order's discount, where told
    is_coupon: bool  # sent as a discount; a fee below zero is one of its own


def read_lines(top: Fields, currency: str, rules: OrderRules, where: str) -> tuple[OrderLine, ...]:
    """Return all lines, numbered in the order in which they were sent, discounts last.

    Raises:
        Rejected: a line is wrong; the message names it.
    """
    sent = top.rows("lines")
    most = min(rules.max_lines, MOST_LINES)
    if len(sent) > most:
        do = f"Split the order, or raise max_lines ({rules.where})."
        raise Rejected(f"the order has {len(sent)} lines, more than {most}", where, do)
    rows = [_row(Fields(row, f"lines[{i}]", where), currency) for i, row in enumerate(sent)]
    is_derived = any(row.less is not None for row in rows)
    kept = [row for row in rows if not (is_derived and row.is_coupon)]
    kept = [row for row in kept if row.kind is LineKind.goods or row.net.minor or row.tax.minor]
    numbers: dict[str, int] = {}
    for n, row in enumerate(kept, 1):
        if row.line_id in numbers:
            what = f"is {row.line_id!r}, as of another line"
            raise row.fields.no("id", what, "Give each line an id of its own, or none.")
        numbers |= {row.line_id: n} if row.line_id else {}
    lines = [_line(n, row, numbers, rules) for n, row in enumerate(kept, 1)]
    for fault in line_faults(lines):
        if fault.place is None:
            raise Rejected(fault.what, where, fault.do)
        row = kept[fault.place]
        raise row.fields.no("parent_id", f"is {row.parent_id!r}: {fault.what}", fault.do)
    if is_derived:
        coupons = [row for row in rows if row.is_coupon]
        lines += _discounts(rows, coupons, len(lines) + 1, currency)
    return tuple(lines)


def _row(fields: Fields, currency: str) -> _Row:
    kind = LineKind(fields.matching("kind", "|".join(SOLD), f"one of {', '.join(SOLD)}"))
    is_coupon = kind is LineKind.discount
    tax = fields.money("tax", currency)
    if fields.has("net") == fields.has("gross"):
        raise fields.no("net", "or gross must be sent, and not both", "Send one of the two.")
    net = fields.money("net", currency) if fields.has("net") else None
    if net is None:
        net = fields.money("gross", currency) - tax
    if kind is LineKind.discount and net.minor > 0:
        net, tax = -net, -tax  # sent as a positive amount off
    if kind is LineKind.fee and net.minor < 0:
        kind = LineKind.discount
    is_wrong = net.minor < 0 if kind is not LineKind.discount else net.minor > 0
    if is_wrong or net.minor * tax.minor < 0:
        raise fields.no("net", f"is {net} with tax {tax}", "Send both with the sign of the line.")
    less = None
    if fields.has("net_after_discount"):
        less = (
            fields.money("net_after_discount", currency),
            fields.money("tax_after_discount", currency),
        )
    return _Row(
        fields,
        kind,
        fields.text("id", 40, default=""),
        fields.text("parent_id", 40, default=""),
        net,
        tax,
        less,
        is_coupon,
    )


def _line(
    number: int,
    row: _Row,
    numbers: Mapping[str, int],
    rules: OrderRules,
) -> OrderLine:
    fields, is_goods = row.fields, row.kind is LineKind.goods
    parent = 0
    if row.parent_id:
        if row.parent_id not in numbers:
            raise fields.no(
                "parent_id", f"is {row.parent_id!r}, which is no line", "Send the kit's own id."
            )
        parent = numbers[row.parent_id]
    line = OrderLine(
        number=number,
        kind=row.kind,
        description=fields.text("description", 255),
        quantity_millionths=fields.quantity("quantity", rules.max_quantity) if is_goods else _ONE,
        net=row.net,
        tax=row.tax,
        stock_code=fields.matching(
            "stock_code", STOCK_CODE, "the stock code of SYSPRO, at most 30 characters"
        )
        if is_goods
        else "",
        unit=fields.matching("unit", _UNIT, "a unit of measure of SYSPRO", default=USUAL_UNIT),
        parent=parent,
    )
    if is_goods and fields.has("unit_price"):
        _check_price(fields, line)
    return line


def _check_price(fields: Fields, line: OrderLine) -> None:
    """The unit price times the quantity is the line's amount, to half a minor unit."""
    amount = line.net if fields.has("net") else line.gross
    scale = 10 ** (PRICE_DIGITS - MINOR_UNIT_DIGITS[amount.currency]) * _ONE
    product = fields.price("unit_price") * line.quantity_millionths
    if abs(2 * (product - amount.minor * scale)) > scale:
        what = f"times the quantity is not {amount}"
        raise fields.no("unit_price", what, "Send a price and an amount that agree.")


def _discounts(
    rows: Sequence[_Row], coupons: Sequence[_Row], first: int, currency: str
) -> list[OrderLine]:
    """Return the discount of all goods as lines, one for each coupon, exact to the cent.

    A shop rounds each line's part of a coupon; the coupons' own amounts may then be a cent off. The
    lines' difference is what was charged, so it is what is divided; coupons only say how.
    """
    told = [row for row in rows if row.less is not None]
    net = total((row.net - row.less[0] for row in told if row.less), currency)
    tax = total((row.tax - row.less[1] for row in told if row.less), currency)
    if not net.minor and not tax.minor:
        return []
    if net.minor < 0:  # somebody raised the prices of an order by hand
        return [_adjustment(first, LineKind.fee, "Price adjustment", -net, -tax)]
    weights = [abs(row.net.minor) for row in coupons]
    if not coupons or not sum(weights):
        return [_adjustment(first, LineKind.discount, "Discount", -net, -tax)]
    names = [row.fields.text("description", 255, default="Discount") for row in coupons]
    parts = zip(names, allocate(net, weights), allocate(tax, weights), strict=True)
    lines = [
        _adjustment(first + i, LineKind.discount, f"Discount {name}"[:255], -part, -its_tax)
        for i, (name, part, its_tax) in enumerate(parts)
    ]
    return [line for line in lines if line.net.minor or line.tax.minor]


def _adjustment(number: int, kind: LineKind, name: str, net: Money, tax: Money) -> OrderLine:
    return OrderLine(number, kind, name, _ONE, net, tax)
