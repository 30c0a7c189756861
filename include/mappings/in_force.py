"""A rule and the days on which it holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

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
    begun = [rule for rule in rules if rule.effective_from <= on]
    latest = max(begun, key=lambda rule: rule.effective_from, default=None)
    is_over = latest is not None and latest.effective_to is not None and on > latest.effective_to
    return None if is_over else latest
