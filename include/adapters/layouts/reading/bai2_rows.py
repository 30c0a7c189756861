"""Entries of a BAI2 statement, with the counts and control totals of 49, 98 and 99 met.

Amounts are whole minor units; a leading ``-`` may stand in summary amounts. Source: Cash
Management Balance Reporting Specifications, version 2, record descriptions.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

from include.adapters.layouts.reading.acquirer_rows import refuse_other_statement
from include.adapters.layouts.reading.faults import FileFaultError, malformed, of, truncated
from include.adapters.layouts.reading.row_source import Row, RowSource, whole_text
from include.adapters.layouts.shape import Layout
from include.services.files import Expected, FileFacts

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
# How many fields follow a funds type: V has value date and time, S three amounts. D says itself
# how many pairs of days and amount follow.
_FUNDS_EXTRA = {"": 0, "Z": 0, "0": 0, "1": 0, "2": 0, "V": 2, "S": 3}
_MOST_PAIRS = 99  # of a D; its number has two digits
# A group status says whether the group is money at all: 1 and 3 state it, anew or corrected.
_NO_STATEMENT = {"2": "deletes what was sent before", "4": "is a test"}
_OF_AN_ACCOUNT = ("16", "49")  # what may follow its 03


class _Record(NamedTuple):
    """A logical record."""

    fields: list[str]  # its code first
    physical: int  # how many records it was written in: 88 continues the one before
    raw: str

    def get(self, index: int) -> str:
        """Return a field without blanks; ``""`` where there is none."""
        return self.fields[index].strip() if index < len(self.fields) else ""


@dataclass
class _Account:
    """One 03..49 section."""

    number: str
    currency: str
    day: date
    total: int
    records: int
    rows: list[Row] = field(default_factory=list)


class _Statement:
    """Reads record by record; what a trailer says must be what its records add up to."""

    def __init__(self) -> None:
        self.accounts: list[_Account] = []  # those whose trailer was met
        self._account: _Account | None = None
        self._day, self._currency = date.min, ""  # of the group
        self._group = self._group_accounts = self._group_records = 0
        self._file = self._groups = self._records = 0
        self._readers: dict[str, Callable[[_Record], None]] = {
            "01": lambda _: None,
            "02": self._open_group,
            "03": self._open_account,
            "16": self._take_entry,
            "49": self._close_account,
            "98": self._close_group,
            "99": self._close_file,
        }

    def read(self, record: _Record) -> None:
        """Take the next record.

        Raises:
            FileFaultError: it may not stand here, or says another total than its records give.
        """
        self._records += record.physical
        self._group_records += record.physical
        code = record.fields[0]
        reader = self._readers.get(code)
        # An account that is left open would be in no total, and its entries in nothing.
        if reader is None or (self._account and code not in _OF_AN_ACCOUNT):
            raise _misplaced(record)
        reader(record)

    def _open_group(self, record: _Record) -> None:
        if what := _NO_STATEMENT.get(record.get(3)):
            raise of(
                "not_this_report",
                f"The group of {record.get(4)[:10]} {what} (status {record.get(3)}): it states no "
                "money",
                "Ask the bank what became of the day, and for its statement.",
            )
        self._day, self._currency = _day(record.get(4)), record.get(6) or "USD"
        self._group, self._group_accounts, self._group_records = 0, 0, record.physical

    def _open_account(self, record: _Record) -> None:
        total, currency = _summary_total(record), record.get(2) or self._currency
        self._account = _Account(record.get(1), currency, self._day, total, record.physical)

    def _take_entry(self, record: _Record) -> None:
        account = self._opened(record)
        account.records += record.physical
        account.total += _whole(record.get(2), "record 16")
        account.rows.append((_entry(record, account), record.raw.encode()))

    def _close_account(self, record: _Record) -> None:
        account = self._opened(record)
        account.records += record.physical
        _meet(record, 1, account.total, f"account {account.number}")
        _meet(record, 2, account.records, f"records of account {account.number}")
        self._group += account.total
        self._group_accounts += 1
        self.accounts.append(account)
        self._account = None

    def _opened(self, record: _Record) -> _Account:
        if self._account is None:
            raise _misplaced(record)
        return self._account

    def _close_group(self, record: _Record) -> None:
        _meet(record, 1, self._group, "group")
        _meet(record, 2, self._group_accounts, "accounts of the group")
        _meet(record, 3, self._group_records, "records of the group")
        self._file += self._group
        self._groups += 1

    def _close_file(self, record: _Record) -> None:
        _meet(record, 1, self._file, "file")
        _meet(record, 2, self._groups, "groups of the file")
        _meet(record, 3, self._records, "records of the file")


def bai2_rows(path: Path, layout: Layout, expected: Expected) -> RowSource:
    """Open a statement; unmet control totals set it aside before any entry is taken."""
    records = list(_records(whole_text(path)))
    if not records or records[0].fields[0] != "01":
        raise of("not_this_report", "The file does not start with a BAI2 record 01")
    if records[-1].fields[0] != "99":
        raise truncated("there is no trailer record 99")
    statement = _Statement()
    for record in records:
        statement.read(record)
    facts = [FileFacts(account_id=a.number, statement_date=a.day) for a in statement.accounts]
    for found in facts:
        refuse_other_statement(found, expected)
    rows = (row for account in statement.accounts for row in account.rows)
    return RowSource(facts[0] if facts else FileFacts(), rows)


def _records(text: str) -> Iterator[_Record]:
    """Yield the records; 88 continues the one before it."""
    fields: list[str] = []
    count, raw = 0, ""
    for line in text.splitlines():
        line = line.strip()
        if not line:
            continue
        code, _, rest = line.removesuffix("/").partition(",")
        if code == "88" and fields:
            fields += rest.split(",")
            count, raw = count + 1, f"{raw}\n{line}"
            continue
        if fields:
            yield _Record(fields, count, raw)
        fields, count, raw = [code, *rest.split(",")], 1, line
    if fields:
        yield _Record(fields, count, raw)


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%y%m%d").date()  # noqa: DTZ007 (a calendar date)
    except ValueError:
        raise malformed(f"The group date {text[:20]!r} is not YYMMDD") from None


def _whole(text: str, where: str) -> int:
    if not text:
        return 0
    if _WHOLE.fullmatch(text) is None:
        raise malformed(f"{text[:40]!r} in {where} is not a whole number of minor units")
    return int(text)


def _summary_total(record: _Record) -> int:
    """Add the amounts of an 03 record: groups of type code, amount, count, funds type."""
    total, position = 0, 3
    while position < len(record.fields):
        total += _whole(record.get(position + 1), "record 03")
        position += 4 + _funds_extra(record, position + 3)
    return total


def _funds_extra(record: _Record, index: int) -> int:
    """Return how many fields follow the funds type at ``index`` and belong to it."""
    funds = record.get(index).upper()
    if funds != "D":
        return _FUNDS_EXTRA.get(funds, 0)
    pairs = _whole(record.get(index + 1), f"the distribution of record {record.fields[0]}")
    if not 0 <= pairs <= _MOST_PAIRS:
        raise malformed(f"A distribution of {pairs} amounts in record {record.fields[0]}")
    return 1 + 2 * pairs


def _entry(record: _Record, account: _Account) -> dict[str, str | None]:
    """Return the fields of an entry, record 16."""
    code, amount, funds = record.get(1), record.get(2), record.get(3).upper()
    at = 4 + _funds_extra(record, 3)
    value = record.get(4) if funds == "V" else ""
    bank_reference, reference = record.get(at), record.get(at + 1)
    text = ",".join(record.fields[at + 2 :]).strip()
    return {
        "account_id": account.number,
        "entry_id": bank_reference or None,
        "booking_date": account.day.isoformat(),
        "value_date": _day(value).isoformat() if value else None,
        "indicator": _indicator(code),
        "reference": reference or None,
        "text": text or None,
        "amount": amount.removeprefix("+") or "0",
        "currency": account.currency,
    }


def _indicator(code: str) -> str:
    """Return credit, debit or information; any other code is itself the unknown type."""
    if code.isdecimal() and 100 <= int(code) <= 399:
        return "credit"
    if code.isdecimal() and 400 <= int(code) <= 699:
        return "debit"
    return "information" if code == "890" else f"type code {code}"


def _misplaced(record: _Record) -> FileFaultError:
    return malformed(f"Record {record.raw[:60]!r} stands where none may")


def _meet(record: _Record, index: int, found: int, what: str) -> None:
    code = record.fields[0]
    said = _whole(record.get(index), f"record {code}")
    if said != found:
        raise of(
            "control_total_differs",
            f"Record {code} says {said} for the {what}, the records give {found}",
        )
