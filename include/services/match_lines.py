"""Match a day's settlement lines with ERP documents; keep, meet and expire what is awaited.

Plain matches stay columns (``matching/plain.py``); only what is left becomes objects, which the
rules of ``matching/`` look at in a fixed order. The same input gives the same bytes and the same
rows in the store, whichever day runs first or again.
"""

import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.domain.expectations import Expectation, ExpectationKind
from include.domain.matching import Cause, Rule
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.open_items import OpenItem, Stage
from include.domain.settlement import SettlementDay
from include.services.day_files import DOCUMENTS, LINES, MATCHES
from include.services.matching import (
    ambiguity,
    amounts,
    currencies,
    disputes,
    duplicates,
    equals,
    exact,
    fees,
    partial,
    refunds,
    request_ids,
    tolerance,
)
from include.services.matching.evidence import Evidence
from include.services.matching.explained import explained_rows
from include.services.matching.history import History
from include.services.matching.inputs import document_window, spool_documents
from include.services.matching.match_files import MatchWriter
from include.services.matching.model import Pool
from include.services.matching.outcome import MATCHER, Outcome, conclude, item_of
from include.services.matching.pairing import pair_plain
from include.services.matching.plain import NOBODY
from include.services.matching.ports import (
    DayFiles,
    Expectations,
    FeePrices,
    Gateway,
    ItemStore,
)
from include.services.matching.scene import set_scene

if TYPE_CHECKING:
    from include.services.matching.plain import Rows

__all__ = ["MatchResult", "document_window", "match_lines"]


