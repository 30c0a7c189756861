"""A chargeback nobody contests, from Cybersource's report to SYSPRO's ledger and back, over HTTP.

The sandbox's acme_us: case CB2295100 takes 42.63 USD on 2026-04-14, may be contested until
2026-05-04, and is given back after all on 2026-05-08.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from include.adapters.syspro.adapter import SysproAdapter
from include.domain.journal import JournalKind
from include.domain.matching import Cause
from include.domain.settlement import SettlementDay
from include.sandbox import Sandbox, start
from include.services.journal_book import JournalState
from include.services.post_journals import post_journals
from include.wiring import Settings, Tieout
from tests.accuracy.partners import Partners
from tests.accuracy.quarter import Quarter, days_between
from tieout.tasks import disputes

CASE, TAKEN, LAPSED = "CB2295100", date(2026, 4, 14), date(2026, 5, 5)
GIVEN_BACK = date(2026, 5, 8)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    running = start(seed=7, start=date(2026, 3, 1), days=80, open_from=(2026, 1))
    try:
        yield running
    finally:
        running.stop()


class Desk:
    """The product over one store, the sandbox's Cybersource, bank and SYSPRO."""

    def __init__(self, root: Path, sandbox: Sandbox, url: str) -> None:
        self.partners = Partners(sandbox)
        self.quarter = Quarter(root, self.partners, sandbox.world, url)
        self.journals = self.quarter.journals
        self.context = Tieout(Settings(url, root / "lake", "sandbox"))

    def hook(self, conn_id: str, leases: object) -> SysproAdapter:
        """Stand for the hook, whose connection is Airflow's."""
        return self.partners.ledger(self.quarter.mappings.merchant("acme_us", TAKEN))

    def run(self, first: date, last: date) -> None:
        for on in days_between(first, last):
            self.quarter.run_day(SettlementDay("acme_us", on), [])
        assert self.quarter.found.blocked == []

    def approve(self, on: date) -> str:
        """Answer what the run of a day asks; return the question."""
        request = disputes.approval_request(f"acme_us|{on}")
        if request is None:
            return ""
        disputes.record_decision(f"acme_us|{on}", is_approved=True, decided_by="ada")
        return request.body

    def hold_late(self, on: date) -> str:
        """Answer a question of another run about what is decided; return what holds."""
        about = [r.journal.digest for r in self.journals.write_offs_of("acme_us", [CASE])]
        return disputes.record_decision(
            f"acme_us|{on}", is_approved=False, decided_by="bob", about=about
        )

    def post(self, on: date) -> int:
        """Post what is approved, and have SYSPRO prove it; return how many were."""
        before = self.states.count(JournalState.tied_out)
        disputes.post_write_offs(f"acme_us|{on}")
        return self.states.count(JournalState.tied_out) - before

    def post_and_die(self) -> None:
        """Post what is approved as the task does, and end before SYSPRO has proved it."""
        ledger = self.hook("", None)
        with ledger.session():
            post_journals(
                SettlementDay("acme_us", TAKEN),
                self.quarter.mappings.merchant("acme_us", TAKEN),
                journals=self.journals,
                engine=self.context.engine(ledger.partners, ledger.timings, worker="w"),
                items=self.context.open_items,
                kinds=(JournalKind.dispute_lost,),
            )

    def said(self) -> list[tuple[str, date]]:
        return [
            (item.cause.value, item.settlement_date)
            for on in days_between(TAKEN, GIVEN_BACK)
            for item in self.quarter.items.open_of_day(SettlementDay("acme_us", on))
            if item.stage == "disputes" and f"|{CASE}|" in item.item_key
        ]

    @property
    def states(self) -> list[JournalState]:
        return [r.state for r in self.journals.write_offs_of("acme_us", [CASE])]


@pytest.fixture
def desk(tmp_path: Path, sandbox: Sandbox, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    found = Desk(tmp_path, sandbox, store_url)
    monkeypatch.setattr(disputes, "tieout", lambda: found.context)
    monkeypatch.setattr("tieout.hooks.syspro.SysproHook", found.hook)
    return found


def test_an_uncontested_chargeback_is_written_off_though_a_worker_dies_and_taken_back_when_won(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tieout")
    desk.run(TAKEN, date(2026, 5, 4))
    assert desk.said() == [(Cause.dispute_due_soon.value, date(2026, 4, 29))]
    assert desk.states == []

    desk.run(LAPSED, LAPSED)
    assert desk.said() == [(Cause.dispute_deadline_passed.value, LAPSED)]
    assert desk.post(LAPSED) == 0  # nobody has approved it yet
    assert desk.approve(date(2026, 5, 4)) == ""  # only the newest day's run asks
    assert f"| {CASE} | 2026-04-14 | 42.63 USD |" in desk.approve(LAPSED)
    assert desk.hold_late(LAPSED) == "approved by ada; too late: held by bob"
    assert caplog.messages[-1].endswith("next: another run posts what is approved")
    desk.post_and_die()
    assert desk.states == [JournalState.posted]
    assert desk.post(LAPSED) == 1  # the next run proves it
    assert caplog.messages[-1].startswith(f"post_write_offs acme_us|{LAPSED} done in ")
    assert desk.said() == []  # written off: nobody's question any more
    assert desk.post(LAPSED) == 0  # once
    assert desk.states == [JournalState.tied_out]

    desk.run(date(2026, 5, 6), GIVEN_BACK)
    assert CASE not in desk.approve(GIVEN_BACK)  # the reversal in the file is its own approval
    assert desk.post(GIVEN_BACK) == 1
    assert desk.states == [JournalState.tied_out, JournalState.tied_out]
    first, back = (r.journal for r in desk.journals.write_offs_of("acme_us", [CASE]))
    assert {(one.gl_account, one.amount.minor) for one in first.lines} == {
        ("6156", 4263),
        ("1170", -4263),
    }
    assert {(one.gl_account, one.amount.minor) for one in back.lines} == {
        ("6156", -4263),
        ("1170", 4263),
    }
    assert back.posting_date == GIVEN_BACK
    totals = desk.context.tie_outs.of([first.key, back.key])
    assert [row["difference_minor"] for row in totals] == [0, 0]
