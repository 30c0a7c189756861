"""Dead letters at the command line: what is shown, replayed, resolved, refused."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import insert

from include.adapters.store import audit
from include.adapters.store.inbox import SqlInbox
from include.adapters.store.schema import dead_letters
from include.domain.errors import Rejected, Retryable
from include.domain.money import Money
from include.services.inbox.ports import Conclusion, InboxState, Incoming
from include.wiring import Tieout
from tests.care.conftest import Care
from tests.care.shell import BOB
from tests.care.shell import context as context
from tests.orders.conftest import make_order
from tests.orders.test_set_back import UNMAPPED, break_some, sweep
from tieout import cli


def test_dead_letters_show_what_to_do(
    care: Care, context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = Rejected("Price must be numeric [100000]", "SYSPRO SORTOI", "Correct it.")
    care.shelf.set_aside("shop_order", "web|1", fault, owner="ann", amount=Money(1_999, "USD"))
    care.shelf.set_aside("shipment", "A|2", Rejected("odd", "x", "Ask Ann."), owner="ann")
    assert cli.main(["dead-letters", "list"]) == 0
    shown = capsys.readouterr().out
    assert "19.99 USD  ann  shop_order|web|1" in shown
    assert "-> Correct the key it names in SYSPRO" in shown
    assert "-> Ask Ann." in shown  # no row fits: the letter's own
    assert cli.main(["dead-letters", "list", "--kind", "shipment"]) == 0
    assert "shop_order" not in capsys.readouterr().out
    number = str(care.letters.listing()[0].dead_letter_id)
    assert cli.main(["dead-letters", "show", number]) == 0
    assert "suggested" in capsys.readouterr().out


def test_letters_behind_a_thousand_others_are_listed_and_counted(
    care: Care, context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = dict.fromkeys(("currency", "reason", "next_action", "resolved_by", "resolution"), "")
    rows = [
        {**nothing, "kind": kind, "key": f"{number}", "owner": "ann", "state": "open"}
        | {"opened_at": datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=number)}
        for number, kind in enumerate([*["shop_order"] * 1001, "gl_journal"])
    ]
    with context.store.begin() as connection:
        connection.execute(insert(dead_letters), rows)
    assert cli.main(["dead-letters", "list", "--kind", "gl_journal"]) == 0
    assert capsys.readouterr().out.endswith("1 open\n")
    assert cli.main(["dead-letters", "list"]) == 0
    assert capsys.readouterr().out.endswith("1002 open\n")
    assert context.dead_letters.count() == 1002


@pytest.mark.parametrize("number", ["9" * 20, "-1", "0", "1e3", "\u0661"])
def test_a_number_that_cannot_be_one_ends_in_the_usage(
    context: Tieout, capsys: pytest.CaptureFixture[str], number: str
) -> None:
    for line in (
        ["orders", "list", "--limit"],
        ["dead-letters", "show"],
        ["dead-letters", "replay"],
    ):
        with pytest.raises(SystemExit) as ended:
            cli.main([*line, number])
        assert ended.value.code == 2
        assert "usage:" in capsys.readouterr().err


def test_letters_are_resolved_in_bulk_and_audited(care: Care, context: Tieout) -> None:
    for key in ("1", "2"):
        care.shelf.set_aside("shipment", key, Rejected("a", "b", "c"), owner="ann")
    numbers = [str(one.dead_letter_id) for one in care.letters.listing()]
    line = ["dead-letters", "resolve", *numbers, "--reason", "told by phone", "--who", "bob"]
    assert cli.main(line) == 0
    assert care.letters.listing() == []
    (entry,) = audit.history(care.store, "shipment|1")
    assert (entry.who, entry.what) == (f"cli:{BOB}", "dead letter resolved")
    assert cli.main(line) == 1  # the first resolution stands


def test_what_to_replay_must_be_clear(
    care: Care, context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in ([], ["1", "--all"], ["--kind", "shipment", "--all"]):
        assert cli.main(["dead-letters", "replay", *line]) == 1
        assert "not clear" in capsys.readouterr().err


def test_a_bulk_replay_goes_on_after_one_that_fails_and_says_so(
    care: Care,
    context: Tieout,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen: list[int] = []

    def replay(_desks: object, number: int, who: str, *, via: str) -> str:
        assert (who, via) == (BOB, "cli")
        seen.append(number)
        if len(seen) == 1:
            raise Retryable("no answer", "SYSPRO", "Wait.")
        return "done"

    monkeypatch.setattr("tieout.desks.repair.replay_one", replay)
    for key in ("1", "2"):
        care.shelf.set_aside("shipment", key, Rejected("a", "b", "c"), owner="ann")
    care.shelf.set_aside("shop_order", "3", Rejected("a", "b", "c"), owner="ann")
    assert cli.main(["dead-letters", "replay", "--kind", "shipment", "--who", "bob"]) == 1
    assert len(seen) == 2
    assert "1 replayed, 1 not" in capsys.readouterr().out
    assert cli.main(["dead-letters", "replay", "--all", "--who", "bob"]) == 0
    assert len(seen) == 5


def test_a_bulk_replay_of_orders_counts_none_that_is_set_back_again_and_ends_in_no_traceback(
    care: Care,
    context: Tieout,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    orders = bug, unmapped, mended = [make_order() for _ in range(3)]
    translator = break_some(
        care.kit,
        {bug.number: KeyError("Ann Lee"), unmapped.number: UNMAPPED, mended.number: UNMAPPED},
    )
    for order in orders:
        care.kit.place(order)
    sweep(care.kit, minutes=3)
    del translator.faults[mended.number]
    desks = SimpleNamespace(service=care.kit.service, context=context)
    monkeypatch.setattr("tieout.commands.letters.desks_of", lambda _context: desks)
    care.kit.clock.move(minutes=15)
    assert cli.main(["dead-letters", "replay", "--kind", "order", "--who", "bob"]) == 1
    shown = capsys.readouterr().out
    assert "not replayed: KeyError in" in shown
    assert "Ann Lee" not in shown
    assert "not replayed: cannot be driven (refused), 2 times in a row: no tax code" in shown
    assert "captured" in shown
    assert "1 replayed, 2 not" in shown
    assert [one.key for one in care.letters.listing()] == [unmapped.order_id, bug.order_id]


def test_a_webhook_that_failed_is_handled_again(
    care: Care, context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox = SqlInbox(care.store)
    inbox.store([Incoming("woocommerce|web", "e1", "order.updated", b"{}")])
    (row,) = inbox.due(1)
    inbox.conclude(row, Conclusion(InboxState.failed, "no number", next_action="Mend it."), "ops")
    (letter,) = care.letters.listing()
    assert cli.main(["dead-letters", "replay", str(letter.dead_letter_id)]) == 0
    assert "handled within a minute" in capsys.readouterr().out
    assert [one.event_key for one in inbox.due(1)] == ["e1"]
    assert care.letters.listing() == []
