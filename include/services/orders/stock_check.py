"""Whether an order's goods can be sold: known, in a unit that SYSPRO counts, and there.

Kits are judged by their parts, and every line in the stocking unit of its code, so that a case and
single pieces of one code count together. What SYSPRO does not say is never taken for nothing there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction

from include.domain.order_rules import OnShortStock
from include.domain.order_state import Ending, OrderFacts, Stop
from include.domain.orders import Order, OrderLine
from include.domain.stock import Product, StockLevel, by_code
from include.services.orders.ports import ShopContext
from include.services.orders.sagas import Event


@dataclass
class _Demand:
    """What the lines need of each code that is counted, and who asked for it."""

    millionths: dict[str, Fraction] = field(default_factory=dict)
    ordered: dict[str, list[str]] = field(default_factory=dict)  # stock codes of the lines

    def add(self, code: str, needed: Fraction, ordered: str) -> None:
        self.millionths[code] = self.millionths.get(code, Fraction(0)) + needed
        self.ordered.setdefault(code, []).append(ordered)


@dataclass(frozen=True, slots=True)
class Judged:
    """The stock codes of the order that cannot be sold as ordered, each once."""

    unknown: tuple[str, ...]
    other_unit: tuple[str, ...]
    short: tuple[str, ...]


def judge(lines: Sequence[OrderLine], levels: Sequence[StockLevel]) -> Judged:
    """Hold lines of goods against what the warehouse has.

    Args:
        lines: of goods, as the sales order will hold them.
        levels: one for each of their codes, and of the parts of kits.
    """
    known, demand = by_code(levels), _Demand()
    unknown: list[str] = []
    other_unit: list[str] = []
    for line in lines:
        code = line.stock_code
        level = known.get(code.casefold())
        if level is None or level.available_millionths is None:
            unknown.append(code)
            continue
        needs = (level.product or Product(code)).needs(line)
        if needs is None:
            other_unit.append(code)
            continue
        for part, needed in needs.items():
            demand.add(part, needed, code)
    short = [
        ordered
        for code, needed in demand.millionths.items()
        if _is_short(known, code, needed)
        for ordered in demand.ordered[code]
    ]
    return Judged(_once(unknown), _once(other_unit), _once(short))


def _is_short(known: Mapping[str, StockLevel], code: str, needed: Fraction) -> bool:
    """Say whether there is less than is needed; a part that nobody tells of is not short."""
    level = known.get(code)
    there = level.available_millionths if level else None
    return there is not None and there < needed


def _once(codes: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes))


def ask_stock(
    order: Order, desk: ShopContext, facts: OrderFacts, _now: datetime
) -> tuple[OrderFacts, Event | None]:
    """Ask SYSPRO; an order that it could never take ends here, and its hold is given back."""
    lines = desk.translator.goods(order)
    codes = tuple(dict.fromkeys(line.stock_code for line in lines))
    found = judge(lines, desk.erp.stock(codes, desk.warehouse))
    if found.unknown:
        why = f"SYSPRO has no {', '.join(found.unknown)} in warehouse {desk.warehouse}"
        return _ended(desk, facts, Ending.unknown_product, found.unknown, why)
    if found.other_unit:
        why = f"SYSPRO does not count {_with_units(lines, found.other_unit)}"
        return _ended(desk, facts, Ending.unknown_unit, found.other_unit, why)
    if not found.short:
        return replace(facts, stock="enough"), Event("stock checked", {"verdict": "enough"})
    if desk.rules.on_short_stock is OnShortStock.refuse:
        why = f"out of stock: {', '.join(found.short)}"
        return _ended(desk, facts, Ending.out_of_stock, found.short, why)
    detail = {"short": list(found.short), "rule": desk.rules.on_short_stock.value}
    return replace(facts, stock="accepted"), Event("stock checked", detail)


def _ended(
    desk: ShopContext, facts: OrderFacts, ending: Ending, codes: Sequence[str], why: str
) -> tuple[OrderFacts, Event]:
    stop = Stop("tieout", why, told=desk.translator.ending(ending, codes))
    event = Event("stock checked", {"verdict": ending.value, "products": list(codes)})
    return replace(facts, stock=ending.value, stop=stop), event


def _with_units(lines: Sequence[OrderLine], codes: Sequence[str]) -> str:
    return ", ".join(
        f"{line.stock_code} in {line.unit!r}" for line in lines if line.stock_code in codes
    )
