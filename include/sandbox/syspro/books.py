"""The books of one company: ledger accounts, journals, and the numbers they run by.

All sub-ledgers post through :meth:`Books.post_journal`, so that every figure a query shows comes
from a journal. Amounts are Decimal in the company's base currency, debit positive.
Source: SYSPRO reference, sections 4.5, 4.6 and 6.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from include.sandbox.ports import World
from include.sandbox.syspro.periods import Periods, periods_at
from include.sandbox.syspro.tables import Row, Tables

BASE_CURRENCIES = {"A": "USD", "B": "GBP", "J": "JPY"}
NAMES = {"A": "Acme Inc", "B": "Acme Ltd", "J": "Acme KK"}
AR_CONTROL = "1200"
AP_CONTROL = "2050"  # the acquirer's payable, as the demo's chart of accounts has it
BANK_LEDGER = "1000"
# Base units per foreign unit, used where a document brings no rate; invented and constant.
RATES = {
    ("GBP", "EUR"): Decimal("0.860000"),
    ("USD", "EUR"): Decimal("1.083700"),
    ("USD", "GBP"): Decimal("1.260000"),
    ("USD", "JPY"): Decimal("0.006700"),
    ("GBP", "USD"): Decimal("0.793651"),
    ("JPY", "USD"): Decimal("149.253731"),
}
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a journal; the amount is signed, debit positive."""

    ledger_code: str
    amount: Decimal
    reference: str = ""
    comment: str = ""
    entry_date: date | None = None
    currency_value: Decimal | None = None  # signed, in the head's currency where that is foreign


@dataclass(frozen=True, slots=True)
class JournalHead:
    """What a journal carries beside its lines."""

    year: int  # of the calendar, and so is the month; they are kept as the ledger counts
    period: int
    journal_date: date
    reference: str = ""
    notation: str = ""
    journal_type: str = "N"
    source: str = "JE"  # JE entered, AP, CS ... by the sub-ledger
    is_posted: bool = True
    is_authorized: bool = True
    status: str = "P"
    operator: str = ""
    currency: str = ""  # of a journal entered in a foreign one


@dataclass(slots=True)
class CashEntry:
    """One transaction of a bank; ``value`` is positive, in the bank's currency."""

    bank: str
    year: int
    period: int
    entered_on: date
    entered_at: str  # hhmmsscc, unique with the date: SYSPRO's key of the transaction
    journal: int
    entry_number: int
    direction: str  # D deposit, W withdrawal
    reference: str
    value: Decimal
    transaction_date: date
    narration: str
    check_number: str
    is_reconciled: bool
    gl_journal: int


