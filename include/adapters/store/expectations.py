"""Expectations in the database: what is awaited across days."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Engine, or_, select

from include.adapters.store.schema import expectations
from include.adapters.store.upsert import upsert
from include.domain.expectations import Expectation, ExpectationKind, ExpectationState

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_CHUNK = 20_000  # rows per statement: bounds the driver's memory, not the number of rows


class SqlExpectations:
    """One row per awaited thing, kept when met: the history of what came late."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load(
        self, merchant_id: str, kind: ExpectationKind, *, since_until: date, met_from: date
    ) -> list[Expectation]:
        """Return those that arose up to ``since_until`` and were not met before ``met_from``."""
        awaited = (ExpectationState.open.value, ExpectationState.missing.value)
        query = (
            select(expectations)
            .where(
                expectations.c.merchant_id == merchant_id,
                expectations.c.kind == kind.value,
                expectations.c.since_date <= since_until,
                or_(expectations.c.state.in_(awaited), expectations.c.met_date >= met_from),
            )
            .order_by(expectations.c.since_date, expectations.c.item_key)
        )
        with self._engine.begin() as connection:
            return [_expectation(row) for row in connection.execute(query).mappings()]

    def find(
        self, merchant_id: str, kind: ExpectationKind, item_keys: Sequence[str]
    ) -> list[Expectation]:
        """Return the named ones, whatever their state."""
        query = select(expectations).where(
            expectations.c.merchant_id == merchant_id,
            expectations.c.kind == kind.value,
            expectations.c.item_key.in_(list(item_keys)),
        )
        with self._engine.begin() as connection:
            rows = connection.execute(query.order_by(expectations.c.item_key)).mappings()
            return [_expectation(row) for row in rows]

    def save(self, found: Sequence[Expectation]) -> None:
        """Insert or overwrite by merchant, kind and key, in one transaction."""
        if not found:
            return
        with self._engine.begin() as connection:
            for start in range(0, len(found), _CHUNK):
                rows = [_row(expectation) for expectation in found[start : start + _CHUNK]]
                upsert(connection, expectations, rows, ["merchant_id", "kind", "item_key"])


def _row(expectation: Expectation) -> dict[str, Any]:
    return {
        "merchant_id": expectation.merchant_id,
        "kind": expectation.kind.value,
        "item_key": expectation.item_key,
        "currency": expectation.currency,
        "amount_minor": expectation.amount_minor,
        "since_date": expectation.since_date,
        "due_date": expectation.due_date,
        "state": expectation.state.value,
        "met_by": expectation.met_by,
        "met_date": expectation.met_date,
        "detail": _encode(expectation.detail),
    }


def _expectation(row: Mapping[Any, Any]) -> Expectation:
    return Expectation(
        merchant_id=row["merchant_id"],
        kind=ExpectationKind(row["kind"]),
        item_key=row["item_key"],
        currency=row["currency"],
        amount_minor=row["amount_minor"],
        since_date=row["since_date"],
        due_date=row["due_date"],
        state=ExpectationState(row["state"]),
        met_by=row["met_by"],
        met_date=row["met_date"],
        detail=json.loads(row["detail"]),
    )
