"""The audit trail: append-only, hash-chained, safe with many writers on both databases."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, insert, select, text

from include.adapters.store.schema import audit
from include.services.effects import chain

# Any number will do, as long as nothing else takes a lock of this number.
_CHAIN_LOCK = 0x71E0_AD17
_LOCK_AND_HEAD = text(
    f"SELECT pg_advisory_xact_lock({_CHAIN_LOCK});"  # noqa: S608 - a number of ours
    "SELECT hash FROM audit ORDER BY entry_no DESC LIMIT 1"
)
_HEAD = select(audit.c.hash).order_by(audit.c.entry_no.desc()).limit(1)
_INSERT = insert(audit).inline()  # nobody asks for the number of an entry


def append(
    connection: Connection, at: datetime, who: str, what: str, subject: str, detail: str
) -> None:
    """Append one entry in the caller's transaction. Call it last: it queues all writers."""
    append_all(connection, [chain.AuditEntry(at, who, what, subject, detail)])


def sign(connection: Connection, at: datetime, subject: str, signed: chain.Signed | None) -> None:
    """Append what a person decides in the transaction that decides it; ``None``: a machine did."""
    if signed is not None:
        append_all(connection, [signed.entry(at, subject)])


def append_all(connection: Connection, entries: Sequence[chain.AuditEntry]) -> None:
    """Append entries, in order, in the caller's transaction. Call it last: it queues all writers.

    SQLite has one writer anyway; PostgreSQL takes an advisory lock until the commit. Should both
    ever fail, UNIQUE (previous_hash) stops the chain from forking.
    """
    previous, rows = _head(connection), []
    for entry in entries:
        found = chain.entry_hash(previous, entry)
        rows.append(
            {
                "at": entry.at,
                "who": entry.who,
                "what": entry.what,
                "subject": entry.subject,
                "detail": entry.detail,
                "previous_hash": previous,
                "hash": found,
            }
        )
        previous = found
    # One row, as mostly, goes by the short way: a list is prepared for many.
    connection.execute(_INSERT, rows if len(rows) > 1 else rows[0])


def _head(connection: Connection) -> str:
    """Wait for our turn, then read the end of the chain."""
    if connection.dialect.name == "sqlite":
        return connection.execute(_HEAD, {}).scalar() or chain.START
    # Both in one round trip; each statement still sees what was committed before it began.
    found = connection.execute(_LOCK_AND_HEAD).scalar()
    return str(found) if found else chain.START


def links(engine: Engine) -> Iterator[chain.Link]:
    """Yield the whole chain in order, without holding it in memory."""
    with engine.connect() as connection:
        rows = connection.execution_options(yield_per=1000).execute(
            select(audit).order_by(audit.c.entry_no)
        )
        for row in rows:
            entry = chain.AuditEntry(row.at, row.who, row.what, row.subject, row.detail)
            yield chain.Link(entry, row.previous_hash, row.hash)


def verify(engine: Engine, expected_head: str = "") -> chain.ChainVerdict:
    """Recompute every hash; with a head noted earlier, also prove that no end was cut off."""
    return chain.verify(links(engine), expected_head)


def history(engine: Engine, subject: str) -> list[chain.AuditEntry]:
    """List what happened to one subject, in order."""
    with engine.connect() as connection:
        rows = connection.execute(
            select(audit).where(audit.c.subject == subject).order_by(audit.c.entry_no)
        )
        return [
            chain.AuditEntry(row.at, row.who, row.what, row.subject, row.detail) for row in rows
        ]
