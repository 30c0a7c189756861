"""By when a chargeback may be contested, in the merchant's own calendar, and what follows."""

from datetime import date

import pytest

from include.domain.dispute_cases import Dispute, DisputeEvent, DisputeEventKind, disputes_of
from include.domain.dispute_deadlines import Standing, day_of, standing

NEW_YORK, TOKYO = "America/New_York", "Asia/Tokyo"
DUE = date(2026, 11, 20)


def dispute(
    answer_by: date | None = DUE, *, left: int = 8000, answered_on: date | None = None
) -> Dispute:
    on = date(2026, 10, 31)
    return Dispute("acme_us", "C-1", "USD", on, left, "f:3", "10.4", answer_by, answered_on)


@pytest.mark.parametrize(
    ("text", "zone", "day"),
    [
        ("2026-11-20", NEW_YORK, date(2026, 11, 20)),  # RespondByDate is a date
        ("2026-11-20T00:00:00Z", NEW_YORK, date(2026, 11, 20)),  # a date where an instant must be
        ("2026-11-20T00:00:00+00:00", TOKYO, date(2026, 11, 20)),
        ("2026-11-21T03:30:00Z", NEW_YORK, date(2026, 11, 20)),  # 22:30 of the day before
        ("2026-11-21T04:59:59Z", NEW_YORK, date(2026, 11, 20)),  # the last second of the 20th
        ("2026-11-21T05:00:00Z", NEW_YORK, date(2026, 11, 21)),
        ("2026-11-20T15:00:00Z", TOKYO, date(2026, 11, 21)),  # midnight there
        ("2026-11-20T23:59:59-05:00", NEW_YORK, date(2026, 11, 20)),
        (" 2026-11-20 ", NEW_YORK, date(2026, 11, 20)),
    ],
)
def test_a_deadline_is_a_day_of_the_merchants_calendar(text: str, zone: str, day: date) -> None:
    assert day_of(text, zone) == day


@pytest.mark.parametrize("text", [None, "", "soon", "20.11.2026", "2026-11-20T22:00:00"])
def test_what_cannot_be_read_for_sure_is_unknown(text: str | None) -> None:
    assert day_of(text, NEW_YORK) is None


@pytest.mark.parametrize(
    ("on", "where"),
    [
        (date(2026, 11, 14), Standing.waiting),
        (date(2026, 11, 15), Standing.due_soon),  # five days before
        (date(2026, 11, 20), Standing.due_soon),  # its own day still counts for the merchant
        (date(2026, 11, 21), Standing.passed),
    ],
)
def test_a_deadline_has_passed_only_when_a_later_day_has_ended(on: date, where: Standing) -> None:
    assert standing(dispute(), on, 5) is where


def test_no_warning_is_a_choice_too() -> None:
    assert standing(dispute(), date(2026, 11, 19), 0) is Standing.waiting
    assert standing(dispute(), DUE, 0) is Standing.due_soon


def test_an_unknown_deadline_never_passes() -> None:
    assert standing(dispute(None), date(2028, 1, 1), 5) is Standing.unknown


def test_a_contested_dispute_waits_for_the_issuer_however_long() -> None:
    answered = dispute(answered_on=date(2026, 11, 18))
    assert standing(answered, date(2028, 1, 1), 5) is Standing.answered


def test_what_was_given_back_is_closed_whatever_its_deadline() -> None:
    assert standing(dispute(left=0), date(2028, 1, 1), 5) is Standing.closed
    assert standing(dispute(None, left=0), date(2028, 1, 1), 5) is Standing.closed


def event(kind: str, day: int, minor: int = 0, **more: date | None) -> DisputeEvent:
    on = date(2026, 11, day)
    return DisputeEvent(
        "acme_us", on, "C-1", DisputeEventKind(kind), "USD", minor, f"f:{day}", "10.4", **more
    )


def left(*events: DisputeEvent) -> list[tuple[int, int]]:
    return [(d.settlement_date.day, d.left_minor) for d in disputes_of(events)]


def test_a_reversal_gives_back_the_oldest_chargeback_of_the_case_first() -> None:
    taken, given = event("chargeback", 1, -8000), event("reversal", 5, 8000)
    again = event("chargeback", 9, -8000)
    assert left(taken, given) == [(1, 0)]
    assert left(again, given, taken) == [(1, 0), (9, 8000)]  # in whatever order they are read
    assert left(taken, event("reversal", 5, 3000)) == [(1, 5000)]


def test_a_reversal_without_chargeback_is_no_dispute() -> None:
    assert left(event("reversal", 5, 8000)) == []


def test_an_answer_is_about_the_chargeback_known_by_then() -> None:
    first, second = event("chargeback", 1, -8000), event("chargeback", 9, -8000)
    answer = event("answer", 4, answered_on=date(2026, 11, 4))
    found = disputes_of([first, second, answer])
    assert [d.answered_on for d in found] == [date(2026, 11, 4), None]


def test_two_lines_of_one_day_are_one_dispute_due_by_the_later_date() -> None:
    one = event("chargeback", 1, -5000, answer_by=date(2026, 11, 20))
    two = event("chargeback", 1, -3000, answer_by=date(2026, 11, 22))
    (found,) = disputes_of([one, two])
    assert (found.left_minor, found.answer_by) == (8000, date(2026, 11, 22))
