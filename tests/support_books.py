"""What the tests of matching and of the books share: small days, a lake folder, a real store."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl

from include.adapters.store.engine import open_store
from include.adapters.store.expectations import SqlExpectations
from include.adapters.store.open_items import SqlOpenItems
from include.adapters.store.schema import metadata
from include.domain.fees import FeeRate, FeeSchedule
from include.domain.merchant import BankAccount, Merchant, PeriodPolicy, PostingModel
from include.domain.settlement import LineClass, SettlementDay
from include.services.match_lines import MatchResult, match_lines
from include.services.matching.columns import LINES, MATCHES, line_schema
from include.services.ports import TransactionFacts

DAY = date(2026, 10, 30)
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
        posting_model=PostingModel.clearing,
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
    row: dict[str, Any] = dict.fromkeys(line_schema())
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
class Lake:
    """A lake of one folder."""

    root: Path

    def day_path(self, day: SettlementDay, name: str) -> Path:
        folder = self.root / day.merchant_id / day.settlement_date.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name


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


@dataclass
class Prices:
    """Fee kinds equal codes; interchange costs 1.65 %."""

    def fee_kind(self, layout: str, raw_code: str, on: date) -> str:
        return raw_code

    def fee_schedule(
        self, merchant_id: str, on: date, currency: str | None = None
    ) -> FeeSchedule | None:
        sale = (LineClass.gross_sale,)
        rates = {
            "interchange": FeeRate("interchange", 16500, {}, 0, 1, sale),
            "per_item": FeeRate("per_item", 0, {}, 10, 0, (*sale, LineClass.refund)),
        }
        return FeeSchedule(merchant_id, currency or "USD", date(2026, 1, 1), rates)


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

    def day(self, on: date = DAY) -> SettlementDay:
        return SettlementDay(self.merchant.merchant_id, on)

    def put_lines(self, rows: Iterable[Mapping[str, Any]], on: date = DAY) -> Path:
        numbered = [{**row, "line_no": row["line_no"] or n} for n, row in enumerate(rows, 3)]
        path = self.lake.day_path(self.day(on), LINES)
        pl.DataFrame(numbered, schema=line_schema(), orient="row").write_parquet(path)
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
            mappings=Prices(),
            layouts={FILE: "test"},
        )

    def rows(self, on: date = DAY) -> list[dict[str, Any]]:
        return pl.read_parquet(self.lake.day_path(self.day(on), MATCHES)).to_dicts()

    def rules(self, on: date = DAY) -> list[str | None]:
        return [row["rule"] for row in self.rows(on)]

    def causes(self, on: date = DAY) -> list[str]:
        return sorted(item.cause.value for item in self.items.open_of_day(self.day(on)))
