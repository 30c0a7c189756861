"""What the tests of matching and of the books share: small days, a lake folder, a real store."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl

from include.adapters.lake import Lake
from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.disputes import SqlDisputes
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.expectations import SqlExpectations
from include.adapters.store.journals import SqlJournals
from include.adapters.store.open_items import SqlOpenItems
from include.adapters.store.schema import metadata
from include.domain.accounts import GlTemplate
from include.domain.errors import Rejected
from include.domain.fees import FeeRate, FeeSchedule
from include.domain.journal import Journal
from include.domain.merchant import BankAccount, Merchant, PeriodPolicy
from include.domain.money import Money
from include.domain.settlement import LINE_COLUMNS, LineClass, SettlementDay
from include.services.books.ports import BookMappings
from include.services.build_journals import BuildResult, build_journals
from include.services.column_types import schema_of
from include.services.day_files import ENTRIES, LINES, MATCHES
from include.services.disputes.build_lost import build_dispute_lost
from include.services.effect_postings import EffectPostings
from include.services.match_funding import FundingResult, match_funding
from include.services.match_lines import MatchResult, match_lines
from include.services.matching.match_files import rows_of_matches
from include.services.ports import PeriodState, PostingPeriod, TransactionFacts

DAY = date(2026, 10, 30)
ACCOUNTS = {
    "bank": "1000",
    "net": "1160",
    "gross_sale": "1150",
    "refund": "1150",
    "chargeback": "1170",
    "chargeback_reversal": "1170",
    "dispute_lost": "6156",
    "reserve": "1165",
    "adjustment": "6157",
    "fee.interchange": "6150",
    "fee.assessment": "6151",
    "fee.per_item": "6152",
    "fee.discount": "6153",
    "fee.chargeback_fee": "6155",
    "acquirer_payable": "2050",
    "fx_rounding": "6190",
}
DIRECT = ACCOUNTS | {"gross_sale": "4000", "refund": "4010"}
FILE = "f" * 64


def merchant(**changes: Any) -> Merchant:
    """Return a merchant of US dollars with SLA of two days."""
    plain = Merchant(
        merchant_id="acme_us",
        organization_id="acme_us",
        zone="America/New_York",
        cut_off=time(0),
        currencies=("USD",),
        company_id="A",
        base_currency="USD",
        bank_accounts={"USD": BankAccount("US-001", "BUS"), "EUR": BankAccount("EU-001", "BEU")},
        cybersource_conn_id="c",
        syspro_conn_id="s",
        bank_conn_id="b",
        sources=(),
        gl_template="clearing",
        fees_as_ap_invoice=False,
        ap_supplier="",
        split_at_month_end=False,
        period_policy=PeriodPolicy.park,
        amount_tolerance_minor=2,
        date_tolerance_days=2,
        approval_tolerance_minor=0,
        settlement_sla_days=2,
        erp_sla_days=2,
        funding_sla_days=5,
        owner="ar@acme.example",
    )
    return replace(plain, **changes)


def line(line_class: str = "gross_sale", minor: int = 10000, **more: Any) -> dict[str, Any]:
    """Return one classified line; ``reference``, ``request`` and ``batch`` are short names."""
    names = {"reference": "merchant_reference", "request": "request_id", "batch": "batch_id"}
    row: dict[str, Any] = dict.fromkeys(LINE_COLUMNS)
    row |= {"file_digest": FILE, "line_class": line_class, "detail_code": "", "currency": "USD"}
    row |= {"amount_minor": minor} | {names.get(k, k): v for k, v in more.items()}
    return row


def document(number: str, minor: int = 10000, **more: Any) -> dict[str, Any]:
    """Return one ERP document, a sale unless the amount is negative."""
    row = {
        "document_id": f"C1|{number}|{'C' if minor < 0 else 'I'}",
        "document_kind": "refund" if minor < 0 else "sale",
        "merchant_reference": None,
        "currency": "USD",
        "amount_minor": minor,
        "document_date": DAY,
        "sales_order": None,
    }
    return row | {
        {"reference": "merchant_reference", "on": "document_date"}.get(k, k): v
        for k, v in more.items()
    }


@dataclass
class Clock:
    """A clock that stands still."""

    at: datetime = datetime(2026, 11, 23, 6, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@dataclass
class Gateway:
    """A gateway that knows what it is told, and counts what it is asked."""

    known: dict[str, TransactionFacts] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def knows(
        self,
        request_id: str,
        *,
        authorized: int | None = None,
        amount: int | None = None,
        reference: str | None = None,
        root: str | None = None,
    ) -> None:
        self.known[request_id] = TransactionFacts(
            request_id, root, reference, "USD", authorized, amount, ("ics_bill",)
        )

    def transaction(self, request_id: str) -> TransactionFacts | None:
        self.asked.append(request_id)
        return self.known.get(request_id)


class Prices:
    """Fee kinds equal codes; interchange costs 1.65 %, by_card 1 % of Visa and 2 % of MasterCard.

    A euro is 1.083700 dollars. All of it is valid from the first of 2026 on, until what ``since``
    returns takes over.
    """

    def __init__(self) -> None:
        self.version = "mappings 1"
        self.accounts: dict[str, dict[str, str]] = {"clearing": ACCOUNTS, "direct": DIRECT}
        self.kinds: dict[str, str] = {}  # by code, where the kind is another
        self.rate_millionths = 1_083_700
        self._dated: dict[date, Prices] = {date(2026, 1, 1): self}

    def since(self, first: date) -> "Prices":
        """Return what is valid from that day on, for the test to change."""
        return self._dated.setdefault(first, Prices())

    def _on(self, on: date) -> "Prices":
        found = [first for first in self._dated if first <= on]
        if not found:
            raise Rejected("no mapping is valid", str(on), "Ask for a day from 2026 on.")
        return self._dated[max(found)]

    def fee_kind(self, layout: str, raw_code: str, on: date) -> str:
        return self._on(on).kinds.get(raw_code, raw_code)

    def gl_template(self, name: str, on: date) -> GlTemplate:
        return GlTemplate(name, self._on(on).accounts[name], "gl_templates.yaml:1")

    def fx_rate(self, from_currency: str, to_currency: str, on: date) -> int:
        rate = self._on(on).rate_millionths
        return 1_000_000 if from_currency == to_currency else rate

    def fee_schedule(
        self, merchant_id: str, on: date, currency: str | None = None
    ) -> FeeSchedule | None:
        sale = (LineClass.gross_sale,)
        rates = {
            "interchange": FeeRate("interchange", 16500, {}, 0, 1, sale),
            "per_item": FeeRate("per_item", 0, {}, 10, 0, (*sale, LineClass.refund)),
            "by_card": FeeRate("by_card", 0, {"Visa": 10000, "MasterCard": 20000}, 0, 1, sale),
        }
        return FeeSchedule(currency or "USD", rates)


@dataclass
class Periods:
    """Calendar months; those named are closed."""

    closed: set[tuple[int, int]] = field(default_factory=set)

    def posting_period(self, company_id: str, posting_date: date) -> PostingPeriod:
        year, month = posting_date.year, posting_date.month
        state = PeriodState.closed if (year, month) in self.closed else PeriodState.open
        return PostingPeriod(year, month, state)


class Desk:
    """Everything a day's matching needs, over one SQLite file and one folder."""

    def __init__(self, root: Path, url: str = "", **changes: Any) -> None:
        self.engine = open_store(url or f"sqlite:///{root / 'store.db'}")
        metadata.create_all(self.engine)
        self.lake = Lake(root)
        self.merchant = merchant(**changes)
        self.gateway = Gateway()
        self.expectations = SqlExpectations(self.engine)
        self.items = SqlOpenItems(self.engine, Clock())
        self.journals = SqlJournals(self.engine, Clock())
        self.effects = SqlEffectStore(self.engine)
        self.letters = SqlDeadLetters(self.engine)
        self.disputes = SqlDisputes(self.engine, Clock())
        self.postings = EffectPostings(
            self.effects, self.letters, self.merchant.owner, lambda: False
        )
        self.mappings = Prices()
        self.periods = Periods()

    def day(self, on: date = DAY) -> SettlementDay:
        return SettlementDay(self.merchant.merchant_id, on)

    def put_lines(self, rows: Iterable[Mapping[str, Any]], on: date = DAY) -> Path:
        numbered = [{**row, "line_no": row["line_no"] or n} for n, row in enumerate(rows, 3)]
        path = self.lake.day_path(self.day(on), LINES)
        path.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(numbered, schema=schema_of(LINE_COLUMNS), orient="row").write_parquet(path)
        return path

    def match(
        self,
        lines: Iterable[Mapping[str, Any]],
        documents: Iterable[Mapping[str, Any]],
        on: date = DAY,
    ) -> MatchResult:
        self.put_lines(lines, on)
        return match_lines(
            self.day(on),
            self.merchant,
            lake=self.lake,
            documents=documents,
            expectations=self.expectations,
            open_items=self.items,
            reports=self.gateway,
            mappings=self.mappings,
            layouts={FILE: "test"},
        )

    def rows(self, on: date = DAY) -> list[dict[str, Any]]:
        day = self.day(on)
        return list(rows_of_matches(self.lake.day_path(day, MATCHES)))

    def rules(self, on: date = DAY) -> list[str | None]:
        return [row["rule"] for row in self.rows(on)]

    def causes(self, on: date = DAY) -> list[str]:
        return sorted(item.cause.value for item in self.items.open_of_day(self.day(on)))

    def build(
        self,
        lines: Iterable[Mapping[str, Any]],
        on: date = DAY,
        *,
        totals: Mapping[tuple[str, LineClass], int] | None = None,
    ) -> BuildResult:
        """Match the lines against nothing and build their journals."""
        self.match(lines, [], on)
        return build_journals(
            self.day(on),
            self.merchant,
            lake=self.lake,
            mappings=self.mappings,
            journals=self.journals,
            postings=self.postings,
            periods=self.periods,
            expectations=self.expectations,
            open_items=self.items,
            layouts={FILE: "test"},
            disputes=self.disputes,
            totals=totals,
        )

    def fund(self, entries: Iterable[tuple[str, int, str]], on: date) -> FundingResult:
        """Match bank entries, (entry id, minor units, reference), of the first bank account."""
        currency, account = next(iter(self.merchant.bank_accounts.items()))
        rows = [(account.account_id, i, on, on, currency, m, r, "") for i, m, r in entries]
        names = "account_id entry_id booking_date value_date currency amount_minor reference text"
        kinds = [pl.String, pl.String, pl.Date, pl.Date, pl.String, pl.Int64, pl.String, pl.String]
        frame = pl.DataFrame(
            rows, schema=dict(zip(names.split(), kinds, strict=True)), orient="row"
        )
        path = self.lake.day_path(self.day(on), ENTRIES)
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(path)
        return self.fund_again(on)

    def fund_again(self, on: date) -> FundingResult:
        """Match the bank entries that lie in the lake."""
        return match_funding(
            self.day(on),
            self.merchant,
            lake=self.lake,
            expectations=self.expectations,
            open_items=self.items,
            journals=self.journals,
            postings=self.postings,
            mappings=self.mappings,
            periods=self.periods,
        )


