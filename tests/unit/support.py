"""What several unit tests share: desks that match lines, a room that watches disputes."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.adapters.store.approvals import SqlApprovals
from include.domain.chargeback_reasons import ChargebackReason
from include.domain.errors import Rejected
from include.domain.journal import Journal
from include.domain.matching import Cause
from include.domain.settlement import Coverage, Knowledge, LineClass
from include.services.approve_journals import ApprovalRequest
from include.services.books.ports import JournalRecord
from include.services.disputes.decide import record_write_offs, write_off_request
from include.services.disputes.give_up import give_up_dispute
from include.services.disputes.note_answer import note_answer
from include.services.disputes.watch import WatchResult, watch_disputes
from include.services.journal_book import JournalState
from tests.support_books import DAY, Clock, Desk, Prices, line, worked_day

NEXT, THIRD, FOURTH = (DAY + timedelta(days=n) for n in (1, 2, 3))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


GOLDEN = Path(__file__).parents[1] / "golden" / "dispute_lost"
DUE = date(2026, 11, 19)
LAPSED = DUE + timedelta(days=1)
CLASSES = (LineClass.chargeback, LineClass.chargeback_reversal)
REPORTED = tuple(Coverage(c, Knowledge.reported, "disputes") for c in CLASSES)


class Words(Prices):
    """Prices that know one reason code."""

    def chargeback_reason(self, code: str, on: date) -> ChargebackReason:
        if code != "10.4":
            raise Rejected("not mapped", "chargeback_reasons.yaml", "Add it.")
        return ChargebackReason(code, "Visa", "Other fraud", 20)


class Ticking:
    """A clock on which every decision is a second later than the one before."""

    def __init__(self) -> None:
        self.at = Clock().now()

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


class Room(Desk):
    """A desk that watches disputes; days without lines are empty ones."""

    def __init__(self, root: Path, url: str = "", **changes: Any) -> None:
        super().__init__(root, url, **changes)
        self.mappings = Words()
        self.approvals = SqlApprovals(self.engine, Ticking())

    def watch(
        self, on: date, lines: Any = (), coverage: tuple[Coverage, ...] = REPORTED
    ) -> WatchResult:
        self.put_lines(lines, on)
        return self.watch_again(on, coverage)

    def watch_again(self, on: date, coverage: tuple[Coverage, ...] = REPORTED) -> WatchResult:
        return watch_disputes(
            self.day(on),
            self.merchant,
            coverage=coverage,
            lake=self.lake,
            disputes=self.disputes,
            journals=self.journals,
            open_items=self.items,
            mappings=self.mappings,
            postings=self.postings,
            periods=self.periods,
        )

    def begin(self, answer_by: str | None = "2026-11-19", **more: Any) -> None:
        """Book the worked day in the ledger, its chargeback due as said."""
        lines = worked_day()
        lines[-2] |= {"answer_by": answer_by, "detail_code": "10.4", **more}
        for journal in self.build(lines).built:
            self.journals.move(journal, JournalState.posted)
        self.watch_again(DAY)

    def until(self, last: date, skip: tuple[date, ...] = ()) -> WatchResult:
        """Run every day after the chargeback's up to ``last``."""
        result = WatchResult()
        for number in range(1, (last - DAY).days + 1):
            if DAY + timedelta(days=number) not in skip:
                result = self.watch(DAY + timedelta(days=number))
        return result

    def ask(self) -> ApprovalRequest | None:
        return write_off_request(self.merchant, journals=self.journals, approvals=self.approvals)

    def answer(self, *, is_approved: bool, about: tuple[str, ...] | None = None) -> None:
        record_write_offs(
            self.merchant,
            is_approved=is_approved,
            decided_by="ada",
            journals=self.journals,
            approvals=self.approvals,
            about=about,
        )

    def post(self) -> None:
        """Stand for the posting, which other tests prove."""
        for record in self.journals.write_offs_in("acme_us", [JournalState.approved]):
            self.journals.move(record.journal, JournalState.posted)

    def write_off(self) -> None:
        """Let the deadline pass; what it writes off is approved and posted."""
        self.until(LAPSED)
        self.ask()
        self.answer(is_approved=True)
        self.post()

    def contested(self, on: date) -> int:
        return note_answer(
            *("acme_us", "K1"),
            answered_on=on,
            who="ada",
            via="cli",
            disputes=self.disputes,
            journals=self.journals,
        )

    def give_up(self, on: date) -> Journal:
        return give_up_dispute(
            self.day(),
            self.merchant,
            case_number="K1",
            posting_date=on,
            who="ada",
            via="cli",
            lake=self.lake,
            disputes=self.disputes,
            books=self.journals,
            mappings=self.mappings,
        )

    @property
    def write_offs(self) -> list[JournalRecord]:
        return list(self.journals.write_offs_of("acme_us", ["K1"]))

    @property
    def states(self) -> list[str]:
        return [record.state.value for record in self.write_offs]

    def said(self, on: date) -> list[tuple[Cause, int | None]]:
        found = self.items.open_of_day(self.day(on))
        return [(i.cause, i.amount_minor) for i in found if i.stage == "disputes"]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def reversal(minor: int = 8000) -> list[dict[str, Any]]:
    return [line("chargeback_reversal", minor, case_number="K1", request="77")]


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.expected.json").read_text())
