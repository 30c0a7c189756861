"""Check one file against its shape; say every fault with its line, its value and the fix."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from include.mappings.files import FILES
from include.mappings.in_force import InForce
from include.mappings.nodes import Document, Path
from include.mappings.problems import did_you_mean
from include.mappings.schema import Entry

Value = TypeVar("Value")
Key = TypeVar("Key")
Kind = TypeVar("Kind", bound=Entry)
EntryType = TypeVar("EntryType", bound=Entry, covariant=True)


@dataclass(frozen=True, slots=True)
class Placed(Generic[EntryType]):
    """An entry and where it stands."""

    entry: EntryType
    document: Document
    path: Path

    def line(self, *inside: str | int) -> int:
        return self.document.line((*self.path, *inside))

    def place(self, *inside: str | int) -> str:
        return self.document.place((*self.path, *inside))

    def report(self, inside: Path, what: str, do: str) -> None:
        self.document.report(self.line(*inside), what, do)


def dated(
    placed: Sequence[Placed[Kind]],
    key: Callable[[Kind], Key],
    value: Callable[[Placed[Kind]], Value],
) -> dict[Key, list[InForce[Value]]]:
    """Return each entry's value with its days, by key."""
    found: dict[Key, list[InForce[Value]]] = defaultdict(list)
    for p in placed:
        rule = InForce(value(p), p.entry.effective_from, p.entry.effective_to, p.place())
        found[key(p.entry)].append(rule)
    return dict(found)


def parse_entries(found: Document) -> list[Placed[Entry]]:
    """Return the entries of a file that are sound by themselves; report the others."""
    key, model = FILES[found.file]
    root = found.value
    if not isinstance(root, dict) or not isinstance(root.get(key), list):
        if not found.problems:
            found.report(1, f"the file holds no list {key!r}", f"Begin it with '{key}:'.")
        return []
    for name in root:
        if name != key:
            do = did_you_mean(name, [key])
            found.report(found.line((name,)), f"the key {name!r} is not known", do)
    entries = []
    for i, value in enumerate(root[key]):
        path: Path = (key, i)
        try:
            entries.append(Placed(model.model_validate(value), found, path))
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                _report(detail, model, path, found)
    return entries


def _report(detail: ErrorDetails, model: type[Entry], path: Path, found: Document) -> None:
    inside = tuple(part for part in detail["loc"] if part != "[key]")
    name = ".".join(str(part) for part in inside) or "the entry"
    line = found.line((*path, *inside))
    what, do = _say(detail, name, model, inside)
    found.report(line, what, do)


def _say(
    detail: ErrorDetails, name: str, model: type[Entry], inside: tuple[str | int, ...]
) -> tuple[str, str]:
    value, kind, limits = detail["input"], detail["type"], detail.get("ctx", {})
    if kind == "mapping":
        return f"{name}: {limits['what']}", limits["do"]
    if kind == "missing":
        return f"{name} is missing", f"Add the line '{inside[-1]}: ...' here."
    if kind == "extra_forbidden":
        known = _fields(model, inside[:-1])
        return f"the key {name!r} is not known", did_you_mean(str(inside[-1]), known)
    if kind == "enum" or kind == "literal_error":
        known = re.findall(r"'([^']*)'", str(limits.get("expected", "")))
        return f"{name}: {value!r} is not known", did_you_mean(str(value), known)
    if kind == "string_pattern_mismatch":
        known = re.findall(r"\w+", str(limits["pattern"]))
        return f"{name}: {value!r} is not known", did_you_mean(str(value), known)
    return f"{name}: {value!r} {_WRONG.get(kind, 'cannot be used')}", _fix(detail)


_WRONG = {
    "string_type": "is not text",
    "int_type": "is not a whole number",
    "bool_type": "is neither true nor false",
    "date_type": "is not a date",
    "list_type": "is not a list",
    "dict_type": "is not a table",
    "model_type": "is not a table",
    "model_attributes_type": "is not a table",
    "too_short": "is empty",
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
}


def _fix(detail: ErrorDetails) -> str:
    value, kind, limits = detail["input"], detail["type"], detail.get("ctx", {})
    if kind == "string_type":
        is_word = isinstance(value, int) and not isinstance(value, bool)
        return f'Write "{value}" in quotes.' if is_word else "Write one text."
    if kind == "greater_than_equal":
        return f"Write {limits['ge']} or more."
    if kind == "less_than_equal":
        return f"Write {limits['le']} or less."
    if kind.startswith("date"):
        return "Write it as 2026-01-31, without quotes."
    words = {
        "int_type": "Write a number without point and quotes.",
        "bool_type": "Write true or false.",
        "list_type": "Write '- ' before each item.",
        "too_short": "Add at least one.",
    }
    return words.get(kind, "Write 'name: value' lines here.")


def _fields(model: type[BaseModel], inside: tuple[str | int, ...]) -> list[str]:
    """Return the keys allowed where ``inside`` leads to."""
    here: Any = model
    for part in inside:
        is_model = isinstance(here, type) and issubclass(here, BaseModel)
        if is_model and part in here.model_fields:
            here = here.model_fields[str(part)].annotation
        else:
            here = get_args(here)[-1] if get_args(here) else here
    while not isinstance(here, type) and get_args(here):
        here = get_args(here)[0]
    is_model = isinstance(here, type) and issubclass(here, BaseModel)
    return list(here.model_fields) if is_model else []
