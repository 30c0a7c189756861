"""Matching several days: expected, missing, late, and what happens when days repeat."""

from datetime import date, timedelta
from pathlib import Path
from typing import cast

import polars as pl
import pytest

from include.adapters.store.files import SqlFiles
from include.domain.errors import Retryable
from include.domain.expectations import ExpectationKind
from include.domain.matching import Cause
from include.services.day_files import DOCUMENTS, EXPLAINED
from include.services.files import LakeStore
from include.services.measure_facts import records_of
from include.services.moved_lines import moved_lines
from include.services.ports import TransactionFacts
from tests.support_books import DAY, Desk, Gateway, document, line
from tests.unit.support import FOURTH, NEXT, THIRD
from tests.unit.support import desk as desk

DUPLICATE = Cause.duplicate_line


def test_a_document_is_expected_then_missing_then_late(desk: Desk) -> None:
    desk.match([], [document("1", reference="A")])
    assert desk.causes() == ["expected"]
    desk.match([], [document("1", reference="A")], NEXT)
    desk.match([], [document("1", reference="A")], THIRD)
    assert desk.causes() == ["expected"]  # due on the third day: not late yet
    desk.match([], [], FOURTH)
    assert desk.causes() == ["missing_in_settlement"]
    fifth = FOURTH + timedelta(days=1)
    desk.match([line(reference="A", request="1")], [], fifth)
    assert desk.causes() == []
    assert desk.rules(fifth) == ["late"]


def test_a_line_is_expected_then_missing_then_its_document_comes(desk: Desk) -> None:
    desk.match([line(reference="A", request="1")], [])
    assert desk.causes() == ["expected"]
    for later in (NEXT, THIRD, FOURTH):
        desk.match([], [], later)
    assert desk.causes() == ["missing_in_erp"]
    desk.match([], [document("1", reference="A")], FOURTH + timedelta(days=1))
    assert desk.causes() == []


def test_the_settlement_on_the_day_an_item_expires_is_late_not_missing(desk: Desk) -> None:
    desk.match([], [document("1", reference="A")])
    desk.match([], [], NEXT)
    desk.match([], [], THIRD)
    desk.match([line(reference="A", request="1")], [], FOURTH)
    assert desk.rules(FOURTH) == ["late"]
    assert desk.causes() == []


def test_a_day_never_run_makes_nothing_missing(desk: Desk) -> None:
    desk.match([], [document("1", reference="A")])
    desk.match([], [], FOURTH)  # NEXT and THIRD were never reconciled
    assert desk.causes() == ["expected"]
    desk.match([line(reference="A", request="1")], [document("1", reference="A")], NEXT)
    assert desk.causes() == []


def test_documents_of_days_before_the_first_run_are_nobodys_business(desk: Desk) -> None:
    desk.match([], [document("1", reference="A", on=DAY - timedelta(days=1))])
    assert desk.causes(DAY - timedelta(days=1)) == []


def test_a_repeat_changes_nothing(desk: Desk) -> None:
    desk.gateway.knows("2", authorized=9000)
    lines = [
        line(reference="A", request="1"),
        line(minor=5000, reference="B", request="2"),
        line(reference="C", request="3"),
        line("refund", -100, request="4"),
    ]
    documents = [
        document("1", reference="A"),
        document("2", 9000, reference="B"),
        document("3", -100, reference="Z"),
        document("4", reference="Y"),
    ]
    path = desk.match(lines, documents).path
    before, state = path.read_bytes(), _state(desk)
    desk.match(lines, documents)
    assert path.read_bytes() == before
    assert _state(desk) == state


def test_a_repeat_after_later_days_ran_changes_nothing(desk: Desk) -> None:
    desk.gateway.knows("2", authorized=9000)
    first = (
        [line(reference="A", request="1"), line(minor=5000, reference="B", request="2")],
        [document("2", 9000, reference="B"), document("4", reference="Y")],
    )
    path = desk.match(*first).path
    before = path.read_bytes()
    desk.match(
        [line(reference="Y", request="5"), line(minor=4000, reference="B", request="6")],
        [document("1", reference="A", on=NEXT)],
        NEXT,
    )
    assert desk.rules(NEXT) == ["late", "partial_capture", "late"]
    state = _state(desk)
    assert desk.causes() == desk.causes(NEXT) == []
    desk.match(first[0], [*first[1], document("1", reference="A", on=NEXT)][:2])
    assert path.read_bytes() == before
    assert _state(desk) == state


