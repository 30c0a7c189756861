"""The cursor of a list, as the API takes it."""

from datetime import datetime
from typing import Annotated

from fastapi import Query

from tieout.api.problems import Problem
from tieout.cursor import at_and_name

Cursor = Annotated[str, Query(max_length=200, description="``next`` of the page before.")]


def read_cursor(text: str) -> tuple[datetime, str] | None:
    """Return the instant, in UTC, and the id; ``None``: the first page is asked for.

    Raises:
        Problem: it is not one of ours.
    """
    try:
        return at_and_name(text) if text else None
    except ValueError:
        raise not_ours() from None


def not_ours() -> Problem:
    return Problem("invalid", "cursor is not one of ours", fields=[("cursor", "use next as it is")])
