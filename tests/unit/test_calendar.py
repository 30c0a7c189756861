"""Settlement days are cut in a named zone; two of them a year are not 24 hours long."""

import itertools
from datetime import UTC, date, datetime, time

import pytest

from include.domain.calendar import Window, report_date, settlement_window


def test_a_new_york_day_begins_at_its_own_midnight() -> None:
    window = settlement_window(date(2026, 10, 31), "America/New_York")
    assert window.start_at == datetime(2026, 10, 31, 4, tzinfo=UTC)  # UTC-4, daylight time
    assert window.hours == 24


def test_the_day_on_which_clocks_go_back_has_25_hours() -> None:
    window = settlement_window(date(2026, 11, 1), "America/New_York")
    assert (window.start_at.hour, window.end_at.hour, window.hours) == (4, 5, 25)


def test_the_day_on_which_clocks_go_forward_has_23_hours() -> None:
    assert settlement_window(date(2026, 3, 8), "America/New_York").hours == 23
    assert settlement_window(date(2026, 3, 29), "Europe/London").hours == 23


def test_tokyo_has_24_hours_always() -> None:
    assert settlement_window(date(2026, 3, 8), "Asia/Tokyo").hours == 24


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", "Asia/Tokyo"])
def test_adjacent_days_touch_and_never_overlap(zone: str) -> None:
    days = [date.fromordinal(date(2026, 1, 1).toordinal() + n) for n in range(365)]
    windows = [settlement_window(day, zone) for day in days]
    for earlier, later in itertools.pairwise(windows):
        assert earlier.end_at == later.start_at


def test_a_cut_off_moves_both_ends() -> None:
    window = settlement_window(date(2026, 6, 1), "Asia/Tokyo", time(18))
    assert window.start_at == datetime(2026, 6, 1, 9, tzinfo=UTC)


def test_the_report_of_a_day_is_asked_for_by_the_date_on_which_it_ends() -> None:
    assert report_date(date(2026, 3, 9)) == date(2026, 3, 10)


def test_a_window_without_zone_is_our_own_bug() -> None:
    with pytest.raises(ValueError, match="is not in UTC"):
        Window(datetime(2026, 1, 1), datetime(2026, 1, 2))  # noqa: DTZ001
