"""Every expectation can fail, says so in words, and a broken one stops the day."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from include.adapters.quality.runner import GxGate
from include.adapters.quality.suite_files import read_suite, suite_names
from include.domain.quality import Severity
from include.preload import preload

GATE = GxGate()

# One row per suite that breaks nothing; each case changes it.
SOUND: dict[str, dict[str, object]] = {
    "file_facts": {
        "source": "sales",
        "layout": "payment_batch_detail_classic_csv",
        "is_required": 1,
        "is_awaited": 0,
        "is_set_aside": 0,
        "reason": "",
        "records_in": 1200,
        "records_accounted": 1200,
        "records_claimed": 1200,
        "records_found": 1200,
        "set_aside_claimed": 3,
        "set_aside_found": 3,
        "window_shift_minutes": 0,
        "repeats_of": "",
    },
    "line_facts": {
        "source": "sales",
        "currency": "USD",
        "line_class": "gross_sale",
        "is_known_class": 1,
        "is_settled_currency": 1,
        "is_supplied": 1,
        "rows": 1200,
        "total_minor": 40_000,
        "missing_amounts": 0,
        "missing_currencies": 0,
        "wrong_signs": 0,
        "repeated": 0,
        "conflicting": 0,
        "ahead_of_window": 0,
        "first_day": "2026-10-30",
        "last_day": "2026-10-31",
    },
    "day_totals": {
        "currency": "USD",
        "sales_minor": 40_000,
        "refunds_minor": -3_000,
        "control_sales_minor": 40_000,
        "control_refunds_minor": -3_000,
        "has_control": 1,
        "unexplained_sales_minor": 0,
        "unexplained_refunds_minor": 0,
        "lines": 12,
        "set_aside": 0,
        "set_aside_minor": 0,
        "set_aside_share_bp": 0,
        "set_aside_rows_bp": 0,
        "unreadable": 0,
    },
    "bank_facts": {
        "account_id": "US-001",
        "currency": "USD",
        "is_our_account": 1,
        "is_account_currency": 1,
        "entries": 3,
        "total_minor": 26_798,
        "missing_amounts": 0,
        "repeated": 0,
        "days_off": 2,
        "first_day": "2026-11-02",
        "last_day": "2026-11-02",
    },
}

# check -> what is changed, and the whole sentence a controller then reads.
BROKEN: dict[str, tuple[Mapping[str, object] | None, str]] = {
    "required_source_delivered": ({"is_awaited": 1}, "sales has not been delivered"),
    "file_readable_as_a_whole": (
        {"is_set_aside": 1, "reason": "it ends in the middle of record 17"},
        "the file of sales was set aside as a whole: it ends in the middle of record 17",
    ),
    "optional_file_readable": (
        {"is_set_aside": 1, "is_required": 0, "reason": "no headings"},
        "the file of sales was set aside as a whole: no headings",
    ),
    "records_accounted_for": (
        {"records_accounted": 1198},
        "sales: 1,200 records came in, but 1,198 were classified or set aside",
    ),
    "lake_holds_what_was_counted": (
        {"records_found": 1199},
        "sales: 1,200 records were classified, but the lake holds 1,199",
    ),
    "quarantine_holds_what_was_counted": (
        {"set_aside_found": 2},
        "sales: 3 records were set aside, but the quarantine holds 2",
    ),
    "window_as_asked": (
        {"window_shift_minutes": 60},
        "sales: the interval inside the file is 60 minutes off the settlement day",
    ),
    "bytes_are_new": (
        {"repeats_of": "2026-10-30"},
        "sales: these are the bytes of 2026-10-30, delivered again",
    ),
    "sources_listed": (None, "no source is configured for this merchant"),
    "class_known": (
        {"is_known_class": 0, "line_class": "mystery"},
        "sales: 1,200 lines have the class mystery, which does not exist",
    ),
    "class_supplied": (
        {"is_supplied": 0, "line_class": "chargeback"},
        "sales: 1,200 USD lines are chargeback, which this source is not configured to supply",
    ),
    "currency_settled": (
        {"is_settled_currency": 0, "currency": "CAD"},
        "sales: 1,200 gross_sale lines are in CAD, which this merchant does not settle",
    ),
    "amounts_present": (
        {"missing_amounts": 2},
        "sales: 2 USD gross_sale lines have no amount",
    ),
    "currencies_present": (
        {"missing_currencies": 5, "currency": ""},
        "sales: 5 gross_sale lines have no currency",
    ),
    "signs_as_declared": (
        {"wrong_signs": 1},
        "sales: 1 of 1,200 USD gross_sale lines have the wrong sign",
    ),
    "lines_counted_once": (
        {"repeated": 1},
        "sales: 1 USD gross_sale lines are there twice; each is counted once",
    ),
    "ids_agree_with_themselves": (
        {"conflicting": 1},
        "sales: 1 USD gross_sale request ids appear with two amounts",
    ),
    "dated_within_the_day": (
        {"ahead_of_window": 4, "last_day": "2026-11-02"},
        "sales: 4 USD gross_sale lines are dated after the day (up to 2026-11-02)",
    ),
    "sales_equal_control_total": (
        {"control_sales_minor": 41_000, "unexplained_sales_minor": 1_000},
        "sales are 400.00 USD, the processor's control total is 410.00 USD: "
        "10.00 USD not explained",
    ),
    "refunds_equal_control_total": (
        {"control_refunds_minor": -3_100, "unexplained_refunds_minor": -100},
        "refunds are -30.00 USD, the processor's control total is -31.00 USD: "
        "-1.00 USD not explained",
    ),
    "control_total_known": (
        {"has_control": 0},
        "there is no control total for USD: whether all sales are here is not knowable from it",
    ),
    "little_set_aside_by_amount": (
        {"set_aside": 3, "set_aside_minor": 12_000, "set_aside_share_bp": 2_182},
        "3 records of 120.00 USD are set aside, 2,182 basis points of the amounts",
    ),
    "little_set_aside_by_count": (
        {"set_aside": 4, "set_aside_rows_bp": 2_500},
        "USD: 4 records are set aside beside 12 lines, 2,500 basis points",
    ),
    "every_record_understood": (
        {"set_aside": 2, "unreadable": 1},
        "USD: 2 records are set aside, 1 of them without a readable amount",
    ),
    "account_is_ours": (
        {"is_our_account": 0},
        "the statement of US-001 is not of an account of this merchant",
    ),
    "currency_of_account": (
        {"is_account_currency": 0, "currency": "CAD"},
        "account US-001 has 3 entries in CAD, which it does not receive",
    ),
    "bank_amounts_present": ({"missing_amounts": 1}, "account US-001: 1 entries have no amount"),
    "entries_counted_once": ({"repeated": 1}, "account US-001: 1 entries are there twice"),
    "booked_near_the_day": (
        {"days_off": 59, "first_day": "2026-09-02"},
        "account US-001: entries are booked from 2026-09-02 to 2026-11-02, up to 59 days from the "
        "settlement day",
    ),
}
CHECKS = [(suite, e.check) for suite in suite_names() for e in read_suite(suite).expectations]


@pytest.mark.parametrize("suite", suite_names())
def test_sound_facts_pass(suite: str) -> None:
    result = GATE.run(suite, [SOUND[suite], SOUND[suite]])
    assert result.is_passed
    assert [f.sentence for f in result.findings if not f.is_passed] == []
    assert len(result.findings) == len(read_suite(suite).expectations)


@pytest.mark.parametrize(("suite", "check"), CHECKS)
def test_each_expectation_can_fail_and_says_so(suite: str, check: str) -> None:
    change, sentence = BROKEN[check]
    rows = [] if change is None else [SOUND[suite], {**SOUND[suite], **change}]
    result = GATE.run(suite, rows)
    found = [f for f in result.findings if not f.is_passed and f.check == check]
    assert [f.sentence for f in found] == [sentence]
    assert found[0].do
    expected = next(e for e in read_suite(suite).expectations if e.check == check)
    if expected.severity is Severity.stop:
        assert not result.is_passed


def test_a_suite_that_only_notes_lets_the_day_go_on() -> None:
    result = GATE.run("day_totals", [{**SOUND["day_totals"], "has_control": 0}])
    assert result.is_passed
    assert [f.check for f in result.findings if not f.is_passed] == ["control_total_known"]


def test_an_account_without_entries_breaks_nothing() -> None:
    assert GATE.run("bank_facts", []).is_passed


def test_amounts_beyond_what_a_float_holds_stay_exact() -> None:
    row = {
        **SOUND["day_totals"],
        "control_sales_minor": 9_007_199_254_740_993,
        "unexplained_sales_minor": 9_007_199_254_740_993 - 40_000,
    }
    told = [f.sentence for f in GATE.run("day_totals", [row]).findings if not f.is_passed]
    assert "the processor's control total is 90071992547409.93 USD" in told[0]


def test_a_row_with_another_column_is_our_own_bug() -> None:
    with pytest.raises(ValueError, match="differ in"):
        GATE.run("bank_facts", [{"account_id": "US-001"}])


def test_a_check_that_cannot_run_stops_the_day() -> None:
    row = {**SOUND["bank_facts"], "account_id": "US-001"}
    broken = read_suite("bank_facts").expectations[0]
    from include.adapters.quality import runner

    class Answer:
        exception_info = {"m": {"raised_exception": True, "exception_message": "no column"}}  # noqa: RUF012 - the library's shape
        success = False

    found = list(runner._findings("bank_facts", broken, Answer(), [row]))
    assert found[0].severity is Severity.stop
    assert not found[0].is_passed
    assert "'account_is_ours' could not be made: no column" in found[0].sentence


def test_only_components_that_fork_tasks_import_the_library_ahead() -> None:
    assert preload(["api-server"]) is False
    assert preload(["celery", "flower"]) is False
    assert preload(["celery", "worker", "-q", "default"]) is True
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"


def test_what_tasks_need_of_ours_is_imported_ahead_without_the_threads_of_polars() -> None:
    script = (
        "import sys; from include.preload import import_ours; import_ours();"
        "print('include.services.effects.engine' in sys.modules, 'polars' in sys.modules)"
    )
    asked = [sys.executable, "-c", script]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
