"""JSON read strictly: what two readers could read differently is refused.

Python keeps the last of two equal members, turns 10.10 into a float and accepts NaN; all three
have cost money elsewhere. Source: reliability reference, 3.8.
"""

import json
from typing import Any

MAX_BYTES = 64 * 1024 * 1024


class NotStrictJsonError(ValueError):
    """The bytes are not JSON that has exactly one meaning."""


def parse(data: bytes) -> Any:
    """Parse UTF-8 JSON; a number with a fraction or exponent stays text as it was written.

    Raises:
        NotStrictJsonError: not UTF-8, not JSON, doubled members, NaN, or nested too deeply.
    """
    if len(data) > MAX_BYTES:
        raise NotStrictJsonError(f"it has {len(data)} bytes, more than {MAX_BYTES}")
    try:
        return json.loads(
            data.decode("utf-8-sig"),
            object_pairs_hook=_once,
            parse_float=str,
            parse_constant=_no_constant,
        )
    except NotStrictJsonError:
        raise
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError:  # JSONDecodeError quotes nothing, but the position helps nobody here
        reason = "it is not JSON"
    raise NotStrictJsonError(reason)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise NotStrictJsonError(f"member {doubled[:60]!r} appears twice")
    return found


def _no_constant(word: str) -> Any:
    raise NotStrictJsonError(f"{word} is not a number")
