"""A batch over midnight of a month's end: which of its lines post in which month."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support_books import Desk, line, table

LAST, FIRST = date(2026, 10, 31), date(2026, 11, 1)
BEFORE = datetime(2026, 11, 1, 3, 30, tzinfo=UTC)  # 31 October, 23:30 in New York
AFTER = datetime(2026, 11, 1, 14, 0, tzinfo=UTC)


def lines(batch: str | None) -> list[dict[str, Any]]:
    """Return a batch of both months; fee and chargeback name ``batch``.

    The chargeback has the request id of a sale of October, and is of November all the same.
    """
    return [
        line(minor=10000, batch="B1", request="1", occurred_at=BEFORE),
        line("fee", -165, detail_code="interchange", request="1", occurred_at=BEFORE, batch=batch),
        line(minor=5000, batch="B1", request="2", occurred_at=AFTER),
        line("chargeback", -700, case_number="K", request="1", occurred_at=BEFORE, batch=batch),
    ]


@pytest.mark.parametrize("batch", [None, "B1"], ids=["batch by request", "every line names it"])
def test_lines_captured_before_midnight_post_in_the_earlier_month(
    tmp_path: Path, batch: str | None
) -> None:
    desk = Desk(tmp_path, split_at_month_end=True)
    result = desk.build(lines(batch), FIRST)
    october, november = sorted(result.built, key=lambda j: j.posting_date)
    assert (october.posting_date, november.posting_date) == (LAST, FIRST)
    assert october.batch_id == "B1@2026-10-31"
    assert table(october) == [("1160", "98.35"), ("6150", "1.65"), ("1150", "-100.00")]
    assert table(november) == [("1160", "43.00"), ("1170", "7.00"), ("1150", "-50.00")]
    # One batch, the same totals: the bank will pay it in one sum.
    (funding,) = desk.fund([("E1", 14135, "B1")], date(2026, 11, 3)).built
    assert table(funding) == [("1160", "-141.35"), ("1000", "141.35")]
    assert desk.build(lines(batch), FIRST).built == ()
