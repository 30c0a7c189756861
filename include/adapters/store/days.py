"""Where each settlement day stands: its last finished step, coverage and totals."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, func, select, true

from include.adapters.store.schema import settlement_days, tie_outs
from include.adapters.store.upsert import upsert
from include.domain.settlement import Coverage, Knowledge, LineClass, SettlementDay
from include.services.ports import Clock


@dataclass(frozen=True, slots=True)
class DayRecord:
    """One row of ``settlement_days``; ``totals`` is currency -> class -> minor units."""

    day: SettlementDay
    state: str
    reason: str
    coverage: tuple[Coverage, ...]
    totals: Mapping[str, Mapping[str, int]]
    mapping_version: str
    run_id: str

    def totals_by_class(self) -> dict[tuple[str, LineClass], int]:
        """Return the totals keyed as ``classify_lines`` gives them."""
        return {
            (currency, LineClass(line_class)): minor
            for currency, classes in self.totals.items()
            for line_class, minor in classes.items()
        }


class SqlDays:
    """The days' progress. A step that runs again overwrites what it said before."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def get(self, day: SettlementDay) -> DayRecord | None:
        found = self.between(day.settlement_date, day.settlement_date, [day.merchant_id])
        return found[0] if found else None

    def between(
        self, first: date, last: date, merchant_ids: Sequence[str] | None = None
    ) -> list[DayRecord]:
        """Return the days first..last, newest first, of all or of the named merchants."""
        query = (
            select(settlement_days)
            .where(settlement_days.c.settlement_date.between(first, last))
            .order_by(settlement_days.c.settlement_date.desc(), settlement_days.c.merchant_id)
        )
        if merchant_ids is not None:
            query = query.where(settlement_days.c.merchant_id.in_(merchant_ids))
        with self._engine.begin() as connection:
            return [_record(row) for row in connection.execute(query).mappings()]

    def latest(self) -> date | None:
        """Return the newest settlement date known, or None."""
        with self._engine.begin() as connection:
            found: date | None = connection.execute(
                select(func.max(settlement_days.c.settlement_date))
            ).scalar_one_or_none()
        return found

    def of_run(self, run_id: str) -> list[SettlementDay]:
        """Return the days that an Airflow run was the last to choose."""
        query = select(settlement_days.c.merchant_id, settlement_days.c.settlement_date).where(
            settlement_days.c.run_id == run_id
        )
        with self._engine.begin() as connection:
            return [SettlementDay(*row) for row in connection.execute(query)]

    def runs(self, merchant_id: str) -> list[tuple[date, str]]:
        """Return every date of a merchant on record, with the run that last chose it."""
        query = select(settlement_days.c.settlement_date, settlement_days.c.run_id).where(
            settlement_days.c.merchant_id == merchant_id
        )
        with self._engine.begin() as connection:
            return [(on, run_id) for on, run_id in connection.execute(query)]

    def in_state(self, state: str, *, since: datetime | None = None) -> list[SettlementDay]:
        """Return the days that stand so, the oldest first; ``since``: at the latest."""
        query = (
            select(settlement_days.c.merchant_id, settlement_days.c.settlement_date)
            .where(settlement_days.c.state == state)
            .where(true() if since is None else settlement_days.c.updated_at <= since)
            .order_by(settlement_days.c.settlement_date, settlement_days.c.merchant_id)
        )
        with self._engine.begin() as connection:
            return [SettlementDay(*row) for row in connection.execute(query)]

    def record(
        self,
        day: SettlementDay,
        state: str,
        *,
        reason: str = "",
        coverage: Sequence[Coverage] | None = None,
        totals: Mapping[tuple[str, LineClass], int] | None = None,
        mapping_version: str | None = None,
        run_id: str | None = None,
    ) -> None:
        """Note the step that finished, and what it found out where it says so."""
        known = self.get(day)
        row: dict[str, Any] = {
            "merchant_id": day.merchant_id,
            "settlement_date": day.settlement_date,
            "state": state,
            "reason": reason,
            "updated_at": self._clock.now(),
            "coverage": _coverage_text(known.coverage if known else ()),
            "totals": json.dumps(known.totals if known else {}, sort_keys=True),
            "mapping_version": known.mapping_version if known else "",
            "run_id": known.run_id if known else "",
        }
        if coverage is not None:
            row["coverage"] = _coverage_text(coverage)
        if totals is not None:
            nested: dict[str, dict[str, int]] = {}
            for (currency, line_class), minor in totals.items():
                nested.setdefault(currency, {})[line_class.value] = minor
            row["totals"] = json.dumps(nested, sort_keys=True)
        if run_id is not None:
            row["run_id"] = run_id
        if mapping_version is not None:
            row["mapping_version"] = mapping_version
        with self._engine.begin() as connection:
            upsert(connection, settlement_days, [row], ["merchant_id", "settlement_date"])


def _coverage_text(coverage: Sequence[Coverage]) -> str:
    return json.dumps([[c.line_class.value, c.knowledge.value, c.source] for c in coverage])


def _record(row: Mapping[Any, Any]) -> DayRecord:
    return DayRecord(
        day=SettlementDay(row["merchant_id"], row["settlement_date"]),
        state=row["state"],
        reason=row["reason"],
        coverage=tuple(
            Coverage(LineClass(line_class), Knowledge(knowledge), source)
            for line_class, knowledge, source in json.loads(row["coverage"])
        ),
        totals=json.loads(row["totals"]),
        mapping_version=row["mapping_version"],
        run_id=row["run_id"],
    )


class SqlTieOuts:
    """Both totals and the signed difference, per posted journal."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def record(
        self, journal_key: str, currency: str, ours_minor: int, theirs_minor: int, detail: str
    ) -> None:
        row = {
            "journal_key": journal_key,
            "currency": currency,
            "ours_minor": ours_minor,
            "theirs_minor": theirs_minor,
            "difference_minor": theirs_minor - ours_minor,
            "detail": detail,
            "checked_at": self._clock.now(),
        }
        with self._engine.begin() as connection:
            upsert(connection, tie_outs, [row], ["journal_key"])

    def of(self, journal_keys: Sequence[str]) -> list[Mapping[str, Any]]:
        """Return the tie-outs of these journals as rows."""
        query = select(tie_outs).where(tie_outs.c.journal_key.in_(list(journal_keys)))
        with self._engine.begin() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]
