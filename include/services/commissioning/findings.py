"""What each probe may find. A number is never negative; times are whole milliseconds."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from include.domain.commissioning import Probe

_MOST = 10**10  # milliseconds: four months


@dataclass(frozen=True, slots=True)
class Finding:
    """What one measurement found."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int) and not 0 <= value <= _MOST:
                raise ValueError(f"{field.name} is no measure of anything: {value}")


@dataclass(frozen=True, slots=True)
class Repeats(Finding):
    """P1: what each repeat under one transaction id was answered, by seconds after the first."""

    answers: Mapping[str, str]
    second_payments: int  # that were made beside the first


@dataclass(frozen=True, slots=True)
class SearchLag(Finding):
    """P2: from the answer to the first search that shows the payment."""

    samples: int
    median_ms: int
    p99_ms: int
    longest_ms: int
    never_shown: int  # within the time that was waited for


@dataclass(frozen=True, slots=True)
class RepeatedOrder(Finding):
    """P5: whether the same customer PO was refused, where a fresh one was taken."""

    is_refused: bool
    words: str = ""


@dataclass(frozen=True, slots=True)
class LongestRun(Finding):
    """P6: one large journal, from its first byte to its answer, or until it was found."""

    lines: int
    longest_ms: int
    is_answered: bool  # no: the answer was cut off, and it was found later


@dataclass(frozen=True, slots=True)
class LongestAddress(Finding):
    """P7: characters of the whole address."""

    taken: int
    refused: int | None = None  # None: nothing that was tried was refused
    words: str = ""


@dataclass(frozen=True, slots=True)
class SecondLogon(Finding):
    """P8: what became of a session once its operator had logged on again."""

    first: str  # lives, ended; or kept: the second was refused
    words: str = ""


@dataclass(frozen=True, slots=True)
class ClosedPeriod(Finding):
    """P9: how SYSPRO refuses a posting into a closed period, and whether we know it by that."""

    words: str
    is_recognised: bool


@dataclass(frozen=True, slots=True)
class Noted(Finding):
    """What people find out by themselves."""

    words: str


SHAPES: Mapping[Probe, type[Finding]] = {
    Probe.repeated_payment: Repeats,
    Probe.search_lag: SearchLag,
    Probe.webhook_time: Noted,
    Probe.webhook_identity: Noted,
    Probe.repeated_order: RepeatedOrder,
    Probe.longest_run: LongestRun,
    Probe.longest_address: LongestAddress,
    Probe.second_logon: SecondLogon,
    Probe.closed_period: ClosedPeriod,
    Probe.report_times: Noted,
}
