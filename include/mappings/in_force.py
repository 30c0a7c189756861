"""A rule and the days on which it holds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from include.domain.errors import Rejected

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class InForce(Generic[Value]):
    """A rule and the days on which it holds."""

    value: Value
    effective_from: date
    effective_to: date | None  # the last day; none: until a later rule
    where: str  # "gl_templates.yaml:12"


def in_force(rules: Iterable[InForce[Value]], on: date) -> InForce[Value] | None:
    """Return the latest rule that has begun and not ended on a day."""
    latest = begun(rules, on)
    is_over = latest is not None and latest.effective_to is not None and on > latest.effective_to
    return None if is_over else latest


def begun(rules: Iterable[InForce[Value]], on: date) -> InForce[Value] | None:
    """Return the latest rule that has begun on a day, be it in force or ended."""
    there = [rule for rule in rules if rule.effective_from <= on]
    return max(there, key=lambda rule: rule.effective_from, default=None)


def demand_begun(
    rules: Mapping[str, Sequence[InForce[Value]]], key: str, on: date, name: str, file: str
) -> Value:
    """Return the latest rule of a key that has begun on a day, be it in force or ended.

    Raises:
        Rejected: none has.
    """
    own = rules.get(key, ())
    found = begun(own, on)
    if found is None:
        raise Rejected(
            f"{name} {key!r} is not configured{f' on {on}' if own else ''}",
            own[0].where if own else file,
            f"Add an entry with '{name}: {key}' that has begun by then.",
        )
    return found.value
