"""The command line over a real store: what is shown, what is refused, what is audited."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import insert

from include.adapters.store import audit
from include.adapters.store.inbox import SqlInbox
from include.adapters.store.schema import dead_letters
from include.domain.errors import Rejected, Retryable
from include.domain.money import Money
from include.domain.order_rules import CaptureWhen
from include.domain.payments import Moved
from include.services.effects.dead_letters import DeadLetter
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.services.inbox.ports import Conclusion, InboxState, Incoming
from include.services.next_actions import ROWS, NextAction, suggest
from include.services.orders.sagas import Event
from include.services.orders.setting_back import NO_DESK
from include.wiring import Settings, Tieout
from tests.care.conftest import Care
from tests.orders.conftest import make_order
from tests.orders.partners import as_evidence
from tests.orders.test_set_back import UNMAPPED, break_some, sweep
from tests.tampering import unguard, write_anew
from tieout import cli
from tieout.commands import login as logins
from tieout.commands.login import signature

BOB = signature("bob")  # with the login that the tests run under
ANN = signature("ann")


@pytest.fixture
def context(
    care: Care, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Tieout:
    found = Tieout(Settings(migrated_url, tmp_path / "lake", "sandbox"))
    monkeypatch.setattr(cli, "tieout", lambda: found)
    return found


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


def test_an_order_is_shown_with_its_story(
    care: Care, context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    order = make_order()
    care.kit.run(order)
    assert cli.main(["orders", "show", f"web/{order.number}"]) == 0
    shown = capsys.readouterr().out
    assert "captured    102.21 USD" in shown
    assert cli.main(["orders", "timeline", order.order_id]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "order accepted" in lines[0]
    assert any("sales order in SYSPRO" in line for line in lines)
    assert cli.main(["orders", "list", "--state", "captured"]) == 0
    assert "1 orders" in capsys.readouterr().out
    assert cli.main(["orders", "show", "web/nothing"]) == 1


@pytest.fixture
def at_the_desk(care: Care, monkeypatch: pytest.MonkeyPatch) -> None:
    desks = SimpleNamespace(service=care.kit.service)
    for module in ("orders", "refunds", "reviews"):
        monkeypatch.setattr(f"tieout.commands.{module}.desks_of", lambda _context: desks)


def test_an_order_is_cancelled_and_captured_with_a_name_and_a_trace(
    care: Care, context: Tieout, at_the_desk: None
) -> None:
    order = make_order()
    care.kit.run(order)
    line = ["orders", "cancel", order.order_id, "--reason", "fraud", "--who", "bob"]
    assert cli.main(line) == 0
    stop = care.kit.service.orders.get(order.order_id).facts.stop
    assert stop is not None
    assert (stop.who, stop.why) == (BOB, "fraud")
    (entry,) = audit.history(care.store, f"order|{order.order_id}")
    assert (entry.who, entry.what) == (f"cli:{BOB}", "cancel asked for")
    late = ["orders", "capture", order.order_id, "--cause", "x", "--amount", "1.00"]
    assert cli.main(late) == 1  # there is nothing to capture any more
    assert cli.main([*late[:-1], "-1.00"]) in (1, 2)


def test_only_an_order_that_is_stuck_beside_its_invoice_is_given_up(
    care: Care, context: Tieout, at_the_desk: None
) -> None:
    order, orders = make_order(), care.kit.service.orders
    care.kit.run(order)
    line = ["orders", "give-up", order.order_id, "--reason", "paid by cheque", "--who", "bob"]
    assert cli.main(line) == 1
    gone = ["orders", "hold-gone", order.order_id, "--reason", "says the bank", "--who", "bob"]
    assert cli.main(gone) == 1
    lapsed = Event("seen", {}, "ann")
    orders.amend(order.order_id, lambda f: replace(f, problem="no", open_step="reverse|1"), lapsed)
    assert cli.main(gone) == 0
    assert orders.get(order.order_id).facts.is_reversed
    stuck = Event("seen", {}, "ann")
    orders.amend(order.order_id, lambda f: replace(f, invoices=("I1",), problem="no"), stuck)
    assert cli.main(line) == 0
    stop = orders.get(order.order_id).facts.stop
    assert stop is not None
    assert (stop.who, stop.keeps_invoice) == (BOB, True)
    words = [entry.what for entry in audit.history(care.store, f"order|{order.order_id}")]
    assert words == ["hold is gone", "given up"]


def test_orders_whose_authorisation_lapses_soon_are_listed(
    care: Care, context: Tieout, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    care.kit.rules = replace(care.kit.rules, capture_when=CaptureWhen.shipment)
    order = make_order()
    care.kit.run(order)
    tables = context.today
    monkeypatch.setattr(type(tables), "shop", lambda _self, _shop: SimpleNamespace(merchant_id="m"))
    monkeypatch.setattr(type(tables), "order_rules", lambda _self, _merchant: care.kit.rules)
    for hours, is_listed in ((25, False), (23, True)):  # the lead is 24 hours
        now = care.kit.clock.now() + timedelta(days=7) - timedelta(hours=hours)
        monkeypatch.setattr(context, "clock", SimpleNamespace(now=lambda at=now: at))
        assert cli.main(["orders", "list", "--expiring"]) == 0
        assert (order.order_id in capsys.readouterr().out) is is_listed


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


def test_a_refund_needs_another_person(
    care: Care, context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    order = make_order(minor=90_000)
    care.kit.run(order)
    refund = care.kit.service.refund(
        order.order_id, Money(80_000, "USD"), origin="api", origin_key="1", who="ann", reason="late"
    )
    assert cli.main(["refunds", "list"]) == 0
    assert f"{refund}" in capsys.readouterr().out
    assert cli.main(["refunds", "approve", refund, "--who", "ann"]) == 1
    assert cli.main(["refunds", "approve", refund, "--who", "bob"]) == 0
    (entry,) = audit.history(care.store, f"refund|{refund}")
    assert (entry.who, entry.what) == (f"cli:{BOB}", "refund approved")


def test_another_name_typed_at_the_same_login_is_no_second_person(
    care: Care,
    context: Tieout,
    at_the_desk: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    order = make_order(minor=90_000)
    care.kit.run(order)
    line = ["orders", "cancel", order.order_id, "--reason", "fraud", "--who", "ann"]
    monkeypatch.setattr(logins, "_KERNEL", Path("nowhere"))  # of whoever runs the tests
    monkeypatch.setenv("SUDO_USER", "anna")
    assert cli.main(line) == 0
    care.kit.pass_time(hours=2)
    ((row, saga),) = care.kit.service.refunds.of_order(order.order_id)
    assert (row.asked_by, saga.state) == ("ann (anna)", "waiting")
    for who, at_login in (("bob", "anna"), ("anna", "root"), ("ANN", "bob"), ("bob", "ann")):
        monkeypatch.setenv("SUDO_USER", at_login)
        assert cli.main(["refunds", "approve", row.refund_id, "--who", who]) == 1
        assert "asked for it, as ann (anna)" in capsys.readouterr().err
    monkeypatch.setenv("SUDO_USER", "robert")
    assert cli.main(["refunds", "approve", row.refund_id, "--who", "bob"]) == 0
    (entry,) = audit.history(care.store, f"refund|{row.refund_id}")
    assert (entry.who, entry.what) == ("cli:bob (robert)", "refund approved")


def test_who_asked_for_a_refund_that_needs_two_neither_replays_it_nor_says_it_was_paid(
    care: Care, context: Tieout, at_the_desk: None, capsys: pytest.CaptureFixture[str]
) -> None:
    def no(effect: Effect) -> Receipt:
        return care.kit.partner.do(effect, Receipt("", as_evidence(Moved("", "DECLINED")), True))

    order = make_order(minor=90_000)
    care.kit.run(order)
    care.kit.partner.say(EffectKind.payment_refund, no)
    refund = care.kit.service.refund(
        order.order_id, Money(80_000, "USD"), origin="api", origin_key="1", who="ann", reason="late"
    )
    assert cli.main(["refunds", "approve", refund, "--who", "bob"]) == 0
    care.kit.service.advance_refund(refund)
    (letter,) = care.letters.listing()
    number = str(letter.dead_letter_id)
    for line in (
        ["refunds", "retry", refund],
        ["refunds", "paid-outside", refund, "--reference", "wire 1"],
        ["dead-letters", "replay", number],
    ):
        assert cli.main([*line, "--who", "ann"]) == 1
        told = capsys.readouterr()
        assert "asked for it, as ann" in told.out + told.err
    assert care.open_letters() == [("refund_refused", refund)]
    assert cli.main(["refunds", "paid-outside", refund, "--who", "bob", "--reference", "w1"]) == 0


def test_a_refund_that_the_gateway_refused_is_paid_by_a_person_and_says_so(
    care: Care, context: Tieout, at_the_desk: None, capsys: pytest.CaptureFixture[str]
) -> None:
    def no(effect: Effect) -> Receipt:
        return care.kit.partner.do(effect, Receipt("", as_evidence(Moved("", "DECLINED")), True))

    order = make_order()
    care.kit.run(order)
    care.kit.partner.say(EffectKind.payment_refund, no)
    refund = care.kit.service.refund(
        order.order_id, Money(500, "USD"), origin="api", origin_key="1", who="ann", reason="late"
    )
    care.kit.service.advance_refund(refund)
    assert care.open_letters() == [("refund_refused", refund)]
    assert cli.main(["refunds", "retry", refund, "--who", "bob"]) == 0
    assert care.open_letters() == []
    care.kit.partner.say(EffectKind.payment_refund, no)
    care.kit.clock.move(minutes=1)
    care.kit.service.advance_refund(refund)
    line = ["refunds", "paid-outside", refund, "--who", "bob", "--reference"]
    assert cli.main([*line, "4111 1111 1111 1111"]) == 1
    assert "card number" in capsys.readouterr().err
    assert cli.main([*line, "wire 4711"]) == 0
    assert cli.main([*line, "wire 4711"]) == 1  # it is paid
    assert care.open_letters() == [("refunded_early", order.order_id)]  # of what is not invoiced
    entries = audit.history(care.store, f"refund|{refund}")
    words = [(entry.who, entry.what) for entry in entries if entry.who.startswith("cli:")]
    assert words == [
        (f"cli:{BOB}", "refund tried again"),
        (f"cli:{BOB}", "refund paid outside the gateway"),
    ]


def test_two_contrary_decisions_are_settled_with_a_name(
    care: Care, context: Tieout, at_the_desk: None, capsys: pytest.CaptureFixture[str]
) -> None:
    order, orders = make_order(), care.kit.service.orders
    care.kit.run(order)
    line = ["reviews", "settle", order.order_id, "accept", "--who", "bob", "--comment", "he phoned"]
    assert cli.main(line) == 1
    assert "there is no contradiction" in capsys.readouterr().err
    contrary = Event("two decisions against each other")
    orders.amend(order.order_id, lambda facts: replace(facts, is_contradicted=True), contrary)
    assert cli.main(line) == 0
    facts = orders.get(order.order_id).facts
    assert (facts.is_contradicted, facts.decision, facts.decided_by) == (False, "accept", BOB)
    *_, entry = audit.history(care.store, f"order|{order.order_id}")
    assert (entry.who, entry.what) == (f"cli:{BOB}", "contradiction settled: accept")


def test_a_store_is_doubted_with_a_name_until_its_letter_is_resolved(
    care: Care, context: Tieout
) -> None:
    assert not context.trust.check()
    assert cli.main(["store", "doubt", "--reason", "failed over", "--who", "ann"]) == 0
    assert context.trust.check()
    (letter,) = care.letters.listing()
    assert "failed over" in letter.reason
    (entry,) = audit.history(care.store, "store")
    assert (entry.who, entry.what) == (f"cli:{ANN}", "store doubted")
    care.letters.resolve(letter.dead_letter_id, "ann", "compared")
    assert not context.trust.check()


def test_the_audit_is_verified_and_a_changed_entry_is_named(
    care: Care, context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    care.kit.run(make_order())
    assert cli.main(["audit", "verify"]) == 0
    assert "entries hold" in capsys.readouterr().out
    with care.store.begin() as connection:
        unguard(connection)
        connection.exec_driver_sql("UPDATE audit SET who = 'nobody' WHERE entry_no = 2")
    assert cli.main(["audit", "verify"]) == 1
    assert "entry 2" in capsys.readouterr().err


def test_a_head_that_was_told_shows_a_chain_that_was_written_anew(
    care: Care, context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    care.kit.run(make_order())
    context.trust.note()
    before = audit.verify(care.store)
    care.kit.run(make_order(number="1002"))
    assert cli.main(["audit", "verify", "--head", before.head]) == 0
    assert f"; the head asked for is number {before.entries}\n" in capsys.readouterr().out
    assert cli.main(["audit", "verify", "--since", before.head]) == 0
    rest = audit.verify(care.store).entries - before.entries + 1
    assert f"{rest} entries hold, from the head given on; " in capsys.readouterr().out
    write_anew(care.store, "cli:innocent")
    assert cli.main(["audit", "verify"]) == 1
    assert "the head noted in the lake is not among them" in capsys.readouterr().err
    context.lake.write_note("store", b"")  # whoever writes the store may write there, too
    context.trust.note()
    assert cli.main(["audit", "verify"]) == 0
    capsys.readouterr()
    assert cli.main(["audit", "verify", "--head", before.head]) == 1
    assert f"but the head {before.head} is not among them" in capsys.readouterr().err
    assert cli.main(["audit", "verify", "--since", before.head]) == 1
    assert f"but the head {before.head} is not among them" in capsys.readouterr().err
    assert cli.main(["audit", "verify", "--head", before.head[:-1]]) == 1
    assert "is no head: 64 digits and letters" in capsys.readouterr().err


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.text or row.kind)
def test_every_row_of_the_table_is_reached(row: NextAction) -> None:
    """A row that an earlier one hides would be a lie in the table."""
    text, kind = row.text, row.kind
    letter = DeadLetter(
        1, kind or "x", "k", "", None, f"it said {text} here", "d", "o", "open",
        datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    assert suggest(letter) == row.do


def letter_of(kind: str, reason: str) -> DeadLetter:
    return DeadLetter(
        1, kind, "k", "", None, reason, "d", "o", "open", datetime(2026, 1, 1, tzinfo=UTC)
    )


def test_a_row_of_a_kind_is_not_for_a_kind_that_begins_alike() -> None:
    assert "it is read again" in suggest(letter_of("shop_order", "odd"))
    assert suggest(letter_of("shop_order_update", "odd")) == ""


def test_a_set_back_order_or_refund_may_be_ended_too() -> None:
    reason = "cannot be driven: no stock code for 'X' (at shops.yaml). Map it."
    assert suggest(letter_of("order", reason)).endswith("then replay. Or cancel the order.")
    assert "Or refuse the refund" in suggest(letter_of("refund", reason))
    assert suggest(letter_of("sales_order", reason)).endswith("then replay.")
    held = suggest(letter_of("order", "customer is on hold"))
    assert held.count("cancel the order") == 1
    gone = replace(letter_of("order", reason), owner=NO_DESK)  # nothing is done without its shop
    assert suggest(gone).endswith(
        "then replay. Cancelled meanwhile, it is unwound then and no sooner."
    )
