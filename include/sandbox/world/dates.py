"""Local days, business days and deterministic chance: the sandbox's own, on purpose."""

import random
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
_EPOCH = date(2020, 1, 1)


@lru_cache(maxsize=4096)
def local_window(day: date, zone: str) -> tuple[datetime, datetime]:
    """Return the UTC instants of midnight to midnight, local; 23, 24 or 25 hours apart."""
    return local_instant(day, 0, 0, zone), local_instant(day + DAY, 0, 0, zone)


def local_instant(day: date, hour: int, minute: int, zone: str) -> datetime:
    return datetime.combine(day, time(hour, minute), ZoneInfo(zone)).astimezone(UTC)


def local_date(instant: datetime, zone: str) -> date:
    return instant.astimezone(ZoneInfo(zone)).date()


def hours_of(day: date, zone: str) -> int:
    start, end = local_window(day, zone)
    return round((end - start) / timedelta(hours=1))


def is_business_day(day: date) -> bool:
    return day.weekday() < 5


def add_business_days(day: date, count: int) -> date:
    """Return the day ``count`` business days later, Monday to Friday, no holidays."""
    while count:
        day += DAY
        count -= is_business_day(day)
    return day


def is_last_of_month(day: date) -> bool:
    return (day + DAY).month != day.month


def day_number(day: date) -> int:
    """Count days since 2020: four digits until 2047."""
    return (day - _EPOCH).days


def day_of_number(number: int) -> date:
    return _EPOCH + timedelta(days=number)


def chance(*parts: object) -> random.Random:
    """Return a generator that depends on the parts alone, so that order never matters."""
    return random.Random("|".join(map(str, parts)))  # noqa: S311 (a simulation, not a secret)


def utc_text(instant: datetime) -> str:
    """Write ``2026-03-08T07:00:00Z``."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
