"""A chargeback nobody contests, from Cybersource's report to SYSPRO's ledger and back, over HTTP.

The sandbox's acme_us: case CB2295100 takes 42.63 USD on 2026-04-14, may be contested until
2026-05-04, and is given back after all on 2026-05-08.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from include.adapters.store.days import SqlApprovals, SqlTieOuts
from include.adapters.store.effects import SqlEffectStore
from include.domain.journal import JournalKind
from include.domain.matching import Cause
from include.domain.settlement import SettlementDay
from include.sandbox import Sandbox, start
from include.services.disputes.decide import record_write_offs, write_off_request
from include.services.effects.engine import Engine
from include.services.journal_book import JournalState
from include.services.post_journals import post_journals
from include.services.tie_out import tie_out
from tests.accuracy.partners import Partners, WallClock
from tests.accuracy.quarter import Quarter, days_between

CASE, TAKEN, LAPSED = "CB2295100", date(2026, 4, 14), date(2026, 5, 5)
GIVEN_BACK = date(2026, 5, 8)
CHARGEBACK = SettlementDay("acme_us", TAKEN)


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
        self.decisions = SqlApprovals(self.quarter.engine, WallClock())
        self.tie_outs = SqlTieOuts(self.quarter.engine, WallClock())
        self.merchant = self.quarter.mappings.merchant("acme_us", TAKEN)

    def run(self, first: date, last: date) -> None:
        for on in days_between(first, last):
            self.quarter.run_day(SettlementDay("acme_us", on), [])
        assert self.quarter.found.blocked == []

    def approve(self) -> str:
        request = write_off_request(self.merchant, journals=self.journals, decisions=self.decisions)
        if request is None:
            return ""
        record_write_offs(
            self.merchant,
            is_approved=True,
            decided_by="ada",
            journals=self.journals,
            decisions=self.decisions,
        )
        return request.body

    def post(self) -> tuple[str, ...]:
        """Post what is approved of the case, and have SYSPRO prove it."""
        ledger = self.partners.ledger(self.merchant)
        store = SqlEffectStore(self.quarter.engine)
        engine = Engine(store, ledger.partners, WallClock(), ledger.timings, worker="test")
        kinds = (JournalKind.dispute_lost,)
        with ledger.session():
            result = post_journals(
                CHARGEBACK,
                self.merchant,
                journals=self.journals,
                engine=engine,
                items=self.quarter.items,
                kinds=kinds,
            )
            tie_out(
                CHARGEBACK,
                journals=self.journals,
                engine=engine,
                tie_outs=self.tie_outs,
                kinds=kinds,
            )
        return result.posted

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


def test_an_uncontested_chargeback_is_found_written_off_and_taken_back_when_won(
    tmp_path: Path, sandbox: Sandbox, store_url: str
) -> None:
    desk = Desk(tmp_path, sandbox, store_url)
    desk.run(TAKEN, date(2026, 5, 4))
    assert desk.said() == [(Cause.dispute_due_soon.value, date(2026, 4, 29))]
    assert desk.states == []

    desk.run(LAPSED, LAPSED)
    assert desk.said() == [(Cause.dispute_deadline_passed.value, LAPSED)]
    assert desk.post() == ()  # nobody has approved it yet
    assert f"| {CASE} | 2026-04-14 | 42.63 USD |" in desk.approve()
    assert len(desk.post()) == 1
    assert desk.post() == ()  # posted once
    assert desk.states == [JournalState.tied_out]

    desk.run(date(2026, 5, 6), GIVEN_BACK)
    assert desk.said() == []
    assert CASE not in desk.approve()  # the reversal in the file is its own approval
    assert len(desk.post()) == 1
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
    totals = desk.tie_outs.of([first.key, back.key])
    assert [row["difference_minor"] for row in totals] == [0, 0]
