"""Refunds at the command line: two persons for a large one, and what the gateway refused."""

from pathlib import Path

import pytest

from include.adapters.store import audit
from include.domain.money import Money
from include.domain.payments import Moved
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.wiring import Tieout
from tests.care.conftest import Care
from tests.care.shell import BOB
from tests.care.shell import at_the_desk as at_the_desk
from tests.care.shell import context as context
from tests.orders.conftest import make_order
from tests.orders.partners import as_evidence
from tieout import cli
from tieout.commands import login as logins


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
