"""A truth that outlives any process: one line per executed write, appended atomically to a file."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from include.services.effects.boundaries import Boundary, BoundaryHook, pass_by
from include.services.effects.departure import depart
from include.services.effects.ports import Difference, Effect, Found, Receipt


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class FileLedger:
    """A partner whose books are a file; ``boundary`` lets the caller die around the commit."""

    path: Path
    boundary: BoundaryHook = pass_by
    dawdle: Callable[[], None] = _nothing  # called between look and answer, to widen races

    def rows(self) -> list[dict[str, str]]:
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def count(self, reference: str) -> int:
        """How often this reference was really executed."""
        return sum(row["reference"] == reference for row in self.rows())

    def look(self, effect: Effect) -> tuple[Found, ...]:
        found = tuple(
            Found(str(number), row)
            for number, row in enumerate(self.rows(), start=1)
            if row["reference"] == effect.reference
        )
        self.dawdle()
        return found

    def send(self, effect: Effect) -> Receipt:
        depart()
        self.boundary(Boundary.half_sent)
        line = json.dumps({"reference": effect.reference, "digest": effect.digest})
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(handle, f"{line}\n".encode())
        finally:
            os.close(handle)
        self.boundary(Boundary.remote_committed)
        return Receipt("")

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        theirs = str(found.facts["digest"])
        return () if theirs == effect.digest else (Difference("digest", effect.digest, theirs),)
