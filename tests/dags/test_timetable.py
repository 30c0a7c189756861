"""Settlement days: noon UTC of the next day, and what the UI says of it."""

import pendulum
import pytest
from airflow.timetables.base import DataInterval, TimeRestriction

from tieout.timetable import NO_GAP, SettlementDays

FIRST = pendulum.datetime(2026, 10, 31, tz="UTC")


@pytest.mark.parametrize("hours", [12, 15])
def test_the_ui_says_when_it_runs_and_not_the_cron_beneath(hours: int) -> None:
    days = SettlementDays.deserialize(SettlementDays(hours).serialize())
    assert days.description == f"each settlement date, next day {hours}:00 UTC"
    assert days.summary == days.description


def test_a_day_runs_at_noon_after_its_end() -> None:
    info = SettlementDays().next_dagrun_info(
        last_automated_data_interval=None,
        restriction=TimeRestriction(FIRST, latest=None, catchup=True),
    )
    assert info is not None
    assert info.data_interval is not None
    assert info.data_interval.start == FIRST
    assert info.run_after == FIRST.add(hours=36)


def test_a_stack_told_to_run_what_people_ask_for_still_backfills(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TIEOUT_SCHEDULE", "manual")
    for is_backfill in (True, False):
        info = SettlementDays().next_dagrun_info(
            last_automated_data_interval=None,
            restriction=TimeRestriction(FIRST, latest=None, catchup=is_backfill),
        )
        assert (info is not None) is is_backfill


def next_after(last: pendulum.DateTime) -> pendulum.DateTime:
    """Return the date that a DAG without catch-up runs after ``last``, asked now."""
    info = SettlementDays().next_dagrun_info(
        last_automated_data_interval=DataInterval(last, last.add(days=1)),
        restriction=TimeRestriction(pendulum.datetime(2026, 1, 1), latest=None, catchup=False),
    )
    assert info is not None
    assert info.data_interval is not None
    return info.data_interval.start


@pytest.mark.parametrize("days_late", [0, 1, 2, 5, NO_GAP.days - 1])
def test_a_run_that_ends_late_or_an_outage_passes_no_date_over(days_late: int) -> None:
    last = pendulum.today("UTC").subtract(days=days_late + 1)
    assert next_after(last) == last.add(days=1)


def test_after_a_long_pause_the_newest_date_is_next() -> None:
    today = pendulum.today("UTC")
    assert next_after(today.subtract(days=NO_GAP.days + 2)) == today.subtract(days=1)
