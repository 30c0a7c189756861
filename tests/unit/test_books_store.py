"""Open items, expectations and journals on SQLite and on PostgreSQL alike."""

from datetime import timedelta
from pathlib import Path

import pytest

from include.domain.errors import Rejected
from include.domain.matching import Cause
from include.domain.open_items import OpenItem, Stage
from include.services.journal_book import JournalState
from tests.support_books import DAY, Desk, document, line, table, worked_day


@pytest.fixture
def desk(tmp_path: Path, store_url: str) -> Desk:
    return Desk(tmp_path, store_url)


def _item(desk: Desk, what: str) -> OpenItem:
    owner = "ar@acme.example"
    return OpenItem.found(desk.day(), Stage.match, Cause.ambiguous, what, owner, why="why", do="do")


def test_findings_are_replaced_and_found_again(desk: Desk) -> None:
    one, two = _item(desk, "1"), _item(desk, "2")
    desk.items.replace_findings(desk.day(), "match", [one, two])
    desk.items.replace_findings(desk.day(), "match", [two])
    assert desk.items.open_of_day(desk.day()) == [two]
    desk.items.replace_findings(desk.day(), "match", [one, two])
    assert desk.items.open_of_day(desk.day()) == [one, two]


def test_another_stage_of_the_day_is_left_alone(desk: Desk) -> None:
    desk.items.replace_findings(desk.day(), "match", [_item(desk, "1")])
    desk.items.replace_findings(desk.day(), "classify", [])
    assert len(desk.items.open_of_day(desk.day())) == 1


def test_a_sequence_of_days_ends_alike_on_every_database(desk: Desk) -> None:
    desk.match([line(reference="A", request="1")], [document("2", reference="B")])
    desk.match(
        [line(reference="B", request="2")],
        [document("1", reference="A", on=DAY + timedelta(days=1))],
        DAY + timedelta(days=1),
    )
    assert desk.rules(DAY + timedelta(days=1)) == ["late", "late"]
    assert desk.causes() == []


def test_a_key_has_one_content_for_ever(desk: Desk) -> None:
    (journal,) = desk.build(worked_day()).built
    desk.journals.add(journal, "m", {})  # the same again changes nothing
    from dataclasses import replace

    with pytest.raises(Rejected, match="exists with digest"):
        desk.journals.add(replace(journal, narrative="other"), "m", {})


def test_a_journal_moves_by_its_exact_content_and_remembers_theirs(desk: Desk) -> None:
    (journal,) = desk.build(worked_day()).built
    desk.journals.move(journal, JournalState.approved)
    assert not desk.journals.void(journal)  # it went on
    assert [b.journal for b in desk.journals.unfinished()] == [journal]
    desk.journals.move(journal, JournalState.posted, "2026/10/7")
    (booked,) = desk.journals.of_day(desk.day())
    assert (booked.state, booked.their_key) == (JournalState.posted, "2026/10/7")
    desk.journals.move(journal, JournalState.tied_out)
    assert desk.journals.of_day(desk.day())[0].their_key == "2026/10/7"


def test_restatement_on_every_database(desk: Desk) -> None:
    (first,) = desk.build(worked_day()).built
    desk.journals.move(first, JournalState.posted)
    (second,) = desk.build(worked_day(per_item=-50)).built
    assert table(second) == [("1160", "-0.10"), ("6152", "0.10")]
