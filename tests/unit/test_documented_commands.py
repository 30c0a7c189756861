"""Every ``python -m`` command that a page or a file of ours tells somebody to run can be run."""

import argparse
import importlib
import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "docker-compose.yaml",
    *sorted((ROOT / "include/docs").rglob("*.md")),
]
COMMAND = re.compile(
    r"python3? -m ((?:include|tieout|tests)[a-z_.]*)((?: (?:<[\w ]+>|[^`|&<>#')}\n\\])*(?:\\\n)?)*)"
)


def documented() -> list[tuple[str, str, str]]:
    """Return page, module and arguments of each command."""
    return [
        (page.name, module, given.replace("\\\n", " ").strip())
        for page in PAGES
        for module, given in COMMAND.findall(page.read_text())
    ]


def parser_of(module: str) -> argparse.ArgumentParser:
    found = importlib.import_module(module)
    if hasattr(found, "__path__"):
        found = importlib.import_module(f"{module}.__main__")
    made = found._parser()
    assert isinstance(made, argparse.ArgumentParser)
    return made


@pytest.mark.parametrize(("page", "module", "given"), documented())
def test_a_documented_command_is_one_that_the_program_takes(
    page: str, module: str, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        parser_of(module).parse_args(shlex.split(given))
    except SystemExit:
        pytest.fail(f"{page}: python -m {module} {given}\n{capsys.readouterr().err}")


def test_the_commands_of_the_readme_are_found() -> None:
    assert ("README.md", "tieout.api", "--port 8090") in documented()
    assert ("docker-compose.yaml", "tieout.api", "--host 0.0.0.0 --port 8090") in documented()
    assert len(documented()) > 20


@pytest.mark.parametrize("tool", ["pg_dump", "dropdb", "pg_restore"])
def test_a_backup_of_which_one_part_failed_has_failed(tool: str, tmp_path: Path) -> None:
    page = (ROOT / "include/docs/runbooks/upgrade.md").read_text()
    (block,) = (one for one in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) if tool in one)
    (tmp_path / "airflow.dump").touch()
    # ``docker`` that can do nothing to the first database, as with a full disk.
    stub = f'docker() {{ case "$5 $*" in "{tool} "*airflow*) return 1;; esac; }}\n'
    done = subprocess.run(["sh", "-c", stub + block], cwd=tmp_path, check=False)
    assert done.returncode == 1


def test_every_command_of_the_command_line_says_what_it_does() -> None:
    def silent(parser: argparse.ArgumentParser) -> list[str]:
        groups = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
        inner = [one for group in groups for one in group.choices.values()]
        found = [one.prog for one in inner if not one.description]
        return found + [name for one in inner for name in silent(one)]

    assert silent(parser_of("tieout.cli")) == []
