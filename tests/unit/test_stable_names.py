"""Every pytest-xdist worker collects for itself, so a test's name must be the same in each."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHANGING = {"time", "now", "today", "utcnow", "random"}
MODULES = {"uuid", "random", "secrets", "time"}  # whatever is called of them: uuid.uuid4()


def changing(source: str) -> Iterator[int]:
    """Yield the lines of calls within parameters that may give each worker another value."""
    for outer in ast.walk(ast.parse(source)):
        if isinstance(outer, ast.Call) and _names(outer)[-1] in ("parametrize", "fixture"):
            for inner in ast.walk(outer):
                if isinstance(inner, ast.Call) and inner is not outer and _changes(_names(inner)):
                    yield inner.lineno


def _names(call: ast.Call) -> list[str]:
    return ast.unparse(call.func).split(".")


def _changes(names: list[str]) -> bool:
    return names[-1] in CHANGING or names[-1].startswith("uuid") or names[0] in MODULES


def test_no_parameter_depends_on_clock_or_dice() -> None:
    found = [f"{p}:{n}" for p in Path("tests").rglob("*.py") for n in changing(p.read_text())]
    assert found == [], "choose a fixed value, or compute it inside the test"


@pytest.mark.parametrize("call", ["int(time.time())", "date.today()", "uuid4()", "random.random()"])
def test_the_check_sees(call: str) -> None:
    assert list(changing(f"@pytest.mark.parametrize('x', [{{'at': {call}}}])\ndef f(x): ...")) == [
        1
    ]
