"""Disputes in the database: every event of every case, replaced day by day."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Engine, and_, case, delete, func, select

from include.adapters.store import audit
from include.adapters.store.dispute_tables import dispute_days, dispute_events
from include.adapters.store.schema import journals
from include.adapters.store.upsert import upsert
from include.domain.dispute_cases import DisputeEvent, DisputeEventKind
from include.domain.journal import JournalKind
from include.domain.settlement import SettlementDay
from include.services.effects.chain import Signed
from include.services.journal_book import IN_LEDGER, JournalState
from include.services.ports import Clock

_KEYS = "merchant_id settlement_date case_key currency kind source said_by".split()
_CHUNK = 500  # names of one query


class SqlDisputes:
    """Satisfies ``services.disputes.ports.DisputeStore``."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def read_day(self, day: SettlementDay, events: Sequence[DisputeEvent]) -> set[str]:
        """Make ``events`` what the files of a day say; return the cases named before or now."""
        t = dispute_events.c
        own = (
            t.merchant_id == day.merchant_id,
            t.settlement_date == day.settlement_date,
            t.said_by == "",
        )
        read = {"merchant_id": day.merchant_id, "settlement_date": day.settlement_date}
        with self._engine.begin() as connection:
            before = set(connection.execute(select(t.case_key).where(*own)).scalars())
            connection.execute(delete(dispute_events).where(*own))
            upsert(connection, dispute_events, [_row(event, "") for event in events], _KEYS)
            upsert(connection, dispute_days, [read | {"read_at": self._clock.now()}], list(read))
        return before | {event.case_key for event in events}

    def note_answer(self, event: DisputeEvent, signed: Signed) -> None:
        """Keep what a person said, and sign it; saying it again is only signed again."""
        subject = f"dispute|{event.merchant_id}|{event.case_key}"
        with self._engine.begin() as connection:
            upsert(connection, dispute_events, [_row(event, signed.who)], _KEYS)
            audit.sign(connection, self._clock.now(), subject, signed)

    def days_read(self, merchant_id: str, since: date) -> set[date]:
        """Return the days from ``since`` on whose files were read for disputes."""
        t = dispute_days.c
        query = select(t.settlement_date).where(
            t.merchant_id == merchant_id, t.settlement_date >= since
        )
        with self._engine.begin() as connection:
            return set(connection.execute(query).scalars())

    def latest_day(self, merchant_id: str) -> date | None:
        """Return the newest day that was read."""
        t = dispute_days.c
        query = select(func.max(t.settlement_date)).where(t.merchant_id == merchant_id)
        with self._engine.begin() as connection:
            found: date | None = connection.execute(query).scalar_one_or_none()
        return found

    def taken(self, day: SettlementDay, currency: str) -> dict[str, int]:
        """Return what each case took on that day, in minor units, positive."""
        t = dispute_events.c
        query = (
            select(t.case_key, func.sum(t.amount_minor))
            .where(
                t.merchant_id == day.merchant_id,
                t.settlement_date == day.settlement_date,
                t.currency == currency,
                t.kind == DisputeEventKind.chargeback.value,
            )
            .group_by(t.case_key)
        )
        with self._engine.begin() as connection:
            return {case_key: -int(minor) for case_key, minor in connection.execute(query)}

    def until(self, merchant_id: str, day: date) -> list[DisputeEvent]:
        """Return every event of a merchant's cases up to a settlement date."""
        t = dispute_events.c
        query = select(dispute_events).where(t.merchant_id == merchant_id, t.settlement_date <= day)
        with self._engine.begin() as connection:
            return [
                _event(row) for row in connection.execute(query.order_by(t.event_id)).mappings()
            ]

    def events(self, merchant_id: str, cases: Collection[str] = ()) -> list[DisputeEvent]:
        """Return all events of the cases that are open, and of those named.

        Open: something taken is left, and one of its chargebacks is not written off in the ledger.
        """
        with self._engine.begin() as connection:
            names = set(connection.execute(_open_cases(merchant_id)).scalars()) | set(cases)
            ordered = sorted(names)
            rows: list[Mapping[Any, Any]] = []
            for start in range(0, len(ordered), _CHUNK):
                query = select(dispute_events).where(
                    dispute_events.c.merchant_id == merchant_id,
                    dispute_events.c.case_key.in_(ordered[start : start + _CHUNK]),
                )
                query = query.order_by(dispute_events.c.event_id)
                rows += connection.execute(query).mappings()
        return [_event(row) for row in rows]


