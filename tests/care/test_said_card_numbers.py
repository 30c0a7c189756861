"""What people say, by any door, never carries a card number on: not stored, not sent, alarmed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from include.adapters.store.order_tables import alerts
from include.adapters.store.schema import metadata
from include.domain.canonical import from_json
from include.domain.card_numbers import CardNumberRefused
from include.domain.errors import Rejected
from include.domain.order_state import OrderState
from include.domain.payments import DecideReview
from include.domain.reviews import Decision
from include.domain.settlement import SettlementDay
from include.services.effects.ports import EffectKind
from include.services.orders.decide_review import decide_review
from include.services.orders.sagas import Event
from include.wiring import Settings, Tieout
from tests.care.conftest import Care
from tests.care.shell import at_the_desk as at_the_desk
from tests.care.test_cli_items import MISSING
from tests.care.test_decide_review import held
from tests.orders.conftest import make_order
from tieout import cli
from tieout.tasks import task_log
from tieout.tasks.task_log import logged

NUMBER = "4111 1111 1111 1111"
WORDS = f"she read it out: {NUMBER}"


@pytest.fixture
def context(
    care: Care, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Tieout:
    found = Tieout(Settings(migrated_url, tmp_path / "lake", "sandbox"))
    monkeypatch.setattr(cli, "tieout", lambda: found)
    monkeypatch.setattr(task_log, "tieout", lambda: found)
    return found


def alarmed(store: Engine) -> list[tuple[str, int]]:
    with store.connect() as connection:
        rows = connection.execute(select(alerts.c.words, alerts.c.count)).all()
    return [(row.words, row.count) for row in rows]


def stored(store: Engine) -> str:
    """Return everything that the store holds."""
    with store.connect() as connection:
        tables = [connection.execute(select(table)).all() for table in metadata.sorted_tables]
    return str(tables)


def _order(care: Care) -> list[str]:
    order = make_order()
    care.kit.run(order)
    return ["orders", "cancel", order.order_id, "--reason"]


def _stuck_order(care: Care) -> list[str]:
    (_, _, order_id, _), orders = _order(care), care.kit.service.orders
    orders.amend(order_id, lambda f: replace(f, invoices=("I1",), problem="no"), Event("seen"))
    return ["orders", "give-up", order_id, "--reason"]


def _gone_hold(care: Care) -> list[str]:
    (_, _, order_id, _), orders = _order(care), care.kit.service.orders
    orders.amend(order_id, lambda f: replace(f, problem="no", open_step="reverse|1"), Event("seen"))
    return ["orders", "hold-gone", order_id, "--reason"]


def _contradiction(care: Care) -> list[str]:
    (_, _, order_id, _), orders = _order(care), care.kit.service.orders
    orders.amend(order_id, lambda f: replace(f, is_contradicted=True), Event("two decisions"))
    return ["reviews", "settle", order_id, "accept", "--comment"]


def _letter(care: Care) -> list[str]:
    care.shelf.set_aside("shipment", "A|2", Rejected("odd", "x", "Ask Ann."), owner="ann")
    return ["dead-letters", "resolve", str(care.letters.listing()[0].dead_letter_id), "--reason"]


def _doubt(_care: Care) -> list[str]:
    return ["store", "doubt", "--reason"]


@pytest.mark.parametrize(
    "ready", [_order, _stuck_order, _gone_hold, _contradiction, _letter, _doubt]
)
def test_a_reason_at_the_shell_with_a_card_number_changes_nothing_and_may_be_given_again(
    care: Care,
    context: Tieout,
    at_the_desk: None,
    capsys: pytest.CaptureFixture[str],
    ready: Callable[[Care], list[str]],
) -> None:
    line = ready(care)
    before = stored(context.store)
    assert cli.main([*line, WORDS, "--who", "bob"]) == 1
    refusal = capsys.readouterr().err
    assert "holds a card number" in refusal
    assert "Say it again without the number" in refusal
    ((words, count),) = alarmed(context.store)
    assert words.startswith("cli:bob (")
    assert "): the field " in words
    assert count == 1
    assert NUMBER not in stored(context.store)
    with context.store.begin() as connection:
        connection.execute(alerts.delete())
    assert stored(context.store) == before
    assert cli.main([*line, "she read it out", "--who", "bob"]) == 0


def test_it_is_alarmed_from_a_container_whose_user_has_no_name(
    care: Care, context: Tieout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr("pwd.getpwuid", nobody)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main([*_doubt(care), WORDS, "--who", "bob"]) == 1
    assert [count for _, count in alarmed(context.store)] == [1]


def test_an_open_item_is_not_resolved_by_a_card_number(context: Tieout) -> None:
    context.open_items.open([MISSING])
    line = ["open-items", "resolve", "1", "--who", NUMBER, "--reason"]
    assert cli.main([*line, "who says so is a number"]) == 1
    assert cli.main(["open-items", "resolve", "1", "--who", "ada", "--reason", WORDS]) == 1
    day = SettlementDay("acme_us", date(2026, 10, 31))
    assert [one.item_key for one in context.open_items.of_stage(day.merchant_id, "match")]
    assert NUMBER not in stored(context.store)
    assert [count for _, count in alarmed(context.store)] == [1, 1]


def test_an_analysts_comment_with_a_card_number_decides_nothing_and_may_be_given_again(
    care: Care, context: Tieout
) -> None:
    order, kit = held(care), care.kit

    def decide(comment: str, analyst: str) -> str:
        def work() -> str:
            found = decide_review(
                kit.service, kit.engine, order.order_id, Decision.accept,
                analyst=analyst, comments=comment, via="airflow",
            )  # fmt: skip
            return str(found)

        return logged("decide_order", order.order_id, work, who=analyst)

    before = stored(context.store)
    with pytest.raises(CardNumberRefused, match=r"field comment .* Say it again without"):
        decide(WORDS, "ann")
    assert alarmed(context.store) == [("airflow:ann: the field comment holds a card number", 1)]
    with context.store.begin() as connection:
        connection.execute(alerts.delete())
    assert stored(context.store) == before
    assert kit.service.orders.get(order.order_id).state == OrderState.in_review  # asked again
    decide("she phoned", "ann")
    with pytest.raises(CardNumberRefused):  # as little from one who says the same
        decide(WORDS, "ann")
    assert NUMBER not in stored(context.store)
    done = kit.partner.truth.done
    sent = [one.payload for one in done if one.kind is EffectKind.review_decision]
    assert [from_json(DecideReview, one).comments for one in sent] == ["she phoned"]
