"""Which stock codes SYSPRO had in a warehouse when the stock feed was read last."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, delete, select

from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.leases import once_insert
from include.adapters.store.order_tables import stocked_products
from include.adapters.store.transactions import reading
from include.adapters.store.watermarks import SqlWatermarks

# A list that nobody has brought up to date for so long says nothing: the feed may stand still.
_FRESH_FOR = timedelta(hours=1)
_ROWS = 500  # of one statement
_t = stocked_products.c


@dataclass(frozen=True, slots=True)
class SqlStockList:
    """Satisfies ``sync.ports.StockList`` on SQLite and PostgreSQL."""

    engine: Engine
    clock: StoreClock = database_now

    def note(
        self,
        company_id: str,
        warehouse: str,
        stock_codes: Iterable[str],
        at: datetime,
        *,
        is_whole: bool,
    ) -> None:
        """Take in what was read; where it is everything, forget what was not among it.

        Nothing at all is no list: a warehouse that is misspelt, or that the operator may not read,
        comes back empty, and checkout would refuse every order of it until the next day.
        """
        place = {"company_id": company_id, "warehouse": warehouse}
        rows = [
            {**place, "stock_key": key, "seen_at": at}
            for key in sorted({code.casefold() for code in stock_codes})
        ]
        if is_whole and not rows:
            return
        with self.engine.begin() as connection:
            wanted = once_insert(connection, stocked_products)
            wanted = wanted.on_conflict_do_update(
                index_elements=[_t.company_id, _t.warehouse, _t.stock_key],
                set_={"seen_at": wanted.excluded.seen_at},
                where=_t.seen_at < wanted.excluded.seen_at,  # another shop's push may be later
            )
            for start in range(0, len(rows), _ROWS):
                connection.execute(wanted, rows[start : start + _ROWS])
            if is_whole:
                here = (_t.company_id == company_id, _t.warehouse == warehouse)
                connection.execute(delete(stocked_products).where(*here, _t.seen_at < at))
        marks, name = SqlWatermarks(self.engine, self.clock), _name(company_id, warehouse)
        if is_whole or marks.get(name):
            marks.move(name, at.astimezone(UTC).isoformat(timespec="microseconds"))

    def absent(
        self, company_id: str, warehouse: str, stock_codes: Sequence[str]
    ) -> tuple[str, ...]:
        """Return the codes that are not there; none where no whole and fresh list is."""
        keys = {code.casefold() for code in stock_codes}
        here = (_t.company_id == company_id, _t.warehouse == warehouse)
        with reading(self.engine) as connection:
            found = connection.execute(select(_t.stock_key).where(*here, _t.stock_key.in_(keys)))
            missing = keys - {row.stock_key for row in found}
            if not missing:
                return ()
            now = self.clock(connection)
        read_at = SqlWatermarks(self.engine).get(_name(company_id, warehouse))
        if not read_at or datetime.fromisoformat(read_at) < now - _FRESH_FOR:
            return ()
        return tuple(code for code in stock_codes if code.casefold() in missing)


def _name(company_id: str, warehouse: str) -> str:
    return f"stocked|{company_id}|{warehouse}"
