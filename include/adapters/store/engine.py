"""Open Tieout's database: SQLite (WAL, FULL) by default, PostgreSQL in production."""

import time
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError

_CONNECTIONS = 15  # of one process, kept: one opened anew costs more than what it is used for
_TRUSTED_S = 2.0  # a connection used so lately is taken to live; asking costs a round trip
_USED_AT = "tieout_used_at"


def open_store(url: str) -> Engine:
    """Return an engine for ``url``; nothing connects until it is used."""
    if not url.startswith("sqlite"):
        return _ping_the_idle(
            create_engine(url, pool_size=_CONNECTIONS, max_overflow=0, hide_parameters=True)
        )
    engine = create_engine(
        url, connect_args={"timeout": 60, "check_same_thread": False}, hide_parameters=True
    )

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


def _ping_the_idle(engine: Engine) -> Engine:
    """Replace a connection that died while nobody used it, as ``pool_pre_ping`` would."""

    @event.listens_for(engine, "checkin")
    def _used(_connection: Any, record: Any) -> None:
        record.info[_USED_AT] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _is_alive(connection: Any, record: Any, _proxy: Any) -> None:
        idle_s = time.monotonic() - record.info.get(_USED_AT, time.monotonic())
        if idle_s < _TRUSTED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error:
            raise DisconnectionError from None

    return engine
