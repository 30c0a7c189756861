"""A merchant in the shadow: every day is reconciled and reported, and nothing of it is posted."""

import shutil
from datetime import date
from pathlib import Path

import pytest

import include.mappings.load as mappings_of
from include.domain.settlement import SettlementDay
from include.mappings.load import load_mappings
from include.services.journal_book import JournalState
from include.wiring import Tieout
from tests.integration.play import Play
from tieout.tasks import day_step, disputes, posting, settlement

MERCHANT, LAST_SHADOW, FIRST_LIVE = "acme_us", date(2026, 10, 30), date(2026, 10, 31)
STEPS = ("download", "classify", "check", "match", "build")


@pytest.fixture
def context(play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tieout:
    """Return the product with two entries of the merchant: shadow to a day, live from the next."""
    folder = tmp_path / "mappings"
    shutil.copytree(Path(mappings_of.__file__).parent, folder)
    page = folder / "merchants.yaml"
    before, begin, rest = page.read_text().partition(f"  - merchant_id: {MERCHANT}\n")
    entry, later, others = rest.partition("\n  - merchant_id: acme_uk\n")
    shadow = entry.replace("    disputes:", "    journals: shadow\n    disputes:")
    live = entry.replace("effective_from: 2026-01-01", f"effective_from: {FIRST_LIVE}")
    page.write_text(before + begin + shadow + "\n" + begin + live + later + others)
    found = play.desks.context
    found.mappings = load_mappings(folder)
    for module in (day_step, posting, disputes):
        monkeypatch.setattr(module, "tieout", lambda: found)
    return found


def run(on: date) -> SettlementDay:
    day = SettlementDay(MERCHANT, on)
    for name in STEPS:
        getattr(settlement, name)(str(day))
    disputes.watch_disputes(str(day))
    if posting.approval_request(str(day)) is not None:
        posting.record_decision(str(day), is_approved=True, decided_by="ann")
    posting.post(str(day))
    posting.tie_out(str(day))
    posting.report(str(day))
    return day


def posted(play: Play) -> int:
    objects = ("GENTJL", "CSHTWD", "APSTIN")
    rows = play.sandbox.ledger.rows(system="syspro")
    return sum(row.committed and row.verb in objects for row in rows)


def test_days_in_the_shadow_are_reported_and_those_after_are_posted(
    play: Play, context: Tieout
) -> None:
    shadow = run(LAST_SHADOW)
    record = context.days.get(shadow)
    assert record is not None
    assert record.state == "shadow"
    built = context.journals.of_day(shadow)
    assert built
    assert {one.state for one in built} == {JournalState.built}
    assert posted(play) == 0
    assert disputes.approval_request(str(shadow)) is None
    reports = sorted((play.desks.context.lake.root / "reports").rglob("*.xlsx"))
    assert len(reports) == 1
    live = run(FIRST_LIVE)
    record = context.days.get(live)
    assert record is not None
    assert record.state == "reported"
    assert {one.state for one in context.journals.of_day(live)} == {JournalState.tied_out}
    assert posted(play) == len(context.journals.of_day(live)) > 0
    run(LAST_SHADOW)  # once more, now that the merchant is live
    assert {one.state for one in context.journals.of_day(shadow)} == {JournalState.built}
    assert posted(play) == len(context.journals.of_day(live))
