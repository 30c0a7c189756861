from dataclasses import dataclass
@dataclass(frozen=True, slots=True)
class Violation:
    invariant: str
    what: str
    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"
def check(world):
    return [Violation("no error leaks", e) for e in world.notes.errors]
