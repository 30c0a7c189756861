"""The item of a line that no day counts is open exactly as long as no day counts it."""

from datetime import timedelta
from pathlib import Path

import pytest

from include.domain.settlement import SettlementDay
from tests.support_files import DAY, NEXT, sale, sales_file
from tests.unit.test_late_files import Room

THIRD = SettlementDay("acme_us", NEXT.settlement_date + timedelta(days=1))


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """Return a room whose NEXT left sale 2 to DAY and sale 3 to THIRD, which lost both."""
    room = Room(tmp_path, f"sqlite:///{tmp_path / 'items.db'}")
    files = {DAY: (sale(1), sale(2)), THIRD: (sale(3), sale(4)), NEXT: (sale(2), sale(3), sale(5))}
    for day, sales in files.items():
        _run(room, day, *sales)
    _run(room, DAY, sale(1))
    _run(room, THIRD, sale(4))
    return room


def _run(room: Room, day: SettlementDay, *sales: str) -> None:
    room.gateway.put("Sales", day, sales_file(day, *sales))
    room.run(day)
    room.classify(day)


def _lost_by(room: Room) -> list[str]:
    items = room.items.open_of_day(NEXT)
    return [item.stage for item in items if "so no day counts it" in item.explanation]


def test_a_line_that_came_back_is_no_open_item_any_more(room: Room) -> None:
    assert _lost_by(room) == ["classify 2026-10-31", "classify 2026-11-02"]
    room.classify(DAY)  # again, and nothing is new
    assert _lost_by(room) == ["classify 2026-10-31", "classify 2026-11-02"]
    _run(room, DAY, sale(1), sale(2))
    assert _lost_by(room) == ["classify 2026-11-02"]  # what another day has lost stays
    _run(room, DAY, sale(1))
    assert sorted(_lost_by(room)) == ["classify 2026-10-31", "classify 2026-11-02"]


def test_the_run_of_the_day_that_has_the_lines_counts_them_and_closes_all(room: Room) -> None:
    room.classify(NEXT)
    assert _lost_by(room) == []
