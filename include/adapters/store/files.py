"""Every byte stream ever accepted, by day and source, with its version and how it was read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, func, select, text, update

from include.adapters.store.schema import files
from include.domain.calendar import Window
from include.domain.settlement import SettlementDay
from include.services.files import FileState, StoredFile


class SqlFiles:
    """The table ``files``. A newer version of a window is a restatement, never an overwrite."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, file: StoredFile) -> StoredFile:
        """Record a file under the next version.

        Bytes that are the newest version already stay as they are. Bytes that were an older
        version become the newest again: the sender went back to them. Either way a file whose
        source now names another layout is read anew by that.
        """
        with self._engine.begin() as connection:
            _take_turns(connection, file)
            return self._keep(connection, file)

    def _keep(self, connection: Connection, file: StoredFile) -> StoredFile:
        same_source = (
            files.c.merchant_id == file.merchant_id,
            files.c.settlement_date == file.settlement_date,
            files.c.source == file.source,
        )
        newest = connection.execute(
            select(func.max(files.c.version)).where(*same_source)
        ).scalar_one()
        known = (
            connection.execute(select(files).where(*same_source, files.c.digest == file.digest))
            .mappings()
            .first()
        )
        if known is None:
            row = _row(file) | {"version": (newest or 0) + 1}
            key = connection.execute(files.insert().values(row)).inserted_primary_key
            return replace(file, version=row["version"], file_id=int(key[0]) if key else 0)
        is_newest = known["version"] == newest
        if is_newest and known["layout"] == file.layout:
            return _file(known)
        again = {
            "version": newest if is_newest else newest + 1,
            "layout": file.layout,
            "state": file.state.value,
            "reason": file.reason,
        }
        connection.execute(update(files).where(files.c.file_id == known["file_id"]).values(again))
        return _file({**known, **again})

    def of_day(self, day: SettlementDay) -> Sequence[StoredFile]:
        """Return all versions of all sources of a day, oldest first."""
        query = (
            select(files)
            .where(
                files.c.merchant_id == day.merchant_id,
                files.c.settlement_date == day.settlement_date,
            )
            .order_by(files.c.source, files.c.version)
        )
        return self._read(query)

    def with_digest(self, merchant_id: str, source: str, digest: str) -> Sequence[StoredFile]:
        """Return where these bytes were received for this source, oldest day first."""
        query = (
            select(files)
            .where(
                files.c.merchant_id == merchant_id,
                files.c.source == source,
                files.c.digest == digest,
            )
            .order_by(files.c.settlement_date, files.c.version)
        )
        return self._read(query)

    def conclude(self, file: StoredFile) -> None:
        """Write state, reason and counts of a file that is already kept."""
        changed = {
            "state": file.state.value,
            "reason": file.reason,
            "lines_in": file.lines_in,
            "lines_classified": file.lines_classified,
            "lines_quarantined": file.lines_quarantined,
            "lines_without_money": file.lines_without_money,
        }
        with self._engine.begin() as connection:
            connection.execute(update(files).where(files.c.file_id == file.file_id).values(changed))

    def layouts(self, day: SettlementDay) -> Mapping[str, str]:
        """Return the layout's name by file digest."""
        return {file.digest: file.layout for file in self.of_day(day)}

    def _read(self, query: Any) -> list[StoredFile]:
        with self._engine.begin() as connection:
            return [_file(row) for row in connection.execute(query).mappings()]


def _take_turns(connection: Connection, file: StoredFile) -> None:
    """Let one worker at a time number the versions of a window; SQLite's BEGIN does so anyway."""
    if connection.dialect.name == "postgresql":
        turn = f"files|{file.merchant_id}|{file.source}|{file.settlement_date}"
        connection.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:turn, 0))"), {"turn": turn}
        )


def _row(file: StoredFile) -> dict[str, Any]:
    return {
        "merchant_id": file.merchant_id,
        "settlement_date": file.settlement_date,
        "source": file.source,
        "layout": file.layout,
        "digest": file.digest,
        "size_bytes": file.size_bytes,
        "window_start_at": file.window.start_at if file.window else None,
        "window_end_at": file.window.end_at if file.window else None,
        "received_at": file.received_at,
        "state": file.state.value,
        "reason": file.reason,
    }


def _file(row: Mapping[Any, Any]) -> StoredFile:
    start, end = row["window_start_at"], row["window_end_at"]
    return StoredFile(
        merchant_id=row["merchant_id"],
        settlement_date=row["settlement_date"],
        source=row["source"],
        layout=row["layout"],
        digest=row["digest"],
        size_bytes=row["size_bytes"],
        received_at=row["received_at"],
        window=Window(start, end) if start and end else None,
        version=row["version"],
        state=FileState(row["state"]),
        reason=row["reason"],
        lines_in=row["lines_in"],
        lines_classified=row["lines_classified"],
        lines_quarantined=row["lines_quarantined"],
        lines_without_money=row["lines_without_money"],
        file_id=row["file_id"],
    )
