"""Step 1: pending, empty and absent are three things; the window inside decides whose a file is."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from include.domain.errors import NotKept, Rejected, Retryable
from include.services.files import FileState
from include.services.ports import ReportState
from tests.support_files import BANK, DAY, DISPUTES, NEXT, SALES, Bench, sale, sales_file, window_of

GOOD = sales_file(DAY, sale(1), sale(2))


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (ReportState.pending, "pending"),
        (ReportState.failed, "failed"),
        (ReportState.absent, "absent"),
    ],
)
def test_a_required_report_that_is_not_ready_is_waited_for(
    state: ReportState, word: str, tmp_path: Path
) -> None:
    bench = Bench(tmp_path)
    bench.gateway.states = {} if state is ReportState.absent else {"Sales": state}
    with pytest.raises(Retryable, match=word):
        bench.download()
    assert bench.gateway.asked == []


def test_no_data_is_an_empty_day_and_nothing_is_downloaded(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.states = {"Sales": ReportState.empty}
    assert bench.outcomes() == {"sales": "empty"}
    assert bench.gateway.asked == []


def test_a_404_of_a_ready_report_is_never_an_empty_day(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with pytest.raises(Retryable, match="404"):
        bench.download()


def test_no_data_after_data_is_a_contradiction_and_not_an_empty_day(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, GOOD)
    bench.download()
    bench.gateway.states = {"Sales": ReportState.empty}
    with pytest.raises(Retryable, match="version 1 had arrived"):
        bench.download()


def test_a_day_can_be_run_again_once_the_sender_has_dropped_its_files(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SALES, BANK)
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(1)))
    statement = b"date,value_date,amount,currency,reference,text,balance\n"
    bench.gateway.put("US-001", DAY, statement)
    bench.download()
    first = bench.classify().totals
    bench.gateway.states["Sales"] = ReportState.absent
    bench.gateway.files.clear()
    again = bench.download()
    assert [s.outcome.value for s in again.sources] == ["unchanged", "unchanged"]
    assert "the version that arrived counts" in again.sources[0].reason
    assert bench.classify().totals == first


def test_a_service_is_asked_with_the_parameters_of_its_source(tmp_path: Path) -> None:
    bench = Bench(tmp_path, replace(DISPUTES, parameters={"viewBy": "requestDate"}))
    bench.gateway.put("chargeback-details", DAY, b'{"chargeback-details":[]}')
    bench.download()
    assert bench.gateway.parameters == [{"viewBy": "requestDate"}]


def test_a_day_can_be_run_again_when_it_is_older_than_its_sender_keeps(tmp_path: Path) -> None:
    bench = Bench(tmp_path, DISPUTES)
    bench.gateway.put("chargeback-details", DAY, b'{"chargeback-details":[]}')
    bench.download()
    too_old = NotKept("it is older than the vendor keeps", "Cybersource", "Choose another day.")
    bench.gateway.put("chargeback-details", DAY, too_old)
    (again,) = bench.download().sources
    assert (again.outcome.value, again.version) == ("unchanged", 1)
    assert "the version that arrived counts" in again.reason
    bench.gateway.put("chargeback-details", NEXT, too_old)
    with pytest.raises(Rejected, match="older than the vendor keeps"):
        bench.download(NEXT)  # it never came: nothing can serve


def test_bytes_are_kept_once_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, GOOD)
    assert bench.outcomes() == {"sales": "file"}
    assert bench.outcomes() == {"sales": "unchanged"}
    kept = bench.files.of_day(DAY)
    assert [(f.version, f.window) for f in kept] == [(1, window_of(DAY))]
    assert bench.lake.raw_path(kept[0].digest).read_bytes() == GOOD


def test_other_bytes_for_a_known_window_are_a_restatement(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, GOOD)
    bench.download()
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(1)))
    assert bench.outcomes() == {"sales": "restated"}
    assert [f.version for f in bench.files.of_day(DAY)] == [1, 2]


def test_yesterdays_bytes_are_set_aside_and_the_second_download_is_taken(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, GOOD)
    bench.download(DAY)
    today = sales_file(NEXT, sale(3))
    bench.gateway.put("Sales", NEXT, GOOD, today)
    assert bench.outcomes(NEXT) == {"sales": "file"}
    wrong, right = bench.files.of_day(NEXT)
    assert (wrong.state, right.state) == (FileState.quarantined, FileState.received)
    assert wrong.reason.startswith("duplicate_file: these are the bytes of 2026-10-31.")
    assert bench.lake.raw_path(wrong.digest).read_bytes() == GOOD


def test_yesterdays_bytes_twice_are_waited_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, GOOD)
    bench.download(DAY)
    bench.gateway.put("Sales", NEXT, GOOD)
    with pytest.raises(Retryable, match="duplicate_file"):
        bench.download(NEXT)
    assert len(bench.files.of_day(NEXT)) == 1  # the same bytes are one row however often they come


def test_another_window_that_was_never_seen_is_no_duplicate(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", NEXT, GOOD)
    assert bench.outcomes(NEXT) == {"sales": "quarantined"}
    assert bench.files.of_day(NEXT)[0].reason.startswith("wrong_window: ")


def test_a_cut_file_is_fetched_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, GOOD[:-20], GOOD)
    assert bench.outcomes() == {"sales": "file"}
    assert [f.reason.partition(":")[0] for f in bench.files.of_day(DAY)] == ["truncated_file", ""]


def test_a_file_cut_twice_is_set_aside_and_the_day_goes_on_to_say_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, GOOD[:-20])
    assert bench.outcomes() == {"sales": "quarantined"}
    assert len(bench.gateway.asked) == 2


def test_another_merchants_file_is_set_aside(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, sales_file(DAY, sale(1), organization="acme_uk"))
    assert bench.outcomes() == {"sales": "quarantined"}
    assert "acme_uk" in bench.files.of_day(DAY)[0].reason


def test_good_bytes_that_come_back_after_bad_ones_are_the_newest(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, GOOD)
    bench.download()
    bench.gateway.put("Sales", DAY, GOOD[:-20], GOOD)
    bench.download()
    assert [(f.version, f.state.value) for f in bench.files.of_day(DAY)] == [
        (2, "quarantined"),
        (3, "received"),
    ]


def test_one_source_in_trouble_does_not_keep_the_others_from_arriving(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SALES, DISPUTES, BANK)
    bench.gateway.put("Sales", DAY, Retryable("time-out", "Cybersource", "Ask again."))
    bench.gateway.put("chargeback-details", DAY, b'{"chargeback-details":[]}')
    with pytest.raises(Retryable, match="time-out"):
        bench.download()
    assert [f.source for f in bench.files.of_day(DAY)] == ["disputes"]


def test_a_refused_source_is_rejected_after_the_others_arrived(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SALES, BANK)
    bench.gateway.put("Sales", DAY, Rejected("401", "Cybersource", "Renew the key."))
    bench.gateway.put("US-001", DAY, b"date,value_date,amount,currency,reference,text,balance\n")
    with pytest.raises(Rejected, match="Renew the key"):
        bench.download()
    assert [f.source for f in bench.files.of_day(DAY)] == ["bank"]


def test_what_is_not_required_is_not_waited_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SALES, DISPUTES, BANK)
    bench.gateway.put("Sales", DAY, GOOD)
    assert bench.outcomes() == {"sales": "file", "disputes": "empty", "bank": "awaited"}


def test_a_services_404_means_no_data_only_once_the_window_is_long_closed(tmp_path: Path) -> None:
    bench = Bench(tmp_path, DISPUTES)
    bench.now = window_of(DAY).end_at + timedelta(hours=5, minutes=59)
    assert bench.outcomes() == {"disputes": "awaited"}
    bench.now = window_of(DAY).end_at + timedelta(hours=6)
    assert bench.outcomes() == {"disputes": "empty"}


def test_the_report_is_asked_for_by_the_date_on_which_its_window_ends(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.gateway.put("Sales", DAY, GOOD)
    bench.download()
    assert bench.gateway.asked == [("Sales", "2026-10-31")]  # the fake takes one day off again
