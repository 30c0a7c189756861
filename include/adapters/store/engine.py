"""Open Tieout's database: SQLite (WAL, FULL) by default, PostgreSQL in production."""

import time
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError

_CONNECTIONS = 15  # of one process, kept: one opened anew costs more than what it is used for
_TRUSTED_S = 2.0  # a connection used so lately is taken to live; asking costs a round trip
_USED_AT = "tieout_used_at"
# Only ever raised: who set remote_apply has a replica in mind.
_RAISE_FROM_OFF = (
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') = 'off'"
)


def open_store(url: str) -> Engine:
    """Return an engine for ``url``; nothing connects until it is used."""
    if not url.startswith("sqlite"):
        return _open_postgres(url)
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


def _open_postgres(url: str) -> Engine:
    """Open it with what our promises rest on, whatever the server's defaults are.

    Once-only rests on constraints and row locks, which need to see what was committed meanwhile:
    a transaction that must see the world as it was when it began fails instead, in the midst of
    sends. And a send is on record only once its commit is on the disk.
    """
    engine = create_engine(
        url,
        pool_size=_CONNECTIONS,
        max_overflow=0,
        hide_parameters=True,
        isolation_level="READ COMMITTED",
    )

    @event.listens_for(engine, "connect")
    def _durable(connection: Any, _record: Any) -> None:
        connection.autocommit = True  # what a transaction sets ends with it
        with connection.cursor() as cursor:
            cursor.execute(_RAISE_FROM_OFF)
        connection.autocommit = False

    return _ping_the_idle(engine)


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
