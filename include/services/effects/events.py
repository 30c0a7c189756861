"""Events with fields, so that the failing call is found in the log within a minute."""

import logging
from typing import Protocol

_log = logging.getLogger("tieout.effects")


class EventLog(Protocol):
    """Takes one event; a field is a name or a figure, never a payload or a secret."""

    def __call__(self, event: str, **fields: object) -> None:
        """Record ``event``."""
        ...


def log_event(event: str, **fields: object) -> None:
    """Write ``event name=value ...`` at INFO; the fields also travel on the record."""
    text = " ".join(f"{name}={value!r}" for name, value in fields.items())
    _log.info("%s %s", event, text, extra={"event": event, "fields": fields})
