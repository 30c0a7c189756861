"""Which orders an unfinished comparison has held; satisfies ``comparing.ports.Progress``."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, delete, select

from include.adapters.store.leases import once_insert
from include.adapters.store.order_tables import compared_orders
from include.adapters.store.transactions import reading

_t = compared_orders.c


@dataclass(frozen=True, slots=True)
class SqlProgress:
    """One row per order of a comparison that has not ended."""

    engine: Engine

    def versions(self, merchant_id: str, night: str) -> Mapping[str, int]:
        wanted = select(_t.order_id, _t.version).where(
            _t.merchant_id == merchant_id, _t.night == night
        )
        with reading(self.engine) as connection:
            return {row.order_id: row.version for row in connection.execute(wanted)}

    def note(self, merchant_id: str, night: str, versions: Mapping[str, int]) -> None:
        rows = [
            {"merchant_id": merchant_id, "order_id": one, "night": night, "version": version}
            for one, version in versions.items()
        ]
        if not rows:
            return
        with self.engine.begin() as connection:
            new = once_insert(connection, compared_orders)
            changed = {"night": new.excluded.night, "version": new.excluded.version}
            key = [_t.merchant_id, _t.order_id]
            connection.execute(new.on_conflict_do_update(index_elements=key, set_=changed), rows)

    def forget(self, merchant_id: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(
                delete(compared_orders).where(compared_orders.c.merchant_id == merchant_id)
            )
