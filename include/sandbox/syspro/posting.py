"""What all posting objects share: parameters, items one by one or all together, counters.

Source: SYSPRO reference, sections 2 ("Success marks") and 3 ("Common parameters").
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, TypeVar
from xml.etree.ElementTree import Element

from include.sandbox.syspro import documents, messages
from include.sandbox.syspro.books import Books
from include.sandbox.syspro.documents import FieldError, Node

T = TypeVar("T")


@dataclass(slots=True)
class Options:
    """Switches of a company or site that the control server may turn."""

    unlicensed: set[str] = field(default_factory=set)
    gl_journal_error: dict[str, str] = field(default_factory=dict)  # object -> message
    is_authorization_required: bool = False
    leaves_journals_unposted: bool = False  # GENTJL takes them, and somebody has to post them
    is_order_number_shown: bool = False  # by SORTOI, also where nothing was remarkable
    sortoi_refusal: str = "document"  # or empty_number: the two shapes that were seen
    duplicate_po: str = ""  # the company's option: blank, reject or warn
    is_customer_auto_numbered: bool = False
    is_line_tax_changeable: bool = False
    is_order_tax_changeable: bool = True  # or TaxExemptionStatus of an order is ignored in silence
    is_payment_rate_taken: bool = True  # or ARSTPY ignores ExchangeRateToUse in silence
    unapplied_document_type: str = "C"  # of the pseudo-invoice _CRDnn; not published


@dataclass(slots=True)
class Call:
    """One Setup or Transaction call of a logged-in operator."""

    books: Books
    options: Options
    operator: str
    parameters: Element | None
    document: Element
    record: Callable[..., None]  # (verb, reference, committed, facts) into the truth ledger
    function: str = ""  # Add, Update or Delete of a Setup call
    opened: list[str] = field(default_factory=list)  # sales orders that it left open

    def parameter(self, name: str, default: str) -> str:
        """Return a parameter; samples nest them in ``Parameters``."""
        return documents.field(self.parameters, f"Parameters/{name}") or documents.field(
            self.parameters, name, default
        )


@dataclass(slots=True)
class Checked(Generic[T]):
    """One item after checking: ready to post, or the nodes that say what is wrong."""

    element: Element
    ready: T | None
    errors: list[Node]
    warnings: list[str] = field(default_factory=list)


class Findings:
    """Collects refused fields of one item, so that one reply names them all."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.warnings: list[str] = []

    def check(self, read: Callable[..., T], *args: Any, **settings: Any) -> T | None:
        """Run one reader; a refused field is kept and gives ``None``."""
        try:
            return read(*args, **settings)
        except FieldError as refused:
            self.nodes.append(refused.node)
            return None

    def refuse(self, name: str, value: str, number: int, *parameters: object) -> None:
        self.nodes.append(FieldError(name, value, number, *parameters).node)

    def warn(self, call: Call, name: str, value: str, number: int, *parameters: object) -> None:
        """Treat a warning as ``IgnoreWarnings`` asks: N error, W reported, Y forgotten."""
        mode = call.parameter("IgnoreWarnings", "N")
        if mode == "W":
            self.warnings.append(messages.text_of(number, *parameters))
        elif mode != "Y":
            self.refuse(name, value, number, *parameters)


def to_post(call: Call, items: Sequence[Checked[T]], default: str = "Y") -> list[Checked[T]]:
    """Return the items that will be written: all or nothing, or the good ones, or none.

    ``default`` is what a missing ``ApplyIfEntireDocumentValid`` means; for sales orders it is N.
    """
    good = [item for item in items if item.ready is not None]
    if call.parameter("ValidateOnly", "N") == "Y":
        return []
    is_all_or_nothing = call.parameter("ApplyIfEntireDocumentValid", default) == "Y"
    return [] if is_all_or_nothing and len(good) < len(items) else good


def refused_item(number: int, item: Checked[T]) -> Node:
    """Return the reply part of an item that was not accepted."""
    return Node("Item", [*item.errors, Node("ItemNumber", f"{number:06d}")])


