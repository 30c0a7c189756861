"""The query objects: options, periods, accounts, journals, banks, error texts, users.

Source: SYSPRO reference, sections 4.5 to 4.7; element names from its skeletons. Where a skeleton
ends (the period part of GENQSO, the journal part of GENQJR) the names are ours, by analogy.
"""

import calendar
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from xml.etree.ElementTree import Element

from include.sandbox.syspro import messages
from include.sandbox.syspro.books import NAMES, Books, CashEntry, as_decimal
from include.sandbox.syspro.documents import CallFailed, Node, field, int_field, nodes, root_node
from include.sandbox.syspro.sessions import Session
from include.sandbox.syspro.tables import Row

VERSION = "8.0.030"


@dataclass(frozen=True, slots=True)
class Question:
    """A query call of a logged-in operator."""

    books: Books
    operator: str
    document: Element
    sessions: Sequence[Session]


def system_information(question: Question) -> Node:
    company = question.books.company
    return Node(
        "SystemInformation",
        nodes(
            (
                ("CssStyle", ""),
                ("Language", "05"),
                ("DecFormat", "1"),
                ("DateFormat", "01"),
                ("Role", "01"),
                ("Version", VERSION),
                ("CompanyId", company),
                ("CompanyName", NAMES[company]),
                ("OperatorCode", question.operator),
                ("ReportDate", f"{datetime.now(UTC):%Y/%m/%d %H:%M}"),
            )
        ),
    )


def _amount(value: Decimal) -> str:
    return f"{value:18.2f}"


def gl_options(question: Question) -> Node:
    """GENQSO: the company's ledger options, with the current year's periods."""
    year, period = question.books.periods.ledger_current
    heads = (("CurrentYear", year), ("CurrentPeriod", f"{period:02d}"), ("NumberOfPeriods", 12))
    periods = [*nodes(heads), *nodes(_period_flags(question.books, year, "GlCurYr"))]
    return root_node(
        "GeneralLedgerOptions",
        VERSION,
        [
            Node("Company", nodes([("CompanyId", question.books.company)])),
            Node("General", nodes([("DefaultBrowseSequence", "L"), ("RevOutProvJnls", "N")])),
            Node("Periods", periods),
        ],
    )


def module_options(root: str) -> Callable[[Question], Node]:
    """ARSQSO, APSQSO, CSHQSO: a module's options, with its own current period if it shows one."""

    def answer(question: Question) -> Node:
        year, month = question.books.periods.current
        periods = nodes((("CurrentYear", year), ("CurrentPeriod", f"{month:02d}")))
        shown = [] if question.books.periods.is_hidden else [Node("Periods", periods)]
        general = Node("General", nodes([("BankDepSlipReq", "N")]))
        return root_node(root, VERSION, [general, *shown])

    return answer


def previous_periods(question: Question) -> Node:
    """GENQPP: open and closed periods of a previous year; 1 is last year, 2 the one before."""
    asked = field(question.document, "Options/PreviousYear", "1")
    if asked not in ("1", "2"):
        raise CallFailed(f"ERROR: Previous year '{asked}' must be 1 or 2")
    year = question.books.periods.ledger_current[0] - int(asked)
    periods = nodes([("GlPreviousYear", year), *_period_flags(question.books, year, "GlPrevYr")])
    options = nodes([("CompanyId", question.books.company), ("PreviousYear", asked)])
    return root_node(
        "GlPostPreviousQuery", VERSION, [Node("QueryOptions", options), Node("Periods", periods)]
    )


def _period_flags(books: Books, year: int, prefix: str) -> list[tuple[str, object]]:
    flags: list[tuple[str, object]] = []
    for period in range(1, 13):
        month = books.periods.month_of(year, period)
        end = date(*month, calendar.monthrange(*month)[1])
        is_open = books.periods.is_open(*month)
        flags.append((f"{prefix}DatePeriod{period}", end.isoformat()))
        flags.append((f"{prefix}FlagPeriod{period}", "O" if is_open else "C"))
    return flags


def ledger_code(question: Question) -> Node:
    """GENQGL: validate one ledger code."""
    code = field(question.document, "key/LedgerCode") or field(question.document, "Key/LedgerCode")
    account = _account(question, code)
    details = nodes(
        (
            ("LedgerCode", code),
            ("Description", account.get("Description", "")),
            ("AccountType", account.get("AccountType", "")),
            ("GlGroup", account.get("GlGroup", "")),
            ("ControlAccFlag", account.get("ControlAccFlag", "N")),
            ("AccOnHldFlag", account.get("AccOnHldFlag", "N")),
        )
    )
    return root_node(
        "GLStructureQuery",
        VERSION,
        [system_information(question), Node("LedgerDetails", details)],
    )


