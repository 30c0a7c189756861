"""What the report reads from the store, and where each written report lies."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, Select, Table, select

from include.adapters.store.quality import SqlQuality
from include.adapters.store.schema import (
    approvals,
    files,
    journals,
    open_items,
    reports,
    settlement_days,
    tie_outs,
    watermarks,
)
from include.adapters.store.upsert import upsert
from include.domain.journal import Journal
from include.domain.money import Money
from include.domain.quality import QualityResult
from include.domain.settlement import Coverage, Knowledge, LineClass, SettlementDay
from include.services.ports import Clock
from include.services.report_model import (
    Conservation,
    FileReport,
    ItemReport,
    JournalReport,
    TieOut,
)
from include.services.write_report import DayState


class SqlReportFacts:
    """Satisfies ``services.write_report.ReportFacts``."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._quality = SqlQuality(engine, clock)

    def day_state(self, day: SettlementDay) -> DayState | None:
        rows = self._rows(_of_day(settlement_days, day))
        if not rows:
            return None
        row = rows[0]
        coverage = tuple(
            Coverage(LineClass(line_class), Knowledge(knowledge), source)
            for line_class, knowledge, source in json.loads(row["coverage"])
        )
        return DayState(row["state"], row["reason"], coverage, row["mapping_version"])

    def journals(self, day: SettlementDay) -> Sequence[JournalReport]:
        """Return the journals that are not void, first versions first."""
        t = journals.c
        order = (t.version, t.currency, t.batch_id, t.kind.desc(), t.journal_key)
        query = _of_day(journals, day).where(t.state != "void").order_by(*order)
        rows = self._rows(query)
        keys = [row["journal_key"] for row in rows]
        tied = {
            row["journal_key"]: row
            for row in self._rows(select(tie_outs).where(tie_outs.c.journal_key.in_(keys)))
        }
        return [
            JournalReport(
                journal=Journal.from_payload(row["payload"]),
                state=row["state"],
                their_key=row["their_key"],
                conservation=Conservation.of(json.loads(row["control"] or "{}"), row["currency"]),
                tie_out=_tie_out(tied.get(row["journal_key"])),
                approval=self._approval(row["journal_key"], row["digest"]),
            )
            for row in rows
        ]

    def items(self, day: SettlementDay) -> Sequence[ItemReport]:
        """Return the merchant's items still open that arose on the day or before."""
        t = open_items.c
        query = (
            select(open_items)
            .where(
                t.merchant_id == day.merchant_id,
                t.settlement_date <= day.settlement_date,
                t.state == "open",
            )
            .order_by(t.settlement_date, t.cause, t.item_key)
        )
        return [_item(row, day) for row in self._rows(query)]

    def files(self, day: SettlementDay) -> Sequence[FileReport]:
        """Return every version of every file of the day."""
        query = _of_day(files, day).order_by(files.c.source, files.c.version)
        return [
            FileReport(
                source=row["source"],
                layout=row["layout"],
                digest=row["digest"],
                version=row["version"],
                size_bytes=row["size_bytes"],
                state=row["state"],
                reason=row["reason"],
                records_in=row["lines_in"] or 0,
                records_classified=row["lines_classified"] or 0,
                records_set_aside=row["lines_quarantined"] or 0,
            )
            for row in self._rows(query)
        ]

    def quality(self, day: SettlementDay) -> QualityResult | None:
        return self._quality.of_day(day)

    def _approval(self, journal_key: str, digest: str) -> str:
        t = approvals.c
        rows = self._rows(
            select(approvals)
            .where(t.journal_key == journal_key, t.digest == digest)
            .order_by(t.decided_at.desc(), t.approval_id.desc())
        )
        if not rows:
            return ""
        row = rows[0]
        return f"{row['decision']} by {row['decided_by']}" + (
            f": {row['reason']}" if row["reason"] else ""
        )

    def _rows(self, query: Select[Any]) -> list[Mapping[str, Any]]:
        with self._engine.begin() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


def _of_day(table: Table, day: SettlementDay) -> Select[Any]:
    return select(table).where(
        table.c.merchant_id == day.merchant_id, table.c.settlement_date == day.settlement_date
    )


def _tie_out(row: Mapping[str, Any] | None) -> TieOut | None:
    if row is None:
        return None
    details = json.loads(row["detail"]) if row["detail"] else []
    words = "; ".join(map(str, details)) if isinstance(details, list) else str(details)
    return TieOut(
        Money(row["ours_minor"], row["currency"]),
        Money(row["theirs_minor"], row["currency"]),
        words,
    )


def _item(row: Mapping[str, Any], day: SettlementDay) -> ItemReport:
    minor, currency = row["amount_minor"], row["currency"] or ""
    return ItemReport(
        item_key=row["item_key"],
        settlement_date=row["settlement_date"],
        age_days=(day.settlement_date - row["settlement_date"]).days,
        stage=row["stage"],
        cause=row["cause"],
        currency=currency,
        amount=Money(minor, currency) if minor is not None and currency else None,
        source=row["source"],
        document_id=row["document_id"],
        explanation=row["explanation"],
        next_action=row["next_action"],
        owner=row["owner"],
    )


class SqlReports:
    """Satisfies ``services.write_report.Reports``."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def record(self, day: SettlementDay, fmt: str, path: str, digest: str) -> None:
        """Remember a written report in place of the one before."""
        row = {
            "merchant_id": day.merchant_id,
            "settlement_date": day.settlement_date,
            "format": fmt,
            "path": path,
            "digest": digest,
            "written_at": self._clock.now(),
        }
        with self._engine.begin() as connection:
            upsert(connection, reports, [row], ["merchant_id", "settlement_date", "format"])

    def of_day(self, day: SettlementDay) -> dict[str, tuple[str, str]]:
        """Return (path, digest) by format."""
        with self._engine.begin() as connection:
            found = connection.execute(_of_day(reports, day)).mappings()
            return {row["format"]: (row["path"], row["digest"]) for row in found}


class SqlSentMessages:
    """Satisfies ``services.notify.SentMessages``; a row per thing that was told."""

    _PREFIX = "told|"
    _CHUNK = 500  # parameters of one query

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def untold(self, keys: Sequence[str]) -> set[str]:
        """Return those of ``keys`` that no message was about."""
        names = [self._PREFIX + key for key in dict.fromkeys(keys)]
        told: set[str] = set()
        with self._engine.begin() as connection:
            for start in range(0, len(names), self._CHUNK):
                chunk = names[start : start + self._CHUNK]
                query = select(watermarks.c.name).where(watermarks.c.name.in_(chunk))
                told.update(connection.execute(query).scalars())
        return {name.removeprefix(self._PREFIX) for name in names if name not in told}

    def remember(self, keys: Sequence[str]) -> None:
        """Note that these were told."""
        now = self._clock.now()
        rows = [
            {"name": self._PREFIX + key, "value": "", "moved_at": now}
            for key in dict.fromkeys(keys)
        ]
        with self._engine.begin() as connection:
            upsert(connection, watermarks, rows, ["name"])
