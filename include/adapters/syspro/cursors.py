"""Polling cursors: the row version of SYSPRO's tables, or a date with an overlap.

A cursor is text for its keeper, who compares cursors as text: row versions are written with a fixed
width, or a feed would stop for ever when the number gains a digit. Three forms are read: ``''``
(everything), a date (how a first poll begins) and a row version, hexadecimal or decimal as COMFND
shows it. A poll asks somewhat before its cursor: a row version
is given when a change begins and shows when it ends, so one slow transaction would be missed by a
cursor that has moved on. Rows are therefore given more than once; who takes them must not mind.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from include.adapters.syspro.documents.comfnd import Condition, Find, Row
from include.adapters.syspro.documents.reply import read_date
from include.adapters.syspro.partners.common import Asking
from include.domain.errors import Rejected

STAMP = "TimeStamp"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_HEX = re.compile(r"0x[0-9A-Fa-f]{1,16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Feed:
    """One table that is polled."""

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]  # names a row; the first column pages a poll by date
    date_column: str  # '' where the table has none
    conditions: tuple[Condition, ...] = ()


def changes(asking: Asking, feed: Feed, cursor: str, limit: int) -> Iterator[tuple[str, Row]]:
    """Yield rows with their cursors, oldest change first.

    Args:
        asking: reads SYSPRO.
        feed: what is read.
        cursor: of the last row that was taken.
        limit: rows beyond the cursor; those of the overlap do not count.

    Raises:
        Retryable: SYSPRO could not be asked.
        Rejected: the cursor is none, or the table cannot be polled so.
    """
    settings = asking.client.settings
    if settings.poll_by == "date":
        yield from _by_date(asking, feed, cursor, limit)
        return
    find = Find(
        feed.table,
        (*feed.conditions, *_since(asking, feed, cursor)),
        (*feed.columns, STAMP),
        return_rows=settings.return_rows,
    )
    last, beyond = _stamp(cursor), 0
    for row in asking.find_pages(find, STAMP, (STAMP, *feed.key), is_confirmed=True):
        stamp = row.get(STAMP.lower(), "")
        beyond += last is None or (_stamp(stamp) or 0) > last
        if beyond > limit:
            return
        yield _fixed(stamp), row


def _by_date(asking: Asking, feed: Feed, cursor: str, limit: int) -> Iterator[tuple[str, Row]]:
    """Read all since the overlap, since a page goes by key and not by date."""
    settings = asking.client.settings
    find = Find(
        feed.table,
        (*feed.conditions, *_since(asking, feed, cursor)),
        feed.columns,
        return_rows=settings.return_rows,
    )
    found: list[tuple[str, Row]] = []
    for row in asking.find_pages(find, feed.key[0], feed.key, is_confirmed=True):
        day = read_date(row.get(feed.date_column.lower(), ""), feed.table)
        found.append((day.isoformat() if day else cursor, row))
    found.sort(key=lambda pair: pair[0])
    beyond = [place for place, (day, _) in enumerate(found) if day > cursor]
    if len(beyond) > limit:  # whole days only: a date cannot say how far within it
        last = found[beyond[limit]][0]
        ended = [pair for pair in found if pair[0] < last]
        found = ended if any(day > cursor for day, _ in ended) else found
    yield from found


def _since(asking: Asking, feed: Feed, cursor: str) -> Sequence[Condition]:
    settings = asking.client.settings
    if not cursor:
        return ()
    if _DAY.fullmatch(cursor):
        _demand_date_column(asking, feed)
        back = date.fromisoformat(cursor) - timedelta(days=settings.poll_overlap_days)
        return ((feed.date_column, "GE", back.isoformat()),)
    stamp = _stamp(cursor)
    if stamp is None or settings.poll_by == "date":
        raise Rejected(
            f"{cursor!r} is no cursor of a poll by {settings.poll_by}",
            f"{feed.table}, connection {settings.conn_id}",
            "Forget this watermark; a first poll begins at a date.",
        )
    back_to = max(0, stamp - settings.poll_overlap_rows)
    is_hex = _HEX.fullmatch(cursor) is not None
    return ((STAMP, "GT", _written(back_to, is_hex=is_hex)),)


def _demand_date_column(asking: Asking, feed: Feed) -> None:
    if not feed.date_column:
        raise Rejected(
            f"{feed.table} is not dated, so it cannot be polled from a date",
            f"connection {asking.client.settings.conn_id}",
            "Use poll_by timestamp, or name its date column in the connection.",
        )


def _stamp(text: str) -> int | None:
    if _HEX.fullmatch(text):
        return int(text, 16)
    return int(text) if text.isascii() and text.isdigit() else None


def _written(stamp: int, *, is_hex: bool) -> str:
    return f"0x{stamp:016X}" if is_hex else f"{stamp:020d}"


def _fixed(text: str) -> str:
    """Return a row version with the width of the largest; what is none stays as it is."""
    stamp = _stamp(text)
    return text if stamp is None else _written(stamp, is_hex=_HEX.fullmatch(text) is not None)


def dated(feed: Feed, column: str) -> Feed:
    """Return the feed with another date column, asked for as well."""
    columns = (*feed.columns, column) if column and column not in feed.columns else feed.columns
    return replace(feed, columns=columns, date_column=column)
