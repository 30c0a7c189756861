"""What a warehouse can promise: stock codes, the units they are sold in, and what a kit is made of.

SYSPRO counts every code in its stocking unit. A kit is sold by the parts of its bill of materials,
one level deep, and has no stock of its own.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from include.domain.orders import QUANTITY_DIGITS, OrderLine

_ONE = 10**QUANTITY_DIGITS


@dataclass(frozen=True, slots=True)
class KitPart:
    """One part of a kit."""

    stock_code: str
    per_kit_millionths: int  # in the part's stocking unit, for one stocking unit of the kit


@dataclass(frozen=True, slots=True)
class Product:
    """What SYSPRO says of a stock code beside its quantity."""

    stock_code: str
    unit: str = ""  # the stocking unit; '': not said, and then every unit is taken for it
    units: tuple[tuple[str, Fraction], ...] = ()  # others, and stocking units in one of each
    is_kit: bool = False
    parts: tuple[KitPart, ...] = ()  # of a kit; (): not known

    def in_stock_units(self, unit: str) -> Fraction | None:
        """Return how many stocking units one of ``unit`` is; ``None``: it is not sold in that."""
        if not self.unit or unit.casefold() == self.unit.casefold():
            return Fraction(1)
        named = (factor for name, factor in self.units if name.casefold() == unit.casefold())
        return next(named, None)

    def needs(self, line: OrderLine) -> Mapping[str, Fraction] | None:
        """Return what a line of it takes off the shelf; ``None``: it is not sold in that unit.

        Returns:
            Millionths of the stocking unit by code in lower case: a kit takes its parts.
        """
        factor = self.in_stock_units(line.unit)
        if factor is None:
            return None
        needed = line.quantity_millionths * factor
        if not self.is_kit:
            return {self.stock_code.casefold(): needed}
        found = dict.fromkeys((part.stock_code.casefold() for part in self.parts), Fraction(0))
        for part in self.parts:
            found[part.stock_code.casefold()] += needed * part.per_kit_millionths / _ONE
        return found


@dataclass(frozen=True, slots=True)
class StockLevel:
    """What a warehouse can promise of one stock code, in its stocking unit."""

    stock_code: str
    available_millionths: int | None  # ``None``: the code is not known, or not stocked there
    product: Product | None = None  # ``None``: units and kits are not said


def by_code(levels: Iterable[StockLevel]) -> dict[str, StockLevel]:
    """Return levels by stock code, whose case is SYSPRO's to choose."""
    return {level.stock_code.casefold(): level for level in levels}


def less_sold(known: Mapping[str, StockLevel], sold: Iterable[OrderLine]) -> dict[str, StockLevel]:
    """Return levels less what is sold already, below zero where more was sold than there is.

    Args:
        known: levels by code, the parts of kits among them.
        sold: lines of goods; one of a code or unit that is not known takes nothing.
    """
    left = dict(known)
    for line in sold:
        level = known.get(line.stock_code.casefold())
        product = (level and level.product) or Product(line.stock_code)
        for code, needed in (product.needs(line) or {}).items():
            there = left[code].available_millionths if code in left else None
            if there is not None:
                left[code] = replace(left[code], available_millionths=math.floor(there - needed))
    return left


def sellable(level: StockLevel, known: Mapping[str, StockLevel], unit: str = "") -> int | None:
    """Return how many whole units of a code can be sold; ``None``: that is not known.

    Args:
        level: of the code.
        known: levels by code, the parts of a kit among them.
        unit: that it is sold in; '' is the stocking unit.
    """
    product = level.product or Product(level.stock_code)
    factor = product.in_stock_units(unit) if unit else Fraction(1)
    available = _of_parts(product, known) if product.is_kit else level.available_millionths
    if factor is None or available is None:
        return None
    return int(Fraction(available, _ONE) // factor)


def _of_parts(kit: Product, known: Mapping[str, StockLevel]) -> int | None:
    """Return how much of a kit its scarcest part allows, in whole kits, as millionths."""
    counts: list[int] = []
    for part in kit.parts:
        level = known.get(part.stock_code.casefold())
        if level is None or level.available_millionths is None:
            return None
        counts.append(level.available_millionths // part.per_kit_millionths)
    return min(counts) * _ONE if counts else None
