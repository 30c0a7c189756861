"""What the quality gate found: measured facts, held against declared limits, in words."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from include.domain.errors import Rejected
from include.domain.settlement import SettlementDay


@dataclass(frozen=True, slots=True)
class DayFile:
    """A received file as the store remembers it, the newest version of its source."""

    source: str
    digest: str
    state: str  # received, classified, quarantined
    reason: str
    window_start_at: datetime | None
    window_end_at: datetime | None
    lines_in: int
    lines_classified: int
    lines_quarantined: int
    lines_without_money: int | None = None  # classified records that yield no line; null: unsaid
    repeats_of: str = ""  # another settlement date whose file had the same bytes, ISO


class Severity(StrEnum):
    """What a broken expectation means for the day."""

    stop = "stop"  # nothing of the day is posted
    note = "note"  # a person should know; posting goes on


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation about one measured row, e.g. one file."""

    suite: str
    check: str  # a stable word, e.g. records_accounted_for
    severity: Severity
    is_passed: bool
    sentence: str  # what was expected, or what was found instead
    do: str = ""  # the next step where it failed


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """Everything one suite says about a day; it passes unless something stops the day."""

    suite: str
    findings: tuple[Finding, ...]

    @property
    def is_passed(self) -> bool:
        return not any(f.severity is Severity.stop for f in self.findings if not f.is_passed)


@dataclass(frozen=True, slots=True)
class QualityResult:
    """The gate's answer for one settlement day."""

    merchant_id: str
    settlement_date: date
    suites: tuple[SuiteResult, ...]

    @property
    def is_passed(self) -> bool:
        return all(suite.is_passed for suite in self.suites)

    def failures(self, severity: Severity) -> tuple[Finding, ...]:
        found = (f for suite in self.suites for f in suite.findings)
        return tuple(f for f in found if not f.is_passed and f.severity is severity)

    @property
    def findings(self) -> tuple[str, ...]:
        """What a controller reads: every failure, those that stop the day first."""
        stops, notes = self.failures(Severity.stop), self.failures(Severity.note)
        return tuple(f.sentence for f in (*stops, *notes))

    def in_words(self) -> tuple[str, ...]:
        """Return what failed, or how much was looked at where nothing did; for the log."""
        made = sum(len(suite.findings) for suite in self.suites)
        return self.findings or (f"all {made} expectations hold",)

    def require(self) -> None:
        """Let the day go on, or stop it.

        Raises:
            Rejected: an expectation that stops the day is broken; all of them are named.
        """
        stops = self.failures(Severity.stop)
        if not stops:
            return
        raise Rejected(
            "the quality gate stopped this day, nothing is posted: "
            + "; ".join(f.sentence for f in stops),
            str(SettlementDay(self.merchant_id, self.settlement_date)),
            " ".join(dict.fromkeys(f.do for f in stops)),
        )
