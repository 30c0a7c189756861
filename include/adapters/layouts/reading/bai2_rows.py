"""Entries of a BAI2 statement, with the counts and control totals of 49, 98 and 99 met.

Amounts are whole minor units; a leading ``-`` may stand in summary amounts. Source: Cash
Management Balance Reporting Specifications, version 2, record descriptions.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from include.adapters.layouts.reading.acquirer_rows import refuse_other_statement
from include.adapters.layouts.reading.faults import malformed, of, truncated
from include.adapters.layouts.reading.row_source import Row, RowSource, whole_text
from include.adapters.layouts.shape import Layout
from include.services.files import Expected, FileFacts

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
# How many fields follow a funds type: V has value date and time, S three amounts.
_FUNDS_EXTRA = {"": 0, "Z": 0, "0": 0, "1": 0, "2": 0, "V": 2, "S": 3}


@dataclass
class _Account:
    """One 03..49 section."""

    number: str
    currency: str
    day: date
    total: int = 0
    records: int = 0
    rows: list[Row] = field(default_factory=list)


@dataclass
class _Totals:
    """What has been added up for the trailers so far."""

    group: int = 0
    group_accounts: int = 0
    group_records: int = 0
    file: int = 0
    groups: int = 0
    records: int = 0


def bai2_rows(path: Path, layout: Layout, expected: Expected) -> RowSource:
    """Open a statement; unmet control totals set it aside before any entry is taken."""
    records = list(_records(whole_text(path)))
    if not records or records[0][0][0] != "01":
        raise of("not_this_report", "The file does not start with a BAI2 record 01")
    if records[-1][0][0] != "99":
        raise truncated("there is no trailer record 99")
    accounts = list(_accounts(records))
    facts = [FileFacts(account_id=a.number, statement_date=a.day) for a in accounts]
    for found in facts:
        refuse_other_statement(found, expected)
    rows = (row for account in accounts for row in account.rows)
    return RowSource(facts[0] if facts else FileFacts(), rows)


def _records(text: str) -> Iterator[tuple[list[str], int, str]]:
    """Yield (fields, physical records, raw); 88 continues the record before it."""
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
            yield fields, count, raw
        fields, count, raw = [code, *rest.split(",")], 1, line
    if fields:
        yield fields, count, raw


def _accounts(records: Sequence[tuple[list[str], int, str]]) -> Iterator[_Account]:
    totals = _Totals()
    day, group_currency = date.min, ""
    account: _Account | None = None
    for fields, count, raw in records:
        code = fields[0]
        totals.records += count
        totals.group_records += count
        if code == "02":
            day, group_currency = _day(_get(fields, 4)), _get(fields, 6) or "USD"
            totals.group, totals.group_accounts, totals.group_records = 0, 0, count
        elif code == "03":
            account = _Account(_get(fields, 1), _get(fields, 2) or group_currency, day)
            account.total = _summary_total(fields[3:])
            account.records = count
        elif code == "16" and account is not None:
            account.records += count
            _take_entry(account, fields, raw)
        elif code == "49" and account is not None:
            account.records += count
            _meet(fields, 1, account.total, f"account {account.number}")
            _meet(fields, 2, account.records, f"records of account {account.number}")
            totals.group += account.total
            totals.group_accounts += 1
            yield account
            account = None
        elif code == "98":
            _meet(fields, 1, totals.group, "group")
            _meet(fields, 2, totals.group_accounts, "accounts of the group")
            _meet(fields, 3, totals.group_records, "records of the group")
            totals.file += totals.group
            totals.groups += 1
        elif code == "99":
            _meet(fields, 1, totals.file, "file")
            _meet(fields, 2, totals.groups, "groups of the file")
            _meet(fields, 3, totals.records, "records of the file")
        elif code != "01":
            raise malformed(f"Record {raw[:60]!r} stands where none may")


def _get(fields: Sequence[str], index: int) -> str:
    return fields[index].strip() if index < len(fields) else ""


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


def _summary_total(fields: Sequence[str]) -> int:
    """Add the amounts of an 03 record: groups of type code, amount, count, funds type."""
    total, position = 0, 0
    while position < len(fields):
        total += _whole(_get(fields, position + 1), "record 03")
        funds = _get(fields, position + 3).upper()
        position += 4 + _FUNDS_EXTRA.get(funds, 0)
    return total


def _take_entry(account: _Account, fields: Sequence[str], raw: str) -> None:
    code, amount = _get(fields, 1), _get(fields, 2)
    account.total += _whole(amount, "record 16")
    funds = _get(fields, 3).upper()
    at = 4 + _FUNDS_EXTRA.get(funds, 0)
    value = _get(fields, 4) if funds == "V" else ""
    bank_reference, reference = _get(fields, at), _get(fields, at + 1)
    text = ",".join(fields[at + 2 :]).strip()
    row = {
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
    account.rows.append((row, raw.encode()))


def _indicator(code: str) -> str:
    """Return credit or debit; a code outside both ranges is itself the unknown type."""
    if code.isdecimal() and 100 <= int(code) <= 399:
        return "credit"
    if code.isdecimal() and 400 <= int(code) <= 699:
        return "debit"
    return f"type code {code}"


def _meet(fields: Sequence[str], index: int, found: int, what: str) -> None:
    said = _whole(_get(fields, index), f"record {fields[0]}")
    if said != found:
        raise of(
            "control_total_differs",
            f"Record {fields[0]} says {said} for the {what}, the records give {found}",
        )
