"""The shops' clock: the real time of day, on the sandbox's business date."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


class ShopClock:
    """Runs on over midnight, so that 'changed since' stays true; a moved business date moves it."""

    def __init__(
        self, live_date: Callable[[], date], now: Callable[[], datetime] | None = None
    ) -> None:
        self._live_date = live_date
        self._now = now or (lambda: datetime.now(UTC))
        self._set_at: date | None = None
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the shops' present, UTC, in whole seconds, as both shops store it."""
        live, real = self._live_date(), self._now()
        if live != self._set_at:
            self._set_at, self._ahead = live, timedelta(days=(live - real.date()).days)
        return (real + self._ahead).replace(microsecond=0)


def local_text(at: datetime, zone: str) -> str:
    """Write an instant as WooCommerce does: local, without a zone."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat()


def gmt_text(at: datetime) -> str:
    """Write an instant as the ``_gmt`` fields do: UTC, without a zone."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat()
