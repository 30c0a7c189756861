"""What becomes of orders while stock is read: what is shown is right by the next push."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, cast

import pytest

from include.domain.canonical import from_json
from include.domain.money import Money
from include.domain.orders import LineKind, OrderLine
from include.domain.stock import KitPart, Product
from include.domain.stock import StockLevel as ErpStock
from include.services.shop.commands import StockLevel
from include.services.shop.ports import ShopProduct
from include.services.sync.push_stock import StockPush

TODAY, NOW = date(2026, 11, 27), datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
KIT = Product("KIT", is_kit=True, parts=(KitPart("PART", 1_000_000),))


def sold(code: str) -> tuple[OrderLine, ...]:
    nought = Money(0, "USD")
    return (OrderLine(1, LineKind.goods, code, 2_000_000, nought, nought, stock_code=code),)


@dataclass
class World:
    """SYSPRO, the shop, our store and, after each question, what somebody else does meanwhile."""

    on_hand: dict[str, int] = field(default_factory=lambda: {"PLAIN": 10, "PART": 10})
    stamps: dict[str, int] = field(default_factory=lambda: {"PLAIN": 1, "PART": 2})
    orders: dict[str, tuple[OrderLine, ...]] = field(default_factory=dict)  # without a sales order
    shown: dict[str, int] = field(default_factory=lambda: {"PLAIN": 10, "KIT": 10})
    marks: dict[str, str] = field(default_factory=dict)
    then: dict[str, Callable[[], None]] = field(default_factory=dict)  # by what was asked, once
    page: int = 1000  # rows of one question

    def book(self, order_id: str) -> None:
        """Make the sales order of an order, as another process with the operator does."""
        for line in self.orders.pop(order_id):
            code = "PART" if line.stock_code == "KIT" else line.stock_code
            self.on_hand[code] -= 2
            self.stamps[code] = max(self.stamps.values()) + 1

    def asked(self, what: str) -> None:
        self.then.pop(what, lambda: None)()

    # SYSPRO

    @contextmanager
    def session(self) -> Iterator[None]:
        self.asked("session")
        yield

    def stock_levels(self, warehouse: str, cursor: str = "") -> tuple[Sequence[ErpStock], str]:
        stamps = {f"{at:03d}": code for code, at in self.stamps.items()}
        page = sorted(at for at in stamps if at > cursor)[: self.page]
        found = [ErpStock(stamps[at], self.on_hand[stamps[at]] * 1_000_000) for at in page]
        self.asked("stock_levels")
        return found, max(page, default=cursor)

    def kits(self) -> Sequence[str]:
        return ["KIT"]

    def products(self, stock_codes: Sequence[str]) -> Mapping[str, Product]:
        self.asked("products")
        return {}

    def stock(self, stock_codes: Sequence[str], warehouse: str) -> Sequence[ErpStock]:
        part = ErpStock("PART", self.on_hand["PART"] * 1_000_000)
        self.asked("stock")
        return [ErpStock("KIT", None, KIT), part]

    # Our store

    def unbooked(self) -> Sequence[OrderLine]:
        found = [line for lines in self.orders.values() for line in lines]
        self.asked("unbooked")
        return found

    def get(self, name: str) -> str:
        return self.marks.get(name, "")

    def move(self, name: str, value: str) -> None:
        self.marks[name] = value

    def note(self, *_of: object, **_more: object) -> None:
        """Keep no list."""

    # The shop

    def intend(self, effect: Any) -> None:
        level = from_json(StockLevel, effect.payload)
        self.shown[level.sku] = level.quantity

    def advance(self, *_of: object) -> None:
        """Nothing is left to do."""


class Shop:
    def __init__(self, world: World) -> None:
        self._world = world

    def products(self) -> Iterable[ShopProduct]:
        return [ShopProduct("web", sku, sku, left, {}) for sku, left in self._world.shown.items()]


def push(world: World) -> dict[str, int]:
    StockPush(
        shop_id="web",
        company_id="A",
        warehouse="MAIN",
        sold_in="",
        feed=world,
        shop=Shop(world),
        engine=cast(Any, world),
        watermarks=world,
        stocked=world,
        unbooked=world.unbooked,
        owner="sales",
    ).push(NOW, TODAY)
    return world.shown


ASKED = ("session", "unbooked", "stock_levels", "stock", "products")


def begun(code: str, *, is_first_of_the_day: bool) -> World:
    """Return a world whose push reads a row of each code, and that has an order of this one."""
    world = World()
    if not is_first_of_the_day:
        push(world)
    world.orders["W1"] = sold(code)
    world.stamps["PLAIN"] = 8  # a row of it has changed, by whatever
    return world


@pytest.mark.parametrize("is_first_of_the_day", [True, False])
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("code", ["PLAIN", "KIT"])
def test_an_order_that_is_booked_meanwhile_counts_once_and_is_seen_by_the_next_push(
    code: str, asked: str, is_first_of_the_day: bool
) -> None:
    world = begun(code, is_first_of_the_day=is_first_of_the_day)
    world.then[asked] = lambda: world.book("W1")
    assert push(world)[code] in (8, 10)
    assert push(world)[code] == 8


@pytest.mark.parametrize("is_first_of_the_day", [True, False])
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("code", ["PLAIN", "KIT"])
def test_what_an_order_had_that_ends_meanwhile_is_there(
    code: str, asked: str, is_first_of_the_day: bool
) -> None:
    """Nothing of it changes in SYSPRO, so no later push of the day would read its row."""
    world = begun(code, is_first_of_the_day=is_first_of_the_day)
    world.then[asked] = world.orders.clear
    assert push(world)[code] == 10


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("code", ["PLAIN", "KIT"])
def test_a_sales_order_that_is_noted_while_stock_is_read_counts_once(code: str, asked: str) -> None:
    """Its level was lowered by then, and is not read again."""
    world = begun(code, is_first_of_the_day=True)
    lines = world.orders["W1"]
    world.book("W1")
    world.orders["W1"] = lines
    world.then[asked] = world.orders.clear
    assert push(world)[code] == 8


def test_what_is_sold_while_levels_are_read_is_sold() -> None:
    world = World()
    world.then["stock_levels"] = lambda: world.orders.update(W1=sold("PLAIN"))
    assert push(world)["PLAIN"] == 8


def test_orders_that_leave_the_list_at_every_push_keep_no_row_beyond_a_page_from_the_shop() -> None:
    world = World(page=2)
    push(world)
    world.on_hand |= dict.fromkeys(("B", "C", "D"), 1)
    world.stamps |= {"B": 3, "C": 4, "D": 5, "PLAIN": 6}
    world.on_hand["PLAIN"] = 1
    for number in range(2):
        world.orders = {f"W{number}": sold("B")}
        world.then["stock_levels"] = world.orders.clear
        push(world)
    assert world.shown["PLAIN"] == 1
