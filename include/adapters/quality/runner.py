"""Run a suite with Great Expectations over a small frame of measured facts.

The library looks at measurements (a row per file, currency or account), never at settlement
lines: ADR 0007. It is imported on the first run only; a forked task has it already
(``include/preload.py``). One ephemeral context serves the process.
"""

import logging
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from include.adapters.quality.described import described_once
from include.adapters.quality.suite_files import Expectation, Suite, read_suite, suite_names
from include.domain.money import MINOR_UNIT_DIGITS, Money
from include.domain.quality import Finding, Severity, SuiteResult

# A third of the time of a complete answer, which also says which rows failed.
_YES_OR_NO = {"result_format": "BOOLEAN_ONLY"}
_EVERY_ROW = {"result_format": "COMPLETE"}


class GxGate:
    """Satisfies ``services.check_quality.QualityGate``."""

    _lock = threading.Lock()  # the context and its suites are the process's
    _batches: Any = None
    _suites: dict[str, Any] = {}  # noqa: RUF012 - a cache shared on purpose

    def run(self, suite_name: str, rows: Sequence[Mapping[str, object]]) -> SuiteResult:
        """Hold measured rows against a suite; each finding is a sentence.

        Args:
            suite_name: a file of ``suites/``.
            rows: one mapping per measured thing, with exactly the suite's columns.
        """
        suite = read_suite(suite_name)
        if not rows and not suite.judges_the_table:
            # What is expected of every row, no row can break.
            kept = tuple(_kept(suite.name, expectation) for expectation in suite.expectations)
            return SuiteResult(suite.name, kept)
        frame = _frame(suite, rows)
        with self._lock, described_once():
            batch = self._definition().get_batch(batch_parameters={"dataframe": frame})
            by_check = _by_check(batch.validate(self._suite(suite), result_format=_YES_OR_NO))
            broken = [e for e in suite.expectations if not by_check[e.check].success]
            if unclear := [e for e in broken if len(rows) != 1 or not e.judges_rows]:
                again = _made(f"{suite.name} again", unclear)
                by_check |= _by_check(batch.validate(again, result_format=_EVERY_ROW))
        findings: list[Finding] = []
        for expectation in suite.expectations:
            findings += _findings(suite.name, expectation, by_check[expectation.check], rows)
        return SuiteResult(suite.name, tuple(findings))

    @classmethod
    def prepare(cls) -> None:
        """Build the context and every suite, so that processes forked later have them.

        Each judges one row of nothing, and nobody looks at the answer: what the library looks up
        on first use is a quarter of the time of a first run.
        """
        for name in suite_names():
            columns = read_suite(name).columns
            cls().run(name, [{c: 0 if kind == "whole" else "" for c, kind in columns.items()}])

    @classmethod
    def _definition(cls) -> Any:
        if cls._batches is None:
            _quiet()
            import great_expectations as gx
            from great_expectations.data_context.types.base import ProgressBarsConfig

            context = gx.get_context(mode="ephemeral")
            context.variables.progress_bars = ProgressBarsConfig(
                globally=False, metric_calculations=False
            )
            asset = context.data_sources.add_pandas("measured").add_dataframe_asset("facts")
            cls._batches = asset.add_batch_definition_whole_dataframe("whole")
        return cls._batches

    @classmethod
    def _suite(cls, suite: Suite) -> Any:
        if suite.name not in cls._suites:
            cls._suites[suite.name] = _made(suite.name, suite.expectations)
        return cls._suites[suite.name]


def _quiet() -> None:
    """Switch off what Great Expectations would send home or write into every task log."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    logging.getLogger("posthog").setLevel(logging.CRITICAL)


def _made(name: str, expectations: Iterable[Expectation]) -> Any:
    """Return the library's own suite of these expectations."""
    import great_expectations as gx
    from great_expectations.expectations.registry import get_expectation_impl

    return gx.ExpectationSuite(
        name,
        expectations=[
            get_expectation_impl(e.kind)(**_arguments(e), meta={"check": e.check})
            for e in expectations
        ],
    )


def _by_check(answer: Any) -> dict[str, Any]:
    return {r.expectation_config.meta["check"]: r for r in answer.results}


def _arguments(expectation: Expectation) -> dict[str, Any]:
    found = dict(expectation.arguments)
    if "value_pairs_set" in found:
        found["value_pairs_set"] = [tuple(pair) for pair in found["value_pairs_set"]]
    return found


def _frame(suite: Suite, rows: Sequence[Mapping[str, object]]) -> Any:
    """Build the pandas frame; whole numbers stay int64, so that no amount becomes a float."""
    import pandas as pd

    for row in rows:
        if set(row) != set(suite.columns):
            odd = set(row) ^ set(suite.columns)
            raise ValueError(f"suite {suite.name} and the measured row differ in {sorted(odd)}")
    return pd.DataFrame(
        {
            name: pd.Series(
                [row[name] for row in rows], dtype="int64" if kind == "whole" else "object"
            )
            for name, kind in suite.columns.items()
        }
    )


def _findings(
    suite_name: str, expectation: Expectation, result: Any, rows: Sequence[Mapping[str, object]]
) -> Iterable[Finding]:
    if problem := _raised(result.exception_info or {}):
        yield Finding(  # a check that could not run proves nothing, so it stops the day
            suite_name,
            expectation.check,
            Severity.stop,
            False,
            f"the check {expectation.check!r} could not be made: {problem}",
            "Give this message to the integration engineer.",
        )
        return
    if result.success:
        yield _kept(suite_name, expectation)
        return
    # Where there is one row, it is the one.
    only = [0] if len(rows) == 1 and expectation.judges_rows else [None]
    for index in result.result.get("unexpected_index_list") or only:
        row = _worded(rows[index]) if index is not None else {}
        yield Finding(
            suite_name,
            expectation.check,
            expectation.severity,
            False,
            expectation.says.format_map(row),
            expectation.do,
        )


def _kept(suite_name: str, expectation: Expectation) -> Finding:
    return Finding(suite_name, expectation.check, expectation.severity, True, expectation.expects)


def _raised(info: Mapping[str, Any]) -> str:
    """Return what an expectation stumbled over; the library nests it per metric, or not."""
    if "raised_exception" in info:
        return str(info["exception_message"]) if info["raised_exception"] else ""
    return "; ".join(filter(None, (_raised(part) for part in info.values())))


def _worded(row: Mapping[str, object]) -> dict[str, str]:
    """Write amounts as money and counts with separators; the name says which is which."""
    currency = str(row.get("currency", ""))
    found = {}
    for name, value in row.items():
        if name.endswith("_minor") and isinstance(value, int) and currency in MINOR_UNIT_DIGITS:
            found[name] = str(Money(value, currency))
        elif isinstance(value, int):
            found[name] = f"{value:,}"
        else:
            found[name] = str(value)
    return found
