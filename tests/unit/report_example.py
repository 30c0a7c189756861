"""The books' worked day as a report: 400.00 sales, 30.00 refund, 22.02 fees, 80.00 chargeback."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from include.domain.journal import Journal, JournalKind, JournalLine
from include.domain.money import Money
from include.domain.quality import Finding, QualityResult, Severity, SuiteResult
from include.domain.settlement import Coverage, Knowledge, LineClass, SettlementDay
from include.services.report_model import (
    Conservation,
    CurrencySummary,
    Figure,
    FileReport,
    ItemReport,
    JournalReport,
    LineReport,
    ReportModel,
    TieOut,
    VersionChange,
)

DAY = SettlementDay("acme_us", date(2026, 10, 31))
FILE = "a" * 64


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@dataclass(frozen=True)
class ListedLines:
    rows: Sequence[LineReport]

    def __iter__(self) -> Iterator[LineReport]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def line(number: int, line_class: str, minor: int, **more: object) -> LineReport:
    found = LineReport(
        source=f"{FILE}:{number}",
        file="sales",
        line_class=line_class,
        detail_code="",
        amount=usd(minor),
        request_id=f"64258734912460012345{number:02d}",
        merchant_reference=f"US-10{number}",
        processor_reference="",
        batch_id="B1",
        case_number="",
        card_type="Visa",
        occurred_at="2026-10-31T16:00:00Z",
        rule="exact",
        cause="",
        document_id=f"C001|INV{number}|I",
    )
    return replace(found, **more)  # type: ignore[arg-type]


LINES = (
    line(3, "gross_sale", 10_000),
    line(4, "gross_sale", 25_050),
    line(5, "gross_sale", 4_950, rule="", cause="missing_in_erp", document_id=""),
    line(6, "refund", -3_000),
    line(3, "fee", -610, detail_code="interchange", file="fees"),
    line(3, "fee", -52, detail_code="assessment", file="fees"),
    line(3, "fee", -40, detail_code="per_item", file="fees"),
    line(7, "chargeback", -8_000, detail_code="10.4", file="disputes"),
    line(7, "fee", -1_500, detail_code="chargeback_fee", file="disputes"),
)


def figure(name: str, title: str, minor: int | None, count: int | None, **more: object) -> Figure:
    return Figure(name, title, None if minor is None else usd(minor), count, **more)  # type: ignore[arg-type]


FIGURES = (
    figure("gross_sale", "Gross sales", 40_000, 3),
    figure("refund", "Refunds", -3_000, 1),
    figure("fee", "Fees", -2_202, 4),
    figure("fee.assessment", "assessment", -52, 1, is_part=True),
    figure("fee.chargeback_fee", "chargeback_fee", -1_500, 1, is_part=True),
    figure("fee.interchange", "interchange", -610, 1, is_part=True),
    figure("fee.per_item", "per_item", -40, 1, is_part=True),
    figure("chargeback", "Chargebacks", -8_000, 1),
    figure("chargeback_reversal", "Chargeback reversals", 0, 0),
    figure("adjustment", "Adjustments", None, None, note="not knowable"),
    figure("reserve", "Reserve", None, None, note="not knowable"),
    figure("net", "Net", 26_798, None, note="without adjustments (not knowable)"),
    figure("funding", "Funding", 26_798, 1),
    figure("bank_entries", "Bank entries of 2026-10-31", None, None, note="no statement entry"),
)


def journal(key: str, parts: Sequence[tuple[str, int, str]], version: int = 1) -> Journal:
    return Journal(
        key=key,
        kind=JournalKind.settlement,
        merchant_id="acme_us",
        company_id="A",
        batch_id="B1",
        settlement_date=DAY.settlement_date,
        posting_date=DAY.settlement_date,
        version=version,
        rate_millionths=1_000_000,
        lines=tuple(JournalLine(a, usd(m), usd(m), source) for a, m, source in parts),
        supersedes="acme_us|2026-10-31|B1|USD|settlement|1" if version > 1 else "",
    )


FIRST = journal(
    "acme_us|2026-10-31|B1|USD|settlement|1",
    [
        ("1160", 26_798, "net"),
        ("6150", 610, "fee.interchange"),
        ("6151", 52, "fee.assessment"),
        ("6152", 40, "fee.per_item"),
        ("6155", 1_500, "fee.chargeback_fee"),
        ("1170", 8_000, "chargeback"),
        ("1150", 3_000, "refund"),
        ("1150", -40_000, "gross_sale"),
    ],
)
SECOND = journal(
    "acme_us|2026-10-31|B1|USD|settlement|2",
    [("6152", 10, "fee.per_item"), ("1160", -10, "net")],
    version=2,
)
EQUATION = Conservation(
    control=usd(26_798),
    classes=(("gross_sale", usd(40_000)), ("other", usd(-13_202))),
    opposing=usd(-26_798),
    funded=usd(26_700),
    named=(("awaited_funding", usd(98)),),
    residual=usd(0),
)
ITEM = ItemReport(
    item_key="acme_us|2026-10-31|missing_in_erp|x",
    settlement_date=date(2026, 10, 29),
    age_days=2,
    stage="match",
    cause="missing_in_erp",
    currency="USD",
    amount=usd(4_950),
    source=f"{FILE}:5",
    document_id="",
    explanation="No SYSPRO document carries US-105; the next nearest is INV4, 250.50 USD.",
    next_action="Create the invoice for order US-105 in SYSPRO.",
    owner="ar.us@acme.example",
)


def example(**changes: object) -> ReportModel:
    """Return the worked day, changed as asked."""
    model = ReportModel(
        day=DAY,
        zone="America/New_York",
        state="tied_out",
        reason="",
        owner="ar.us@acme.example",
        period_policy="park",
        summaries=(CurrencySummary("USD", FIGURES),),
        journals=(
            JournalReport(
                FIRST, "tied_out", "2026/10/4711", EQUATION,
                TieOut(usd(40_000), usd(40_000), ""), "approved by controller",
            ),
            JournalReport(SECOND, "posted", "2026/10/4712", None, None),
        ),
        items=(
            ITEM,
            replace(ITEM, cause="unreadable_line", amount=None, currency="", source=f"{FILE}:9",
                    settlement_date=date(2026, 10, 11), age_days=20),
        ),
        coverage=(
            Coverage(LineClass.gross_sale, Knowledge.reported, "sales"),
            Coverage(LineClass.chargeback, Knowledge.empty, "disputes"),
            Coverage(LineClass.reserve, Knowledge.not_knowable),
        ),
        quality=QualityResult(
            "acme_us",
            DAY.settlement_date,
            (
                SuiteResult(
                    "day_totals",
                    (
                        Finding("day_totals", "x", Severity.stop, True, "sales = control total"),
                        Finding("day_totals", "every_record_understood", Severity.note, False,
                                "USD: 1 records are set aside", "Open the quarantined lines."),
                    ),
                ),
            ),
        ),
        files=(
            FileReport("sales", "payment_batch_detail_classic_csv", FILE, 1, 4_096, "classified",
                       "", 5, 4, 1),
        ),
        lines=ListedLines(LINES),
        mapping_version="f" * 64,
        history=(
            VersionChange(2, FIRST.key, SECOND.key, (("fee.per_item", usd(10)), ("net", usd(-10)))),
        ),
    )  # fmt: skip
    return replace(model, **changes)  # type: ignore[arg-type]