def test_days_run_in_the_wrong_order_end_in_the_same_items(desk: Desk) -> None:
    later = ([line(reference="Y", request="5")], [document("4", reference="Y")])
    desk.match(*later, on=NEXT)
    assert desk.rules(NEXT) == ["exact"]
    desk.match([line(reference="A", request="1")], [document("4", reference="Y")])
    assert desk.causes() == ["expected"]  # only the line; the document settled the day after


def test_a_restated_file_takes_its_expectation_away(desk: Desk) -> None:
    desk.match([line(reference="A", request="1")], [])
    desk.match([], [])
    assert desk.causes() == []
    held = desk.expectations.find("acme_us", ExpectationKind.document, ["1|gross_sale|USD|10000"])
    assert [e.state.value for e in held] == ["withdrawn"]


def test_a_corrected_document_settles_the_line_on_a_repeat(desk: Desk) -> None:
    desk.match([line(reference="A", request="1")], [document("1", 9000, reference="A")])
    assert desk.causes() == ["wrong_amount"]
    desk.match([line(reference="A", request="1")], [document("1", reference="A")])
    assert desk.causes() == []
    assert desk.rules() == ["exact"]


def test_an_invoice_twice_against_one_line_is_ambiguous(desk: Desk) -> None:
    desk.match(
        [line(reference="A", request="1")],
        [document("1", reference="A"), document("2", reference="A")],
    )
    assert desk.causes() == ["ambiguous"]


def _state(desk: Desk) -> list[object]:
    """Return expectations and open items as rows, without the times of writing."""
    from sqlalchemy import select

    from include.adapters.store.schema import expectations, open_items

    with desk.engine.begin() as connection:
        return [
            [tuple(row) for row in connection.execute(select(expectations).order_by("item_key"))],
            [
                tuple(row)
                for row in connection.execute(
                    select(
                        open_items.c.item_key, open_items.c.state, open_items.c.explanation
                    ).order_by("item_key")
                )
            ],
        ]


@pytest.mark.parametrize("name", [DOCUMENTS, EXPLAINED])
def test_a_day_interrupted_between_its_files_is_never_read_as_matched(
    desk: Desk, name: str
) -> None:
    desk.match([line(reference="A")], [document("1", reference="A")], THIRD)
    beside = desk.lake.day_path(desk.day(THIRD), name)
    before = beside.read_bytes()
    desk.match([line(reference="A")], [document("0", reference="X"), document("1", reference="A")])
    beside.write_bytes(desk.lake.day_path(desk.day(DAY), name).read_bytes())
    with pytest.raises(Retryable, match="clear task match of that day"):
        desk.rows(THIRD)
    with pytest.raises(Retryable, match="clear task match of that day"):
        desk.match([line(reference="B")], [document("2", reference="B")])
    beside.write_bytes(before)
    assert [row["document_id"] for row in desk.rows(THIRD)] == ["C1|1|I"]


class Away(Gateway):
    """A gateway that does not answer."""

    def transaction(self, request_id: str) -> TransactionFacts | None:
        raise Retryable("no answer", "the gateway", "Ask again.")


def test_a_run_that_fails_leaves_the_files_of_the_run_before(desk: Desk) -> None:
    desk.match([line(reference="A")], [document("1", reference="A")])
    folder = desk.lake.day_path(desk.day(DAY), DOCUMENTS).parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    desk.gateway = Away()
    with pytest.raises(Retryable, match="no answer"):
        desk.match([line(minor=9_000, reference="B", request="1")], [document("2", reference="B")])
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert after.keys() == before.keys()
    assert {n for n in after if after[n] != before[n]} <= {"lines.parquet"}


def test_records_are_counted_by_file_wherever_row_groups_end(tmp_path: Path) -> None:
    places = [("f1", 1), ("f1", 1), ("f1", 2), ("f2", 2), ("f2", 3), ("f1", 3), ("f1", 3)]
    frame = pl.DataFrame(places, schema=["file_digest", "line_no"], orient="row")
    for size in (1, 2, 3, 100):
        frame.write_parquet(tmp_path / "lines.parquet", row_group_size=size)
        assert records_of(tmp_path / "lines.parquet") == {"f1": 3, "f2": 2}
    frame.clear().write_parquet(tmp_path / "lines.parquet")
    assert records_of(tmp_path / "lines.parquet") == {}


