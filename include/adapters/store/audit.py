"""The audit trail: append-only, hash-chained, safe with many writers on both databases."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, insert, select, text

from include.adapters.store.schema import audit
from include.adapters.store.transactions import reading
from include.services.effects import chain

# Any number will do, as long as nothing else takes a lock of this number.
_CHAIN_LOCK = 0x71E0_AD17
_LOCK_AND_HEAD = text(
    f"SELECT pg_advisory_xact_lock({_CHAIN_LOCK});"  # noqa: S608 - a number of ours
    "SELECT hash FROM audit ORDER BY entry_no DESC LIMIT 1"
)
_HEAD = select(audit.c.hash).order_by(audit.c.entry_no.desc()).limit(1)
_INSERT = insert(audit).inline()  # nobody asks for the number of an entry
_PAGE = 2000  # entries: some 1.5 MB
_AFTER = (
    select(audit)
    .where(audit.c.entry_no > bindparam("after"))
    .order_by(audit.c.entry_no)
    .limit(bindparam("most"))
)
_FOLLOWING = select(audit.c.entry_no).where(audit.c.previous_hash == bindparam("known"))
_LAST = select(audit).order_by(audit.c.entry_no.desc()).limit(1)


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


def links(engine: Engine, after: int = 0, most: int | None = None) -> Iterator[chain.Link]:
    """Yield the chain in order, page by page: no transaction lasts longer than reading a page.

    Entries are numbered in the order of their commits, as ``append`` queues writers: none can
    appear behind a page that was read.

    Args:
        engine: of the store.
        after: the number of the entry before the first.
        most: how many at most.
    """
    left = most
    while left is None or left > 0:
        size = _PAGE if left is None else min(_PAGE, left)
        with reading(engine) as connection:
            rows = connection.execute(_AFTER, {"after": after, "most": size}).all()
        for row in rows:
            yield _link(row)
        if len(rows) < size:
            return
        after, left = rows[-1].entry_no, None if left is None else left - size


def verify(
    engine: Engine, expected_head: str = "", *, since: str = "", most: int | None = None
) -> chain.ChainVerdict:
    """Recompute hashes; with a head noted earlier, also prove that no end was cut off.

    Args:
        engine: of the store.
        expected_head: must be an entry's, before ``since`` or among those that are read.
        since: begin with the entry of this hash, instead of the first.
        most: how many entries to read; ``has_more`` then says whether there are others, and
            ``expected_head`` is demanded at the end alone.
    """
    first = _numbered(engine, since) if since else None
    if since and (first is None or first.hash != since):
        return chain.ChainVerdict(0, chain.START, broken_at=1)
    after, begun = (first.entry_no - 1, _link(first)) if first is not None else (0, None)
    found = chain.verify(links(engine, after, most), expected_head, begun)
    if not found.is_whole:
        return found
    has_more = most is not None and found.head != _end(engine)
    is_noted = has_more or _is_before(engine, expected_head, after)
    return replace(found, has_more=has_more, broken_at=None if is_noted else found.broken_at)


def _numbered(engine: Engine, known: str) -> Any:
    """Return the entry of a hash by the index that there is: of the hash that the next names."""
    with reading(engine) as connection:
        following = connection.execute(_FOLLOWING, {"known": known}).scalar()
        wanted = _LAST if following is None else _LAST.where(audit.c.entry_no < following)
        return connection.execute(wanted).one_or_none()


def _is_before(engine: Engine, known: str, after: int) -> bool:
    found = _numbered(engine, known) if known and after else None
    return found is not None and found.hash == known and found.entry_no <= after


def _end(engine: Engine) -> str:
    with reading(engine) as connection:
        return connection.execute(_HEAD).scalar() or chain.START


def _link(row: Any) -> chain.Link:
    entry = chain.AuditEntry(row.at, row.who, row.what, row.subject, row.detail)
    return chain.Link(entry, row.previous_hash, row.hash)


def history(engine: Engine, subject: str) -> list[chain.AuditEntry]:
    """List what happened to one subject, in order."""
    with engine.connect() as connection:
        rows = connection.execute(
            select(audit).where(audit.c.subject == subject).order_by(audit.c.entry_no)
        )
        return [_link(row).entry for row in rows]
