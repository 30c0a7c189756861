"""Which days a night compares: what the last comparison found unfinished, up to yesterday."""

from datetime import UTC, date, datetime

import pytest

from include.domain.errors import Retryable
from tests.care.systems import Systems
from tests.care.systems import systems as systems
from tieout.tasks.care import _first_day

NEW_YORK, LONDON, TOKYO = "America/New_York", "Europe/London", "Asia/Tokyo"


@pytest.mark.parametrize(
    ("compared_until", "zone", "last", "first"),
    [
        # Every night at 03:30 UTC: in New York that is still the evening of the day before.
        ("2026-11-10T02:30", NEW_YORK, "2026-11-09", "2026-11-09"),
        ("2026-11-10T02:30", LONDON, "2026-11-10", "2026-11-10"),
        ("2026-11-10T02:30", TOKYO, "2026-11-10", "2026-11-10"),
        # The tries of one night crossed New York's midnight: "yesterday" is a day later by then.
        ("2026-11-10T02:30", NEW_YORK, "2026-11-10", "2026-11-09"),
        # Three nights failed.
        ("2026-11-10T02:30", LONDON, "2026-11-13", "2026-11-10"),
        # Cleared and run again on the same day.
        ("2026-11-11T09:00", LONDON, "2026-11-10", "2026-11-10"),
        # Away for a month.
        ("2026-10-10T02:30", LONDON, "2026-11-10", "2026-11-03"),
    ],
)
def test_no_day_is_left_out_after_a_night_that_failed(
    compared_until: str, zone: str, last: str, first: str
) -> None:
    until = datetime.fromisoformat(compared_until).replace(tzinfo=UTC)
    assert _first_day(until, zone, date.fromisoformat(last)) == date.fromisoformat(first)


def test_a_first_comparison_is_of_one_day() -> None:
    assert _first_day(None, LONDON, date(2026, 11, 10)) == date(2026, 11, 10)


def test_what_was_compared_is_remembered_once_all_of_it_was(systems: Systems) -> None:
    systems.run()
    assert systems.compare is not None
    until = systems.compare.compared_until()
    systems.is_down = True
    with pytest.raises(Retryable):
        systems.run()
    assert until is not None
    assert systems.compare.compared_until() == until