def table(journal: Journal) -> list[tuple[str, str]]:
    """Return a journal as a controller reads it: (account, amount in its currency)."""
    return [(line.gl_account, line.amount.decimal) for line in journal.lines]


def base_table(journal: Journal) -> list[tuple[str, str]]:
    """Return a journal in the base currency."""
    return [(line.gl_account, line.base.decimal) for line in journal.lines]


def worked_day(per_item: int = -40) -> list[dict[str, Any]]:
    """Return the lines of the accounting reference, section 2: batch B1, net 267.98."""
    return [
        line("gross_sale", 10000, batch="B1", request="1", reference="A"),
        line("gross_sale", 25050, batch="B1", request="2", reference="B"),
        line("gross_sale", 4950, batch="B1", request="3", reference="C"),
        line("refund", -3000, batch="B1", request="4", reference="D"),
        line("fee", -610, detail_code="interchange", request="1"),
        line("fee", -52, detail_code="assessment", request="2"),
        line("fee", per_item, detail_code="per_item", request="3"),
        line("chargeback", -8000, case_number="K1", request="77"),
        line("fee", -1500, detail_code="chargeback_fee", request="77"),
    ]


def lost(day: SettlementDay, merchant: Merchant, mappings: BookMappings, minor: int) -> Journal:
    """Return the write-off of a chargeback in dollars, posted on the day itself."""
    amount = Money(minor, "USD")
    return build_dispute_lost(
        day,
        merchant,
        case_number="K1",
        amount=amount,
        base=amount,
        posting_date=day.settlement_date,
        rate_millionths=1_000_000,
        mappings=mappings,
    )
