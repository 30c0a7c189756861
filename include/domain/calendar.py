"""Settlement days: half-open UTC intervals cut at midnight, or another hour, of a named zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Window:
    """The instants ``start_at <= t < end_at``, both aware and in UTC."""

    start_at: datetime
    end_at: datetime

    def __post_init__(self) -> None:
        for instant in (self.start_at, self.end_at):
            if instant.tzinfo is None or instant.utcoffset() != timedelta(0):
                raise ValueError(f"{instant!r} is not in UTC")
        if self.start_at >= self.end_at:
            raise ValueError(f"empty window {self.start_at} to {self.end_at}")

    @property
    def hours(self) -> int:
        """24, or 23 and 25 on the days on which clocks change."""
        return round((self.end_at - self.start_at) / timedelta(hours=1))


def settlement_window(settlement_date: date, zone: str, cut_off: time = time(0)) -> Window:
    """Return the window that *starts* on ``settlement_date`` at ``cut_off`` in ``zone``.

    Subtracting 24 hours would be wrong twice a year; both ends are looked up in the zone.
    """
    place = ZoneInfo(zone)
    start = datetime.combine(settlement_date, cut_off, place)
    end = datetime.combine(settlement_date + timedelta(days=1), cut_off, place)
    return Window(start.astimezone(UTC), end.astimezone(UTC))


def day_in(zone: str, at: datetime) -> date:
    """Return the date of an instant in a zone's calendar."""
    return at.astimezone(ZoneInfo(zone)).date()


def report_date(settlement_date: date) -> date:
    """Return the ``reportDate`` Cybersource wants: the date on which the window *ends*.

    Source: SDK text of the download call; reference, section 6.2.
    """
    return settlement_date + timedelta(days=1)