def warning_nodes(warnings: Sequence[str]) -> list[Node]:
    if not warnings:
        return []
    return [Node("WarningMessages", [Node("WarningDescription", text) for text in warnings])]


def counters(**counts: int) -> list[Node]:
    """Return counters; zero is an empty element, as the vendor's samples have it."""
    return [Node(name, str(count) if count else "") for name, count in counts.items()]


def item_counters(processed: int, invalid: int) -> Node:
    """Return the counters of the sales order objects: six digits, zero too."""
    counts = (("ItemsProcessed", processed), ("ItemsInvalid", invalid))
    return Node("StatusOfItems", [Node(name, f"{count:06d}") for name, count in counts])


def gl_journal_node(
    call: Call, verb: str, year: int, period: int, number: int, *, has_company: bool = False
) -> Node:
    """Return the ``GlJournal`` block: numbers, or the error that left the ledger untouched."""
    error = call.options.gl_journal_error.get(verb, "")
    year, period = call.books.periods.fiscal((year, period))
    company = [Node("Company", "")] if has_company else []
    return Node(
        "GlJournal",
        [
            Node("GlYear", "" if error else f"{year:04d}"),
            Node("GlPeriod", "" if error else f"{period:02d}"),
            Node("GlJournal", "" if error else f"{number:05d}"),
            *company,
            Node("GlJournalError", "000001" if error else ""),
            Node("GlJournalMessage", error),
        ],
    )


def read_period(call: Call, findings: Findings) -> tuple[int, int]:
    """Read C, P or B from the parameters and refuse a closed one."""
    code = call.parameter("PostingPeriod", "C")
    if code not in ("C", "P", "B"):
        findings.refuse("PostingPeriod", code, messages.NOT_ALLOWED, code, "PostingPeriod")
        return call.books.periods.current
    year, period = call.books.periods.of_code(code)
    if not call.books.periods.is_open(year, period):
        findings.refuse(
            "PostingPeriod", code, messages.PERIOD_CLOSED, f"{period:02d}", f"{year:04d}"
        )
    return year, period


def check_ledger_code(call: Call, findings: Findings, element: Element) -> str:
    """Read ``LedgerCode``: it must exist, not be on hold, and warns on a control account."""
    code = findings.check(documents.text_field, element, "LedgerCode", longest=35, is_needed=True)
    account = call.books.account(code) if code else None
    if code and account is None:
        findings.refuse("LedgerCode", code, messages.LEDGER_NOT_FOUND, code)
    elif code and account is not None and account.get("AccOnHldFlag") == "Y":
        findings.refuse("LedgerCode", code, messages.LEDGER_ON_HOLD, code)
    elif code and account is not None and account.get("ControlAccFlag") == "Y":
        findings.warn(call, "LedgerCode", code, messages.CONTROL_ACCOUNT, code)
    return code or ""


def check_distribution(
    call: Call, element: Element, value: Decimal, findings: Findings
) -> list[tuple[str, Decimal, str]]:
    """Read the GL lines of a document, code, value and notation; they must sum to its value."""
    found: list[tuple[str, Decimal, str]] = []
    for part in element.findall("LedgerDistribution"):
        inner = Findings()
        code = check_ledger_code(call, inner, part)
        amount = inner.check(documents.value_field, part, "LedgerValue") or Decimal(0)
        notation = inner.check(documents.text_field, part, "LedgerNotation", longest=100) or ""
        findings.warnings += inner.warnings
        if inner.nodes:
            findings.nodes.append(Node("LedgerDistribution", inner.nodes))
        found.append((code, amount, notation))
    total = sum((amount for _, amount, _ in found), Decimal(0))
    if not findings.nodes and total != value:
        findings.refuse(
            "LedgerValue",
            f"{total:.2f}",
            messages.DISTRIBUTION_DIFFERS,
            f"{total:.2f}",
            f"{value:.2f}",
        )
    return found