@dataclass(frozen=True, slots=True)
class MatchResult:
    """What a controller is told in one line."""

    lines: int  # of the day, of every class
    rules: Mapping[str, int]  # lines settled, by rule
    causes: Mapping[str, int]  # lines not settled or not right, by cause
    open_items: int  # findings of the day that are open now
    path: Path  # matches.parquet

    def __str__(self) -> str:
        def counted(counts: Mapping[str, int]) -> str:
            return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"

        return (
            f"{self.lines} lines; settled: {counted(self.rules)}; "
            f"not settled or not right: {counted(self.causes)}; {self.open_items} open items"
        )


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Look for no garbage: ten thousands of objects live at once, and looking costs a quarter."""
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_collecting:
            gc.enable()


@_without_collecting()
def match_lines(
    day: SettlementDay,
    merchant: Merchant,
    *,
    lake: DayFiles,
    documents: Iterable[Mapping[str, object]] | None,
    expectations: Expectations,
    open_items: ItemStore,
    reports: Gateway | None,
    mappings: FeePrices,
    layouts: Mapping[str, str],
) -> MatchResult:
    """Match one merchant's day and store what it leaves open.

    Args:
        day: the merchant's settlement date.
        merchant: as configured on that date.
        lake: holds the day's lines.parquet; receives documents.parquet, explained.parquet and
            matches.parquet.
        documents: rows of the ERP's documents of ``document_window``. ``None``: the lake holds
            documents.parquet already, with one row per document id and ``DOCUMENT_COLUMNS``.
        expectations: what is awaited across days.
        open_items: where findings go.
        reports: the gateway; asked about exceptions only. ``None``: no evidence is to be had.
        mappings: fee kinds and schedules.
        layouts: layout by file digest, to translate fee codes.

    Raises:
        Retryable: the gateway or the ERP did not answer; nothing was stored.
    """
    on = day.settlement_date
    lines_path = Path(lake.day_path(day, LINES))
    history, evidence = History(lake, day), Evidence(reports)
    loaded = _load(expectations, day)
    path = Path(lake.day_path(day, MATCHES))
    with (
        MatchWriter(path) as writer,
        ThreadPoolExecutor(1, thread_name_prefix="match") as beside,
    ):
        documents_path = (
            Path(lake.day_path(day, DOCUMENTS))
            if documents is None
            else spool_documents(documents, writer.documents)
        )
        paired = pair_plain(lines_path, documents_path, loaded, day, merchant, history)
        scene = set_scene(paired, lines_path, documents_path, day, history)
        # The rules hold the interpreter and one core; columns are read and written meanwhile.
        writer.begin(lines_path, paired.keys.line_numbers, documents_path, paired.document_of_line)
        drifting = beside.submit(
            fees.drifts, lines_path, merchant.merchant_id, on, mappings, layouts, history
        )
        pool = Pool(on, scene.lines, scene.documents)
        _apply_rules(pool, merchant, history, evidence)
        found = disputes.judge(scene.disputes, history, evidence)
        outcome = conclude(day, merchant, loaded, pool, history)
        drifted = drifting.result()
        by_row = {row["row"]: row for row in scene.disputes}
        disputed = [(each, by_row[each.row]) for each in found]
        items = [*outcome.findings, *_side_findings(day, merchant, disputed, drifted)]
        left = [*pool.lines.values(), *scene.withheld]
        explained = explained_rows(
            pool.decisions, left, disputed, drifted, scene.parts_of_sales, on
        )
        count = _store(day, merchant, outcome, items, expectations, open_items)
        writer.publish(explained)
    return _result(paired.document_of_line, explained, count, path)


def _load(expectations: Expectations, day: SettlementDay) -> list[Expectation]:
    on = day.settlement_date
    return [
        expectation
        for kind in (ExpectationKind.settlement, ExpectationKind.document)
        for expectation in expectations.load(day.merchant_id, kind, since_until=on, met_from=on)
    ]


def _apply_rules(pool: Pool, merchant: Merchant, history: History, evidence: Evidence) -> None:
    """Let each rule take out what it can tell, the surest first."""
    own_ids = [i.request_id for i in pool.lines.values() if i.request_id and not i.is_earlier]
    duplicates.decide(pool, history.settled_elsewhere(own_ids))
    exact.decide(pool)
    partial.decide(pool)
    tolerance.decide(pool, merchant.amount_tolerance_minor)
    amounts.decide(pool, evidence)
    currencies.decide(pool)
    nameless = [i for i in pool.lines.values() if not i.reference]
    ids = [r for i in nameless for r in (i.request_id, i.related_request_id) if r]
    request_ids.decide(pool, history.captures(ids))
    equals.decide(pool, merchant.date_tolerance_days)
    refunds.decide(pool, evidence, merchant.date_tolerance_days)
    ambiguity.decide(pool, merchant.date_tolerance_days)


def _side_findings(
    day: SettlementDay,
    merchant: Merchant,
    disputed: Sequence[tuple[disputes.DisputeFinding, Mapping[str, Any]]],
    drifted: Sequence[fees.FeeDrift],
) -> list[OpenItem]:
    """Return what is wrong with disputes and fees, as open items."""
    of_disputes = [
        OpenItem.found(
            day,
            Stage.match,
            each.cause,
            each.key,
            merchant.owner,
            money=Money(line["amount_minor"], line["currency"]),
            source=f"{line['file_digest']}:{line['line_no']}",
            why=each.why,
            do=each.do,
        )
        for each, line in disputed
        if each.cause is not None
    ]
    of_fees = [
        OpenItem.found(
            day,
            Stage.match,
            Cause.fee_drift,
            drift.key,
            merchant.owner,
            money=Money(drift.drift_minor, drift.currency),
            source=drift.source,
            why=drift.explanation,
            do="Ask the acquirer for the difference, or correct fee_schedules.yaml.",
        )
        for drift in drifted
    ]
    return of_disputes + of_fees


def _store(
    day: SettlementDay,
    merchant: Merchant,
    outcome: Outcome,
    findings: Sequence[OpenItem],
    expectations: Expectations,
    open_items: ItemStore,
) -> int:
    """Store expectations and items; return how many items of the day are open.

    An awaited line or document is an open item of the day it arose on: those of this day replace
    what an earlier run found, those of other days are opened or resolved one by one.
    """
    before = {i.item_key: i for e in outcome.before.values() if (i := item_of(e, merchant.owner))}
    now = {i.item_key: i for e in outcome.known.values() if (i := item_of(e, merchant.owner))}
    expectations.save(outcome.changed())
    now |= {item.item_key: item for item in findings}
    own = [item for item in now.values() if item.settlement_date == day.settlement_date]
    others = [
        item
        for item in now.values()
        if item.settlement_date != day.settlement_date and before.get(item.item_key) != item
    ]
    gone = sorted(
        key
        for key, item in before.items()
        if key not in now and item.settlement_date != day.settlement_date
    )
    open_items.replace_findings(day, Stage.match, own)
    open_items.open(others)
    open_items.resolve(
        gone, resolved_by=MATCHER, resolution=f"settled or named otherwise by the run of {day}"
    )
    return len(own)


def _result(
    document_of_line: "Rows", explained: Sequence[Mapping[str, Any]], open_count: int, path: Path
) -> MatchResult:
    rules = Counter(row["rule"] for row in explained if row["rule"])
    causes = Counter(row["cause"] for row in explained if row["cause"])
    explained_plain = {
        row["row"]
        for row in explained
        if row["row"] >= 0 and document_of_line[row["row"]] != NOBODY
    }
    rules[Rule.exact.value] += int((document_of_line != NOBODY).sum()) - len(explained_plain)
    return MatchResult(len(document_of_line), dict(rules), dict(causes), open_count, path)
