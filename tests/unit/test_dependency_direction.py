"""The one arrow: domain <- services <- adapters <- plugins <- dags. Any diagram is its picture."""

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = {"polars", "pyarrow", "numpy"}  # services compute on whole columns: ADR 0005


def imports(folder: str) -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield path, node.module


def refuse(folder: str, *allowed: str, libraries: set[str] | None = None) -> None:
    """Fail on an import that is neither standard, nor among ``allowed``, nor of ``libraries``."""
    for path, name in imports(folder):
        top = name.split(".")[0]
        standard = top in sys.stdlib_module_names
        ours = any(name == room or name.startswith(room + ".") for room in allowed)
        assert standard or ours or top in (libraries or set()), f"{path} imports {name}"


def test_domain_imports_only_the_standard_library_and_itself() -> None:
    refuse("include/domain", "include.domain")


def test_services_import_the_domain_and_columns_but_no_driver_and_no_adapter() -> None:
    refuse("include/services", "include.domain", "include.services", libraries=COLUMNS)


def test_adapters_never_import_airflow_or_a_dag() -> None:
    for path, name in imports("include/adapters"):
        assert name.split(".")[0] not in {"airflow", "dags", "tieout"}, f"{path} imports {name}"


def test_the_sandbox_and_the_product_share_no_code() -> None:
    refuse("include/sandbox", "include.sandbox", libraries={"defusedxml", "cryptography", "jwt"})
    for folder in ("include/domain", "include/services", "include/adapters", "plugins", "dags"):
        for path, name in imports(folder):
            assert not name.startswith("include.sandbox"), f"{path} imports {name}"


def test_other_peoples_xml_is_read_in_one_place() -> None:
    for folder in ("include/adapters", "include/services", "plugins"):
        for path, name in imports(folder):
            assert not name.startswith("defusedxml") or path.name == "safe_xml.py", path
    for path in (ROOT / "include/adapters").rglob("*.py"):
        assert path.name == "safe_xml.py" or "noqa: S314" not in path.read_text(), path


def test_the_airflow_layer_of_include_is_empty() -> None:
    for path, name in imports("include"):
        assert name.split(".")[0] not in {"airflow", "dags", "tieout"} or (
            path.parent.name == "local" or path.name == "settings_file.py"
        ), f"{path} imports {name}"


@pytest.mark.parametrize(("root", "folder"), [("plugins", "tieout"), (".", "include")])
def test_no_module_is_in_an_import_circle(root: str, folder: str) -> None:
    """An import inside a function, or for types alone, counts: it hides a circle.

    The sandbox is left out: its world is one object in many files.
    """
    known: dict[str, set[str]] = {
        ".".join(path.relative_to(ROOT / root).with_suffix("").parts): set()
        for path in (ROOT / root / folder).rglob("*.py")
        if path.name != "__init__.py" and not path.is_relative_to(ROOT / "include" / "sandbox")
    }
    for name, needs in known.items():
        path = ROOT / root / f"{name.replace('.', '/')}.py"
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                named = {f"{node.module}.{alias.name}" for alias in node.names}
                needs |= ({node.module} | named) & known.keys()
    TopologicalSorter(known).prepare()  # raises CycleError, which names the modules


@pytest.mark.parametrize("path", sorted((ROOT / "dags").glob("*.py")), ids=lambda p: p.stem)
def test_a_dag_file_imports_no_driver_and_no_other_dag(path: Path) -> None:
    allowed = {"airflow", "pendulum", "include", "tieout"}
    for node in ast.walk(ast.parse(path.read_text())):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        for name in names:
            top = name.split(".")[0]
            assert top in allowed or top in sys.stdlib_module_names, f"{path} imports {name}"
            assert not name.startswith("include.adapters"), f"{path} imports {name}"


def test_no_float_stands_near_an_amount() -> None:
    """``float(`` and ``.astype(float)`` beside a word of money are refused, in any file of ours."""
    words = ("amount", "minor", "price", "total", "money", "net_", "fee")
    for folder in ("include", "plugins", "dags"):
        for path in (ROOT / folder).rglob("*.py"):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                code = line.split("#")[0]
                if "float(" in code or "Float64" in code or "astype(float" in code:
                    assert not any(word in code.lower() for word in words), f"{path}:{number}"
