"""Tieout's figures through Airflow's own metrics: StatsD or OpenTelemetry, as configured there."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from airflow.sdk.observability import stats

_is_silent = ContextVar("is_silent", default=False)


@contextmanager
def silence() -> Iterator[None]:
    """Send nothing inside: what is only tried on copies is no figure of the site."""
    before = _is_silent.set(True)
    try:
        yield
    finally:
        _is_silent.reset(before)


def gauge(name: str, value: int, **tags: str) -> None:
    """Send one figure, e.g. ``tieout.open_items`` with the merchant as a tag."""
    if not _is_silent.get():
        stats.gauge(f"tieout.{name}", value, tags=tags)


def timing(name: str, seconds: float, **tags: str) -> None:
    """Send a duration; StatsD takes milliseconds."""
    if not _is_silent.get():
        stats.timing(f"tieout.{name}", seconds * 1000, tags=tags)
