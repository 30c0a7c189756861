"""Open Tieout's database: SQLite (WAL, FULL) by default, PostgreSQL in production."""

from typing import Any

from sqlalchemy import Engine, create_engine, event


def open_store(url: str) -> Engine:
    """Return an engine for ``url``; nothing connects until it is used."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": 60, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _durable(connection: Any, _record: Any) -> None:
        # We begin transactions ourselves: the driver's own habit begins them too late to lock.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _immediate(connection: Any) -> None:
        # A reader that turns writer would fail with "database is locked"; take the lock at once.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