def _open_cases(merchant_id: str) -> Any:
    t = dispute_events.c
    mine = t.merchant_id == merchant_id
    left = _left(merchant_id)
    taken = (
        select(t.case_key, t.currency, t.settlement_date)
        .where(mine, t.kind == DisputeEventKind.chargeback.value)
        .distinct()
        .subquery()
    )
    done = _written_off(merchant_id)
    is_done = and_(
        done.c.batch_id == taken.c.case_key,
        done.c.currency == taken.c.currency,
        done.c.settlement_date == taken.c.settlement_date,
    )
    is_left = and_(left.c.case_key == taken.c.case_key, left.c.currency == taken.c.currency)
    return (
        select(taken.c.case_key)
        .select_from(taken.join(left, is_left).outerjoin(done, is_done))
        .where(done.c.batch_id.is_(None))
    )


def _left(merchant_id: str) -> Any:
    """Name the cases of which something taken is left, as ``disputes_of`` folds them.

    What was given back beyond what was taken until then is of a chargeback before our time: it
    gives back none that comes later.
    """
    t = dispute_events.c
    of_case = (t.case_key, t.currency)
    until = func.sum(t.amount_minor).over(
        partition_by=of_case,
        order_by=(t.settlement_date, t.kind),  # a day's chargebacks come first, by their name
    )
    runs = (
        select(*of_case, t.amount_minor, until.label("until"))
        .where(t.merchant_id == merchant_id)
        .subquery()
    )
    beyond = func.max(case((runs.c.until > 0, runs.c.until), else_=0))
    return (
        select(runs.c.case_key, runs.c.currency)
        .group_by(runs.c.case_key, runs.c.currency)
        .having(func.sum(runs.c.amount_minor) < beyond)
        .subquery()
    )


def _written_off(merchant_id: str) -> Any:
    """Name the chargebacks whose only write-off is in the ledger.

    One with a second version was taken back, in whole or in part, so it may be open again.
    """
    j = journals.c
    in_ledger = case((j.state.in_([state.value for state in IN_LEDGER]), 1), else_=0)
    return (
        select(j.batch_id, j.currency, j.settlement_date)
        .where(
            j.merchant_id == merchant_id,
            j.kind == JournalKind.dispute_lost.value,
            j.state != JournalState.void.value,
        )
        .group_by(j.batch_id, j.currency, j.settlement_date)
        .having(and_(func.count() == 1, func.min(in_ledger) == 1))
        .subquery()
    )


def _row(event: DisputeEvent, said_by: str) -> dict[str, Any]:
    return {
        "merchant_id": event.merchant_id,
        "settlement_date": event.settlement_date,
        "case_key": event.case_key,
        "kind": event.kind.value,
        "currency": event.currency,
        "amount_minor": event.amount_minor,
        "source": event.source,
        "reason_code": event.reason_code,
        "answer_by": event.answer_by,
        "answered_on": event.answered_on,
        "said_by": said_by,
    }


def _event(row: Mapping[Any, Any]) -> DisputeEvent:
    return DisputeEvent(
        merchant_id=row["merchant_id"],
        settlement_date=row["settlement_date"],
        case_key=row["case_key"],
        kind=DisputeEventKind(row["kind"]),
        currency=row["currency"],
        amount_minor=row["amount_minor"],
        source=row["source"],
        reason_code=row["reason_code"],
        answer_by=row["answer_by"],
        answered_on=row["answered_on"],
    )
