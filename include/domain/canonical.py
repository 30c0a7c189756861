"""Frozen dataclasses as canonical JSON: equal values are equal bytes, so a digest names content.

Takes what the domain is made of: text, whole numbers, booleans, ``None``, dates, instants, words
(``StrEnum``), tuples, string mappings and other frozen dataclasses. A float is refused.
"""

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


_AS_IT_IS = frozenset((str, int, bool, type(None)))


def _refuse(value: object) -> object:
    raise TypeError(f"{type(value).__name__} has no place in JSON: {value!r}")


def _make_encoder() -> Callable[[object], str]:
    """Make the encoder once: ``JSONEncoder.encode`` makes its inner one anew for every call."""
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # not CPython
        return json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_refuse).encode
    text = json.encoder.encode_basestring_ascii
    # No memory of what was seen, no indent; sorted keys, none skipped, NaN as ever.
    pieces = make(None, _refuse, text, None, ":", ",", True, False, True)
    return lambda plain: "".join(pieces(plain, 0))


_encode = _make_encoder()


def to_json(value: object) -> str:
    """Write a value; keys are sorted, nothing is spaced, everything is ASCII."""
    return plain_json(to_plain(value))


def plain_json(plain: object) -> str:
    """Write what consists of JSON's own types as ``to_json`` does."""
    return _encode(plain)


def from_json(kind: type[T], text: str) -> T:
    """Read ``to_json`` back; constructors check again what they check.

    Raises:
        ValueError: the text is not of this kind.
    """
    wanted: Any = kind
    build, found = _builder(wanted), json.loads(text)
    found = found if build is None else build(found)
    if not isinstance(found, kind):
        raise ValueError(f"this is not a {kind.__name__}")
    return found


def to_plain(value: object) -> object:
    """Return a value as JSON's own types; a frozen dataclass becomes a dictionary.

    Raises:
        TypeError: a float, or anything else that has no place in a payload.
    """
    kind: Any = type(value)
    return value if kind in _AS_IT_IS else _writer(kind)(value)


@cache
def _writer(kind: Any) -> Callable[[Any], object]:
    """Return what writes values of a kind, worked out once."""
    names, values_of = _fields(kind)
    if names is not None:
        return lambda value: _by_name(names, values_of(value))
    if issubclass(kind, str):
        return str.__str__  # a word's own text
    if issubclass(kind, int):
        return _as_it_is
    if issubclass(kind, datetime):
        return _instant
    if issubclass(kind, date):
        return date.isoformat
    if issubclass(kind, tuple | list):
        return lambda value: [to_plain(one) for one in value]
    if issubclass(kind, Mapping):
        return lambda value: {str(name): to_plain(one) for name, one in value.items()}
    return _refuse_in_payload


def _as_it_is(value: object) -> object:
    return value


def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no zone")
    return value.astimezone(UTC).isoformat()


def _refuse_in_payload(value: object) -> object:
    raise TypeError(f"{type(value).__name__} has no place in a payload: {value!r}")


def _by_name(names: tuple[str, ...], values: tuple[Any, ...]) -> dict[str, object]:
    return {  # most stay as they are, and most lists are empty: no call for those
        name: one if type(one) in _AS_IT_IS else [] if one == () else to_plain(one)
        for name, one in zip(names, values, strict=True)
    }


@cache
def _fields(kind: Any) -> tuple[tuple[str, ...] | None, Callable[[Any], tuple[Any, ...]]]:
    """Name the fields of a dataclass, and say what reads them all; ``None``: it is none."""
    if not is_dataclass(kind):
        return None, tuple
    names = tuple(field.name for field in fields(kind))
    if len(names) > 1:
        return names, attrgetter(*names)
    return names, lambda value: tuple(getattr(value, name) for name in names)


_Builder = Callable[[Any], Any]


@cache
def _builder(kind: Any) -> _Builder | None:
    """Return what reads a value of a kind, worked out once; ``None``: it stays as it is."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        inner = [one for one in get_args(kind) if one is not type(None)]
        return _optional(_builder(inner[0]))
    if origin is tuple:
        return _tuple(_builder(get_args(kind)[0]))
    if origin is not None:  # a mapping
        return _mapping(_builder(get_args(kind)[1]))
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass(kind)
    if kind is datetime:
        return datetime.fromisoformat
    if kind is date:
        return date.fromisoformat
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    return None


def _optional(inner: _Builder | None) -> _Builder | None:
    if inner is None:
        return None
    return lambda found: None if found is None else inner(found)


def _tuple(inner: _Builder | None) -> _Builder:
    if inner is None:
        return tuple
    return lambda found: tuple(map(inner, found))


def _mapping(inner: _Builder | None) -> _Builder:
    if inner is None:
        return lambda found: dict(found.items())
    return lambda found: {name: inner(one) for name, one in found.items()}


def _dataclass(kind: type) -> _Builder:
    hints = get_type_hints(kind)
    names = _fields(kind)[0] or ()
    builders = {name: _builder(hints[name]) for name in names}
    built = [(name, inner) for name, inner in builders.items() if inner is not None]

    def build(found: Any) -> Any:
        given = {name: found[name] for name in names if name in found}
        for name, inner in built:
            if name in given:
                given[name] = inner(given[name])
        return kind(**given)

    return build
