"""A copy of what a merchant's settlement days know, in a store of its own, to try things on."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, Table, delete, insert, select

from include.adapters.store import dispute_tables, schema
from include.adapters.store.transactions import snapshot
from include.domain.settlement import SettlementDay
from include.services.effects.ports import EffectKind

_ROWS = 5_000
_LEDGER = tuple(
    kind.value
    for kind in (EffectKind.gl_journal, EffectKind.ap_invoice, EffectKind.cash_book_entry)
)
# Orders, their effects and the audit chain are no part of a day.
_OF_MERCHANT = (
    schema.files,
    schema.settlement_days,
    schema.quality_results,
    schema.expectations,
    schema.open_items,
    schema.journals,
    dispute_tables.dispute_events,
    dispute_tables.dispute_days,
)
_BY_JOURNAL: Mapping[Table, ColumnElement[bool] | None] = {
    schema.approvals: None,
    schema.tie_outs: None,
    schema.effects: schema.effects.c.kind.in_(_LEDGER),
    schema.dead_letters: schema.dead_letters.c.kind.in_(_LEDGER),
}


def forget_journals(copy: Engine, day: SettlementDay) -> None:
    """Let a day of a copy be built as if for the first time: what is booked is never recoded."""
    journals = schema.journals
    with copy.begin() as made:
        made.execute(
            delete(journals).where(
                journals.c.merchant_id == day.merchant_id,
                journals.c.settlement_date == day.settlement_date,
            )
        )


def copy_days(source: Engine, target: Engine, merchant_id: str) -> int:
    """Copy all settlement days of one merchant with what belongs to them; return the rows.

    All days, since one is matched against what earlier ones expected and left open.

    Args:
        source: read as it is at one instant, see ``snapshot``.
        target: empty, of the same schema.
        merchant_id: as in ``merchants.yaml``.
    """
    count = 0
    with snapshot(source) as found, target.begin() as made:
        found.execution_options(yield_per=_ROWS)
        for table, query in _queries(merchant_id):
            for part in found.execute(query).partitions(_ROWS):
                made.execute(insert(table), [dict(row._mapping) for row in part])
                count += len(part)
    return count


def _queries(merchant_id: str) -> Iterator[tuple[Table, Select[Any]]]:
    for table in _OF_MERCHANT:
        yield table, select(table).where(table.c.merchant_id == merchant_id)
    ours = select(schema.journals.c.journal_key).where(schema.journals.c.merchant_id == merchant_id)
    for table, wanted in _BY_JOURNAL.items():
        key = table.c.journal_key if "journal_key" in table.c else table.c.key
        query = select(table).where(key.in_(ours))
        yield table, query if wanted is None else query.where(wanted)
