"""Where a page of a list ends: an instant and an id, opaque to who sends it back."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query

from tieout.api.problems import Problem

Cursor = Annotated[str, Query(max_length=200, description="``next`` of the page before.")]


def cursor_of(at: datetime, name: str) -> str:
    """Return the cursor behind a row."""
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{name}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[datetime, str] | None:
    """Return the instant, in UTC, and the id; ``None``: the first page is asked for.

    Raises:
        Problem: it is not one of ours.
    """
    if not text:
        return None
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True).decode()
        at, _, name = plain.partition("|")
        found = datetime.fromisoformat(at).astimezone(UTC)
        if not name.isascii() or not name.isprintable():
            raise ValueError("no id")
    except (binascii.Error, ValueError, OverflowError):
        raise not_ours() from None
    return found, name


def not_ours() -> Problem:
    return Problem("invalid", "cursor is not one of ours", fields=[("cursor", "use next as it is")])
