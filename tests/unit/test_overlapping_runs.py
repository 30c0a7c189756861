"""Two runs at one merchant's days: a backfill runs beside the schedule, whatever the DAG says."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from include.adapters.store.expectations import SqlExpectations
from include.adapters.store.schema import metadata
from include.adapters.store.turns import SqlTurns
from include.domain.errors import Retryable
from include.domain.expectations import Expectation
from include.domain.settlement import LINE_COLUMNS, SettlementDay
from include.services.column_types import schema_of
from include.services.day_files import LINES, MATCHES
from include.services.matching.match_files import rows_of_matches
from include.wiring import Settings, Tieout
from tests.support_books import Gateway, Periods, document, line
from tieout.hooks import cybersource, syspro
from tieout.tasks import day_step, disputes, settlement

FIRST, SECOND = (
    SettlementDay("acme_us", date(2026, 10, 30)),
    SettlementDay("acme_us", date(2026, 10, 31)),
)
OTHER = SettlementDay("acme_uk", FIRST.settlement_date)
SALE = {"reference": "O-1", "request": "9" * 22, "line_no": 3}


class Syspro(Periods):
    """A SYSPRO of one invoice, that any number of sessions may read."""

    def __init__(self, _conn_id: str, **_more: Any) -> None:
        super().__init__()

    def session(self) -> Any:
        return nullcontext()

    def documents(self, *_asked: Any) -> list[dict[str, Any]]:
        return [document("1", reference="O-1", on=FIRST.settlement_date)]


class Interrupted(SqlExpectations):
    """The store's, on which another run begins once this one has read and before it writes."""

    other: "Future[str] | None" = None

    def save(self, found: Sequence[Expectation]) -> None:
        if self.other is None:
            self.other = ThreadPoolExecutor(1).submit(settlement.match, str(FIRST))
            wait([self.other], timeout=1)  # it ends meanwhile, or it waits for its turn
        super().save(found)


@pytest.fixture
def context(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tieout]:
    made = Tieout(Settings(store_url, tmp_path / "lake", "sandbox"))
    metadata.create_all(made.store)
    for module in (day_step, disputes):
        monkeypatch.setattr(module, "tieout", lambda: made)
    monkeypatch.setattr(syspro, "SysproHook", Syspro)
    monkeypatch.setattr(cybersource, "CybersourceHook", lambda _conn_id: Gateway())
    for day, batch in ((FIRST, "B1"), (SECOND, "B2"), (OTHER, "B3")):
        frame = pl.DataFrame([line(batch=batch, **SALE)], schema=schema_of(LINE_COLUMNS))
        path = made.lake.day_path(day, LINES)
        path.parent.mkdir(parents=True)
        frame.write_parquet(path)
        made.days.record(day, "matched")  # before: what any of the steps needs has ended
    yield made
    made.store.dispose()


def found(context: Tieout, day: SettlementDay) -> list[tuple[str | None, str | None]]:
    """Return what became of the day's lines: the rule that settled each, else why it is open."""
    return [
        (row["rule"], row["cause"]) for row in rows_of_matches(context.lake.day_path(day, MATCHES))
    ]


def test_a_sale_that_two_days_report_is_settled_by_one_of_them(context: Tieout) -> None:
    interrupted = context.expectations = Interrupted(context.store)
    settlement.match(str(SECOND))
    assert interrupted.other is not None
    interrupted.other.result()
    assert found(context, SECOND) == [("exact", None)]
    assert found(context, FIRST) == [(None, "duplicate_line")]


@pytest.mark.parametrize(
    "step", [settlement.classify, settlement.match, settlement.build, disputes.watch_disputes]
)
def test_what_reads_other_days_and_books_waits_for_the_merchants_turn(
    context: Tieout, step: Any
) -> None:
    context.turns = SqlTurns(context.store, wait_s=0)
    with context.turns.of("acme_us", "run 'backfill__7' (match of 2026-11-07)"):
        with pytest.raises(Retryable, match="at work in run 'backfill__7'"):
            step(str(FIRST))
        if step is settlement.match:
            step(str(OTHER))  # another merchant's days go on beside
