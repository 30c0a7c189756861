"""Settlement days: noon UTC of the next day, and what the UI says of it."""

import pendulum
import pytest
from airflow.timetables.base import TimeRestriction

from tieout.timetable import SettlementDays

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