def _booked(desk: Desk, *days: date) -> int:
    """Sum what the gross sales of these days' standing journals credit, in minor units."""
    return -sum(
        each.amount.minor
        for on in days
        for booked in desk.journals.of_day(desk.day(on))
        for each in booked.journal.lines
        if each.source == "gross_sale"
    )


@pytest.mark.parametrize("order", [(DAY, NEXT), (NEXT, DAY)], ids=["in order", "out of order"])
@pytest.mark.parametrize("again", [DAY, NEXT])
def test_a_request_of_two_days_is_booked_by_the_day_that_ran_first(
    desk: Desk, order: tuple[date, date], again: date
) -> None:
    lines = {
        on: [line(batch="B1", request="9", reference="A", file_digest=str(place) * 64)]
        for place, on in enumerate((DAY, NEXT))
    }
    for on in order:
        desk.build(lines[on], on)
    first, second = order
    assert (_booked(desk, first), _booked(desk, second)) == (10000, 0)
    (item,) = [i for i in desk.items.open_of_day(desk.day(second)) if i.cause is DUPLICATE]
    assert f"it settled on {first} already" in item.explanation
    desk.build(lines[again], again)  # either day runs again
    assert (_booked(desk, first), _booked(desk, second)) == (10000, 0)
    desk.match([], [document("1", reference="A")], THIRD)  # its document is still awaited, once
    assert desk.rules(THIRD) == ["late"]
    assert [i.cause for i in desk.items.open_of_day(desk.day(first))] == []


def test_a_request_that_comes_again_takes_no_equal_document_of_its_order(desk: Desk) -> None:
    """Two equal deliveries of one order; the first one's capture is in tomorrow's batch, too."""
    first, second = document("1", reference="A"), document("2", reference="A", on=NEXT)
    desk.match([line(reference="A", request="1", batch="B1")], [first])
    again = line(reference="A", request="1", batch="B2")
    desk.match([again], [first, second], NEXT)
    assert desk.rules(NEXT) == [None]
    assert desk.causes(NEXT) == ["duplicate_line", "expected"]


def test_what_a_restated_file_of_the_day_brings_is_not_late(desk: Desk) -> None:
    desk.match([], [document("1", reference="A")])
    assert desk.causes() == ["expected"]
    for _ in range(2):
        desk.match([line(reference="A", request="1")], [document("1", reference="A")])
        assert (desk.rules(), desk.causes()) == (["exact"], [])


def test_two_equal_captures_of_an_order_settle_on_two_days(desk: Desk) -> None:
    first, second = document("1", reference="A"), document("2", reference="A", on=NEXT)
    desk.match([line(reference="A", request="1", batch="B1")], [first])
    desk.match([line(reference="A", request="2", batch="B2")], [first, second], NEXT)
    assert (desk.rules(NEXT), desk.causes(NEXT)) == (["exact"], [])


def test_a_later_day_that_is_not_matched_yet_has_settled_nothing(desk: Desk) -> None:
    lines = line(batch="B1", request="9", reference="A")
    later = lines | {"file_digest": "1" * 64}
    desk.put_lines([later], NEXT)  # classified, and no further
    desk.build([lines], DAY)
    desk.build([later], NEXT)
    assert (_booked(desk, DAY), _booked(desk, NEXT)) == (10000, 0)


def test_a_repeat_of_a_line_that_its_day_has_lost_names_the_day_to_run_again(desk: Desk) -> None:
    """Its batch is another, so only matching tells that it is the same request."""
    lost = line(batch="B1", request="9", reference="A")
    kept = line(batch="B2", request="9", reference="A", file_digest="1" * 64)
    desk.build([lost], DAY)
    desk.build([kept], NEXT)
    lake, files = cast(LakeStore, desk.lake), SqlFiles(desk.engine)
    assert moved_lines(desk.day(DAY), lake, files) == []
    desk.build([], DAY)
    (moved,) = moved_lines(desk.day(DAY), lake, files)
    assert (moved.day, moved.minor) == (desk.day(NEXT), 10000)
    desk.build([kept], NEXT)
    assert _booked(desk, NEXT) == 10000
    assert moved_lines(desk.day(DAY), lake, files) == []
