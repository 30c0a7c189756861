"""What happens in the sandbox's world. Amounts are whole minor units."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

LABELS = (
    "missing_in_erp missing_in_settlement wrong_amount wrong_currency duplicate_line "
    "duplicate_file late partial_capture partial_refund refund_without_reference fee_drift "
    "chargeback_on_unknown_capture chargeback_reversal dispute_deadline_passed "
    "dispute_deadline_unknown restated_report truncated_file "
    "unknown_record_type dst_day month_end_across_batch closed_period identical_amounts "
    "short_funding"
).split()


@dataclass(frozen=True, slots=True)
class Transaction:
    """One request at the gateway."""

    request_id: str
    root_id: str
    kind: str  # authorization, sale (authorized and captured at once), capture or refund
    at: datetime  # UTC
    reference: str | None  # the merchant's order number
    currency: str
    amount_minor: int  # of this request, positive also for refunds
    authorized_minor: int | None  # of the order; None for refunds
    card_type: str
    processor_reference: str
    settlement_date: date | None  # None: never batched

    @property
    def applications(self) -> tuple[str, ...]:
        return _APPLICATIONS[self.kind]

    @property
    def signed_minor(self) -> int:
        return -self.amount_minor if self.kind == "refund" else self.amount_minor


_APPLICATIONS = {
    "authorization": ("ics_auth",),
    "sale": ("ics_bill", "ics_auth"),
    "capture": ("ics_bill",),
    "refund": ("ics_credit",),
}


@dataclass(frozen=True, slots=True)
class Document:
    """One AR document in the ERP: an invoice (I, positive) or a credit note (C, negative)."""

    company: str
    customer: str
    invoice: str
    document_type: str
    day: date
    reference: str | None
    currency: str
    amount_minor: int
    sales_order: str

    @property
    def document_id(self) -> str:
        return f"{self.customer}|{self.invoice}|{self.document_type}"


@dataclass(frozen=True, slots=True)
class Order:
    """One order and everything that comes of it but refunds and disputes."""

    merchant: str
    index: int  # of its day
    reference: str
    placed: date  # local
    customer: str
    transactions: tuple[Transaction, ...]
    documents: tuple[Document, ...]
    fault: str = ""  # a label word, or "" for a plain order
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def captured(self) -> Transaction:
        """The first batched transaction; plain orders have exactly one."""
        return next(t for t in self.transactions if t.settlement_date is not None)


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund, whole or in part, and its credit note."""

    transaction: Transaction
    document: Document
    of: Order
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Dispute:
    """One entry of a dispute case on one settlement day."""

    case_number: str
    kind: str  # chargeback or reversal; a retrieval or notice moves no money
    at: datetime
    settlement_date: date
    request_id: str  # of the capture it is about; of nobody, where is_unknown
    reference: str
    processor_reference: str
    card_type: str
    sold_at: datetime
    currency: str
    amount_minor: int  # positive
    fee_minor: int
    reason_code: str
    is_unknown: bool = False
    answer_by: date | None = None  # None: nobody says; of a reversal there is none
    answered_at: datetime | None = None  # when the merchant contested it, where anybody says so

    @property
    def signed_minor(self) -> int:
        return self.amount_minor if self.kind == "reversal" else -self.amount_minor


@dataclass(frozen=True, slots=True)
class FeeLine:
    """What one request costs: unsigned costs, by kind."""

    transaction: Transaction
    interchange_bps: int  # as charged
    interchange_minor: int
    assessment_minor: int
    per_item_minor: int
    is_drifted: bool = False

    @property
    def total_minor(self) -> int:
        return self.interchange_minor + self.assessment_minor + self.per_item_minor


@dataclass(frozen=True, slots=True)
class FeeRow:
    """One row of a fee summary: one fee type, card type and currency of a day."""

    fee_type: str  # INTERCHANGE, ASSESSMENT or PER_ITEM
    card_type: str
    currency: str
    count: int
    base_minor: int
    basis_points: int
    per_item_minor: int
    total_minor: int
    statement_id: str
    is_drifted: bool = False


@dataclass(frozen=True, slots=True)
class Funding:
    """What a batch pays: the batch's net, and what the bank really receives of it."""

    merchant: str
    batch_id: str
    settlement_date: date
    funding_date: date
    currency: str
    net_minor: int
    bank_minor: int
    request_id: str


@dataclass(frozen=True, slots=True)
class Mystery:
    """A record whose type nobody has announced; no total counts it."""

    request_id: str
    reference: str
    at: datetime
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Conversion:
    """One decision of a fraud reviewer."""

    request_id: str
    reference: str
    at: datetime
    new_decision: str
    reviewer: str
    comments: str


@dataclass(frozen=True, slots=True)
class BankEntry:
    """One entry of a bank statement."""

    entry_id: str
    booking_date: date
    currency: str
    amount_minor: int  # credit positive
    reference: str  # the batch id
    text: str


@dataclass(frozen=True, slots=True)
class Label:
    """The truth about one planted fault, for those who measure the product.

    ``on`` is the settlement day whose run can see it first (for a document, its date). ``cause``
    is the word the product should use while it is open; "" where it should explain without an
    open item. ``resolves_on`` is the settlement day that closes it, ``None`` where nothing does.
    """

    label: str
    merchant: str
    on: date
    cause: str = ""
    resolves_on: date | None = None
    merchant_reference: str | None = None
    request_id: str | None = None
    document_id: str | None = None
    batch_id: str | None = None
    report_name: str | None = None
    currency: str | None = None
    amount_minor: int | None = None
    detail: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return plain JSON values; members that do not apply are left out."""
        found: dict[str, object] = {}
        for name in self.__slots__:
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, Mapping):
                value = {k: v.isoformat() if isinstance(v, date) else v for k, v in value.items()}
            found[name] = value.isoformat() if isinstance(value, date) else value
        return found
