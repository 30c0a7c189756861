"""What a settlement line is: eight classes, their signs, and the columns every layout fills."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

REPEAT_DAYS = 7  # how far from its day a line may stand a second time: days run in any order


class LineClass(StrEnum):
    """The classes a settlement is split into; every source line becomes one, or is quarantined.

    ``amount_minor`` is seen from the merchant: positive is owed to us, negative is taken from us.
    """

    gross_sale = "gross_sale"  # +
    refund = "refund"  # -
    fee = "fee"  # -, a rebate is +; detail_code says which fee
    chargeback = "chargeback"  # -
    chargeback_reversal = "chargeback_reversal"  # +
    adjustment = "adjustment"  # either
    reserve = "reserve"  # - held back, + released
    funding = "funding"  # + sent to our bank; not part of net


@dataclass(frozen=True, slots=True)
class SettlementDay:
    """One merchant's settlement date: the unit of work, of re-run and of parallelism."""

    merchant_id: str
    settlement_date: date  # in the merchant's calendar

    def __str__(self) -> str:
        """Return the key that travels between tasks, e.g. ``acme_us|2026-10-31``."""
        return f"{self.merchant_id}|{self.settlement_date.isoformat()}"

    @classmethod
    def parse(cls, key: str) -> "SettlementDay":
        merchant_id, _, day = key.rpartition("|")
        return cls(merchant_id, date.fromisoformat(day))


NET_CLASSES = tuple(c for c in LineClass if c is not LineClass.funding)


class Knowledge(StrEnum):
    """What a merchant's sources tell about a class on a day; 'not knowable' is never zero."""

    reported = "reported"  # the source delivered, perhaps with no line of the class
    empty = "empty"  # the list call said NO_DATA
    awaited = "awaited"  # configured, not delivered yet
    not_knowable = "not_knowable"  # no source of this merchant reports it


@dataclass(frozen=True, slots=True)
class Coverage:
    """Where the figure of one class comes from, e.g. fees: from FeeDetail."""

    line_class: LineClass
    knowledge: Knowledge
    source: str = ""  # the source's name in the merchant's configuration

    def __str__(self) -> str:
        where = f"from {self.source}" if self.source else "not knowable from this processor"
        return f"{self.line_class.value}: {where} ({self.knowledge.value})"


# The columns of a classified line, in order: name -> (type, meaning). Types are Arrow's.
LINE_COLUMNS: dict[str, tuple[str, str]] = {
    "file_digest": ("string", "SHA-256 of the raw file, hex"),
    "line_no": ("int64", "record of the file, from 1, headings counted"),
    "line_class": ("string", "a LineClass"),
    "detail_code": ("string", "fee code, dispute reason or adjustment code; '' for sales"),
    "currency": ("string", "ISO 4217"),
    "amount_minor": ("int64", "minor units, signed as LineClass says"),
    "request_id": ("string", "Cybersource's 22 digits, as text; null where absent"),
    "merchant_reference": ("string", "our id of the order; null where absent"),
    "processor_reference": ("string", "the processor's id, e.g. ARN; null where absent"),
    "related_request_id": ("string", "the capture a refund or dispute is about; null if unsaid"),
    "batch_id": ("string", "settlement batch; null where the source has none"),
    "case_number": ("string", "dispute case; null otherwise"),
    "answer_by": ("string", "until when a chargeback may be contested, as the source says it"),
    "answered_at": ("string", "when it was contested, as the source says it; null if unsaid"),
    "card_type": ("string", "as the source says; null where absent"),
    "occurred_at": ("timestamp[ms, tz=UTC]", "when the transaction took place; null if unsaid"),
    "settled_at": ("timestamp[ms, tz=UTC]", "when it was batched or settled; null if unsaid"),
}
QUARANTINE_COLUMNS: dict[str, tuple[str, str]] = {
    "file_digest": ("string", "SHA-256 of the raw file, hex"),
    "line_no": ("int64", "record of the file, from 1; 0 is the file as a whole"),
    "reason_code": ("string", "a stable word, e.g. amount_not_plain_decimal"),
    "detail": ("string", "the sentence for a person: value, place, next step"),
    "currency": ("string", "where it could be read, else null"),
    "amount_text": ("string", "the amount as found, else null"),
    "raw": ("binary", "the record's bytes, card numbers replaced"),
}
BANK_ENTRY_COLUMNS: dict[str, tuple[str, str]] = {
    "file_digest": ("string", "SHA-256 of the raw statement, hex"),
    "line_no": ("int64", "entry of the statement, from 1"),
    "account_id": ("string", "the bank account, as the statement names it"),
    "entry_id": ("string", "the bank's id of the entry; made of what it says where it has none"),
    "booking_date": ("date32", "the bank's booking date"),
    "value_date": ("date32", "the bank's value date; null where unsaid"),
    "currency": ("string", "ISO 4217"),
    "amount_minor": ("int64", "minor units; + credited to us, - debited"),
    "reference": ("string", "what the payer planted, e.g. the batch; null where absent"),
    "text": ("string", "the bank's free text; null where absent"),
}
DOCUMENT_COLUMNS: dict[str, tuple[str, str]] = {
    "document_id": ("string", "SYSPRO key: customer|invoice|document type"),
    "document_kind": ("string", "sale or refund"),
    "merchant_reference": ("string", "customer PO number, our id of the order; null where blank"),
    "currency": ("string", "ISO 4217"),
    "amount_minor": ("int64", "minor units; a sale +, a credit note -"),
    "document_date": ("date32", "SYSPRO's invoice date"),
    "sales_order": ("string", "SYSPRO sales order; null where none"),
}
