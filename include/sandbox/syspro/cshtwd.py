"""CSHTWD: cash-book deposits and withdrawals. A repeat posts again.

Also changes a transaction, and reconciles: leaving ``ReconcileOrUnreconcile`` out toggles the
state. Source: SYSPRO reference, section 4.6. That ``LedgerValue`` is in the bank's currency and
sums to ``TransactionValue`` is inferred.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from xml.etree.ElementTree import Element

from include.sandbox.syspro import messages
from include.sandbox.syspro.books import BANK_LEDGER, CashEntry, Entry, JournalHead, to_base
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
    check_distribution,
    counters,
    gl_journal_node,
    read_period,
    refused_item,
    to_post,
    warning_nodes,
)
from include.sandbox.syspro.tables import Row

VERSION = "8.0.041"

Action = Callable[[Call], Node]  # does the work, and answers with the reply's part


@dataclass(frozen=True, slots=True)
class _Deposit:
    bank: Row
    direction: str
    reference: str
    value: Decimal
    rate: Decimal
    transaction_date: date
    narration: str
    check_number: str
    is_reconciled: bool
    distribution: list[tuple[str, Decimal, str]]
    period: tuple[int, int]


def post(call: Call) -> Node:
    """Do the actions of every item, all or nothing unless the parameters say otherwise."""
    with call.books.lock:
        document = Findings()
        period = read_period(call, document)
        parts = [part for item in call.document.findall("Item") for part in item]
        items = [c for c in (_check(call, part, period, document) for part in parts) if c]
        posting = {id(item) for item in to_post(call, items)}
        replies = []
        for number, item in enumerate(items, start=1):
            if item.ready is None:
                replies.append(refused_item(number, item))
                reference = field(item.element, "Reference")
                call.record("CSHTWD", reference, committed=False, company=call.books.company)
            elif id(item) in posting:
                done = item.ready(call)
                replies.append(Node("Item", [done, *warning_nodes(item.warnings)]))
            else:
                replies.append(Node("Item", [Node("ItemNumber", f"{number:06d}")]))
    invalid = sum(item.ready is None for item in items)
    status = counters(ItemsProcessed=len(posting), ItemsInvalid=invalid)
    return root_node(
        "postcbdepositswithdrawals", VERSION, [*replies, Node("StatusOfItems", status)]
    )


def _check(
    call: Call, part: Element, period: tuple[int, int], document: Findings
) -> Checked[Action] | None:
    findings = Findings()
    if part.tag == "AddTransaction":
        findings.nodes += document.nodes
        action = _check_add(call, part, period, findings)
    elif part.tag in ("ReconOrUnreconByTransaction", "ReconOrUnreconByCheck"):
        action = _check_reconcile(call, part, findings)
    elif part.tag == "ChangeTransaction":
        action = _check_change(call, part, findings)
    else:
        return None  # an element we do not know is ignored, as everywhere
    return Checked(part, None if findings.nodes else action, findings.nodes, findings.warnings)


def _check_add(
    call: Call, part: Element, period: tuple[int, int], findings: Findings
) -> Action | None:
    check = findings.check
    bank = _check_bank(call, part, findings)
    direction = check(choice_field, part, "DepositOrWithdrawal", "DW", "")
    if direction == "W":
        check(choice_field, part, "WithdrawalType", "NME", "")
    value = check(value_field, part, "TransactionValue")
    if value is not None and value <= 0:
        findings.refuse(
            "TransactionValue", str(value), messages.NOT_ALLOWED, value, "TransactionValue"
        )
    found = _Deposit(
        bank or {},
        direction or "",
        check(text_field, part, "Reference", longest=30) or "",
        value or Decimal(0),
        _check_rate(call, part, bank, findings),
        check(date_field, part, "TransactionDate", call.books.today) or call.books.today,
        check(text_field, part, "Narration", longest=100) or "",
        check(text_field, part, "CheckNumber", longest=15) or "",
        check(choice_field, part, "Reconciled", "YN", "N") == "Y",
        check_distribution(call, part, value or Decimal(0), findings),
        period,
    )
    return lambda call: _add(call, found)


def _check_bank(call: Call, part: Element, findings: Findings) -> Row | None:
    code = findings.check(text_field, part, "Bank", longest=15, is_needed=True) or ""
    row = call.books.tables.find("CshBank", lambda found: found["Bank"] == code)
    if code and row is None:
        findings.refuse("Bank", code, messages.BANK_NOT_FOUND, code)
    return row


def _check_rate(call: Call, part: Element, bank: Row | None, findings: Findings) -> Decimal:
    currency = bank_currency(call, bank)
    if field(part, "ExchangeRate") and currency != call.books.base_currency:
        rate = findings.check(value_field, part, "ExchangeRate", whole=6, decimals=6)
        return rate or Decimal(1)
    known = call.books.rate(currency)
    if known is None:
        findings.refuse("ExchangeRate", "", messages.NO_RATE, currency)
    return known or Decimal(1)


def _add(call: Call, deposit: _Deposit) -> Node:
    year, period = deposit.period
    bank = str(deposit.bank["Bank"])
    journal = call.books.next_number(f"cash {bank}", first=9)
    gl_number = _post_ledger(call, deposit)
    now = datetime.now(UTC)
    entry = CashEntry(
        bank,
        year,
        period,
        now.date(),
        f"{now:%H%M%S}{call.books.next_number('cash time') % 100:02d}",
        journal,
        1,
        deposit.direction,
        deposit.reference,
        deposit.value,
        deposit.transaction_date,
        deposit.narration,
        deposit.check_number,
        deposit.is_reconciled,
        gl_number,
    )
    call.books.cash.append(entry)
    call.record(
        "CSHTWD",
        deposit.reference,
        committed=True,
        company=call.books.company,
        bank=bank,
        direction=deposit.direction,
        year=year,
        period=period,
        journal=journal,
        gl_journal=gl_number,
        value=f"{deposit.value:.2f}",
        transaction_date=deposit.transaction_date.isoformat(),
        lines=[{"gl_code": c, "amount": f"{a:.2f}"} for c, a, _ in deposit.distribution],
    )
    key = nodes(_key(entry))
    block = gl_journal_node(call, "CSHTWD", year, period, gl_number, has_company=True)
    return Node("AddTransaction", [Node("Key", [*key, block])])


def _key(entry: CashEntry) -> tuple[tuple[str, str], ...]:
    return (
        ("Bank", entry.bank),
        ("CbTrnYear", f"{entry.year:04d}"),
        ("CbTrnMonth", f"{entry.period:02d}"),
        ("Journal", f"{entry.journal:04d}"),
        ("EntryNumber", f"{entry.entry_number:04d}"),
        ("CbTrnDate", f"{entry.entered_on:%Y%m%d}"),
        ("CbTrnTime", entry.entered_at),
    )


def _post_ledger(call: Call, deposit: _Deposit) -> int:
    """Debit the bank and credit the distribution, or the other way round for a withdrawal."""
    if call.options.gl_journal_error.get("CSHTWD"):
        return 0
    sign = 1 if deposit.direction == "D" else -1
    values = to_base([amount for _, amount, _ in deposit.distribution], deposit.rate)
    ledger = str(deposit.bank.get("CashGlCode") or BANK_LEDGER)
    total = sum(values, Decimal(0))
    entries = [Entry(ledger, sign * total, deposit.reference, deposit.narration)]
    for (code, _, notation), value in zip(deposit.distribution, values, strict=True):
        entries.append(Entry(code, -sign * value, deposit.reference, notation))
    head = JournalHead(
        *deposit.period,
        deposit.transaction_date,
        reference=deposit.reference,
        notation=deposit.narration,
        source="CS",
        operator=call.operator,
    )
    return call.books.post_journal(head, entries)


def _find(call: Call, part: Element) -> CashEntry | None:
    """Find a transaction by bank and check number, or by the key that adding it answered."""
    bank, check_number = field(part, "Bank"), field(part, "CheckNumber")
    for entry in call.books.cash:
        if entry.bank != bank:
            continue
        if part.tag == "ReconOrUnreconByCheck":
            is_it = bool(check_number) and entry.check_number == check_number
        else:
            wanted = field(part, "PostingDate").replace("-", ""), field(part, "PostingTime")
            is_it = wanted == (f"{entry.entered_on:%Y%m%d}", entry.entered_at)
        if is_it:
            return entry
    return None


def _check_reconcile(call: Call, part: Element, findings: Findings) -> Action | None:
    entry = _find(call, part)
    if entry is None:
        shown = field(part, "PostingTime") or field(part, "CheckNumber")
        findings.refuse("PostingTime", shown, messages.TRANSACTION_NOT_FOUND, shown)
        return None
    wanted = field(part, "ReconcileOrUnreconcile")
    if wanted not in ("R", "U", ""):
        name = "ReconcileOrUnreconcile"
        findings.refuse(name, wanted, messages.NOT_ALLOWED, wanted, name)

    def reconcile(call: Call) -> Node:
        # Left out, the state is toggled: a trap that integrators have fallen into.
        entry.is_reconciled = wanted == "R" if wanted else not entry.is_reconciled
        state = "Y" if entry.is_reconciled else "N"
        call.record("CSHTWD", entry.reference, committed=True, reconciled=state)
        return Node(part.tag, [Node("Key", nodes(_key(entry)))])

    return reconcile


def _check_change(call: Call, part: Element, findings: Findings) -> Action | None:
    entry = _find(call, part)
    if entry is None:
        shown = field(part, "PostingTime")
        findings.refuse("PostingTime", shown, messages.TRANSACTION_NOT_FOUND, shown)
        return None
    found = entry
    reference = findings.check(text_field, part, "NewReference", longest=30)
    narration = findings.check(text_field, part, "NewNarration", longest=100)
    changed_on = findings.check(date_field, part, "NewTransactionDate", entry.transaction_date)

    def change(call: Call) -> Node:
        found.reference = reference or found.reference
        found.narration = narration or found.narration
        found.transaction_date = changed_on or found.transaction_date
        call.record("CSHTWD", found.reference, committed=True, changed=True)
        return Node(part.tag, [Node("Key", nodes(_key(found)))])

    return change


def bank_currency(call: Call, bank: Row | None) -> str:
    return str((bank or {}).get("Currency", "") or call.books.base_currency)
