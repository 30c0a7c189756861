"""The store is put back to how it was an hour ago: what was written since is not written again."""

import sqlite3
from pathlib import Path

import pytest

from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import OrderState
from include.wiring import Settings, Tieout
from tests.integration.play import LIVE, Play
from tieout.commands.audit import _verify
from tieout.desks.order_desk import Desks


def copy(play: Play, to: Path) -> Path:
    """Back the store up."""
    store = play.desks.context.settings.store_url.removeprefix("sqlite:///")
    with sqlite3.connect(store) as old, sqlite3.connect(to) as new:
        old.backup(new)
    return to


def started_over(play: Play, backup: Path) -> Play:
    """Start the product anew over a copy of its store; the lake is as it is."""
    settings = play.desks.context.settings
    context = Tieout(Settings(f"sqlite:///{backup}", settings.lake, "sandbox", business_date=LIVE))
    return Play(play.sandbox, Desks(context))


def give_back(play: Play, order_id: str) -> str:
    return play.desks.service.refund(
        order_id, Money(500, "USD"), origin="api", origin_key="1", who="shop", reason="a scratch"
    )


def work_on(play: Play) -> None:
    """Let the DAGs run."""
    for _ in range(3):
        play.poll_shop()
        play.poll_erp()
        play.sweep()


def test_nothing_is_written_twice_after_the_store_was_put_back(play: Play, tmp_path: Path) -> None:
    first = play.take()
    backup = copy(play, tmp_path / "backup.db")
    play.clerk("invoice", sales_order=play.order(first).facts.sales_order)
    play.poll_erp()  # what goes back before its invoice is seen pays none
    refund_id = give_back(play, first)
    second = play.take()
    work_on(play)
    play.desks.context.trust.note()  # as the janitor does each minute
    written = {one: play.executed(one) for one in (first, second)}
    assert written[first]["refund"] == 1
    ledger = len([row for row in play.sandbox.ledger.rows(system="syspro") if row.committed])

    again = started_over(play, backup)
    assert again.desks.context.trust.check()
    work_on(again)
    give_back(again, first)  # by whoever had no answer
    work_on(again)
    assert again.desks.service.refunds.get(refund_id).state == "waiting"  # whatever it is over
    with pytest.raises(Rejected, match="went back already"):
        again.desks.service.refuse_refund(refund_id, "ann", "nobody knows of it")
    again.desks.service.approve_refund(refund_id, "ann")
    work_on(again)
    for one in (first, second):
        assert again.executed(one) == written[one]
        assert again.order(one).state == play.order(one).state, again.order(one).reason
    assert again.desks.service.refunds.get(refund_id).state == "done"
    rows = [row for row in play.sandbox.ledger.rows(system="syspro") if row.committed]
    assert len(rows) == ledger, rows[ledger:]


def test_what_was_forgotten_of_a_cancelled_order_is_found_and_given_back(
    play: Play, tmp_path: Path
) -> None:
    backup = copy(play, tmp_path / "backup.db")
    taken = play.take()
    assert play.executed(taken)["capture"] == 1
    play.desks.context.trust.note()

    again = started_over(play, backup)
    assert again.desks.context.trust.check()
    again.poll_shop()  # its payment is found, and nothing else is looked for yet
    assert not again.order(taken).facts.captures
    again.desks.service.cancel(taken, "shopper", "changed their mind")
    work_on(again)
    facts = again.order(taken).facts
    assert facts.sales_order == play.order(taken).facts.sales_order
    assert facts.is_order_cancelled
    assert [one.request_id for one in facts.captures] == [
        one.request_id for one in play.order(taken).facts.captures
    ]
    for row, _saga in again.desks.service.refunds.of_order(taken):
        again.desks.service.approve_refund(row.refund_id, "ann")
    work_on(again)
    assert again.order(taken).state == OrderState.cancelled
    made = again.executed(taken)
    assert made["capture"] == 1
    assert made["void"] + made["refund"] == 1


def test_the_doubt_ends_when_a_person_says_so_and_is_not_raised_again(
    play: Play, tmp_path: Path
) -> None:
    backup = copy(play, tmp_path / "backup.db")
    play.take()
    play.desks.context.trust.note()
    context = started_over(play, backup).desks.context
    with pytest.raises(Rejected, match="noted in the lake is not among them"):
        _verify(context, _Given())  # its end is gone, says the head in the lake
    assert context.trust.check()
    assert context.trust.check()
    letters = [one for one in context.dead_letters.listing() if one.kind == "store"]
    assert [one.owner for one in letters] == ["integration"]
    context.dead_letters.resolve(letters[0].dead_letter_id, "cli:ann", "compared")
    assert not context.trust.check()
    _verify(context, _Given())


def test_a_replica_that_takes_over_between_a_check_and_the_next_note_is_noticed(
    play: Play, tmp_path: Path
) -> None:
    """Nobody was stopped: whoever had just checked the old store notes the head of the new one."""
    play.take()
    backup = copy(play, tmp_path / "backup.db")
    play.take()
    play.desks.context.trust.note()
    context = started_over(play, backup).desks.context
    context.trust.note()
    assert context.trust.check()


class _Given:
    head = since = ""


def test_a_witness_that_cannot_be_read_is_a_doubt_and_no_crash(play: Play, tmp_path: Path) -> None:
    play.take()
    for number, broken in enumerate((b"{", b"[1]", b'{"hash": "x"}')):
        context = started_over(play, copy(play, tmp_path / f"{number}.db")).desks.context
        context.lake.write_note("store", broken)
        assert context.trust.check()


def test_a_store_that_lost_nothing_is_trusted(play: Play) -> None:
    context = play.desks.context
    context.trust.note()
    play.take()
    assert not context.trust.check()
    assert play.order(play.take()).state == OrderState.captured
