"""Orders and their reviews at the command line: what is shown, decided, audited."""

import os
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from include.adapters.store import audit
from include.domain.order_rules import CaptureWhen
from include.services.orders.sagas import Event
from include.wiring import Tieout
from tests.care.conftest import Care
from tests.care.shell import BOB
from tests.care.shell import at_the_desk as at_the_desk
from tests.care.shell import context as context
from tests.orders.conftest import make_order
from tests.orders.test_free_orders import free_order
from tieout import cli
from tieout.commands.parts import conclude


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


def test_a_list_whose_reader_has_gone_ends_without_a_word(
    care: Care, context: Tieout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``| head`` does; a command that changes something is not stopped in its midst."""
    care.kit.run(make_order())
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        monkeypatch.setattr("sys.stdout", gone)
        gone.reconfigure(write_through=True)
        assert cli.main(["orders", "list"]) == 0
        conclude(gone)  # else closing it raises, as Python's end would complain


def test_a_free_order_is_not_shown_as_one_whose_payment_is_missing(
    care: Care, context: Tieout, capsys: pytest.CaptureFixture[str]
) -> None:
    order = free_order()
    care.kit.run(order)
    assert cli.main(["orders", "show", order.order_id]) == 0
    assert "payment     none: it is free" in capsys.readouterr().out


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
