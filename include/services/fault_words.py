"""A fault of ours in words for a dead letter: its kind and place, never what it was about.

The text of a fault may quote a row, and with it a shopper.
"""

import traceback
from pathlib import PurePath


def describe(bug: Exception) -> str:
    """Return e.g. ``KeyError in translate/lines.py:33``."""
    frames = traceback.extract_tb(bug.__traceback__)
    if not frames:
        return type(bug).__name__
    last = frames[-1]
    place = "/".join(PurePath(last.filename).parts[-2:])
    return f"{type(bug).__name__} in {place}:{last.lineno}"
