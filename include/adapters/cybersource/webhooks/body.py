"""Read a notification's bytes strictly, and keep the exact text of its member ``payload``.

A test notification has ``payloads`` in its place (reference 5.1).

The signature covers that member only. Whether as sent or re-serialised is not confirmed (reference
5.4), so both texts are offered to the check. Total: every input gives a body or a reason.
"""

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LARGEST_BODY = 1024 * 1024
_DEEPEST = 64
_BLANK = re.compile(r"[ \t\r\n]*")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class UnreadableBodyError(ValueError):
    """The bytes are not a notification; the text says why, in words that no sender can vary."""


@dataclass(frozen=True, slots=True)
class Body:
    """One notification. ``signed_texts`` are what the signature may have been made over."""

    members: dict[str, Any]
    signed_texts: tuple[bytes, ...]


def read_body(data: bytes) -> Body:
    """Read a notification.

    Raises:
        UnreadableBodyError: too large, not UTF-8, not one JSON object, doubled members, a lone
            surrogate, nested too deeply, or without ``payload``.
    """
    if len(data) > LARGEST_BODY:
        raise UnreadableBodyError(f"it has more than {LARGEST_BODY} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableBodyError("it is not UTF-8") from None
    if _depth(text) > _DEEPEST:
        raise UnreadableBodyError("it is nested too deeply")
    try:
        members, raw = _read_members(text)
        name = payload_name(members)
        return Body(members, _signed_texts(members[name], raw[name]))
    except UnreadableBodyError:
        raise
    except KeyError:
        reason = "it has no member payload"
    except (ValueError, RecursionError):
        reason = "it is not one JSON object"
    raise UnreadableBodyError(reason)


def payload_name(members: Mapping[str, Any]) -> str:
    """Return the name of the member that is signed."""
    is_test = "payload" not in members and "payloads" in members
    return "payloads" if is_test else "payload"


def _depth(text: str) -> int:
    """Return the deepest nesting, without recursion; brackets within strings do not count."""
    deepest = depth = 0
    for mark in _STRING_OR_BRACKET.findall(text):
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


# A text that never ends takes all that is left: looked for again at each quote, it would cost the
# square of a stranger's bytes.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.?)*+"?|[\[\]{}]', re.DOTALL)


def _read_members(text: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the top level's members, read and as written."""
    members: dict[str, Any] = {}
    raw: dict[str, str] = {}
    at = _expect(text, _skip(text, 0), "{")
    is_first = True
    while text[at : at + 1] != "}" or not is_first:
        name, at = _DECODER.raw_decode(text, at)
        if not isinstance(name, str):
            raise ValueError("a name is no string")
        if name in members:
            raise UnreadableBodyError("a member appears twice")
        start = _expect(text, _skip(text, at), ":")
        members[name], at = _DECODER.raw_decode(text, start)
        raw[name], is_first = text[start:at], False
        at = _skip(text, at)
        if text[at : at + 1] != ",":
            break
        at = _expect(text, at, ",")
    if text[at : at + 1] != "}" or _skip(text, at + 1) != len(text):
        raise ValueError("something follows")
    _refuse_surrogates(members)
    return members, raw


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _expect(text: str, at: int, mark: str) -> int:
    if text[at : at + 1] != mark:
        raise ValueError(f"{mark} is missing")
    return _skip(text, at + 1)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableBodyError("a member appears twice")
    return found


def _no_constant(word: str) -> Any:
    raise UnreadableBodyError(f"{word} is not a number")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)


def _refuse_surrogates(members: dict[str, Any]) -> None:
    """An escaped half of a pair is text that cannot be stored, nor written again."""
    if _LONE_SURROGATE.search(json.dumps(members, ensure_ascii=False)):
        raise UnreadableBodyError("it holds a lone surrogate")


def _signed_texts(payload: Any, raw: str) -> tuple[bytes, ...]:
    """The slice as sent; compact JSON as JavaScript writes it; a text without its quotes."""
    texts = [raw]
    with contextlib.suppress(ValueError):  # a number too large to be written again
        texts.append(
            json.dumps(payload, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        )
    if isinstance(payload, str):
        texts.append(payload)
    return tuple(text.encode() for text in dict.fromkeys(texts))
