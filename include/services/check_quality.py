"""Step 3 of the day: measure everything that came, hold it against the suites, keep the answer.

A broken expectation that stops the day posts nothing: the caller calls ``QualityResult.require``.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from include.domain.merchant import Merchant
from include.domain.quality import DayFile, QualityResult, SuiteResult
from include.domain.settlement import Coverage, SettlementDay
from include.services.day_files import ENTRIES, LINES, QUARANTINE
from include.services.matching.ports import DayFiles


class QualityGate(Protocol):
    """Runs one suite over measured rows."""

    def run(self, suite_name: str, rows: Sequence[Mapping[str, object]]) -> SuiteResult:
        """Return the findings; a row has exactly the suite's columns."""
        ...


class QualityStore(Protocol):
    """Where results are kept, and what is known of the day's files."""

    def day_files(self, day: SettlementDay) -> Sequence[DayFile]:
        """Return the file of each source that counts: the newest whole one, or the newest."""
        ...

    def replace(self, result: QualityResult) -> None:
        """Keep a day's result instead of an earlier one."""
        ...


def check_quality(
    day: SettlementDay,
    merchant: Merchant,
    *,
    lake: DayFiles,
    gate: QualityGate,
    quality_store: QualityStore,
    control_totals: Sequence[Mapping[str, object]],
    coverage: Sequence[Coverage],
) -> QualityResult:
    """Measure and judge one settlement day; keep and return the result.

    ``control_totals`` are rows of ``payment-batch-summaries`` as the vendor names them; empty
    where the processor gives none, which is noted and not taken for zero. ``coverage`` is what
    ``classify_lines`` says about each class.

    Raises:
        Rejected: a control total is not money.
    """
    from include.services import measure_facts as measure  # loads Polars
    from include.services.measure_totals import measure_totals, read_control_totals

    files = quality_store.day_files(day)
    lines = Path(lake.day_path(day, LINES))
    quarantine = Path(lake.day_path(day, QUARANTINE))
    entries = Path(lake.day_path(day, ENTRIES))
    control = read_control_totals(control_totals, merchant)
    # Columns are read beside the gate, which holds one core with its answers.
    with ThreadPoolExecutor(2, thread_name_prefix="measure") as pool:
        of_files = pool.submit(
            measure.measure_files, merchant, day, files, coverage, (lines, entries), quarantine
        )
        sums = pool.submit(
            lambda: measure.group_lines(merchant, day, lines) if lines.exists() else None
        )
        groups = sums.result()  # both cores first make what the gate waits for
        unrepeated = pool.submit(measure.has_plain_ids, lines)

        def judge_lines(*, is_plain: bool) -> tuple[SuiteResult, SuiteResult]:
            facts = measure.measure_lines(merchant, files, lines, groups, is_plain)
            totals = measure_totals(merchant, control, lines, quarantine, groups, is_plain)
            return gate.run("line_facts", facts), gate.run("day_totals", totals)

        about_files = gate.run("file_facts", of_files.result())
        # Nothing is there twice on nearly every day; it is judged so until that is known.
        about_lines = judge_lines(is_plain=True)
        if not unrepeated.result():
            about_lines = judge_lines(is_plain=False)
        about_bank = gate.run("bank_facts", measure.measure_bank(merchant, day, entries))
    suites = (about_files, *about_lines, about_bank)
    result = QualityResult(day.merchant_id, day.settlement_date, suites)
    quality_store.replace(result)
    return result