def _account(question: Question, code: str) -> Row:
    account = question.books.account(code)
    if account is None:
        text = messages.text_of(messages.LEDGER_NOT_FOUND, code)
        raise CallFailed(f"ERROR: {text}")
    return account


def ledger_account(question: Question) -> Node:
    """GENQRY: one account with balances and its transactions, paged by ``StartAtKey``."""
    document = question.document
    code = field(document, "Key/LedgerCode")
    account = _account(question, code)
    year, period = question.books.periods.ledger_current
    year = int_field(document, "Option/GlYear", year)
    heads = (
        ("GlCode", code),
        ("Description", account.get("Description", "")),
        ("Currency", question.books.base_currency),
        ("GlYear", year),
        ("GlPeriod", f"{period:02d}"),
        ("AccountType", account.get("AccountType", "")),
        ("ControlAccFlag", account.get("ControlAccFlag", "N")),
        ("AccOnHldFlag", account.get("AccOnHldFlag", "N")),
        ("PtdDrValue", _amount(as_decimal(account.get("PtdDrValue")))),
        ("PtdCrValue", _amount(as_decimal(account.get("PtdCrValue")))),
        ("CurrentBalance", _amount(as_decimal(account.get("CurrentBalance")))),
    )
    parts = [system_information(question), *nodes(heads)]
    if field(document, "Option/IncludeTransactions", "N") == "Y":
        parts += _account_page(question, code, year)
    return root_node("LedgerQuery", VERSION, parts)


def _account_page(question: Question, code: str, year: int) -> list[Node]:
    option = "Option/Transactions/"
    rows = [
        row
        for row in question.books.tables.rows("GenJournalDetail")
        if row["GlCode"] == code and row["GlYear"] == year and row["EntryPosted"] == "Y"
    ]
    rows.sort(key=lambda row: int(str(row["GlPeriod"])))  # stable: as posted within a period
    keyed = [(int(str(row["GlPeriod"])), line, row) for line, row in enumerate(rows, start=1)]
    start = (
        int_field(question.document, f"{option}StartAtKey/Period", 0),
        int_field(question.document, f"{option}StartAtKey/Line", 0),
    )
    limit = int_field(question.document, f"{option}MaxRowsToReturn", 100)
    from_start = [found for found in keyed if found[:2] >= start]
    page, rest = from_start[:limit], from_start[limit:]
    items = [Node("Item", nodes(_account_line(row))) for _, _, row in page]
    following = rest[0][:2] if rest else ("", "")
    key = Node("NextKey", nodes([("Period", following[0]), ("Line", following[1])]))
    forward = Node("Forward", "Y" if rest else "N")
    return [Node("Transactions", items), Node("NextPrevKey", [forward, key])]


def _account_line(row: Row) -> list[tuple[str, object]]:
    sign = 1 if row["EntryType"] == "D" else -1
    return [
        ("GlPeriod", f"{row['GlPeriod']:02d}"),
        ("Source", row["Source"]),
        ("Journal", row["Journal"]),
        ("JnlDate", row["EntryDate"]),
        ("Reference", row["Reference"]),
        ("EntryValue", _amount(sign * as_decimal(row["EntryValue"]))),
        ("Comment", row["Comment"]),
    ]


def journal_list(question: Question) -> Node:
    """GENQJR: journals of a year, by period and number range, with their lines."""
    option = question.document.find("Option")
    year = int_field(option, "Year", question.books.periods.ledger_current[0])
    is_one = field(option, "PeriodSelection") == "S"
    only_period = int_field(option, "LedgerPeriod", 0) if is_one else 0
    is_range = field(option, "JournalNumberSelection") == "R"
    low = int_field(option, "FromJournalNumber", 0) if is_range else 0
    high = int_field(option, "ToJournalNumber", 0) if is_range else 0
    details = list(question.books.tables.rows("GenJournalDetail"))
    journals: list[Node] = []
    for row in question.books.tables.rows("GenJournalCtl"):
        number = int(str(row["GlJournal"]))
        is_wanted = row["GlYear"] == year and number >= low and (not high or number <= high)
        if only_period:
            is_wanted = is_wanted and row["GlPeriod"] == only_period
        if is_wanted:
            lines = [d for d in details if d["Journal"] == number]
            journals.append(_journal(row, lines))
    return root_node("GLJournalReport", VERSION, [system_information(question), *journals])


