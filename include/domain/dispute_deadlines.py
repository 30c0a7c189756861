"""By when a chargeback may be contested, and where it stands on a day.

Source: accounting reference, section 3: "Lost, or the deadline passed". Cybersource reference 6.1
and 6.5: ``responseDueTime`` (Response Due Date) of chargeback-details, ``RespondByDate`` (a Date)
of ChargebackAndRetrievalDetailClass; no real file of either was seen.
"""

from datetime import date, datetime, time, timedelta
from enum import StrEnum

from include.domain.calendar import day_in
from include.domain.dispute_cases import Dispute


class Standing(StrEnum):
    """Where a dispute stands once a day has ended."""

    closed = "closed"  # given back whole
    answered = "answered"  # contested: it waits for the issuer, however long
    unknown = "unknown"  # nobody said by when; that is never "passed"
    waiting = "waiting"
    due_soon = "due_soon"
    passed = "passed"


def day_of(text: str | None, zone: str) -> date | None:
    """Read a date or an instant as a day of the merchant's calendar; ``None``: it is not said.

    Midnight UTC is how a bare date looks where only instants fit, so it names that date and not
    the evening before in New York. Any other instant is the day the merchant lives at it. An
    instant without a zone could be either of two days, so it is none.
    """
    try:
        if text is None or "T" not in text:
            return date.fromisoformat((text or "").strip())
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    is_bare_date = at.utcoffset() == timedelta(0) and at.time() == time(0)
    return at.date() if is_bare_date else day_in(zone, at)


def standing(dispute: Dispute, on: date, warn_days: int) -> Standing:
    """Say where a dispute stands at the end of ``on``, a day of the merchant's calendar.

    The deadline's own day still counts for the merchant: an answer of that evening is reported
    with it, so the deadline has passed only when a later day has ended too.
    """
    if dispute.left_minor <= 0:
        return Standing.closed
    if dispute.answered_on is not None:
        return Standing.answered
    if dispute.answer_by is None:
        return Standing.unknown
    if dispute.answer_by < on:
        return Standing.passed
    if noticed_on(dispute, Standing.due_soon, warn_days) <= on:
        return Standing.due_soon
    return Standing.waiting


def noticed_on(dispute: Dispute, what: Standing, warn_days: int) -> date:
    """Return the first day whose run can say ``what``: a run of any day names the item alike."""
    if dispute.answer_by is None:
        return dispute.settlement_date
    if what is Standing.passed:
        return max(dispute.answer_by + timedelta(days=1), dispute.settlement_date)
    return max(dispute.answer_by - timedelta(days=warn_days), dispute.settlement_date)
