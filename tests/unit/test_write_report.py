"""The report is assembled from the store and the lake, written whole, and the same each time."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import Engine

from include.adapters.reports.csv_report import CsvReport
from include.adapters.reports.html_report import HtmlReport
from include.adapters.reports.xlsx_report import XlsxReport
from include.adapters.store.engine import open_store
from include.adapters.store.quality import SqlQuality
from include.adapters.store.reports import SqlReportFacts, SqlReports
from include.adapters.store.schema import (
    approvals,
    files,
    journals,
    metadata,
    open_items,
    settlement_days,
    tie_outs,
)
from include.domain.money import Money
from include.domain.settlement import LINE_COLUMNS, SettlementDay
from include.mappings.load import load_mappings
from include.services.column_types import schema_of
from include.services.day_files import DOCUMENTS, EXPLAINED, MATCHES
from include.services.matching.columns import EXPLAINED_COLUMNS
from include.services.report_model import ReportModel
from include.services.write_report import ReportWriter, assemble, write_report
from tests.unit.report_example import DAY, FIRST, SECOND

MAPPINGS = load_mappings()
US, JP = (MAPPINGS.merchant(name, date(2026, 10, 31)) for name in ("acme_us", "acme_jp"))
SALES, FEES, OLD = "a" * 64, "b" * 64, "c" * 64
NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
WRITERS = {"xlsx": XlsxReport(), "html": HtmlReport(), "csv": CsvReport()}


class Clock:
    def now(self) -> datetime:
        return NOW


class Folder:
    def __init__(self, root: Path) -> None:
        self.root = root

    def day_path(self, day: SettlementDay, name: str) -> Path:
        return self.root / "day" / name

    def report_path(self, day: SettlementDay, name: str) -> Path:
        return self.root / "reports" / name


def _line(
    digest: str, number: int, line_class: str, minor: int, code: str = ""
) -> dict[str, object]:
    return {
        **dict.fromkeys(LINE_COLUMNS),
        "file_digest": digest,
        "line_no": number,
        "line_class": line_class,
        "detail_code": code,
        "currency": "USD",
        "amount_minor": minor,
        "request_id": f"64258734912460012345{number:02d}",
    }


LINES = [
    _line(SALES, 3, "gross_sale", 10_000),
    _line(SALES, 4, "gross_sale", 30_000),
    _line(SALES, 5, "refund", -3_000),
    _line(FEES, 3, "fee", -610, "interchange"),
    _line(FEES, 3, "fee", -52, "assessment"),
    _line(FEES, 4, "fee", -7, "surprise"),
]


class Day:
    def __init__(self, root: Path, engine: Engine) -> None:
        self.lake, self.engine = Folder(root), engine
        metadata.create_all(engine)
        (root / "day").mkdir()
        schema = schema_of(LINE_COLUMNS)
        pl.DataFrame(LINES, schema=schema, orient="row").write_parquet(root / "day/lines.parquet")
        coverage = [
            ["gross_sale", "reported", "sales"],
            ["refund", "reported", "sales"],
            ["fee", "reported", "fees"],
            ["chargeback", "empty", "disputes"],
            ["chargeback_reversal", "awaited", "disputes"],
            ["reserve", "not_knowable", ""],
        ]
        row = {
            "merchant_id": "acme_us", "settlement_date": DAY.settlement_date, "state": "tied_out",
            "reason": "", "coverage": json.dumps(coverage), "totals": "{}",
            "mapping_version": "m" * 64, "run_id": "r", "updated_at": NOW,
        }  # fmt: skip
        columns = set(settlement_days.c.keys())
        self.insert(settlement_days, {k: v for k, v in row.items() if k in columns})
        for source, layout, digest, version in (
            ("sales", "payment_batch_detail_classic_csv", OLD, 1),
            ("sales", "payment_batch_detail_classic_csv", SALES, 2),
            ("fees", "fee_detail_csv", FEES, 1),
        ):
            self.insert(
                files,
                {
                    "merchant_id": "acme_us", "settlement_date": DAY.settlement_date,
                    "source": source, "layout": layout, "digest": digest, "version": version,
                    "size_bytes": 10, "received_at": NOW, "state": "classified", "reason": "",
                    "lines_in": 3, "lines_classified": 3, "lines_quarantined": 0,
                },
            )  # fmt: skip

    def insert(self, table: object, row: dict[str, object]) -> None:
        with self.engine.begin() as connection:
            connection.execute(table.insert(), [row])  # type: ignore[attr-defined]

    def journal(self, journal: object, state: str, their_key: str = "") -> None:
        found = FIRST if journal is FIRST else SECOND
        self.insert(
            journals,
            {
                "journal_key": found.key, "merchant_id": "acme_us", "company_id": "A",
                "settlement_date": DAY.settlement_date, "batch_id": "B1", "currency": "USD",
                "kind": "settlement", "version": found.version,
                "posting_date": DAY.settlement_date, "reference": found.reference,
                "payload": found.to_payload(), "digest": found.digest, "state": state,
                "supersedes": found.supersedes, "mapping_version": "m" * 64,
                "control": json.dumps(
                    {"control_minor": 26_798, "classes": {"gross_sale": 26_798},
                     "opposing_minor": -26_798, "funded_minor": 0,
                     "named": {"awaited_funding": 26_798}, "residual_minor": 0}
                ),
                "their_key": their_key, "built_at": NOW,
            },
        )  # fmt: skip

    def item(self, key: str, on: date, state: str = "open", minor: int | None = 4_950) -> None:
        self.insert(
            open_items,
            {
                "item_key": key, "merchant_id": "acme_us", "settlement_date": on,
                "stage": "match", "cause": "missing_in_erp", "currency": "USD",
                "amount_minor": minor, "source": f"{SALES}:4", "document_id": "",
                "explanation": "why", "next_action": "do", "owner": "o", "state": state,
                "opened_at": NOW, "resolved_by": "", "resolution": "",
            },
        )  # fmt: skip

    def model(self) -> ReportModel:
        facts = SqlReportFacts(self.engine, Clock())
        return assemble(DAY, US, facts=facts, lake=self.lake, mappings=MAPPINGS)

    def write(self, writers: Mapping[str, ReportWriter] = WRITERS) -> dict[str, Path]:
        return write_report(
            DAY,
            US,
            facts=SqlReportFacts(self.engine, Clock()),
            lake=self.lake,
            mappings=MAPPINGS,
            writers=writers,
            reports=SqlReports(self.engine, Clock()),
        )


@pytest.fixture
def day(tmp_path: Path) -> Day:
    return Day(tmp_path, open_store(f"sqlite:///{tmp_path}/store.db"))


def test_figures_are_summed_per_class_and_fees_by_their_mapped_kind(day: Day) -> None:
    figures = {f.name: f for f in day.model().summaries[0].figures}
    assert (figures["gross_sale"].amount, figures["gross_sale"].count) == (Money(40_000, "USD"), 2)
    assert figures["fee"].amount == Money(-669, "USD")
    assert figures["fee.interchange"].amount == Money(-610, "USD")
    assert figures["fee.unmapped code surprise"].amount == Money(-7, "USD")
    assert figures["net"].amount == Money(40_000 - 3_000 - 669, "USD")


def test_what_is_reported_twice_is_said_of_every_figure_that_holds_it(day: Day) -> None:
    """The journal and the bank have it once: its figures would not tie without a word."""
    said = {"row": 1, "file_digest": SALES, "line_no": 4, "cause": "duplicate_line"}
    schema = schema_of(EXPLAINED_COLUMNS)
    pl.DataFrame([said], schema=schema).write_parquet(day.lake.day_path(DAY, EXPLAINED))
    figures = {f.name: f for f in day.model().summaries[0].figures}
    words = "300.00 of it is reported twice and not booked"
    assert (figures["gross_sale"].amount, figures["gross_sale"].note) == (
        Money(40_000, "USD"),
        words,
    )
    assert figures["net"].note.endswith(f"reserve (not knowable); {words}")
    assert [f.name for f in figures.values() if "twice" in f.note] == ["gross_sale", "net"]


def test_empty_is_zero_awaited_and_not_knowable_are_words(day: Day) -> None:
    figures = {f.name: f for f in day.model().summaries[0].figures}
    assert figures["chargeback"].amount == Money(0, "USD")
    assert (figures["chargeback_reversal"].amount, figures["chargeback_reversal"].text) == (
        None,
        "awaited",
    )
    assert (figures["reserve"].amount, figures["reserve"].text) == (None, "not knowable")
    assert figures["net"].note == (
        "without chargeback reversals (awaited), adjustments (not knowable), reserve (not knowable)"
    )
    assert figures["bank_entries"].text == "no statement entry"


def test_bank_entries_are_the_funding_of_the_day(day: Day) -> None:
    frame = pl.DataFrame({"currency": ["USD", "USD"], "amount_minor": [26_798, -100]})
    frame.write_parquet(day.lake.day_path(DAY, "bank_entries.parquet"))
    assert day.model().summaries[0].amount("bank_entries") == Money(26_698, "USD")


def test_where_only_the_bank_tells_the_funding_it_is_what_the_bank_says(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path}/store.db")
    day = Day(tmp_path, engine)
    row = {
        "merchant_id": "acme_jp", "settlement_date": DAY.settlement_date, "state": "matched",
        "reason": "", "coverage": '[["funding", "reported", "bank"]]', "totals": "{}",
        "mapping_version": "m", "run_id": "r", "updated_at": NOW,
    }  # fmt: skip
    day.insert(settlement_days, row)
    frame = pl.DataFrame({"currency": ["JPY"], "amount_minor": [175_965]})
    frame.write_parquet(day.lake.day_path(DAY, "bank_entries.parquet"))
    facts = SqlReportFacts(engine, Clock())
    jp = SettlementDay("acme_jp", DAY.settlement_date)
    model = assemble(jp, JP, facts=facts, lake=day.lake, mappings=MAPPINGS)
    yen = next(summary for summary in model.summaries if summary.currency == "JPY")
    assert yen.amount("funding") == Money(175_965, "JPY")


def test_journals_come_with_their_proof_tie_out_approval_and_history(day: Day) -> None:
    day.journal(FIRST, "tied_out", "2026/10/4711")
    day.journal(SECOND, "built")
    tie = {
        "journal_key": FIRST.key, "currency": "USD", "ours_minor": 40_000,
        "theirs_minor": 39_999, "difference_minor": -1, "detail": '["total: ours 1, SYSPRO 2"]',
        "checked_at": NOW,
    }  # fmt: skip
    day.insert(tie_outs, tie)
    decision = {
        "journal_key": FIRST.key, "digest": FIRST.digest, "decision": "approved",
        "decided_by": "controller", "reason": "seen", "decided_at": NOW,
    }  # fmt: skip
    day.insert(approvals, decision)
    model = day.model()
    first, second = model.journals
    assert first.number == "2026/10/4711"
    assert second.number == "built"
    assert first.tie_out is not None
    assert first.tie_out.difference == Money(-1, "USD")
    assert first.tie_out.detail == "total: ours 1, SYSPRO 2"
    assert first.approval == "approved by controller: seen"
    assert first.conservation is not None
    assert first.conservation.residual == Money(0, "USD")
    assert model.is_restated
    assert model.history[0].changes == (
        ("fee.per_item", Money(10, "USD")),
        ("net", Money(-10, "USD")),
    )


def test_void_journals_are_not_reported(day: Day) -> None:
    day.journal(FIRST, "void")
    assert day.model().journals == ()


def test_items_open_up_to_the_day_are_listed_with_their_age(day: Day) -> None:
    day.item("old", date(2026, 10, 21))
    day.item("today", DAY.settlement_date, minor=None)
    day.item("later", date(2026, 11, 1))
    day.item("done", date(2026, 10, 21), state="resolved")
    items = day.model().items
    assert [(item.item_key, item.age_days) for item in items] == [("old", 10), ("today", 0)]
    assert [item.amount for item in items] == [Money(4_950, "USD"), None]


def test_lines_carry_the_word_of_matching_only_where_it_is_about_them(day: Day) -> None:
    rows = [
        {"file_digest": line["file_digest"], "line_no": line["line_no"], "document_row": i}
        for i, line in enumerate(LINES)
    ]
    rows[1]["line_no"] = 99
    pl.DataFrame({"document_id": [f"D{i}" for i in range(len(rows))]}).write_parquet(
        day.lake.day_path(DAY, DOCUMENTS)
    )
    said = {"row": 3, "file_digest": LINES[3]["file_digest"], "line_no": LINES[3]["line_no"]}
    said |= {"rule": "partial_refund", "cause": "ambiguous"}
    explained = day.lake.day_path(DAY, EXPLAINED)
    pl.DataFrame([said], schema=schema_of(EXPLAINED_COLUMNS)).write_parquet(explained)
    pl.DataFrame(rows, schema_overrides={"document_row": pl.Int32}).write_parquet(
        day.lake.day_path(DAY, MATCHES),
        metadata={EXPLAINED: hashlib.sha256(explained.read_bytes()).hexdigest()},
    )
    lines = list(day.model().lines)
    assert [line.document_id for line in lines] == ["D0", "", "D2", "D3", "D4", "D5"]
    assert [(line.rule, line.cause) for line in lines[:4]] == [
        ("exact", ""), ("", ""), ("exact", ""), ("partial_refund", "ambiguous"),
    ]  # fmt: skip
    assert lines[0].file == "sales"
    assert lines[0].source == f"{SALES}:3"


def test_all_formats_are_written_and_remembered_with_their_digest(day: Day) -> None:
    written = day.write()
    assert {fmt: path.name for fmt, path in written.items()} == {
        fmt: f"tieout_acme_us_2026-10-31.{fmt}" for fmt in ("xlsx", "html", "csv")
    }
    kept = SqlReports(day.engine, Clock()).of_day(DAY)
    assert {fmt: path for fmt, (path, _) in kept.items()} == {f: str(p) for f, p in written.items()}
    assert sorted(p.name for p in written["csv"].parent.iterdir()) == sorted(
        path.name for path in written.values()
    )


def test_a_replay_of_an_unchanged_day_gives_the_same_digests(day: Day) -> None:
    day.journal(FIRST, "tied_out", "2026/10/4711")
    day.item("old", date(2026, 10, 21))
    day.write()
    before = SqlReports(day.engine, Clock()).of_day(DAY)
    day.write()
    assert SqlReports(day.engine, Clock()).of_day(DAY) == before


def test_a_day_nobody_ran_is_reported_as_not_begun(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path}/store.db")
    metadata.create_all(engine)
    day = SettlementDay("acme_jp", date(2026, 10, 31))
    facts = SqlReportFacts(engine, Clock())
    model = assemble(day, JP, facts=facts, lake=Folder(tmp_path), mappings=MAPPINGS)
    assert model.state == "not begun"
    assert {f.text for f in model.summaries[0].figures} == {"not knowable", "no statement entry"}
    assert SqlQuality(engine, Clock()).of_day(day) is None


def test_the_store_side_works_on_every_database(store_url: str) -> None:
    engine = open_store(store_url)
    metadata.create_all(engine)
    reports = SqlReports(engine, Clock())
    reports.record(DAY, "csv", "/a", "1")
    reports.record(DAY, "csv", "/b", "2")
    assert reports.of_day(DAY) == {"csv": ("/b", "2")}
    facts = SqlReportFacts(engine, Clock())
    assert facts.day_state(DAY) is None
    assert list(facts.journals(DAY)) == []
    engine.dispose()


def test_a_report_written_by_a_zombie_and_its_successor_at_once_is_whole(day: Day) -> None:
    (wanted,) = (path.read_bytes() for path in day.write({"csv": CsvReport()}).values())

    class Zombie:
        """Is overtaken by its successor in the middle of its file."""

        def write(self, model: ReportModel, path: Path) -> None:
            CsvReport().write(model, path)
            day.write({"csv": CsvReport()})

    (path,) = day.write({"csv": Zombie()}).values()
    assert path.read_bytes() == wanted
    assert list(path.parent.iterdir()) == [path]
