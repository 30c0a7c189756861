"""The tables of one company, as COMFND sees them.

Small tables and everything posted are kept; AR documents come from the world day by day, so that a
company with months of trade costs nothing until somebody asks. Columns follow the SYSPRO
reference's ``sql-columns.tsv``; numeric keys are stored zero-padded, as SYSPRO stores them.
"""

import functools
import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal

from include.sandbox.ports import World

Value = str | int | Decimal | date
Row = dict[str, Value]

KEY_WIDTHS = {"Customer": 15, "Invoice": 15, "SalesOrder": 15, "Supplier": 15}
DATED = {"ArInvoice": "InvoiceDate", "SorMaster": "OrderDate"}  # table to the column days go by
# Asked for before the first row exists, a table still has its columns.
COLUMNS = {
    "ArInvoice": "Customer Invoice DocumentType InvoiceDate CurrencyValue PostCurrency "
    "CustomerPoNumber SalesOrder InvoiceBal1 Branch TermsCode Area Salesperson",
    "SorMaster": "SalesOrder Customer CustomerPoNumber OrderDate OrderStatus Currency",
    "ArCustomer": "Customer Name Currency CustomerOnHold CreditLimit CreditStatus",
    "ApSupplier": "Supplier SupplierName Currency",
    "CshBank": "Bank Description Currency",
    "GenMaster": "Company GlCode Description AccountType GlGroup CurrentBalance PtdDrValue "
    "PtdCrValue ControlAccFlag AccOnHldFlag",
    "GenJournalCtl": "GlYear GlPeriod GlJournal JournalDate NumOfEntries DebitAmount CreditAmount "
    "JnlPostingType Source Operator JnlStatus Reference Notation Authorised AuthorisedBy PostedBy "
    "PostDate JournalSource",
    "GenJournalDetail": "Journal GlYear GlPeriod EntryNumber EntryType GlCode Reference Comment "
    "EntryValue EntryDate EntryPosted InterCompanyFlag Company CurrencyValue PostCurrency Source "
    "Type SubModJournal TransactionDate",
    "ApInvoice": "Supplier Invoice OrigInvValue MthInvBal1 MthInvBal2 MthInvBal3 InvoiceDate "
    "Reference Journal Currency",
    "InvWarehouse": "StockCode Warehouse QtyOnHand QtyAllocated",
}


class Tables:
    """Rows by table name. Reading gives copies of nothing: callers must not change rows."""

    def __init__(self, world: World, company: str) -> None:
        self._world, self._company = world, company
        self._kept: dict[str, list[Row]] = defaultdict(list)
        self._by_day: dict[str, dict[date, list[Row]]] = {}
        masters = itertools.takewhile(lambda pair: pair[0] not in DATED, world.erp_tables(company))
        for table, row in masters:
            self.add(table, _stored(row))
        self._of_day = functools.lru_cache(maxsize=256)(self._generate)

    def names(self) -> set[str]:
        return set(COLUMNS) | set(self._kept)

    def columns(self, table: str) -> list[str]:
        """Return the known column names, declared ones first."""
        found = dict.fromkeys(COLUMNS.get(table, "").split())
        for row in self._kept.get(table, [])[:1]:
            found |= dict.fromkeys(row)
        if table in DATED:
            for row in self._of_day(self._world.start).get(table, [])[:1]:
                found |= dict.fromkeys(row)
        return list(found)

    def add(self, table: str, row: Row) -> Row:
        """Keep a row; posted rows and seeded ones live together."""
        day = row.get(DATED.get(table, ""))
        if isinstance(day, date):
            self._by_day.setdefault(table, {}).setdefault(day, []).append(row)
        else:
            self._kept[table].append(row)
        return row

    def rows(
        self, table: str, first: date | None = None, last: date | None = None
    ) -> Iterator[Row]:
        """Yield the rows of a table; for dated tables only those of the days asked for."""
        yield from list(self._kept.get(table, ()))
        if table not in DATED:
            return
        kept_days = self._by_day.get(table, {})
        for day in self._span(kept_days, first, last):
            yield from self._of_day(day).get(table, ())
            yield from list(kept_days.get(day, ()))

    def find(self, table: str, where: Callable[[Row], bool]) -> Row | None:
        """Return the first kept row that fits; dated tables are not searched."""
        return next((row for row in self._kept.get(table, ()) if where(row)), None)

    def _span(
        self, kept: Mapping[date, list[Row]], first: date | None, last: date | None
    ) -> list[date]:
        low = max(self._world.start, first or self._world.start)
        high = min(self._world.last, last or self._world.last)
        generated = {low + timedelta(days=n) for n in range((high - low).days + 1)}
        known = generated | set(kept)
        return sorted(d for d in known if (first or d) <= d <= (last or d))

    def _generate(self, day: date) -> dict[str, list[Row]]:
        if not self._world.start <= day <= self._world.last:
            return {}
        found: dict[str, list[Row]] = defaultdict(list)
        for table, row in self._world.erp_day(self._company, day):
            found[table].append(_stored(row))
        return found


def padded_key(column: str, value: str) -> str:
    """Return a key as stored: a numeric one filled with leading zeros."""
    width = KEY_WIDTHS.get(column)
    return value.zfill(width) if width and value.isascii() and value.isdigit() else value


def plain_key(value: str) -> str:
    """Return a stored key as objects show it: without the zeros, but six digits at least."""
    return value.lstrip("0").zfill(6) if value.isascii() and value.isdigit() else value


_DECIMALS = frozenset(
    "CurrencyValue OrigDiscValue InvoiceBal1 CurrentBalance PtdDrValue PtdCrValue CreditLimit "
    "OrigInvValue".split()
)
_INTEGERS = frozenset(("InvoiceYear", "InvoiceMonth"))


def _stored(row: Mapping[str, Value]) -> Row:
    """Give a seeded row the types of its columns; texts stay as they are."""
    return {column: _typed(column, value) for column, value in row.items()}


def _typed(column: str, value: Value) -> Value:
    if not isinstance(value, str):
        return value
    if column in _DECIMALS:
        return Decimal(value or "0")
    if column in _INTEGERS:
        return int(value or "0")
    if column.endswith("Date") and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        return date.fromisoformat(value)
    return padded_key(column, value)
