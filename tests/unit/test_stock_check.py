"""An order's goods against what a warehouse has: units, kits, and what nobody tells."""

from fractions import Fraction

import pytest

from include.domain.money import Money
from include.domain.orders import LineKind, OrderLine
from include.domain.stock import KitPart, Product, StockLevel, by_code, less_sold, sellable
from include.services.orders.stock_check import Judged, judge

ZERO = Money(0, "USD")
FINE = Judged((), (), ())
CASES = Product("PAPER", "EA", (("CS", Fraction(12)), ("CM", Fraction(1, 100))))
BOX = Product(
    "BOX", "EA", is_kit=True, parts=(KitPart("TEA", 1_000_000), KitPart("CUP", 2_000_000))
)


def line(code: str, quantity: int, unit: str = "EA", number: int = 1) -> OrderLine:
    return OrderLine(number, LineKind.goods, code, quantity * 1_000_000, ZERO, ZERO, code, unit)


def level(code: str, quantity: int | None, product: Product | None = None) -> StockLevel:
    return StockLevel(code, None if quantity is None else quantity * 1_000_000, product)


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        ([line("PAPER", 1, "CS")], FINE),
        ([line("PAPER", 2, "CS")], Judged((), (), ("PAPER",))),  # 24 pieces, and there are 20
        # A case and nine pieces are 21 pieces, though neither alone is too much.
        ([line("PAPER", 1, "cs"), line("paper", 9)], Judged((), (), ("PAPER", "paper"))),
        ([line("PAPER", 2_000, "CM")], FINE),
        ([line("PAPER", 1, "PAL")], Judged((), ("PAPER",), ())),
    ],
)
def test_quantities_are_counted_in_the_stocking_unit(
    lines: list[OrderLine], verdict: Judged
) -> None:
    assert judge(lines, [level("PAPER", 20, CASES)]) == verdict


def test_a_kit_is_judged_by_its_parts_and_never_by_its_own_stock() -> None:
    levels = [level("BOX", 0, BOX), level("TEA", 10), level("CUP", 7)]
    assert judge([line("BOX", 3)], levels) == FINE
    assert judge([line("BOX", 4)], levels) == Judged((), (), ("BOX",))  # eight cups


def test_a_part_that_is_ordered_beside_its_kit_counts_with_it() -> None:
    levels = [level("BOX", 0, BOX), level("CUP", 7), level("TEA", 10)]
    found = judge([line("BOX", 3), line("CUP", 2, number=2)], levels)
    assert found == Judged((), (), ("BOX", "CUP"))


def test_what_is_not_known_is_not_taken_for_nothing() -> None:
    bare = Product("BOX", "EA", is_kit=True)
    assert judge([line("BOX", 3)], [level("BOX", 0, bare)]) == FINE
    assert judge([line("BOX", 3)], [level("BOX", 0, BOX), level("CUP", 7)]) == FINE
    assert sellable(level("BOX", 0, bare), {}) is None
    assert sellable(level("BOX", 0, BOX), by_code([level("CUP", 7)])) is None


def test_a_code_that_is_not_stocked_is_unknown_whatever_else_is_wrong() -> None:
    levels = [level("NOPE", None), level("PAPER", 0, CASES)]
    assert judge([line("NOPE", 1, "PAL"), line("PAPER", 1)], levels).unknown == ("NOPE",)


def test_what_can_be_sold_is_whole_units_of_the_scarcest_part() -> None:
    levels = by_code([level("TEA", 10), level("CUP", 7)])
    assert sellable(level("BOX", 0, BOX), levels) == 3
    assert sellable(level("PAPER", 35, CASES), {}, "CS") == 2
    assert sellable(level("PAPER", -1, CASES), {}, "CS") == -1
    assert sellable(level("PAPER", 35, CASES), {}, "PAL") is None
    assert sellable(level("PAPER", 35), {}, "PAL") == 35  # the site says no units


def test_what_is_sold_is_taken_off_in_stocking_units_and_a_kit_takes_its_parts() -> None:
    known = by_code(
        [level("PAPER", 100, CASES), level("BOX", 0, BOX), level("TEA", 10), level("CUP", 7)]
    )
    sold = [line("paper", 2, "CS"), line("Paper", 1), line("BOX", 2), line("TEA", 1), line("X", 9)]
    left = less_sold(known, sold)
    assert sellable(left["paper"], left) == 75  # 100 less 24 and 1
    assert sellable(left["tea"], left) == 7  # two of the boxes, one alone
    assert sellable(left["cup"], left) == 3
    assert sellable(left["box"], left) == 1


def test_more_may_be_sold_than_there_is() -> None:
    left = less_sold(by_code([level("TEA", 1)]), [line("TEA", 3)])
    assert sellable(left["tea"], left) == -2


def test_a_level_that_nobody_tells_stays_unknown_and_another_unit_takes_nothing() -> None:
    known = by_code([level("TEA", None), level("PAPER", 20, CASES)])
    left = less_sold(known, [line("TEA", 3), line("PAPER", 1, "PAL")])
    assert sellable(left["tea"], left) is None
    assert sellable(left["paper"], left) == 20
