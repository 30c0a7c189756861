"""What a step did is one readable line of its log, never the representation of a dataclass."""

from pathlib import Path

import pytest

from include.services.build_journals import BuildResult
from include.services.classify_lines import ClassifyResult
from include.services.disputes.watch import WatchResult
from include.services.inbox.handle_events import Tally
from include.services.match_funding import FundingResult
from include.services.match_lines import MatchResult
from include.services.post_journals import PostResult
from tests.unit.support import LAPSED, Room
from tests.unit.support import room as room

RESULTS = [
    (ClassifyResult((), {}, 9, 7, 2, ()), "0 files, 9 rows: 7 classified, 2 set aside"),
    (
        MatchResult(9, {"exact": 6, "amount_and_date": 1}, {"ambiguous": 2}, 2, Path("m.parquet")),
        "9 lines; settled: amount_and_date 1, exact 6; not settled or not right: ambiguous 2; "
        "2 open items",
    ),
    (BuildResult((), (), ("k1",)), "0 journals built, 0 stand unchanged, 1 wait for their period"),
    (
        FundingResult((), (), 1, 2),
        "0 fundings to book, 0 stand unchanged, 1 unexplained, 2 open items",
    ),
    (PostResult(("k1", "k2"), ()), "posted k1, k2; parked nothing"),
    (
        WatchResult(due_soon=1, unknown=2, unread="disputes has not come yet"),
        "built no journal; 1 due soon, 0 past their deadline, 2 without one; "
        "not read: disputes has not come yet",
    ),
    (Tally(3, 1, 0, 2), "6 events: 3 handled, 1 without a handler, 0 wait, 2 failed"),
]


@pytest.mark.parametrize(("result", "line"), RESULTS, ids=lambda one: type(one).__name__)
def test_a_result_says_itself_in_one_line(result: object, line: str) -> None:
    assert str(result) == line


def test_a_write_off_is_named_with_its_amount_and_nothing_more(room: Room) -> None:
    room.begin()
    result = room.until(LAPSED)
    (journal,) = result.built
    assert str(result) == (
        f"built {journal.key} of 80.00 USD; 0 due soon, 1 past their deadline, 0 without one"
    )
