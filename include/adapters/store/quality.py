"""Quality results per settlement day, and what the gate needs to know of the day's files."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select

from include.adapters.store.schema import files, quality_results
from include.domain.quality import DayFile, Finding, QualityResult, Severity, SuiteResult
from include.domain.settlement import SettlementDay
from include.services.files import FileState
from include.services.ports import Clock


class SqlQuality:
    """Satisfies ``services.check_quality.QualityStore``."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def replace(self, result: QualityResult) -> None:
        """Keep a day's result instead of an earlier one, in one transaction."""
        rows = [
            {
                "merchant_id": result.merchant_id,
                "settlement_date": result.settlement_date,
                "suite": suite.suite,
                "is_passed": suite.is_passed,
                "detail": _to_text(suite.findings),
                "checked_at": self._clock.now(),
            }
            for suite in result.suites
        ]
        table = quality_results
        with self._engine.begin() as connection:
            connection.execute(
                delete(table).where(
                    table.c.merchant_id == result.merchant_id,
                    table.c.settlement_date == result.settlement_date,
                )
            )
            if rows:
                connection.execute(insert(table), rows)

    def of_day(self, day: SettlementDay) -> QualityResult | None:
        """Return what was kept, or None where the gate has not run."""
        table = quality_results
        query = (
            select(table.c.suite, table.c.detail)
            .where(
                table.c.merchant_id == day.merchant_id,
                table.c.settlement_date == day.settlement_date,
            )
            .order_by(table.c.result_id)
        )
        with self._engine.begin() as connection:
            found = connection.execute(query).all()
        if not found:
            return None
        suites = tuple(SuiteResult(suite, _from_text(suite, detail)) for suite, detail in found)
        return QualityResult(day.merchant_id, day.settlement_date, suites)

    def day_files(self, day: SettlementDay) -> Sequence[DayFile]:
        """Return the file of each source that counts: the newest whole one, or the newest."""
        query = (
            select(files)
            .where(
                files.c.merchant_id == day.merchant_id,
                files.c.settlement_date == day.settlement_date,
            )
            .order_by(files.c.source, files.c.version)
        )
        with self._engine.begin() as connection:
            newest: dict[str, Any] = {}
            for row in connection.execute(query).mappings():
                if row["source"] not in newest or row["state"] != FileState.quarantined:
                    newest[row["source"]] = row
            return [
                DayFile(
                    source=row["source"],
                    digest=row["digest"],
                    state=row["state"],
                    reason=row["reason"],
                    window_start_at=row["window_start_at"],
                    window_end_at=row["window_end_at"],
                    lines_in=row["lines_in"] or 0,
                    lines_classified=row["lines_classified"] or 0,
                    lines_quarantined=row["lines_quarantined"] or 0,
                    lines_without_money=row.get("lines_without_money"),
                    repeats_of=_first_seen(connection, day, row["source"], row["digest"]),
                )
                for row in newest.values()
            ]


def _first_seen(connection: Connection, day: SettlementDay, source: str, digest: str) -> str:
    """Return the earlier day whose file of this source had the same bytes, or ''."""
    query = select(files.c.settlement_date).where(
        files.c.merchant_id == day.merchant_id,
        files.c.source == source,
        files.c.digest == digest,
        files.c.settlement_date < day.settlement_date,
    )
    found = connection.execute(query.order_by(files.c.settlement_date).limit(1)).scalar()
    return found.isoformat() if found else ""


def _to_text(findings: Sequence[Finding]) -> str:
    rows = [
        {
            "check": f.check,
            "severity": f.severity.value,
            "is_passed": f.is_passed,
            "sentence": f.sentence,
            "do": f.do,
        }
        for f in findings
    ]
    return json.dumps(rows, sort_keys=True)


def _from_text(suite: str, detail: str) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            suite,
            row["check"],
            Severity(row["severity"]),
            row["is_passed"],
            row["sentence"],
            row["do"],
        )
        for row in json.loads(detail)
    )
