"""The sandbox shares no code with the product, so that neither hides the other's mistakes."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
THIRD_PARTY = {"defusedxml", "cryptography", "jwt"}


def imported_names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module or ""


def test_the_sandbox_imports_only_the_standard_library_itself_and_three_libraries() -> None:
    for path in (ROOT / "include/sandbox").rglob("*.py"):
        for name in imported_names(path):
            first = name.partition(".")[0]
            is_own = name == "include.sandbox" or name.startswith("include.sandbox.")
            is_known = first in sys.stdlib_module_names or first in THIRD_PARTY
            assert is_own or is_known, f"{path} imports {name}"


def test_the_product_never_imports_the_sandbox() -> None:
    rooms = [p for p in (ROOT / "include").iterdir() if p.name != "sandbox"]
    for room in [*rooms, ROOT / "plugins", ROOT / "dags"]:
        for path in [room] if room.suffix == ".py" else room.rglob("*.py"):
            for name in imported_names(path):
                assert not name.startswith("include.sandbox"), f"{path} imports {name}"
