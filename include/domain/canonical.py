"""Frozen dataclasses as canonical JSON: equal values are equal bytes, so a digest names content.

Takes what the domain is made of: text, whole numbers, booleans, ``None``, dates, instants, words
(``StrEnum``), tuples, string mappings and other frozen dataclasses. A float is refused.
"""

import json
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_json(value: object) -> str:
    """Write a value; keys are sorted, nothing is spaced, everything is ASCII."""
    return json.dumps(to_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def from_json(kind: type[T], text: str) -> T:
    """Read ``to_json`` back; constructors check again what they check.

    Raises:
        ValueError: the text is not of this kind.
    """
    found = _build(kind, json.loads(text))
    if not isinstance(found, kind):
        raise ValueError(f"this is not a {kind.__name__}")
    return found


def to_plain(value: object) -> object:
    """Return a value as JSON's own types; a frozen dataclass becomes a dictionary.

    Raises:
        TypeError: a float, or anything else that has no place in a payload.
    """
    if value is None or isinstance(value, str | bool | int):
        return value.value if isinstance(value, StrEnum) else value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no zone")
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [to_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(name): to_plain(one) for name, one in value.items()}
    raise TypeError(f"{type(value).__name__} has no place in a payload: {value!r}")


@cache
def _shape(kind: Any) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(kind)
    return tuple((field.name, hints[field.name]) for field in fields(kind))


def _build(kind: Any, found: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        inner = [one for one in get_args(kind) if one is not type(None)]
        return None if found is None else _build(inner[0], found)
    if origin is tuple:
        return tuple(_build(get_args(kind)[0], one) for one in found)
    if origin is not None:  # a mapping
        return {name: _build(get_args(kind)[1], one) for name, one in found.items()}
    if isinstance(kind, type) and is_dataclass(kind):
        shape = _shape(kind)
        return kind(**{name: _build(hint, found[name]) for name, hint in shape if name in found})
    if kind is datetime:
        return datetime.fromisoformat(found)
    if kind is date:
        return date.fromisoformat(found)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(found)
    return found
