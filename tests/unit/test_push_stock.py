"""What becomes of orders while stock is read: what is shown is right by the next push."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pytest

from include.domain.canonical import from_json
from include.domain.money import Money
from include.domain.orders import LineKind, OrderLine
from include.domain.stock import KitPart, Product
from include.domain.stock import StockLevel as ErpStock
from include.services.shop.commands import StockLevel
from include.services.shop.ports import ShopProduct
from include.services.sync import push_stock
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
    overlap: int = 0  # rows that are given again
    instant: datetime = NOW
    told: list[StockLevel] = field(default_factory=list)
    questions: Counter[str] = field(default_factory=Counter)

    def book(self, order_id: str) -> None:
        """Make the sales order of an order, as another process with the operator does."""
        for line in self.orders.pop(order_id):
            code = "PART" if line.stock_code == "KIT" else line.stock_code
            self.on_hand[code] -= 2
            self.stamps[code] = max(self.stamps.values()) + 1

    def asked(self, what: str) -> None:
        self.questions[what] += 1
        self.then.pop(what, lambda: None)()

    # SYSPRO

    @contextmanager
    def session(self) -> Iterator[None]:
        self.asked("session")
        yield

    def stock_levels(
        self, warehouse: str, cursor: str, limit: int
    ) -> tuple[Sequence[ErpStock], str]:
        stamps = {f"{at:03d}": code for code, at in self.stamps.items()}
        known = sorted(at for at in stamps if at <= cursor)[-self.overlap :] if self.overlap else []
        page = known + sorted(at for at in stamps if at > cursor)[: min(self.page, limit)]
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

    def now(self) -> datetime:
        self.instant += timedelta(seconds=1)
        return self.instant

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
        self.asked("set")
        self.told.append(level)
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
    ).push(world, TODAY)
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


MANY = "ABCDEFG"


def changed(monkeypatch: pytest.MonkeyPatch, page: int) -> World:
    """Return a world in which seven levels have changed since the last push."""
    world = World()
    push(world)
    monkeypatch.setattr(push_stock, "_PAGE", page)
    world.told.clear()
    for code in MANY:
        world.on_hand[code], world.stamps[code] = 1, max(world.stamps.values()) + 1
        world.shown[code] = 5
    return world


def set_of(world: World) -> str:
    return "".join(level.sku for level in world.told)


@pytest.mark.parametrize("overlap", [0, 1])
def test_one_push_shows_all_that_changed_page_by_page(
    overlap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = changed(monkeypatch, 3)
    world.overlap = overlap
    push(world)
    assert set_of(world) == MANY
    assert len({level.as_of for level in world.told}) == 3
    assert world.marks["stock|web|MAIN"] == "009"


def test_where_less_than_a_page_has_changed_one_question_is_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = changed(monkeypatch, 9)
    world.questions.clear()
    push(world)
    assert set_of(world) == MANY
    assert world.questions["stock_levels"] == 1


def test_rows_that_are_given_again_are_none_that_changed_were_they_a_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = changed(monkeypatch, 9)
    world.overlap = 9
    push(world)
    world.questions.clear()
    push(world)
    assert set_of(world) == MANY
    assert world.questions["stock_levels"] == 1


def test_the_comparison_of_a_day_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push_stock, "_PAGE", 2)
    world = World()
    push(world)
    assert world.questions["stock_levels"] == 2  # a whole page, and nothing behind it


def test_a_push_that_is_killed_goes_on_behind_its_last_whole_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = changed(monkeypatch, 3)

    def killed() -> None:
        if world.told:
            raise KeyboardInterrupt
        world.then["products"] = killed

    world.then["products"] = killed
    with pytest.raises(KeyboardInterrupt):
        push(world)
    assert (set_of(world), world.marks["stock|web|MAIN"]) == ("ABC", "005")
    push(world)
    assert set_of(world) == MANY


def test_one_push_is_of_so_many_pages_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    world = changed(monkeypatch, 2)
    monkeypatch.setattr(push_stock, "_PAGES", 2)
    push(world)
    assert set_of(world) == "ABCD"
    push(world)
    assert set_of(world) == MANY


def test_a_level_that_changes_again_between_two_pages_is_shown_as_it_is_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a page has set is what the shop shows to the next, which is of a later instant."""
    world = changed(monkeypatch, 3)

    def came_in() -> None:
        world.on_hand["A"], world.stamps["A"] = 5, 20  # as many as the shop has shown before

    world.then["set"] = came_in
    push(world)
    assert world.shown["A"] == 5
    assert set_of(world) == f"{MANY}A"