@dataclass(slots=True)
class Books:
    """One company. Hold ``lock`` while checking and posting what must not change in between."""

    company: str
    tables: Tables
    periods: Periods
    today: date  # the company date: what is entered without a date is dated so
    cash: list[CashEntry] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _numbers: dict[str, int] = field(default_factory=dict)

    @property
    def base_currency(self) -> str:
        return BASE_CURRENCIES[self.company]

    def account(self, ledger_code: str) -> Row | None:
        return self.tables.get("GenMaster", GlCode=ledger_code)

    def next_number(self, kind: str, first: int = 1) -> int:
        """Return the next of a run of numbers, e.g. of GL journals or AP journals."""
        self._numbers[kind] = self._numbers.get(kind, first - 1) + 1
        return self._numbers[kind]

    def post_journal(self, head: JournalHead, entries: Sequence[Entry]) -> int:
        """Write control record and lines, move the balances; return the journal's number."""
        number = self.next_number("gl", first=117)
        year, period = self.periods.fiscal((head.year, head.period))
        debit = sum((e.amount for e in entries if e.amount > 0), Decimal(0))
        now = datetime.now(UTC).date()
        self.tables.add(
            "GenJournalCtl",
            {
                "GlYear": year,
                "GlPeriod": period,
                "GlJournal": number,
                "JournalDate": head.journal_date,
                "NumOfEntries": len(entries),
                "DebitAmount": debit,
                "CreditAmount": debit - sum((e.amount for e in entries), Decimal(0)),
                "JnlPostingType": head.journal_type,
                "Source": head.source,
                "Operator": head.operator,
                "JnlStatus": head.status,
                "Reference": head.reference,
                "Notation": head.notation,
                "Authorised": "Y" if head.is_authorized else "N",
                "AuthorisedBy": head.operator if head.is_authorized else "",
                "PostedBy": head.operator if head.is_posted else "",
                "PostDate": now if head.is_posted else "",
                "JournalSource": head.source,
            },
        )
        for entry_number, entry in enumerate(entries, start=1):
            self._add_entry(head, number, entry_number, entry)
        return number

    def _add_entry(self, head: JournalHead, number: int, entry_number: int, entry: Entry) -> None:
        year, period = self.periods.fiscal((head.year, head.period))
        self.tables.add(
            "GenJournalDetail",
            {
                "Journal": number,
                "GlYear": year,
                "GlPeriod": period,
                "EntryNumber": entry_number,
                "EntryType": "D" if entry.amount >= 0 else "C",
                "GlCode": entry.ledger_code,
                "Reference": entry.reference,
                "Comment": entry.comment,
                "EntryValue": abs(entry.amount),
                "EntryDate": entry.entry_date or head.journal_date,
                "EntryPosted": "Y" if head.is_posted else "N",
                "InterCompanyFlag": "N",
                "Company": self.company,
                "CurrencyValue": abs(
                    entry.amount if entry.currency_value is None else entry.currency_value
                ),
                "PostCurrency": head.currency or self.base_currency,
                "Source": head.source,
                "Type": head.journal_type,
                "SubModJournal": 0,
                "TransactionDate": head.journal_date,
            },
        )
        account = self.account(entry.ledger_code)
        if account is None or not head.is_posted:
            return
        column = "PtdDrValue" if entry.amount >= 0 else "PtdCrValue"
        if (year, period) == self.periods.ledger_current:
            account[column] = as_decimal(account.get(column)) + abs(entry.amount)
        account["CurrentBalance"] = as_decimal(account.get("CurrentBalance")) + entry.amount

    def rate(self, currency: str) -> Decimal | None:
        """Return base units per unit of a currency; ``None`` where no rate is held."""
        if currency == self.base_currency:
            return Decimal(1)
        row = self.tables.get("TblCurrency", Currency=currency)
        rate = as_decimal((row or {}).get("BuyExchangeRate"))
        if row is None or not rate:
            return None
        return 1 / rate if row["BuyMulDiv"] == "D" else rate

    def set_rate(self, currency: str, rate: str, way: str = "M") -> None:
        """Enter a rate, M multiplied into the base or D divided; ``''`` takes it away."""
        row = self.tables.get("TblCurrency", Currency=currency)
        if row is not None:
            self.tables.remove("TblCurrency", row)
        if rate:
            both = {"BuyExchangeRate": rate, "BuyMulDiv": way}
            both |= {"SellExchangeRate": rate, "SellMulDiv": way}
            self.tables.add("TblCurrency", {"Currency": currency, "Description": currency, **both})


def open_books(
    world: World, company: str, open_from: tuple[int, int] | None, today: date | None = None
) -> Books:
    """Return a company's books at start; the company date is the world's last day if absent."""
    tables = Tables(world, company)
    for account in tables.rows("GenMaster"):
        for column in ("CurrentBalance", "PtdDrValue", "PtdCrValue"):
            account.setdefault(column, Decimal(0))
        account.setdefault("ControlAccFlag", "N")
        account.setdefault("AccOnHldFlag", "N")
        account.setdefault("Company", company)
    opened_on = today or world.last
    books = Books(company, tables, periods_at(opened_on, open_from), opened_on)
    for (base, currency), rate in RATES.items():
        if base == books.base_currency:
            books.set_rate(currency, f"{rate:f}")
    return books


def as_decimal(value: object) -> Decimal:
    """Return a stored figure as Decimal; blank is SYSPRO's zero."""
    return Decimal(str(value)) if value not in (None, "") else Decimal(0)


def to_base(values: Sequence[Decimal], rate: Decimal) -> list[Decimal]:
    """Convert each value to the cent, half even; the parts keep the converted total's sum.

    The difference of rounding goes to the largest part.
    """
    total = (sum(values, Decimal(0)) * rate).quantize(CENT, ROUND_HALF_EVEN)
    parts = [(value * rate).quantize(CENT, ROUND_HALF_EVEN) for value in values]
    if parts:
        largest = max(range(len(parts)), key=lambda at: abs(parts[at]))
        parts[largest] += total - sum(parts, Decimal(0))
    return parts