def _journal(row: Row, lines: Sequence[Row]) -> Node:
    heads: list[tuple[str, object]] = [
        ("GlYear", row["GlYear"]),
        ("GlPeriod", f"{row['GlPeriod']:02d}"),
        ("GlJournal", f"{row['GlJournal']:05d}"),
        ("JournalDate", row["JournalDate"]),
        ("Reference", row["Reference"]),
        ("Notation", row["Notation"]),
        ("JnlStatus", row["JnlStatus"]),
        ("DebitAmount", _amount(as_decimal(row["DebitAmount"]))),
        ("CreditAmount", _amount(as_decimal(row["CreditAmount"]))),
    ]
    names = ("EntryNumber", "GlCode", "EntryType", "Reference", "Comment")
    entries = []
    for line in lines:
        parts: list[tuple[str, object]] = [(name, line[name]) for name in names]
        parts.append(("EntryValue", _amount(as_decimal(line["EntryValue"]))))
        entries.append(Node("JournalDetail", nodes(parts)))
    return Node("Journal", [*nodes(heads), *entries])


def error_messages(question: Question) -> Node:
    """COMQER: error numbers to texts."""
    found: list[Node] = []
    for asked in question.document.findall("ErrorMessage"):
        code = field(asked, "ErrorCode")
        parameters = [(f"Parameter{n}", field(asked, f"Parameter{n}")) for n in (1, 2, 3)]
        given = [pair for pair in parameters if pair[1]]
        number = int(code) if code.isascii() and code.isdigit() else 0
        text = messages.text_of(number, *[value for _, value in given])
        parts = [("ErrorCode", code), ("TranslatedMessage", text), *given]
        found.append(Node("MessageDetails", nodes(parts)))
    return root_node("TranslatedErrorMessages", VERSION, found)


def logged_in_users(question: Question) -> Node:
    """COMQUS: who is logged on now."""
    users = [
        Node(
            "UserDetails",
            nodes(
                (
                    ("UserNumber", number),
                    ("Operator", session.operator),
                    ("OperatorName", session.operator.title()),
                    ("OperatorInstance", "00"),
                    ("CompanyId", session.company),
                    ("LoginDate", f"{session.logged_on_at:%Y-%m-%d}"),
                    ("LoginTime", f"{session.logged_on_at:%H:%M:%S}"),
                )
            ),
        )
        for number, session in enumerate(question.sessions, start=1)
    ]
    options = nodes([("UserInformation", field(question.document, "Options/UserInformation", "S"))])
    return root_node("UsersLoggedInQuery", VERSION, [Node("QueryOptions", options), *users])


def bank(question: Question) -> Node:
    """CSHQRY: one bank with its transactions, filtered by the options."""
    code = field(question.document, "Key/Bank")
    row = question.books.tables.find("CshBank", lambda found: found["Bank"] == code)
    if row is None:
        raise CallFailed(f"ERROR: {messages.text_of(messages.BANK_NOT_FOUND, code)}")
    option = question.document.find("Option")
    periods, as_of = question.books.periods, field(option, "AsOfPeriod")
    entries = [
        e
        for e in question.books.cash
        if e.bank == code and _is_wanted(e, option) and periods.is_listed(as_of, (e.year, e.period))
    ]
    if field(option, "ExcludeTransactions") == "Y":
        entries = []
    signed = (
        e.value if e.direction == "D" else -e.value for e in question.books.cash if e.bank == code
    )
    currency = str(row.get("Currency", "") or question.books.base_currency)
    heads = (
        ("Bank", code),
        ("Description", row.get("Description", "")),
        ("CbCurBal1", _amount(sum(signed, Decimal(0)))),
        ("BankAccount", row.get("BankAccount", "")),
        ("Currency", currency),
    )
    items = [Node("CshTrnItem", nodes(_cash_line(e, currency))) for e in entries]
    item = Node("BankItem", [*nodes(heads), *items])
    return root_node("CshTrnQuery", VERSION, [system_information(question), item])


def _is_wanted(entry: CashEntry, option: Element | None) -> bool:
    kind = "IncludeDeposits" if entry.direction == "D" else "IncludeWithdrawals"
    state = "IncludeReconciled" if entry.is_reconciled else "IncludeUnreconciled"
    return field(option, kind, "Y") == "Y" and field(option, state, "Y") == "Y"


def _cash_line(entry: CashEntry, currency: str) -> list[tuple[str, object]]:
    return [
        ("CbTrnYear", entry.year),
        ("CbTrnMonth", f"{entry.period:02d}"),
        ("CbTrnDate", entry.entered_on),
        ("CbTrnTime", entry.entered_at),
        ("TrnType", entry.direction),
        ("TrnReference", entry.reference),
        ("TrnValue", _amount(entry.value)),
        ("TrnDate", entry.transaction_date),
        ("Narration", entry.narration),
        ("ReconciledFlag", "Y" if entry.is_reconciled else "N"),
        ("Cheque", entry.check_number),
        ("BankCurrency", currency),
        ("CurrencyValue", _amount(entry.value)),
        ("TrnSource", "CS"),
        ("Journal", entry.journal),
    ]
