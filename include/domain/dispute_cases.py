"""A dispute case as it went: what was taken, given back and contested, and what is left of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

# A case is named by its number; where a source has none, by the capture it is about: the first of
# these columns that its line fills.
CASE_NAMES = ("case_number", "related_request_id", "request_id", "merchant_reference")


class DisputeEventKind(StrEnum):
    """What may happen to a case."""

    chargeback = "chargeback"  # money taken; a case may have a second one after a reversal
    reversal = "reversal"  # money given back
    answer = "answer"  # contested: no money moves


@dataclass(frozen=True, slots=True)
class DisputeEvent:
    """One thing a settlement day or a person said about a case."""

    merchant_id: str
    settlement_date: date  # the day whose files say so, or the day a person did
    case_key: str  # the case number, or what names the case where the source has none
    kind: DisputeEventKind
    currency: str
    amount_minor: int  # as the line has it: a chargeback -, a reversal +, an answer 0
    source: str  # "<file digest>:<line>", or who said it
    reason_code: str = ""
    answer_by: date | None = None  # of a chargeback, in the merchant's calendar; None is unknown
    answered_on: date | None = None  # of an answer


@dataclass(frozen=True, slots=True)
class Dispute:
    """One chargeback of a case, with what became of it."""

    merchant_id: str
    case_key: str
    currency: str
    settlement_date: date  # of the chargeback: the day whose journal booked it
    left_minor: int  # what was taken and not given back; never negative
    source: str
    reason_code: str
    answer_by: date | None
    answered_on: date | None = None

    @property
    def name(self) -> str:
        """Name it among the chargebacks of its day."""
        return f"{self.case_key}|{self.currency}"


def disputes_of(events: Iterable[DisputeEvent]) -> list[Dispute]:
    """Fold events into disputes, by case, currency and day.

    A reversal gives back the oldest chargeback of the case first. An answer is about the newest
    one that the merchant had been told of by then.
    """
    cases: dict[tuple[str, str], list[Dispute]] = {}
    ordered = sorted(
        events, key=lambda e: (e.settlement_date, list(DisputeEventKind).index(e.kind))
    )
    for event in ordered:
        chargebacks = cases.setdefault((event.case_key, event.currency), [])
        if event.kind is DisputeEventKind.chargeback:
            _take(chargebacks, event)
        elif event.kind is DisputeEventKind.reversal:
            _give_back(chargebacks, event.amount_minor)
        elif chargebacks:
            chargebacks[-1] = replace(chargebacks[-1], answered_on=event.answered_on)
    return [one for key in sorted(cases) for one in cases[key]]


def _take(chargebacks: list[Dispute], event: DisputeEvent) -> None:
    """Begin a chargeback; two lines of one day are one, due by the later date."""
    minor = -event.amount_minor
    if chargebacks and chargebacks[-1].settlement_date == event.settlement_date:
        one = chargebacks[-1]
        due = [d for d in (one.answer_by, event.answer_by) if d is not None]
        chargebacks[-1] = replace(
            one, left_minor=one.left_minor + minor, answer_by=max(due, default=None)
        )
        return
    chargebacks.append(
        Dispute(
            event.merchant_id,
            event.case_key,
            event.currency,
            event.settlement_date,
            minor,
            event.source,
            event.reason_code,
            event.answer_by,
        )
    )


def _give_back(chargebacks: list[Dispute], minor: int) -> None:
    for place, one in enumerate(chargebacks):
        part = min(one.left_minor, minor)
        chargebacks[place] = replace(one, left_minor=one.left_minor - part)
        minor -= part
