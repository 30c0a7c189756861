"""What a person is told to do about a dead letter, by its kind and its words."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from include.services.effects.dead_letters import DeadLetter
from include.services.next_actions import ROWS, NextAction, suggest
from include.services.orders.setting_back import NO_DESK


def letter_of(kind: str, reason: str) -> DeadLetter:
    return DeadLetter(
        1, kind, "k", "", None, reason, "d", "o", "open", datetime(2026, 1, 1, tzinfo=UTC)
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.text or row.kind)
def test_every_row_of_the_table_is_reached(row: NextAction) -> None:
    """A row that an earlier one hides would be a lie in the table."""
    letter = letter_of(row.kind or "x", f"it said {row.text} here")
    assert suggest(letter) == row.do


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
