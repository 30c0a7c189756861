"""The dead letter of what the gateway refused an order is replayed from the command line."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from include.adapters.store import audit
from include.domain.order_state import OrderState
from include.domain.payments import Moved
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.wiring import Settings, Tieout
from tests.care.conftest import Care
from tests.orders.conftest import make_order
from tests.orders.partners import as_evidence
from tieout import cli
from tieout.commands.login import signature

ANN = signature("ann")  # with the login that the tests run under


def test_a_refused_capture_is_replayed_with_a_name_and_its_letter_closes(
    care: Care,
    migrated_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    context = Tieout(Settings(migrated_url, tmp_path / "lake", "sandbox"))
    desks = SimpleNamespace(service=care.kit.service, context=context)
    monkeypatch.setattr(cli, "tieout", lambda: context)
    monkeypatch.setattr("tieout.commands.letters.desks_of", lambda _context: desks)

    def no(effect: Effect) -> Receipt:
        found = Moved("", "INVALID_REQUEST", None, "AUTH_ALREADY_REVERSED")
        return care.kit.partner.do(effect, Receipt("", as_evidence(found), is_no=True))

    care.kit.partner.say(EffectKind.payment_capture, no)
    order = make_order()
    care.kit.run(order)
    (letter,) = care.letters.listing()
    number = str(letter.dead_letter_id)
    assert cli.main(["dead-letters", "show", number]) == 0
    shown = capsys.readouterr().out
    assert "replay it: it is asked for anew" in shown
    assert "orders give-up, and ask the shopper" in shown  # by the gateway's reason
    assert cli.main(["dead-letters", "replay", number, "--who", "ann"]) == 0
    assert care.open_letters() == []
    assert care.kit.service.orders.get(order.order_id).state == OrderState.captured
    entries = audit.history(care.store, f"order|{order.order_id}")
    assert [(one.who, one.what) for one in entries] == [(f"cli:{ANN}", "tried again")]
