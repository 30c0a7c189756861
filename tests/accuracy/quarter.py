"""Run a quarter of the sandbox's world through the product, day by day, merchant by merchant."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import select

from include.adapters.lake import Lake
from include.adapters.layouts.parse import LayoutReader
from include.adapters.quality.runner import GxGate
from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.disputes import SqlDisputes
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.expectations import SqlExpectations
from include.adapters.store.files import SqlFiles
from include.adapters.store.journals import SqlJournals
from include.adapters.store.open_items import SqlOpenItems
from include.adapters.store.quality import SqlQuality
from include.adapters.store.schema import files as file_table
from include.adapters.store.schema import journals as journal_table
from include.adapters.store.schema import metadata, open_items
from include.domain.calendar import settlement_window
from include.domain.errors import Rejected, Retryable
from include.domain.settlement import SettlementDay
from include.mappings.load import load_mappings
from include.sandbox.world import World
from include.sandbox.world.model import Label
from include.services.build_journals import build_journals
from include.services.check_quality import check_quality
from include.services.classify_lines import ClassifyResult, classify_lines
from include.services.disputes.watch import watch_disputes
from include.services.download_reports import download_reports
from include.services.effect_postings import EffectPostings
from include.services.fetch_sources import Senders
from include.services.journal_book import JournalState
from include.services.match_funding import match_funding
from include.services.match_lines import document_window, match_lines
from include.services.matching.match_files import rows_of_matches
from tests.accuracy.partners import Partners, WallClock

_TRIES = 4  # Airflow would try again; a second download often serves the right bytes


@dataclass
class Found:
    """Everything the product said about a quarter."""

    items: list[dict[str, Any]] = field(default_factory=list)  # every open item ever opened
    rows: list[dict[str, Any]] = field(default_factory=list)  # lines with a rule or a cause
    files: list[dict[str, Any]] = field(default_factory=list)  # every file version
    journals: list[dict[str, Any]] = field(default_factory=list)
    quarantine: list[dict[str, Any]] = field(default_factory=list)
    lines: dict[str, set[str]] = field(default_factory=dict)  # request ids by day key
    restated: set[tuple[str, date, str]] = field(default_factory=set)  # posted as a difference
    blocked: list[str] = field(default_factory=list)  # days the product refused, with the reason
    # Documents whose line a restated report has dropped: by the truth they have not settled.
    dropped: dict[tuple[object, ...], date] = field(default_factory=dict)
    # Items that only a restated report gave rise to, e.g. the fee of a sale it dropped.
    after_restatement: set[str] = field(default_factory=set)
    # What the truth asks to be looked for: requests of short and long days, and at a closing.
    watched: list[tuple[str, date, str]] = field(default_factory=list)
    crossing: set[tuple[str, str]] = field(default_factory=set)


class Quarter:
    """The product over one store and one lake."""

    def __init__(self, root: Path, partners: Partners, world: World, url: str = "") -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.partners, self.world = partners, world
        self.engine = open_store(url or f"sqlite:///{root / 'store.db'}")
        metadata.create_all(self.engine)
        clock = WallClock()
        self.lake, self.files = Lake(root / "lake"), SqlFiles(self.engine)
        self.items = SqlOpenItems(self.engine, clock)
        self.expectations = SqlExpectations(self.engine)
        self.journals = SqlJournals(self.engine, clock)
        self.effects, self.letters = SqlEffectStore(self.engine), SqlDeadLetters(self.engine)
        self.disputes = SqlDisputes(self.engine, clock)
        self.quality = SqlQuality(self.engine, clock)
        self.layouts, self.gate, self.mappings = LayoutReader(), GxGate(), load_mappings()
        self.found = Found()

    def run_day(self, day: SettlementDay, labels: list[Label]) -> None:
        """Run one day, with what its labels ask the sandbox to do: close a period, restate."""
        closed = [label for label in labels if label.label == "closed_period"]
        for label in closed:
            self._period(label, "closed")
        self._settle(day)
        for label in closed:
            self._period(label, "open")
        for label in labels:
            if label.label == "restated_report" and label.report_name:
                self._restate(day, label)

    def _period(self, label: Label, state: str) -> None:
        detail = {name: label.detail[name] for name in ("company", "year", "period")}
        self.partners.control("/control/periods", json.dumps({**detail, "state": state}).encode())

    def _restate(self, day: SettlementDay, label: Label) -> None:
        """Let the sandbox restate a report after its day was posted, and run the day again."""
        body = {
            "organization_id": day.merchant_id,
            "report_name": label.report_name,
            "settlement_date": day.settlement_date.isoformat(),
        }
        answer = self.partners.control("/control/restate", json.dumps(body).encode())
        orders = self.world.settled(day.merchant_id, day.settlement_date).orders
        for change in answer["changes"]:
            gone = orders.get(change.get("request_id") or change.get("requestID") or "")
            if change["change"] == "removed" and gone is not None and gone.documents:
                document = (day.merchant_id, gone.documents[0].document_id)
                self.found.dropped[document] = day.settlement_date
        before = {r.journal.key for r in self.journals.versions(day)}
        said = {item.item_key for item in self.items.open_of_day(day)}
        self._settle(day)
        self.found.after_restatement |= {
            item.item_key for item in self.items.open_of_day(day) if item.item_key not in said
        }
        new = [r.journal for r in self.journals.versions(day) if r.journal.key not in before]
        if any(journal.supersedes in before for journal in new):
            self.found.restated.add((day.merchant_id, day.settlement_date, label.report_name or ""))

    def _settle(self, day: SettlementDay) -> None:
        try:
            self._steps(day)
        except Rejected as error:
            self.found.blocked.append(f"{day}: {error}")

    def _steps(self, day: SettlementDay) -> None:
        merchant = self.mappings.merchant(day.merchant_id, day.settlement_date)
        reports, ledger = self.partners.reports(merchant), self.partners.ledger(merchant)
        self._download(day)
        classified = classify_lines(
            day,
            merchant,
            lake=self.lake,
            files=self.files,
            layouts=self.layouts,
            open_items=self.items,
        )
        self._check(day, classified)
        kinds = {file.digest: file.layout for file in self.files.of_day(day)}
        first, last = document_window(day, merchant)
        match_lines(
            day,
            merchant,
            lake=self.lake,
            documents=ledger.reader.documents(
                merchant.company_id, first, last, merchant.erp_documents
            ),
            expectations=self.expectations,
            open_items=self.items,
            reports=reports,
            mappings=self.mappings,
            layouts=kinds,
        )
        postings = EffectPostings(self.effects, self.letters, merchant.owner, lambda: False)
        build_journals(
            day,
            merchant,
            lake=self.lake,
            mappings=self.mappings,
            journals=self.journals,
            postings=postings,
            periods=ledger.reader,
            expectations=self.expectations,
            open_items=self.items,
            layouts=kinds,
            disputes=self.disputes,
            totals=classified.totals,
        )
        match_funding(
            day,
            merchant,
            lake=self.lake,
            expectations=self.expectations,
            open_items=self.items,
            journals=self.journals,
            postings=postings,
            mappings=self.mappings,
            periods=ledger.reader,
        )
        watch_disputes(
            day,
            merchant,
            coverage=classified.coverage,
            lake=self.lake,
            disputes=self.disputes,
            journals=self.journals,
            open_items=self.items,
            mappings=self.mappings,
            postings=postings,
            periods=ledger.reader,
        )
        for booked in self.journals.of_day(day):  # what is posted is measured elsewhere
            self.journals.move(booked.journal, JournalState.posted)

    def _download(self, day: SettlementDay) -> None:
        merchant = self.mappings.merchant(day.merchant_id, day.settlement_date)
        for attempt in range(_TRIES):
            try:
                senders = Senders(
                    reports=self.partners.reports(merchant),
                    statements=self.partners.bank,
                    acquirer=self.partners.acquirer,
                    lake=self.lake,
                    files=self.files,
                    layouts=self.layouts,
                    clock=WallClock(),
                )
                download_reports(day, merchant, senders, self.items)
            except Retryable:
                if attempt == _TRIES - 1:
                    raise
            else:
                return

    def _check(self, day: SettlementDay, classified: ClassifyResult) -> None:
        merchant = self.mappings.merchant(day.merchant_id, day.settlement_date)
        window = settlement_window(day.settlement_date, merchant.zone, merchant.cut_off)
        reports = self.partners.reports(merchant)
        check_quality(
            day,
            merchant,
            lake=self.lake,
            gate=self.gate,
            quality_store=self.quality,
            control_totals=reports.batch_totals(merchant.organization_id, window),
            coverage=classified.coverage,
        ).require()

    def conclude(self, days: Iterator[SettlementDay]) -> Found:
        """Gather what was said."""
        for table, into in (
            (open_items, self.found.items),
            (file_table, self.found.files),
            (journal_table, self.found.journals),
        ):
            with self.engine.begin() as connection:
                into += [dict(row) for row in connection.execute(select(table)).mappings()]
        for day in days:
            self._gather(day)
        return self.found

    def _gather(self, day: SettlementDay) -> None:
        who = {"merchant": day.merchant_id, "day": day.settlement_date}
        matches = self.lake.day_path(day, "matches.parquet")
        aside = self.lake.day_path(day, "quarantine.parquet")
        if aside.exists():
            self.found.quarantine += [row | who for row in pl.read_parquet(aside).to_dicts()]
        if not matches.exists():
            return
        lines = pl.read_parquet(self.lake.day_path(day, "lines.parquet"))
        settled = lines.filter(pl.col("line_class").is_in(["gross_sale", "refund"]))
        self.found.lines[str(day)] = set(settled["request_id"].drop_nulls().to_list())
        said = list(rows_of_matches(matches))
        ids = ["request_id", "case_number", "detail_code"]
        places = lines.select("line_class", *ids).to_dicts()
        for row in said:
            place = places[row["row"]] if row["row"] >= 0 else dict.fromkeys(ids)
            if row["rule"] or row["cause"]:
                self.found.rows.append(row | place | who)


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
