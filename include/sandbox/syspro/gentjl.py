"""GENTJL: general-ledger journals. A repeat posts again.

One in a foreign currency is converted by the company's rate: the ledger keeps base currency, and
beside it the value that was entered (EntryValue, CurrencyValue; which is which is inferred).
Source: SYSPRO reference, section 4.5. Lengths of references and comments are not published: ours.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element

from include.sandbox.syspro import messages
from include.sandbox.syspro.books import Entry, JournalHead, to_base
from include.sandbox.syspro.documents import (
    Node,
    choice_field,
    date_field,
    field,
    nodes,
    root_node,
    text_field,
    value_field,
)
from include.sandbox.syspro.posting import (
    Call,
    Checked,
    Findings,
    check_ledger_code,
    counters,
    refused_item,
    to_post,
    warning_nodes,
)

VERSION = "8.0.072"
MONTHS = 12


@dataclass(frozen=True, slots=True)
class _Journal:
    head: JournalHead
    entries: list[Entry]


def post(call: Call) -> Node:
    """Check every item, post what the parameters allow, and answer item by item."""
    with call.books.lock:
        items = [_check(call, element) for element in call.document.findall("Item")]
        posting = {id(item) for item in to_post(call, items)}
        replies: list[Node] = []
        lines = 0
        for number, item in enumerate(items, start=1):
            if item.ready is None:
                replies.append(refused_item(number, item))
            elif id(item) in posting:
                replies.append(_write(call, item.ready, item.warnings))
                lines += len(item.ready.entries)
            else:
                replies.append(Node("Item", [Node("ItemNumber", f"{number:06d}")]))
    invalid = sum(item.ready is None for item in items)
    status = counters(
        JournalsProcessed=len(posting),
        JournalsInvalid=invalid,
        PostingsProcessed=lines,
        PostingsInvalid=sum(len(i.errors) for i in items),
    )
    if invalid:
        _record_refusal(call, items)
    return root_node("postgljournal", VERSION, [*replies, Node("StatusOfItems", status)])


def _check(call: Call, element: Element) -> Checked[_Journal]:
    findings = Findings()
    head = _check_head(call, element, findings)
    entries: list[Entry] = []
    for number, part in enumerate(element.findall("JournalDetails"), start=1):
        entry = _check_entry(call, part, number, head.journal_date, findings)
        if entry is not None and entry.amount:
            entries.append(entry)  # zero lines are dropped, as the entry program drops them
    if not findings.nodes:
        _check_balance(entries, findings)
    is_good = not findings.nodes
    ready = _Journal(head, entries) if is_good else None
    return Checked(element, ready, findings.nodes, findings.warnings)


def _check_head(call: Call, element: Element, findings: Findings) -> JournalHead:
    check = findings.check
    journal_type = check(choice_field, element, "JournalType", "NPUSLAIE", "N") or "N"
    authorize = check(choice_field, element, "AuthorizeJournal", "DAU", "D") or "D"
    post = check(choice_field, element, "PostJournal", "YN", "N") or "N"
    hold = check(choice_field, element, "HoldJournal", "YN", "N") or "N"
    check(choice_field, element, "CancelJournal", "N", "N")  # only maintenance cancels
    number = field(element, "JournalNumber")
    if number:
        findings.refuse("JournalNumber", number, messages.NOT_ALLOWED, number, "JournalNumber")
    currency = field(element, "Currency", call.books.base_currency)
    if call.books.rate(currency) is None:
        findings.refuse("Currency", currency, messages.NO_RATE, currency)
    year, period = _check_period(call, element, findings)
    required = call.options.is_authorization_required
    is_authorized = authorize == "A" or (authorize == "D" and not required)
    is_asked = post == "Y" and hold == "N"
    is_posted = is_asked and not call.options.leaves_journals_unposted
    if is_posted and not is_authorized:
        findings.refuse("AuthorizeJournal", authorize, messages.NOT_AUTHORIZED)
    return JournalHead(
        year,
        period,
        check(date_field, element, "JournalDate", call.books.today) or call.books.today,
        check(text_field, element, "JournalReference", longest=30) or "",
        check(text_field, element, "Notation", longest=100) or "",
        journal_type,
        "JE",
        is_posted,
        is_authorized,
        "P" if is_posted else "H" if hold == "Y" else "U",
        call.operator,
        "" if currency == call.books.base_currency else currency,
    )


def _check_period(call: Call, element: Element, findings: Findings) -> tuple[int, int]:
    """Year and number, not C, P or B; blanks mean the current period. Returns the month."""
    periods = call.books.periods
    current_year, current_period = periods.ledger_current
    given: list[int] = []
    for name, default in (("PostingYear", current_year), ("PostingPeriod", current_period)):
        text = field(element, name, str(default))
        if not (text.isascii() and text.isdigit()):
            findings.refuse(name, text, messages.NOT_NUMERIC, name)
            return periods.month_of(current_year, current_period)
        given.append(int(text))
    year, period = given
    shown = field(element, "PostingPeriod", f"{period:02d}")
    month = periods.month_of(year, period)
    if (year, period) > periods.ledger_current:
        findings.refuse("PostingPeriod", shown, messages.PERIOD_FUTURE, shown, year)
    elif not 1 <= period <= MONTHS or not periods.is_open(*month):
        findings.refuse("PostingPeriod", shown, messages.PERIOD_CLOSED, shown, year)
    return month


def _check_entry(
    call: Call, part: Element, number: int, journal_date: date, findings: Findings
) -> Entry | None:
    inner = Findings()
    code = check_ledger_code(call, inner, part)
    amount = inner.check(value_field, part, "EntryAmount")
    reference = inner.check(text_field, part, "Reference", longest=30) or ""
    comment = inner.check(text_field, part, "Comment", longest=250) or ""
    entry_date = inner.check(date_field, part, "Date", journal_date)
    findings.warnings += inner.warnings
    if inner.nodes or amount is None:
        entry = Node("EntryNumber", f"{number:05d}")
        findings.nodes.append(Node("JournalDetails", [entry, *inner.nodes]))
        return None
    return Entry(code, amount, reference, comment, entry_date)


def _check_balance(entries: list[Entry], findings: Findings) -> None:
    debit = sum((e.amount for e in entries if e.amount > 0), Decimal(0))
    credit = -sum((e.amount for e in entries if e.amount < 0), Decimal(0))
    if not entries:
        findings.refuse("JournalDetails", "", messages.NO_ENTRIES)
    elif debit != credit:
        findings.refuse(
            "EntryAmount",
            f"{debit - credit:.2f}",
            messages.OUT_OF_BALANCE,
            f"{debit:.2f}",
            f"{credit:.2f}",
        )


def _write(call: Call, journal: _Journal, warnings: list[str]) -> Node:
    head, entries = journal.head, journal.entries
    number = call.books.post_journal(head, _converted(call, journal))
    year, period = call.books.periods.fiscal((head.year, head.period))
    debit = sum((e.amount for e in entries if e.amount > 0), Decimal(0))
    call.record(
        "GENTJL",
        head.reference,
        committed=True,
        company=call.books.company,
        year=year,
        period=period,
        journal=number,
        status=head.status,
        debit=f"{debit:.2f}",
        lines=[
            {"gl_code": e.ledger_code, "amount": f"{e.amount:.2f}", "reference": e.reference}
            for e in entries
        ],
    )
    key = (
        ("GlYear", f"{year:04d}"),
        ("GlPeriod", f"{period:02d}"),
        ("GlJournal", f"{number:05d}"),
    )
    facts = (
        ("JournalDate", f"{head.journal_date:%Y%m%d}"),
        ("NumOfEntries", f"{len(entries):05d}"),
        ("DebitAmount", f"{debit:.2f}"),
        ("CreditAmount", f"{debit:.2f}"),
        ("JnlPostingType", head.journal_type),
        ("Jnlstatus", head.status),
        ("Currency", head.currency),
        ("Authorised", "Y" if head.is_authorized else "N"),
    )
    transaction = Node("Transaction", [Node("Key", nodes(key)), *nodes(facts)])
    return Node("Item", [transaction, *warning_nodes(warnings)])


def _converted(call: Call, journal: _Journal) -> list[Entry]:
    """Return what the ledger keeps: the amounts in base, and what was entered beside them."""
    rate = call.books.rate(journal.head.currency) if journal.head.currency else None
    if rate is None:
        return journal.entries
    values = to_base([entry.amount for entry in journal.entries], rate)
    return [
        replace(entry, amount=value, currency_value=entry.amount)
        for entry, value in zip(journal.entries, values, strict=True)
    ]


def _record_refusal(call: Call, items: list[Checked[_Journal]]) -> None:
    for item in items:
        if item.ready is None:
            reference = field(item.element, "JournalReference")
            call.record("GENTJL", reference, committed=False, company=call.books.company)
