"""What every check reads: the tables, their history and the truth."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from include.services.effects.ports import EffectKind as K
from tests.prove.database import BETWEEN
from tests.prove.truth import Entry

if TYPE_CHECKING:
    from tests.prove.notes import Call
    from tests.prove.world import World

REVIEWED = ("in_review", "review_first")  # by the fraud desk, before anything may be captured


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken invariant, in words."""

    invariant: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


class Step(NamedTuple):
    """One committed change of an effect."""

    seq: int
    kind: str
    key: str
    state: str
    sends: int
    reference: str
    sent_at: str
    fence: int
    current_fence: int | None
    their_key: str
    amount_minor: int

    @property
    def name(self) -> tuple[str, str]:
        return self.kind, self.key


class Judge:
    """Reads one finished seed."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.truth = world.truth
        self.rows = world.database.rows
        self.is_before = False  # the store was put back

    # What was committed, and what is true ----------------------------------------------------

    def history(self, table: str) -> list[Any]:
        """Return the changes as the store remembers them, or as it did before it was put back."""
        if not self.world.restored.is_played:
            return self._history[table]
        first, last = (number * BETWEEN for number in self.world.restored.forgotten)
        if self.is_before:
            return [row for row in self._history[table] if row[0] <= last]
        return [row for row in self._history[table] if not first < row[0] <= last]

    def in_each_era(self, check: Callable[[], Iterator[Violation]]) -> Iterator[Violation]:
        """Judge each call by what the store held when it was made: before its loss, and after."""
        if self.world.restored.is_played:
            self.is_before = True
            yield from check()
            self.is_before = False
        yield from check()

    def was_forgotten(self, seq: int) -> bool:
        """Say whether something happened in the time that the store has lost."""
        first, last = (number * BETWEEN for number in self.world.restored.forgotten)
        return first < seq <= last + BETWEEN

    @cached_property
    def all_steps(self) -> list[Step]:
        """Return the steps that were forgotten as well."""
        return [Step(row[0], *row[2:12]) for row in self._history["effects"]]

    @cached_property
    def _history(self) -> dict[str, list[Any]]:
        return self.world.database.history()

    @cached_property
    def steps(self) -> list[Step]:
        return [Step(row[0], *row[2:12]) for row in self.history("effects")]

    @cached_property
    def effects(self) -> dict[tuple[str, str], Step]:
        return {step.name: step for step in self.steps}

    def done(self, *kinds: K) -> Iterator[Entry]:
        """What stands at the other sides: executed, not refused, not taken back by a person."""
        for kind in kinds:
            for entry in self.truth.by_kind[kind]:
                if not entry.is_no and not entry.is_undone:
                    yield entry

    def calls_of(self, kind: K) -> "list[Call]":
        calls = [call for call in self.world.notes.calls if call.kind is kind]
        if not self.world.restored.is_played:
            return calls
        end = (self.world.restored.forgotten[1] + 1) * BETWEEN  # the next change is of after it
        return [call for call in calls if (call.seq <= end) is self.is_before]
