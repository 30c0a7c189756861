"""When DAGs run: one run per settlement date at noon UTC of the next day; others by the minute.

The data interval is the calendar date in UTC, so a backfill "from 30 October to 2 November" is
those four settlement dates, both ends included. The run waits until every merchant's own day has
ended, wherever the merchant is: New York's ends at 05:00 UTC, and a daily report may take six
hours from then. A date that could not run in time runs late. One that Airflow passes over because a
backfill has run a newer date is run by ``late_files``.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable

HOURS_AFTER = 12  # past the end of a date, by UTC, its run begins
NO_GAP = timedelta(days=14)  # a pause of longer is meant: who ends it runs what is missed


def every(cron: str) -> str | None:
    """Return a DAG's schedule; none on a stack told to run only what people ask for."""
    return None if is_manual() else cron


def is_manual() -> bool:
    """Say whether this stack runs only what people ask for."""
    return os.environ.get("TIEOUT_SCHEDULE") == "manual"


class SettlementDays(CronDataIntervalTimetable):
    """Daily intervals from midnight to midnight UTC, run ``hours_after`` hours past their end."""

    def __init__(self, hours_after: int = HOURS_AFTER) -> None:
        super().__init__("0 0 * * *", "UTC")
        # The parent has put its cron's words here, "At 00:00", for the UI to show.
        self.description = f"each settlement date, next day {hours_after}:00 UTC"
        self.hours_after = hours_after

    @property
    def summary(self) -> str:
        return self.description

    def serialize(self) -> dict[str, Any]:
        return {"hours_after": self.hours_after}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> "SettlementDays":
        return cls(data["hours_after"])

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
    ) -> DagRunInfo | None:
        """Return the next interval; none on a stack told to run only what people ask for.

        Without catch-up Airflow goes on with the newest interval that has ended, and asks again
        with each parse of the file: a run still at work 36 hours after it began, or an outage of
        half a day, would lose the date that waits behind it. So the date after the last one is
        next, however late; only the first run of all, or the first after ``NO_GAP``, is the newest.
        """
        is_backfill = restriction.catchup
        if not is_backfill and is_manual():
            return None
        last = last_automated_data_interval
        if last is not None and datetime.now(UTC) - last.end <= NO_GAP:
            restriction = restriction._replace(catchup=True)
        info = super().next_dagrun_info(
            last_automated_data_interval=last_automated_data_interval, restriction=restriction
        )
        if info is None or info.data_interval is None:
            return info
        later = info.data_interval.end + timedelta(hours=self.hours_after)
        return DagRunInfo(run_after=later, data_interval=info.data_interval)
