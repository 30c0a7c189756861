"""The product on one day: raw bytes to journals and open items, the quality gate included."""

import importlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

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
from include.adapters.store.schema import metadata
from include.domain.calendar import Window
from include.domain.settlement import LineClass, SettlementDay
from include.mappings.load import load_mappings
from include.services.build_journals import build_journals
from include.services.check_quality import check_quality
from include.services.classify_lines import classify_lines
from include.services.effect_postings import EffectPostings
from include.services.files import StoredFile
from include.services.match_lines import match_lines
from include.services.ports import PeriodState, PostingPeriod, TransactionFacts
from tests.bench.generate import DAY, MERCHANT

Answer = tuple[tuple[int, int, int], dict[str, float]]
LAYOUT = "payment_batch_detail_classic_csv"
DIGEST = "b" * 64  # computed while the bytes arrive, before anything here begins


# What the steps import on the way, beside what is imported above.
_USED = (
    "pandas",
    "pyarrow.pandas_compat",
    "sqlalchemy.dialects.sqlite",
    "include.adapters.layouts.reading.parse",
    "include.services.day_tables",
    "include.services.measure_facts",
    "include.services.measure_totals",
    "include.services.moved_lines",
)


def preload() -> None:
    """Import what Airflow's workers have imported before a task begins."""
    from include import preload as forking

    for module in _USED:
        importlib.import_module(module)
    forking.preload(["standalone"])  # as in the processes that fork tasks


class _Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class _Gateway:
    """Says that everything was authorized as the order says; the network is not measured here."""

    def transaction(self, request_id: str) -> TransactionFacts | None:
        return TransactionFacts(request_id, None, None, "USD", 10**9, None, ("ics_bill",))


class _Periods:
    def posting_period(self, company_id: str, posting_date: object) -> PostingPeriod:
        return PostingPeriod(DAY.year, DAY.month, PeriodState.open)


class _Lake:
    """A new lake that holds the raw file already: its bytes were stored while they arrived."""

    def __init__(self, root: Path, raw: Path) -> None:
        self._root, self._raw = root, raw

    def day_path(self, day: SettlementDay, name: str) -> Path:
        folder = self._root / day.merchant_id / day.settlement_date.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def write_raw(self, download: object) -> None:
        raise NotImplementedError("nothing is downloaded here")

    def raw_path(self, digest: str) -> Path:
        return self._raw

    def lines_path(self, digest: str, layout: str) -> Path:
        return self._root / f"{digest[:8]}.{layout}.lines.parquet"

    def quarantine_path(self, digest: str, layout: str) -> Path:
        return self._root / f"{digest[:8]}.{layout}.quarantine.parquet"


@contextmanager
def a_day_begins(csv: Path, documents: Path) -> Iterator[Callable[[], Answer]]:
    """Give what reconciles the day: in a new lake and a store that is there, as it always is.

    What it returns are totals and seconds by stage. The lake is thrown away after it.
    """
    preload()
    with tempfile.TemporaryDirectory(dir=csv.parent) as folder:
        engine = open_store(f"sqlite:///{Path(folder) / 'store.db'}")
        metadata.create_all(engine)
        yield lambda: _settle(csv, documents, Path(folder), engine)


def _settle(csv: Path, documents: Path, root: Path, engine: Engine) -> Answer:
    stages: dict[str, float] = {}
    day = SettlementDay(MERCHANT, DAY)
    with _timed(stages, "set up"):
        mappings = load_mappings()
        merchant = mappings.merchant(MERCHANT, DAY)
        merchant = _only_sales(merchant)
        lake, files = _Lake(root, csv), SqlFiles(engine)
        items, quality = SqlOpenItems(engine, _Clock()), SqlQuality(engine, _Clock())
        expectations, journals = SqlExpectations(engine), SqlJournals(engine, _Clock())
        files.keep(_received(csv))
        lake.day_path(day, "documents.parquet").hardlink_to(documents)  # spooled as they arrived
    with _timed(stages, "parse and classify"):
        classified = classify_lines(
            day, merchant, lake=lake, files=files, layouts=LayoutReader(), open_items=items
        )
    layouts = files.layouts(day)
    with _timed(stages, "quality gate"):
        result = check_quality(
            day,
            merchant,
            lake=lake,
            gate=GxGate(),
            quality_store=quality,
            control_totals=[],
            coverage=classified.coverage,
        )
        result.require()
    with _timed(stages, "match"):
        matched = match_lines(
            day,
            merchant,
            lake=lake,
            documents=None,
            expectations=expectations,
            open_items=items,
            reports=_Gateway(),
            mappings=mappings,
            layouts=layouts,
        )
    with _timed(stages, "build"):
        built = build_journals(
            day,
            merchant,
            lake=lake,
            mappings=mappings,
            journals=journals,
            postings=EffectPostings(
                SqlEffectStore(engine), SqlDeadLetters(engine), merchant.owner, lambda: False
            ),
            periods=_Periods(),
            expectations=expectations,
            open_items=items,
            layouts=layouts,
            disputes=SqlDisputes(engine, _Clock()),
            totals=classified.totals,
        )
    if not built.built or not matched.open_items:
        raise ValueError("the day has journals and open items")
    gross = classified.totals["USD", LineClass.gross_sale]
    refunds = classified.totals["USD", LineClass.refund]
    exact = sum(matched.rules.get(rule, 0) for rule in ("exact", "partial_refund"))
    return (gross, refunds, exact), stages


def _received(csv: Path) -> StoredFile:
    """Return what the download step has noted of the day's one file."""
    return StoredFile(
        MERCHANT,
        DAY,
        source="sales",
        layout=LAYOUT,
        digest=DIGEST,
        size_bytes=csv.stat().st_size,
        received_at=_Clock().now(),
        window=Window(datetime(2026, 10, 30, 4, tzinfo=UTC), datetime(2026, 10, 31, 4, tzinfo=UTC)),
    )


def _only_sales(merchant):  # type: ignore[no-untyped-def]
    """The day has one file; the other sources of the merchant are not part of the measurement."""
    from dataclasses import replace

    return replace(merchant, sources=tuple(s for s in merchant.sources if s.name == "sales"))


@contextmanager
def _timed(stages: dict[str, float], name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    stages[name] = time.perf_counter() - began
