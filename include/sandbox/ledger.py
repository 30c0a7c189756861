"""The truth ledger: what the partner systems really executed, and how often.

Append-only. Tests read it to count executions; the product never does. Rows are kept in memory
and, with a path, appended to a JSON-lines file that can be read after the process has ended.
"""

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One execution. ``reference`` is what the caller planted to find it again."""

    number: int  # 1, 2, 3 ... in the order of execution
    system: str  # syspro, cybersource, bank ...
    verb: str  # the business object or the operation, e.g. GENTJL
    reference: str
    digest: str  # SHA-256, hex, of the content as received
    committed: bool  # false: executed and refused, nothing changed
    at: str  # UTC, ISO 8601
    facts: Mapping[str, Any] = field(default_factory=dict)  # year, period, journal, lines ...


class Ledger:
    """Thread-safe; ``record`` is the only way in, and nothing is ever changed."""

    def __init__(self, path: Path | None = None) -> None:
        self._rows: list[LedgerRow] = []
        self._lock = threading.Lock()
        self._path = path

    def record(
        self,
        system: str,
        verb: str,
        reference: str,
        content: str | bytes,
        *,
        committed: bool = True,
        **facts: Any,
    ) -> LedgerRow:
        """Append one execution and return its row; ``facts`` must be JSON values."""
        data = content.encode() if isinstance(content, str) else content
        digest = hashlib.sha256(data).hexdigest()
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._lock:
            number = len(self._rows) + 1
            row = LedgerRow(number, system, verb, reference, digest, committed, at, facts)
            self._rows.append(row)
            if self._path is not None:  # a copy of every row would cost more than the call itself
                self._append(asdict(row))
        return row

    def rows(self, **wanted: str) -> list[LedgerRow]:
        """Return rows whose fields or facts equal every given value, in order."""
        with self._lock:
            rows = list(self._rows)
        return [row for row in rows if all(_equals(row, k, v) for k, v in wanted.items() if v)]

    def count(self, **wanted: str) -> int:
        """Return how many committed executions fit."""
        return sum(row.committed for row in self.rows(**wanted))

    def clear(self) -> None:
        """Begin anew, for ``/control/reset``; the file gets a line that says so."""
        with self._lock:
            self._rows.clear()
            self._append({"reset": True, "at": datetime.now(UTC).isoformat()})

    def _append(self, value: Mapping[str, Any]) -> None:
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(value, ensure_ascii=False) + "\n")


def as_json(row: LedgerRow) -> dict[str, Any]:
    """Return the row as JSON, its facts beside its fields."""
    value = asdict(row)
    facts = value.pop("facts")
    return {**facts, **value}


def _equals(row: LedgerRow, name: str, value: str) -> bool:
    found = as_json(row).get(name)
    if isinstance(found, bool):
        return value.casefold() in ("true", "1") if found else value.casefold() in ("false", "0")
    return str(found) == value
