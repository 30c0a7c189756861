"""Where a page of a list ends: an instant and an id, opaque to who sends it back."""

import base64
from datetime import UTC, datetime


def cursor_of(at: datetime, name: str) -> str:
    """Return the cursor behind a row."""
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{name}".encode()).decode().rstrip("=")


def at_and_name(cursor: str) -> tuple[datetime, str]:
    """Return the instant, in UTC, and the id.

    Raises:
        ValueError: it is not one of ours.
    """
    plain = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    at, _, name = plain.partition("|")
    if not name.isascii() or not name.isprintable():
        raise ValueError("no id")
    try:
        return datetime.fromisoformat(at).astimezone(UTC), name
    except OverflowError:
        raise ValueError(f"{at!r} is no instant in UTC") from None
