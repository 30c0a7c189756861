"""A shop that takes a write and then shows something else: in doubt, or a difference."""

import json
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import pytest

from include.adapters.http.wire import Request, Response
from include.adapters.shop.partners import partners_of
from include.adapters.shop.settings import ShopSettings
from include.adapters.shop.woocommerce import WooCommerce
from include.domain.errors import OutcomeUnknown
from include.domain.money import Money
from include.domain.orders import reference_of
from include.services.effects.ports import EffectKind, Found, Partner
from include.services.shop.commands import OrderUpdate, RefundRecord
from tests.shop.conftest import effect_of

UPDATE, REFUND = EffectKind.shop_order_update, EffectKind.shop_refund
REFUNDED = RefundRecord("acme", "7", Money(400, "USD"), "Arrived broken.")
ORDER = {
    "id": 7,
    "number": "7",
    "status": "completed",
    "currency": "USD",
    "date_modified_gmt": "2026-11-03T09:00:00",
    "meta_data": [{"key": f"_tieout_{reference_of('k')}", "value": "1|completed"}],
}


class Answers:
    """A WooCommerce of one order that answers every call of a path alike."""

    def __init__(self, **answers: Any) -> None:
        self._answers = {"7": ORDER, **answers}  # by the last part of the path

    def exchange(self, request: Request, sink: BinaryIO | None = None) -> Response:
        request.leave()
        body = self._answers[urlsplit(request.url).path.rpartition("/")[2]]
        return Response(200, {}, json.dumps(body).encode(), "", 0)


def partner(kind: EffectKind, **answers: Any) -> Partner:
    settings = ShopSettings(
        conn_id="c", base_url="https://s.test", key="k", secret="s", shop_id="acme"
    )
    return partners_of(WooCommerce(settings, Answers(**answers)))[kind]


def test_a_refund_of_another_amount_may_have_happened() -> None:
    shop = partner(REFUND, refunds={"id": 9, "amount": "4.01", "reason": ""})
    with pytest.raises(OutcomeUnknown, match=r"answered 4\.01 USD to 4\.00 USD"):
        shop.send(effect_of(REFUND, REFUNDED, "k"))


def test_a_refund_in_another_currency_is_a_difference() -> None:
    facts = {"total_minor": 400, "currency": "EUR", "moved_money": False}
    found = partner(REFUND).compare(effect_of(REFUND, REFUNDED, "k"), Found("9", facts))
    assert [(d.what, d.ours, d.theirs) for d in found] == [("currency", "USD", "EUR")]


@pytest.mark.parametrize(
    ("note", "notes", "missing"),
    [
        ("Shipped.", [], ["note"]),
        ("Shipped.", [{"note": f"Shipped. [{reference_of('k')}]"}], []),
        ("", [], []),
    ],
)
def test_a_note_that_the_shop_did_not_keep_is_a_difference(
    note: str, notes: list[dict[str, str]], missing: list[str]
) -> None:
    shop = partner(UPDATE, notes=notes)
    effect = effect_of(UPDATE, OrderUpdate("acme", "7", 1, status="completed", note=note), "k")
    (found,) = shop.look(effect)
    assert [one.what for one in shop.compare(effect, found)] == missing
