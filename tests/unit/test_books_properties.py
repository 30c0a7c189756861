"""Whatever a day holds: journals balance in both currencies, money is conserved, replays agree."""

import tempfile
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from include.domain.money import Money, allocate
from include.services.books.journal_lines import Amounts, in_base
from include.services.journal_book import JournalState
from include.services.matching.plain import NOBODY, join_plain
from tests.support_books import Desk, document, line

CLASSES = st.sampled_from(
    [
        ("gross_sale", "", 1),
        ("refund", "", -1),
        ("fee", "interchange", -1),
        ("fee", "per_item", -1),
        ("fee", "assessment", 1),  # a rebate
        ("chargeback", "", -1),
        ("chargeback_reversal", "", 1),
        ("adjustment", "", -1),
        ("reserve", "", -1),
    ]
)


@st.composite
def days(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw the lines of a day: several batches, two currencies, every class."""
    rows = []
    for number in range(draw(st.integers(0, 25))):
        line_class, code, sign = draw(CLASSES)
        rows.append(
            line(
                line_class,
                sign * draw(st.integers(0, 10_000_000)),
                detail_code=code,
                currency=draw(st.sampled_from(["USD", "EUR"])),
                batch=draw(st.sampled_from(["B1", "B2", None])),
                request=draw(st.sampled_from([None, str(number)])),
                reference=draw(st.sampled_from([None, "A", "B"])),
                case_number=f"K{number}",
            )
        )
    return rows


def _net(rows: list[dict[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        found[row["currency"]] = found.get(row["currency"], 0) + row["amount_minor"]
    return {currency: minor for currency, minor in found.items() if minor}


@settings(max_examples=40, deadline=None)
@given(days())
def test_the_net_of_all_journals_is_the_sum_of_the_lines(rows: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), "sqlite://")
        built = desk.build(rows).built  # a journal that does not balance cannot be built
        net: dict[str, int] = {}
        for journal in built:
            for each in journal.lines:
                if each.source == "net":
                    net[journal.currency] = net.get(journal.currency, 0) + each.amount.minor
        assert {c: m for c, m in net.items() if m} == _net(rows)
        assert desk.build(rows).built == ()


@settings(max_examples=25, deadline=None)
@given(days(), days(), days())
def test_versions_always_sum_to_the_last_file(
    first: list[dict[str, Any]], second: list[dict[str, Any]], third: list[dict[str, Any]]
) -> None:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        desk, fresh = Desk(Path(folder), "sqlite://"), Desk(Path(other), "sqlite://")
        for rows in (first, second, third):
            for journal in desk.build(rows).built:
                desk.journals.move(journal, JournalState.posted)
        fresh.build(third)
        assert _balances(desk) == _balances(fresh)


def _balances(desk: Desk) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for booked in desk.journals.of_day(desk.day()):
        for each in booked.journal.lines:
            key = (each.gl_account, each.amount.currency)
            found[key] = found.get(key, 0) + each.amount.minor
    return {key: minor for key, minor in found.items() if minor}


@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=8),
    st.integers(1, 200_000_000),
    st.sampled_from([("EUR", "USD"), ("JPY", "USD"), ("USD", "JPY"), ("KWD", "USD")]),
)
def test_any_rate_balances_with_the_rounding_in_sight(
    minors: list[int], rate: int, pair: tuple[str, str]
) -> None:
    amounts = {str(n): minor for n, minor in enumerate(minors)}
    amounts["net"] = -sum(minors)
    lines = in_base(Amounts(amounts, dict.fromkeys(amounts, "1")), *pair, rate, "6190")
    assert sum(each.base.minor for each in lines) == 0
    rounding = [abs(each.base.minor) for each in lines if each.source == "fx_rounding"]
    assert sum(rounding) <= (len(amounts) + 1) // 2  # at most half a minor unit a line


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.data())
def test_no_line_and_no_document_is_ever_used_twice(
    lines: int, documents: int, data: st.DataObject
) -> None:
    reference = st.sampled_from([None, "A", "B"])
    amount = st.sampled_from([100, 200, 300])
    rows = [
        line(minor=data.draw(amount), request=str(n), reference=data.draw(reference))
        for n in range(lines)
    ]
    papers = [
        document(str(n), data.draw(amount), reference=data.draw(reference))
        for n in range(documents)
    ]
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), "sqlite://")
        desk.match(rows, papers)
        whole = {paper["document_id"]: paper["amount_minor"] for paper in papers}
        used: dict[str, int] = {}
        for row in desk.rows():
            ids = (row["document_id"] or "").split(" + ")
            if len(ids) == 1 and ids[0]:
                taken = row["taken_minor"]  # null where plain: all of it
                used[ids[0]] = used.get(ids[0], 0) + (whole[ids[0]] if taken is None else taken)
        assert all(taken <= whole[name] for name, taken in used.items())
        assert len(desk.rows()) == lines


# Few distinct numbers, so that crowds form, spread over 64 bits as hashes are.
SPREAD = st.integers(0, 6).map(lambda n: n * 0x9E3779B97F4A7C15 % 2**64)
KEYS = st.lists(st.one_of(st.none(), SPREAD), max_size=30)


@given(KEYS, KEYS)
def test_plain_is_what_is_alone_on_both_sides(
    lines: list[int | None], documents: list[int | None]
) -> None:
    def frame(keys: list[int | None]) -> pl.DataFrame:
        checks = [None if key is None else key ^ 0xABCDEF for key in keys]
        return pl.DataFrame(
            {"key": keys, "check": checks}, schema={"key": pl.UInt64, "check": pl.UInt64}
        )

    partners = join_plain(frame(lines), frame(documents)).tolist()
    for row, key in enumerate(lines):
        alone = key is not None and lines.count(key) == 1 and documents.count(key) == 1
        assert partners[row] == (documents.index(key) if alone else NOBODY)


@given(st.integers(0, 10**9), st.lists(st.integers(0, 1000), min_size=1).filter(any))
def test_allocation_loses_nothing(minor: int, weights: list[int]) -> None:
    parts = allocate(Money(minor, "USD"), weights)
    assert sum(part.minor for part in parts) == minor
