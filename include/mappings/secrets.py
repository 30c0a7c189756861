"""Find what must never stand in a mapping: secrets, placeholders for them, and card numbers.

Messages name the key and the line, never the value.
"""

import re
from collections.abc import Iterator
from typing import Any

from include.domain.card_numbers import has_card_number
from include.mappings.nodes import Document, Path

_SECRET_KEY = re.compile(
    r"(^|_)(password|passwd|pwd|secret|token|api_?key|private_?key|credentials?|key_?id)(_|$)", re.I
)
_PLACEHOLDER = re.compile(
    r"(change_?-?me|todo|fixme|tbd|xxx+|your[-_ ].*|<.*>|replace[-_ ]?me)", re.I
)
_KEY_MATERIAL = re.compile(r"-----BEGIN |(?=[A-Za-z0-9+/_-]*[0-9+/])[A-Za-z0-9+/_-]{40,}={0,2}\Z")


def find_secrets(found: Document) -> None:
    """Report every secret, placeholder and card number of a file."""
    for path, value in _leaves(found.value, ()):
        name, line = str(path[-1]) if path else "", found.line(path)
        if _SECRET_KEY.search(name):
            do = "Remove the line; keep it in the Airflow connection."
            found.report(line, f"{name!r} is a secret, and this file is not secret", do)
        elif isinstance(value, str) and _KEY_MATERIAL.search(value):
            do = "Remove it, put it into the Airflow connection, and renew it: it has been read."
            found.report(line, f"the value of {name!r} looks like a key", do)
        elif isinstance(value, str) and _PLACEHOLDER.fullmatch(value.strip()):
            found.report(line, f"{name!r} is still a placeholder", "Write the real value.")
        elif isinstance(value, str | int) and has_card_number(str(value)):
            do = "Remove it and tell the security officer."
            found.report(line, f"the value of {name!r} looks like a card number", do)


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, (*path, key))
    elif isinstance(value, list):
        for i, part in enumerate(value):
            yield from _leaves(part, (*path, i))
    else:
        yield path, value
