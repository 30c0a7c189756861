"""Read a request's JSON: bounded, strict, and without card numbers, before anything else sees it.

Refused: two members of one name, NaN, deep nesting, lone surrogates, control characters.
Source: reliability reference, sections 2.4 (30) and 3.8.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from starlette.requests import ClientDisconnect, Request

from include.domain.card_numbers import has_card_number
from tieout.api.problems import Problem

MAX_DEPTH = 32
CLOSE = {"Connection": "close"}  # of an answer that comes before all of the body
_Place = tuple[Any, str | int]  # within which place, under which name or number
_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127, *range(128, 160)])


class Fraction:
    """A number with a fraction or exponent, as written: no field of ours takes one."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


async def read_bytes(request: Request, limit: int, seconds: float) -> bytes:
    """Read the body, at most ``limit`` bytes; a longer one is refused before it is read.

    Raises:
        Problem: it is too long, ends early, or is not wholly here after ``seconds``.
    """
    declared = request.headers.get("content-length", "0")
    if "transfer-encoding" in request.headers and "content-length" in request.headers:
        raise Problem("malformed", "both Content-Length and Transfer-Encoding are given")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > limit:
        raise _too_large(limit)
    found = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                if len(found) + len(part) > limit:
                    raise _too_large(limit)
                found += part
    except ClientDisconnect:
        raise Problem("malformed", "the request ended before its body did") from None
    except TimeoutError:
        raise Problem(
            "too-slow", f"the body was not here after {seconds:g} s", headers=CLOSE
        ) from None
    return bytes(found)


def _too_large(limit: int) -> Problem:
    return Problem("too-large", f"the body has more than {limit} bytes", headers=CLOSE)


def require_json(request: Request) -> None:
    """Refuse what does not say that it is JSON."""
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if kind.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise Problem("media-type", "Content-Type must be application/json, in UTF-8")


def parse(raw: bytes, *, may_control: bool = False) -> Any:
    """Parse JSON that has exactly one meaning; a number with a fraction is a ``Fraction``.

    Args:
        raw: the bytes as they came.
        may_control: control characters pass, where nothing of the text is taken over.
    """
    try:
        found = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_once,
            parse_float=Fraction,
            parse_constant=_no_constant,
        )
    except Problem:
        raise
    except UnicodeDecodeError as fault:
        raise Problem("malformed", f"the body is not UTF-8 at byte {fault.start + 1}") from None
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as fault:  # whose words hold nothing of what was sent
        place = f"line {fault.lineno}, column {fault.colno}: {fault.msg}"
        raise Problem("malformed", f"the body is not JSON at {place}") from None
    except ValueError:  # thousands of digits
        raise Problem("malformed", "the body is not JSON: a number of it is too long") from None
    for text, where in _texts(found, 0, None):
        if what := _fault_of(text, may_control):
            raise Problem("malformed", f"{what}: {_named(where)}")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Problem("malformed", "an object has two members of one name")
    return found


def _no_constant(_word: str) -> Any:
    raise Problem("malformed", "NaN and Infinity are not JSON")


def _texts(value: Any, depth: int, where: _Place | None) -> Iterator[tuple[str, _Place | None]]:
    """Yield every text and every name, each with its place: a name's is that of its object."""
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, str):
        yield value, where
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name, where
            yield from _texts(inner, depth + 1, (where, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts(inner, depth + 1, (where, number))


def _named(where: _Place | None) -> str:
    """Write a place as ``lines[0].net``; what is no plain name, or a card number, is not echoed."""
    found = ""
    while where is not None:
        where, part = where
        if isinstance(part, int):
            found = f"[{part}]{found}"
        else:
            is_plain = part.isascii() and part.isprintable() and not has_card_number(part)
            found = f".{part[:60] if is_plain else '...'}{found}"
    return found.lstrip(".")[:200] or "the body"


def _too_deep() -> Problem:
    return Problem("malformed", f"the body is nested more than {MAX_DEPTH} deep")


def _fault_of(text: str, may_control: bool) -> str:
    if text.isascii() and text.isprintable():
        return ""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "a text holds half a character (a lone surrogate)"
    is_controlled = not may_control and text.translate(_CONTROLS) != text
    return "a text holds control characters" if is_controlled else ""
