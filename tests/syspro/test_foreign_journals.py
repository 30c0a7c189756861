"""A site that books journals in the batch's currency: posted, read back and tied out."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from include.adapters.store.days import SqlTieOuts
from include.adapters.store.engine import open_store
from include.adapters.store.journals import SqlJournals
from include.adapters.store.schema import metadata
from include.domain.journal import Journal
from include.domain.settlement import SettlementDay
from include.sandbox import Sandbox, start
from include.services.effects.ports import Effect, EffectState
from include.services.journal_book import JournalState
from include.services.tie_out import tie_out
from tests.syspro.sandbox_desk import Clock, Desk


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    sandbox = start(seed=11, volume=5, start=date(2026, 10, 20), days=25)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def desk(running: Sandbox, effect_for: Callable[..., Effect]) -> Desk:
    running.reset()
    return Desk(running, effect_for, journal_currency="original")


def test_a_journal_in_euros_ties_out(desk: Desk, euro_settlement: Journal, tmp_path: Path) -> None:
    """10.00 EUR in three lines; the 0.01 USD of rounding is SYSPRO's own to make."""
    found = desk.drive(euro_settlement)
    assert (found.state, desk.posted(euro_settlement)) == (EffectState.verified, 1), found.reason
    facts = desk.read_back(euro_settlement)
    assert (facts["debit"], facts["entries"], facts["total_minor"]) == (10_00, 3, 10_84)
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    metadata.create_all(store)
    journals = SqlJournals(store, Clock())
    journals.add(euro_settlement, "v1", {})
    journals.move(euro_settlement, JournalState.posted, found.their_key)
    tied = tie_out(
        SettlementDay(euro_settlement.merchant_id, euro_settlement.settlement_date),
        journals=journals,
        engine=desk.engine,
        tie_outs=SqlTieOuts(store, Clock()),
    )
    assert tied == (euro_settlement.key,)


def test_what_is_off_in_euros_is_off_by_its_worth_in_the_companys_currency(
    desk: Desk, euro_settlement: Journal
) -> None:
    """Twice in the ledger: each copy is 10.84 USD."""
    desk.fault("second_delivery", "GENTJL")
    found = desk.drive(euro_settlement)
    assert found.state is EffectState.mismatched
    back = desk.engine.read_back(found.kind, found.key)
    assert [one.facts["total_minor"] for one in back.found] == [10_84, 10_84]


def test_a_currency_of_which_syspro_has_no_rate_is_refused(
    desk: Desk, euro_settlement: Journal
) -> None:
    as_krona = replace(
        euro_settlement,
        lines=tuple(
            replace(x, amount=replace(x.amount, currency="SEK")) for x in euro_settlement.lines
        ),
    )
    found = desk.drive(as_krona)
    assert found.state is EffectState.rejected
    assert "SEK" in found.reason
