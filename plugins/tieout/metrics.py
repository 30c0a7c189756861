"""Tieout's figures through Airflow's own metrics: StatsD or OpenTelemetry, as configured there."""

from airflow.sdk.observability import stats


def gauge(name: str, value: int, **tags: str) -> None:
    """Send one figure, e.g. ``tieout.open_items`` with the merchant as a tag."""
    stats.gauge(f"tieout.{name}", value, tags=tags)


def timing(name: str, seconds: float, **tags: str) -> None:
    """Send a duration; StatsD takes milliseconds."""
    stats.timing(f"tieout.{name}", seconds * 1000, tags=tags)
