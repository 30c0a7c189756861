"""A balanced journal: debit positive, credit negative, in its own and in the base currency."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from include.domain.money import Money


class JournalKind(StrEnum):
    """What a journal books; each has its own place in SYSPRO."""

    settlement = "settlement"  # a batch of one currency: GENTJL
    funding = "funding"  # money that reached the bank: CSHTWD
    # What the bank's own conversion of a funding leaves in transit, in base alone: GENTJL
    funding_rounding = "funding_rounding"
    fee_invoice = "fee_invoice"  # the acquirer's bill, where booked as accounts payable: APSTIN
    dispute_lost = "dispute_lost"  # a chargeback given up: GENTJL


# What SYSPRO needs to know beside the lines. ``contra_account`` is the GL account that SYSPRO books
# by itself (the bank's, or the supplier's control account): its lines are the document's value, all
# other lines its distribution.
REQUIRED_DETAILS: dict[JournalKind, frozenset[str]] = {
    JournalKind.settlement: frozenset(),
    JournalKind.dispute_lost: frozenset(),
    JournalKind.funding: frozenset({"bank_code", "contra_account"}),
    JournalKind.funding_rounding: frozenset(),
    JournalKind.fee_invoice: frozenset({"supplier", "invoice", "contra_account"}),
}


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line; ``gl_account`` comes from ``include/mappings``, never from code."""

    gl_account: str
    amount: Money  # in the batch's currency; debit positive, credit negative
    base: Money  # the same in the company's base currency, at the journal's dated rate
    source: str  # what it sums, e.g. "gross_sale" or "fee.interchange"; opens to the lines
    narrative: str = ""

    @property
    def text(self) -> str:
        """What stands beside it in the ledger."""
        return self.narrative or self.source


@dataclass(frozen=True, slots=True)
class Journal:
    """One balanced posting of one batch and currency. Cannot be built unbalanced."""

    key: str  # merchant|settlement date|batch|currency|kind|version: names the posting for ever
    kind: JournalKind
    merchant_id: str
    company_id: str  # the SYSPRO company whose ledger it is
    batch_id: str
    settlement_date: date  # the merchant's calendar
    posting_date: date  # decides the posting period; the clock never does
    version: int  # 1, or higher for the difference posted after a restatement
    rate_millionths: int  # base units per unit, times 1,000,000; 1,000,000 where they are one
    lines: tuple[JournalLine, ...]
    narrative: str = ""
    supersedes: str = ""  # the key of the journal that this one tops up
    details: tuple[tuple[str, str], ...] = ()  # names and values, see REQUIRED_DETAILS

    def __post_init__(self) -> None:
        sums: Counter[tuple[str, str]] = Counter()
        for line in self.lines:
            sums["amount", line.amount.currency] += line.amount.minor
            sums["base", line.base.currency] += line.base.minor
        if not self.lines or any(sums.values()):
            raise ValueError(f"journal {self.key} does not balance: {dict(sums)}")
        if len({currency for _, currency in sums if _ == "amount"}) > 1:
            raise ValueError(f"journal {self.key} mixes currencies: {dict(sums)}")
        names = [name for name, value in self.details if value]
        if len(names) != len(self.details) or set(names) != REQUIRED_DETAILS[self.kind]:
            needed = sorted(REQUIRED_DETAILS[self.kind])
            raise ValueError(f"journal {self.key} ({self.kind}) needs details {needed}: {names}")

    def detail(self, name: str) -> str:
        """Return a detail by name, e.g. ``bank_code``; a missing one is our own bug."""
        return dict(self.details)[name]

    @property
    def is_document(self) -> bool:
        """Say whether SYSPRO books it through a deposit or a bill, which is worth something.

        What moves nothing on the contra account, e.g. a bill whose fees only changed their kinds,
        is no document: it is a GL journal like any other.
        """
        contra = dict(self.details).get("contra_account")
        lines = [line for line in self.lines if line.gl_account == contra]
        return bool(
            sum(line.amount.minor for line in lines) or sum(line.base.minor for line in lines)
        )

    @property
    def currency(self) -> str:
        return self.lines[0].amount.currency

    @property
    def base_currency(self) -> str:
        return self.lines[0].base.currency

    @property
    def reference(self) -> str:
        """What we plant in SYSPRO to find it again: 20 characters, a pure function of the key."""
        return "TO" + hashlib.sha256(self.key.encode()).hexdigest()[:18].upper()

    @property
    def text(self) -> str:
        """What stands above its lines in the ledger."""
        return self.narrative or self.key

    @property
    def debit_total(self) -> Money:
        """The sum of the base debits: what SYSPRO answers as ``DebitAmount``."""
        minor = sum(line.base.minor for line in self.lines if line.base.minor > 0)
        return Money(minor, self.base_currency)

    def to_payload(self) -> str:
        """Canonical JSON: equal journals are equal bytes, so its digest names the content."""
        return json.dumps(
            {
                "key": self.key,
                "kind": self.kind.value,
                "merchant_id": self.merchant_id,
                "company_id": self.company_id,
                "batch_id": self.batch_id,
                "settlement_date": self.settlement_date.isoformat(),
                "posting_date": self.posting_date.isoformat(),
                "version": self.version,
                "rate_millionths": self.rate_millionths,
                "narrative": self.narrative,
                "supersedes": self.supersedes,
                "details": dict(self.details),
                "lines": [
                    {
                        "gl_account": line.gl_account,
                        "minor": line.amount.minor,
                        "currency": line.amount.currency,
                        "base_minor": line.base.minor,
                        "base_currency": line.base.currency,
                        "source": line.source,
                        "narrative": line.narrative,
                    }
                    for line in self.lines
                ],
            },
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=True,
        )

    @classmethod
    def from_payload(cls, payload: str) -> "Journal":
        """Read ``to_payload`` back; the constructor checks the balance again."""
        found = json.loads(payload)
        lines = tuple(
            JournalLine(
                line["gl_account"],
                Money(line["minor"], line["currency"]),
                Money(line["base_minor"], line["base_currency"]),
                line["source"],
                line["narrative"],
            )
            for line in found["lines"]
        )
        return cls(
            key=found["key"],
            kind=JournalKind(found["kind"]),
            merchant_id=found["merchant_id"],
            company_id=found["company_id"],
            batch_id=found["batch_id"],
            settlement_date=date.fromisoformat(found["settlement_date"]),
            posting_date=date.fromisoformat(found["posting_date"]),
            version=found["version"],
            rate_millionths=found["rate_millionths"],
            lines=lines,
            narrative=found["narrative"],
            supersedes=found["supersedes"],
            details=tuple(sorted(found["details"].items())),
        )

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.to_payload().encode()).hexdigest()
