"""Read the suites: YAML a controller can follow, one file per stage."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from include.domain.quality import Severity

FOLDER = Path(__file__).with_name("suites")


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation of a suite, and its words."""

    check: str
    kind: str  # Great Expectations' name of it
    arguments: Mapping[str, Any]
    severity: Severity
    expects: str
    says: str  # where it fails, with the failing row's values in braces
    do: str

    @property
    def judges_rows(self) -> bool:
        """Whether it is about each row by itself, not about the rows as a whole."""
        return self.kind.startswith(("expect_column_values_", "expect_column_pair_values_"))


@dataclass(frozen=True, slots=True)
class Suite:
    """The expectations about one kind of measured row."""

    name: str
    columns: Mapping[str, str]  # name -> text or whole
    expectations: tuple[Expectation, ...]

    @property
    def judges_the_table(self) -> bool:
        """Whether an expectation is about the rows as a whole, so that none may be too few."""
        return any(e.kind.startswith("expect_table_") for e in self.expectations)


@cache
def read_suite(name: str) -> Suite:
    """Return a suite by its file's name, e.g. ``file_facts``."""
    found = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return Suite(
        name=found["suite"],
        columns=found["columns"],
        expectations=tuple(
            Expectation(
                check=row["check"],
                kind=row["expect"],
                arguments=row["with"],
                severity=Severity(row["severity"]),
                expects=row["expects"],
                says=row["says"],
                do=row["do"],
            )
            for row in found["expectations"]
        ),
    )


def suite_names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))
