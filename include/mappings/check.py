"""Check the mappings and print what is wrong as a compiler would: ``make check-mappings``."""

import argparse
import sys
from pathlib import Path

from include.mappings.load import SHIPPED, load_mappings, read_mappings


def main(arguments: list[str]) -> int:
    """Print problems to standard error; return 1 if there are any."""
    folder = _parser().parse_args(arguments).folder
    if not folder.is_dir():
        print(f"{folder}: there is no such folder", file=sys.stderr)  # noqa: T201 - a command
        return 1
    entries, problems = read_mappings(folder)
    for problem in problems:
        print(folder / str(problem), file=sys.stderr)  # noqa: T201 - a command line speaks so
    if problems:
        return 1
    version = load_mappings(folder).version
    print(f"{len(entries)} entries in force, version {version[:12]}")  # noqa: T201
    return 0


def _parser() -> argparse.ArgumentParser:
    program = "python -m include.mappings.check"
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=SHIPPED, help="default: ours")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
