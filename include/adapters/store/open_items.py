"""Open items in the database: each finding once, with its age, owner and how it ended."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from include.adapters.store.schema import open_items
from include.adapters.store.upsert import execute_many
from include.domain.matching import Cause
from include.domain.open_items import OpenItem
from include.domain.settlement import SettlementDay
from include.services.ports import Clock

# Resolved by this, an item may be found again: its cause was gone for a while, nobody decided.
NOT_FOUND = "tieout re-run"
MACHINES = (
    *(NOT_FOUND, "tieout classify", "tieout match", "tieout fund", "tieout post"),
    "tieout disputes",
)
_CHUNK = 10_000
_REFRESHED = "currency amount_minor source document_id explanation next_action".split()


class SqlOpenItems:
    """The list a controller works through. What a person resolved stays resolved."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def replace_findings(self, day: SettlementDay, stage: str, items: Sequence[OpenItem]) -> None:
        """Make ``items`` the findings of one stage on one day; those not found any more resolve."""
        wanted = {item.item_key for item in items}
        query = select(open_items.c.item_key).where(
            open_items.c.merchant_id == day.merchant_id,
            open_items.c.settlement_date == day.settlement_date,
            open_items.c.stage == stage,
            open_items.c.state == "open",
        )
        with self._engine.begin() as connection:
            known = connection.execute(query).scalars().all()
            gone = sorted(key for key in known if key not in wanted)
            self._resolve(connection, gone, NOT_FOUND, "no longer found when the day was run again")
            self._open(connection, items)

    def replace_stage(
        self, merchant_id: str, stage: str, items: Sequence[OpenItem], resolution: str
    ) -> None:
        """Make ``items`` the findings of a stage that looks at all of a merchant's days at once."""
        wanted = {item.item_key for item in items}
        query = select(open_items.c.item_key).where(
            open_items.c.merchant_id == merchant_id,
            open_items.c.stage == stage,
            open_items.c.state == "open",
        )
        with self._engine.begin() as connection:
            known = connection.execute(query).scalars().all()
            gone = sorted(key for key in known if key not in wanted)
            self._resolve(connection, gone, NOT_FOUND, resolution)
            self._open(connection, items)

    def open(self, items: Sequence[OpenItem]) -> None:
        """Open or refresh items of any day; one that a person resolved stays resolved."""
        if items:
            with self._engine.begin() as connection:
                self._open(connection, items)

    def resolve(self, item_keys: Sequence[str], *, resolved_by: str, resolution: str) -> None:
        """Resolve the named items that are open; unknown keys are fine."""
        if item_keys:
            with self._engine.begin() as connection:
                self._resolve(connection, item_keys, resolved_by, resolution)

    def open_of_day(self, day: SettlementDay) -> list[OpenItem]:
        """Return the items of the day that are not resolved, in the order they were opened."""
        query = (
            select(open_items)
            .where(
                open_items.c.merchant_id == day.merchant_id,
                open_items.c.settlement_date == day.settlement_date,
                open_items.c.state == "open",
            )
            .order_by(open_items.c.item_id)
        )
        with self._engine.begin() as connection:
            return [_item(row) for row in connection.execute(query).mappings()]

    def of_stage(self, merchant_id: str, stage: str) -> list[OpenItem]:
        """Return a merchant's items of one stage that are not resolved, the oldest first."""
        query = (
            select(open_items)
            .where(
                open_items.c.merchant_id == merchant_id,
                open_items.c.stage == stage,
                open_items.c.state == "open",
            )
            .order_by(open_items.c.item_id)
        )
        with self._engine.begin() as connection:
            return [_item(row) for row in connection.execute(query).mappings()]

    def _open(self, connection: Connection, items: Sequence[OpenItem]) -> None:
        insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
        statement = insert(open_items)
        statement = statement.on_conflict_do_update(
            index_elements=["item_key"],
            set_={
                **{name: statement.excluded[name] for name in _REFRESHED},
                "state": "open",
                "resolved_at": None,
                "resolved_by": "",
                "resolution": "",
            },
            # A person's decision outlives every re-run.
            where=or_(
                open_items.c.state == "open",
                *(open_items.c.resolved_by == machine for machine in MACHINES),
            ),
        )
        now = self._clock.now()
        for start in range(0, len(items), _CHUNK):
            rows = [_row(item) | {"opened_at": now} for item in items[start : start + _CHUNK]]
            execute_many(connection, statement, rows)

    def _resolve(
        self, connection: Connection, keys: Sequence[str], resolved_by: str, resolution: str
    ) -> None:
        statement = (
            update(open_items)
            .where(open_items.c.item_key == bindparam("key"), open_items.c.state == "open")
            .values(
                state="resolved",
                resolved_at=self._clock.now(),
                resolved_by=resolved_by,
                resolution=resolution,
            )
        )
        for start in range(0, len(keys), _CHUNK):
            connection.execute(statement, [{"key": key} for key in keys[start : start + _CHUNK]])


def _row(item: OpenItem) -> dict[str, Any]:
    return {
        "item_key": item.item_key,
        "merchant_id": item.merchant_id,
        "settlement_date": item.settlement_date,
        "stage": item.stage,
        "cause": item.cause.value,
        "currency": item.currency or "",
        "amount_minor": item.amount_minor,
        "source": item.source,
        "document_id": item.document_id,
        "explanation": item.explanation,
        "next_action": item.next_action,
        "owner": item.owner,
        "state": "open",
        "resolved_by": "",
        "resolution": "",
    }


def _item(row: Mapping[Any, Any]) -> OpenItem:
    return OpenItem(
        item_key=row["item_key"],
        merchant_id=row["merchant_id"],
        settlement_date=row["settlement_date"],
        stage=row["stage"],
        cause=Cause(row["cause"]),
        currency=row["currency"] or None,
        amount_minor=row["amount_minor"],
        source=row["source"],
        document_id=row["document_id"],
        explanation=row["explanation"],
        next_action=row["next_action"],
        owner=row["owner"],
    )
