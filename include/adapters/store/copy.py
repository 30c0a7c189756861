"""A copy of what the settlement days know, in a store of its own, to try things on."""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Engine, Table, delete, insert, select

from include.adapters.store import dispute_tables, schema
from include.adapters.store.transactions import reading
from include.domain.settlement import SettlementDay
from include.services.effects.ports import EffectKind

_ROWS = 5_000
_LEDGER = (EffectKind.gl_journal, EffectKind.ap_invoice, EffectKind.cash_book_entry)
# Each with what is left out; orders, their effects and the audit chain are no part of a day.
_TABLES: Mapping[Table, ColumnElement[bool] | None] = {
    schema.files: None,
    schema.settlement_days: None,
    schema.quality_results: None,
    schema.expectations: None,
    schema.open_items: None,
    schema.journals: None,
    schema.approvals: None,
    schema.tie_outs: None,
    schema.effects: schema.effects.c.kind.in_([kind.value for kind in _LEDGER]),
    schema.dead_letters: schema.dead_letters.c.kind.in_([kind.value for kind in _LEDGER]),
    dispute_tables.dispute_events: None,
    dispute_tables.dispute_days: None,
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


def copy_days(source: Engine, target: Engine) -> int:
    """Copy all settlement days with what belongs to them; return the rows.

    Args:
        source: stays as it is; nobody has to wait.
        target: empty, of the same schema.
    """
    count = 0
    with reading(source) as found, target.begin() as made:
        for table, wanted in _TABLES.items():
            query = select(table) if wanted is None else select(table).where(wanted)
            rows = found.execution_options(yield_per=_ROWS).execute(query)
            for part in rows.partitions(_ROWS):
                made.execute(insert(table), [dict(row._mapping) for row in part])
                count += len(part)
    return count
