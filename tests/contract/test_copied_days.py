"""A merchant's days are copied as they stand at one instant, and nothing of the others."""

import threading
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, Table, event, func, insert, select

from include.adapters.store import copy as copying
from include.adapters.store.copy import copy_days
from include.adapters.store.engine import open_store
from include.adapters.store.schema import effects, journals, settlement_days, tie_outs
from include.services.effects.ports import EffectKind
from tests.effects import START

DAY = date(2026, 10, 31)
MANY = 12  # rows, read five at a time


@pytest.fixture
def source(migrated_url: str) -> Engine:
    return open_store(migrated_url)


@pytest.fixture
def target(tmp_path: Path, sqlite_template: Path) -> Engine:
    path = tmp_path / "copy.db"
    path.write_bytes(sqlite_template.read_bytes())
    return open_store(f"sqlite:///{path}")


def write_days(store: Engine, merchant_id: str, count: int, first: int = 0) -> None:
    with store.begin() as connection:
        for number in range(first, first + count):
            key, day = f"{merchant_id}|{number}", DAY - timedelta(days=number)
            write(connection, settlement_days, merchant_id=merchant_id, settlement_date=day)
            write(
                connection,
                journals,
                journal_key=key,
                merchant_id=merchant_id,
                settlement_date=day,
                reference=key,
            )
            write(connection, tie_outs, journal_key=key)
            kind = EffectKind.gl_journal.value
            write(connection, effects, kind=kind, key=key, reference=key)


def write(connection: object, table: Table, **values: object) -> None:
    """Insert a row with something in each column that must have something."""
    row = {
        column.name: {str: "", int: 1, date: DAY}.get(column.type.python_type, START)
        for column in table.c
        if not column.nullable
    }
    connection.execute(insert(table).values(row | values))  # type: ignore[attr-defined]


def count(store: Engine, table: Table) -> int:
    with store.begin() as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def test_one_merchants_days_are_copied_with_what_belongs_to_them(
    source: Engine, target: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "_ROWS", 5)
    write_days(source, "acme_us", MANY)
    write_days(source, "acme_eu", 3)
    assert copy_days(source, target, "acme_us") == 4 * MANY
    for table in (settlement_days, journals, tie_outs, effects):
        assert count(target, table) == MANY, table.name


def test_what_is_written_while_it_copies_is_in_no_table_of_the_copy(
    migrated_postgres: str, target: Engine
) -> None:
    """PostgreSQL alone: on SQLite the writer waits."""
    source, writer = open_store(migrated_postgres), open_store(migrated_postgres)
    write_days(source, "acme_us", 2)
    other = threading.Thread(target=write_days, args=(writer, "acme_us", 3, 2))

    @event.listens_for(source, "after_cursor_execute")
    def _write_meanwhile(*_: object) -> None:
        if other.ident is None:
            other.start()
            other.join()

    assert copy_days(source, target, "acme_us") == 4 * 2
    assert count(source, tie_outs) == 5
