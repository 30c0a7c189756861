"""What is wrong with a mapping file, said so that it can be fixed without asking anybody."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from include.domain.errors import Rejected


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault: where, what value, and the fix. Sorts by place."""

    file: str  # "merchants.yaml"
    line: int  # from 1
    what: str
    do: str

    def __str__(self) -> str:
        """Return a compiler's line: ``merchants.yaml:12: error: what. do``."""
        return f"{self.file}:{self.line}: error: {self.what}. {self.do}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``Did you mean 'x'?``, or the list to choose from where nothing is near."""
    names = sorted(set(known))
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else f"Known here: {', '.join(names)}."


def refuse(problems: Sequence[Problem]) -> Rejected:
    """Return one ``Rejected`` that names every problem, so that one round of fixing is enough."""
    ordered = sorted(set(problems))
    count = f"{len(ordered)} problem{'s' if len(ordered) > 1 else ''} in the mappings"
    places = ", ".join(dict.fromkeys(f"{p.file}:{p.line}" for p in ordered))
    listed = "\n".join(str(problem) for problem in ordered)
    return Rejected(count, places, f"Fix each of these, then run make check-mappings:\n{listed}")
