"""An order of 0 by the API: taken without a payment, and only so."""

from typing import Any

import pytest

from include.services.effects.ports import EffectKind
from tests.api.conftest import Kit, order_body

NONE = {"method": "none"}
WIDGET = {"description": "Widget", "stock_code": "WIDGET-1", "net": "96.42", "tax": "5.79"}
GIFT = {"kind": "discount", "description": "Gift", "net": "-96.42", "tax": "-5.79"}


def free_body(**changes: Any) -> dict[str, Any]:
    return order_body(amount="0.00", lines=[WIDGET, GIFT], payment=NONE) | changes


def test_it_is_taken_at_once_and_booked_and_nobody_is_charged(both: Kit) -> None:
    body = free_body()
    answer = both.call("POST", "/v1/orders", body, key="f-1")
    assert answer.status_code == 201, answer.text
    placed = answer.json()
    assert (placed["state"], placed["amount"]) == ("authorized", "0.00")
    assert (placed["outcome"], placed["payment"]) == (None, None)
    assert both.service.advance(placed["order_id"]).state == "booked"
    again = both.call("POST", "/v1/orders", body, key="f-1")
    assert (again.status_code, again.text) == (201, answer.text)
    other = both.call("POST", "/v1/orders", body, key="f-2")
    assert (other.status_code, other.json()["state"]) == (200, "booked")
    kinds = both.partner.truth.kinds()
    assert kinds.count("sales_order") == 1
    assert not [kind for kind in kinds if kind.startswith("payment") or kind == "ar_receipt"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"payment": {"method": "transient_token", "transient_token": "F" * 64}}, "amount"),
        ({"payment": {"method": "stored_token", "customer_token": "C" * 32}}, "amount"),
        ({"amount": "102.21", "lines": [WIDGET]}, "payment.method"),
        ({"payment": NONE | {"keep": True}}, "payment.keep"),
        ({"payment": NONE | {"request_id": "7" * 22}}, "payment.request_id"),
        ({"amount": "-0.01"}, "amount"),
        ({"lines": [WIDGET]}, "amount"),  # they sum to more
        ({"amount": ""}, "amount"),
        ({"amount": None}, "amount"),
    ],
)
def test_a_payment_and_a_total_that_do_not_fit_together_are_refused(
    kit: Kit, changes: dict[str, Any], field: str
) -> None:
    answer = kit.call("POST", "/v1/orders", free_body(**changes), key="f-1")
    assert answer.status_code == 422, answer.text
    assert field in [one["field"] for one in answer.json()["fields"]]
    assert kit.count("orders") == 0


def test_an_order_is_not_paid_anew_by_nothing(kit: Kit) -> None:
    order_id = kit.place().json()["order_id"]
    answer = kit.call("POST", f"/v1/orders/{order_id}/payment", {"payment": NONE}, key="p-1")
    assert answer.status_code == 422, answer.text
    assert answer.json()["fields"][0]["field"] == "payment.method"


def test_it_is_not_paid_refunded_or_captured_and_is_cancelled_as_any_other(kit: Kit) -> None:
    order_id = kit.call("POST", "/v1/orders", free_body(), key="f-1").json()["order_id"]
    kit.service.advance(order_id)
    card = {"payment": {"method": "transient_token", "transient_token": "E" * 64}}
    path = f"/v1/orders/{order_id}"
    assert kit.call("POST", f"{path}/payment", card, key="p-1").status_code == 409
    refund = {"amount": "1.00", "reason": "broken cup"}
    answer = kit.call("POST", f"{path}/refunds", refund, key="r-1")
    assert answer.status_code == 409, answer.text
    assert "it was free: nothing was paid" in answer.json()["detail"]
    assert kit.call("POST", f"{path}/captures", {}, key="c-1").status_code == 409
    assert kit.call("POST", f"{path}/cancel", {"reason": "not wanted"}).status_code == 202
    kit.service.advance(order_id)
    assert kit.call("GET", path).json()["state"] == "cancelled"
    moved = [kind.value for kind in EffectKind if kind.value.startswith("payment")]
    assert not set(moved) & set(kit.partner.truth.kinds())
