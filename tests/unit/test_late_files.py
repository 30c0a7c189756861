"""A source that a day goes on without is seen, asked for again, and forgotten once it has come."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from include.adapters.layouts import LAYOUTS
from include.adapters.store.engine import open_store
from include.adapters.store.open_items import SqlOpenItems
from include.adapters.store.schema import metadata
from include.domain.errors import Rejected, Retryable
from include.domain.settlement import SettlementDay
from include.services.classify_lines import ClassifyResult, classify_lines
from include.services.download_reports import DownloadResult, download_reports
from include.services.late_files import AskResult, ask_again, days_to_ask
from include.wiring import UtcClock
from tests.support_files import BANK, DAY, NEXT, SALES, Bench, sale, sales_file

HEADINGS = b"date,value_date,amount,currency,reference,text,balance\n"
STATEMENT = HEADINGS + b"2026-10-31,2026-10-31,35.00,USD,B1,deposit,35.00\n"
OTHER = HEADINGS + b"2026-10-31,2026-10-31,36.00,USD,B1,deposit,36.00\n"
BROKEN = (
    STATEMENT + b'2026-10-31,2026-10-31,1.00,USD,"B\xff2,x,36.00\n' + STATEMENT[len(HEADINGS) :]
)
LAST = date(2026, 11, 7)  # seven days after DAY
_BANK = LAYOUTS["bank_csv"]
FUNDING = replace(BANK, name="other_bank", remote_name="US-002")


class Room(Bench):
    """The file steps with the real table of open items."""

    def __init__(self, folder: Path, store_url: str) -> None:
        super().__init__(folder, SALES, BANK)
        self.engine = open_store(store_url)
        metadata.create_all(self.engine)
        self.items = SqlOpenItems(self.engine, UtcClock())
        for day in (DAY, NEXT):
            self.gateway.put("Sales", day, sales_file(day, sale(1)))

    def run(self, day: SettlementDay = DAY) -> DownloadResult:
        return download_reports(day, self.merchant, self.senders, self.items)

    def classify(self, day: SettlementDay = DAY) -> ClassifyResult:
        return classify_lines(
            day,
            self.merchant,
            lake=self.lake,
            files=self.files,
            layouts=self.layouts,
            open_items=self.items,
        )

    def run_and_classify(self) -> None:
        self.run()
        self.classify()

    def ask(self, today: date = LAST) -> AskResult:
        return ask_again(DAY, self.merchant, senders=self.senders, items=self.items, today=today)

    def due(self, today: date = LAST) -> list[SettlementDay]:
        return days_to_ask("acme_us", self.items, lambda _: self.merchant, today)


@pytest.fixture
def room(tmp_path: Path, store_url: str) -> Iterator[Room]:
    made = Room(tmp_path, store_url)
    yield made
    made.engine.dispose()


def test_nobody_waits_for_a_file_that_its_day_of_the_week_never_has(room: Room) -> None:
    """Saturday has no statement, Friday does; what comes all the same is taken."""
    weekdays = frozenset(range(5))
    sources = (replace(SALES, comes_on=weekdays), replace(BANK, comes_on=weekdays))
    room.merchant = replace(room.merchant, sources=sources).on(DAY.settlement_date)
    room.gateway.files.clear()
    room.run()
    assert room.items.open_of_day(DAY) == []
    assert room.due(DAY.settlement_date) == []
    room.gateway.put("US-001", DAY, STATEMENT)
    assert {one.source: one.outcome.value for one in room.run().sources}["bank"] == "file"
    friday = replace(room.merchant, sources=sources).on(date(2026, 10, 30))
    assert friday.sources == sources


def test_a_day_that_goes_on_without_its_statement_says_so_until_it_comes(room: Room) -> None:
    room.run()
    (item,) = room.items.open_of_day(DAY)
    assert (item.stage, item.cause.value, item.owner) == (
        *("download", "source_awaited", "ar.us@acme.example"),
    )
    assert item.explanation == (
        "Source bank has not come: nothing to download yet (404). The day went on without it."
    )
    assert "until 2026-11-07" in item.next_action
    room.gateway.put("US-001", DAY, STATEMENT)
    room.run()
    assert room.items.open_of_day(DAY) == []


def test_a_required_source_is_waited_for_and_is_no_item(room: Room) -> None:
    room.gateway.files.clear()
    with pytest.raises(Retryable, match="sales"):
        room.run()
    (item,) = room.items.open_of_day(DAY)
    assert item.item_key == "acme_us|2026-10-31|source_awaited|bank"


def test_a_source_that_does_not_come_every_day_is_not_awaited(room: Room) -> None:
    room.merchant = replace(room.merchant, sources=(SALES, replace(BANK, awaited_days=0)))
    room.run()
    assert room.items.open_of_day(DAY) == []


def test_a_day_is_asked_about_inside_its_time_and_not_after(room: Room) -> None:
    room.run(NEXT)
    room.run()
    assert room.due() == [DAY, NEXT]
    assert room.due(date(2026, 11, 8)) == [NEXT]
    assert room.due(date(2026, 11, 9)) == []


def test_what_a_person_resolved_is_not_asked_for_any_more(room: Room) -> None:
    room.run()
    (item,) = room.items.open_of_day(DAY)
    room.items.resolve([item.item_key], resolved_by="ann", resolution="no statement on Saturdays")
    room.run()
    assert room.due() == []


def test_nothing_new_has_no_mark_and_what_has_come_always_the_same(room: Room) -> None:
    room.run()
    assert room.ask().mark == ""
    room.gateway.put("US-001", DAY, STATEMENT)
    first = room.ask()
    assert str(first) == "bank: file"
    assert first.mark
    again = room.ask()
    assert (str(again), again.mark) == ("bank: unchanged", first.mark)
    room.gateway.put("US-001", DAY, OTHER)
    assert room.ask().mark not in ("", first.mark)
    # Asking books nothing and closes nothing: the day's own run does.
    assert room.due() == [DAY]
    room.run()
    assert room.due() == []


def test_yesterdays_bytes_under_todays_name_are_asked_for_again(room: Room) -> None:
    room.merchant = replace(room.merchant, sources=(replace(SALES, is_required=False),))
    yesterdays = sales_file(DAY, sale(1))
    room.run()
    room.gateway.put("Sales", NEXT, yesterdays)
    room.run(NEXT)
    (item,) = room.items.open_of_day(NEXT)
    assert "these are the bytes of 2026-10-31" in item.explanation
    assert room.due() == [NEXT]
    room.classify(NEXT)
    assert item in room.items.open_of_day(NEXT)  # reading them knows less than the door did


def test_a_sender_that_is_down_fails_the_question_unless_another_has_answered(room: Room) -> None:
    room.merchant = replace(room.merchant, sources=(SALES, BANK, FUNDING))
    room.run()
    room.gateway.put("US-001", DAY, Retryable("time-out", "bank", "Ask again."))
    with pytest.raises(Retryable, match="time-out"):
        room.ask()
    room.gateway.put("US-002", DAY, STATEMENT.replace(b"US-001", b"US-002"))
    assert room.ask().mark
    room.gateway.put("US-002", DAY, Rejected("401", "bank", "Renew the key."))
    room.gateway.put("US-001", DAY, STATEMENT)
    assert [found.source for found in room.ask().come] == ["bank"]


def test_a_file_that_breaks_when_it_is_read_is_asked_for_again_and_not_run_again(
    room: Room,
) -> None:
    room.run()
    room.gateway.put("US-001", DAY, BROKEN)
    first = room.ask()
    assert first.mark  # the door sees head and tail only, so the day runs
    room.run()
    assert room.due() == []
    room.classify()
    causes = {item.cause.value: item for item in room.items.open_of_day(DAY)}
    assert sorted(causes) == ["source_awaited", "unreadable_line"]
    assert "Source bank has not come: " in causes["source_awaited"].explanation
    assert room.due() == [DAY]
    assert (str(room.ask()), room.ask().mark) == ("bank: quarantined", "")  # no second run
    room.run()  # a person may run it: nothing changes
    room.classify()
    assert {item.cause.value for item in room.items.open_of_day(DAY)} == set(causes)
    assert room.due() == [DAY]
    room.gateway.put("US-001", DAY, STATEMENT)
    assert room.ask().mark not in ("", first.mark)
    room.run()
    room.classify()
    assert room.items.open_of_day(DAY) == []  # the later version came whole
    assert [f.state.value for f in room.files.of_day(DAY) if f.source == "bank"] == [
        *("quarantined", "classified"),
    ]
    assert room.due() == []


@pytest.mark.parametrize("again", [Room.classify, Room.run_and_classify])
def test_bytes_that_a_mended_layout_reads_are_not_awaited_any_more(
    room: Room, again: Callable[[Room], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    headings = [
        c if c.name != "reference" else replace(c, headings=("ref",)) for c in _BANK.columns
    ]
    with monkeypatch.context() as before:
        before.setitem(LAYOUTS, "bank_csv", replace(_BANK, columns=tuple(headings)))
        room.gateway.put("US-001", DAY, STATEMENT)
        room.run_and_classify()
    assert room.due() == [DAY]
    again(room)
    assert room.items.open_of_day(DAY) == []
    assert room.due() == []
