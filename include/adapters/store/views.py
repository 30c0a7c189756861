"""What the pages and the demo show: read-only joins over the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Engine, func, select

from include.adapters.store.days import DayRecord, SqlDays
from include.adapters.store.schema import dead_letters, journals, open_items, reports
from include.domain.money import Money
from include.domain.settlement import NET_CLASSES, LineClass
from include.services.ports import Clock


@dataclass(frozen=True, slots=True)
class CurrencyFigures:
    """One day's classes of one currency, as exact money; ``None`` is not knowable."""

    currency: str
    gross: Money | None
    refunds: Money | None
    fees: Money | None
    chargebacks: Money | None
    net: Money
    funding: Money | None


@dataclass(frozen=True, slots=True)
class DayRow:
    """A line of the overview."""

    record: DayRecord
    figures: tuple[CurrencyFigures, ...]
    journals: tuple[Mapping[str, Any], ...]
    open_count: int
    formats: tuple[str, ...] = field(default=())


def overview(
    engine: Engine, clock: Clock, first: date, last: date, merchant_id: str | None = None
) -> list[DayRow]:
    """Return the days first..last, newest first, each with what a controller looks for."""
    days = SqlDays(engine, clock).between(first, last, [merchant_id] if merchant_id else None)
    with engine.begin() as connection:
        booked = connection.execute(
            select(journals)
            .where(journals.c.settlement_date.between(first, last), journals.c.state != "void")
            .order_by(journals.c.kind.desc(), journals.c.batch_id, journals.c.version)
        ).mappings()
        by_day: dict[tuple[str, date], list[Mapping[str, Any]]] = {}
        for row in booked:
            by_day.setdefault((row["merchant_id"], row["settlement_date"]), []).append(dict(row))
        counted = {
            (merchant, day): count
            for merchant, day, count in connection.execute(
                select(open_items.c.merchant_id, open_items.c.settlement_date, func.count())
                .where(
                    open_items.c.state == "open", open_items.c.settlement_date.between(first, last)
                )
                .group_by(open_items.c.merchant_id, open_items.c.settlement_date)
            )
        }
        written: dict[tuple[str, date], list[str]] = {}
        for merchant, day, fmt in connection.execute(
            select(reports.c.merchant_id, reports.c.settlement_date, reports.c.format).where(
                reports.c.settlement_date.between(first, last)
            )
        ):
            written.setdefault((merchant, day), []).append(fmt)
    result = []
    for record in days:
        key = (record.day.merchant_id, record.day.settlement_date)
        result.append(
            DayRow(
                record,
                tuple(_figures(record, currency) for currency in sorted(record.totals)),
                tuple(by_day.get(key, ())),
                counted.get(key, 0),
                tuple(sorted(written.get(key, ()))),
            )
        )
    return result


def _figures(record: DayRecord, currency: str) -> CurrencyFigures:
    totals = record.totals[currency]
    unknown = {c.line_class for c in record.coverage if c.knowledge.value == "not_knowable"}

    def of(*classes: LineClass) -> Money | None:
        if all(c in unknown for c in classes):
            return None
        return Money(sum(totals.get(c.value, 0) for c in classes), currency)

    return CurrencyFigures(
        currency,
        of(LineClass.gross_sale),
        of(LineClass.refund),
        of(LineClass.fee),
        of(LineClass.chargeback, LineClass.chargeback_reversal),
        Money(sum(totals.get(c.value, 0) for c in NET_CLASSES), currency),
        of(LineClass.funding),
    )


def list_open_items(
    engine: Engine,
    *,
    state: str,
    merchant_id: str = "",
    cause: str = "",
    day: date | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Sequence[Mapping[str, Any]]:
    """Return open items, the oldest first; what is not given is not asked for."""
    query = select(open_items).where(open_items.c.state == state)
    if merchant_id:
        query = query.where(open_items.c.merchant_id == merchant_id)
    if cause:
        query = query.where(open_items.c.cause == cause)
    if day:
        query = query.where(open_items.c.settlement_date == day)
    query = query.order_by(open_items.c.settlement_date, open_items.c.item_id)
    with engine.begin() as connection:
        rows = connection.execute(query.limit(limit).offset(offset)).mappings()
        return [dict(row) for row in rows]


def list_dead_letters(
    engine: Engine, *, state: str, limit: int, offset: int
) -> Sequence[Mapping[str, Any]]:
    """Return dead letters, the oldest first."""
    query = (
        select(dead_letters)
        .where(dead_letters.c.state == state)
        .order_by(dead_letters.c.opened_at, dead_letters.c.dead_letter_id)
        .limit(limit)
        .offset(offset)
    )
    with engine.begin() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def report_path(engine: Engine, merchant_id: str, day: date, fmt: str) -> str | None:
    """Return where a written report lies, or None."""
    query = select(reports.c.path).where(
        reports.c.merchant_id == merchant_id,
        reports.c.settlement_date == day,
        reports.c.format == fmt,
    )
    with engine.begin() as connection:
        return connection.execute(query).scalar_one_or_none()
