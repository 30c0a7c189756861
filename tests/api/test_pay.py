"""A declined order is paid anew by its shop: with another card, once, whatever is sent twice."""

import json
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import text

from include.domain.errors import Retryable
from include.domain.payments import PaymentStatus
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.services.profiles.ports import Buyer
from tests.api.conftest import Kit
from tests.orders.partners import authorization

AUTH = EffectKind.payment_authorization
CARD = {"method": "transient_token", "transient_token": "E" * 64}


def decline(kit: Kit) -> None:
    kit.partner.say(
        AUTH, lambda it: kit.partner.do(it, authorization(it, 7, PaymentStatus.declined, None))
    )


def declined(kit: Kit, **changes: Any) -> str:
    decline(kit)
    placed = kit.place(**changes).json()
    assert placed["state"] == "declined"
    return str(placed["order_id"])


def pay(
    kit: Kit, order_id: str, payment: Any = None, key: str = "p-1", who: str = "web_shop"
) -> Response:
    body = {"payment": payment or CARD}
    return kit.call("POST", f"/v1/orders/{order_id}/payment", body, who, key=key)


def test_another_card_pays_and_a_repeat_gets_the_same_answer(both: Kit) -> None:
    order_id = declined(both)
    answer = pay(both, order_id)
    assert (answer.status_code, answer.json()["state"]) == (200, "authorized")
    assert answer.headers["Location"].endswith(f"/v1/orders/{order_id}")
    again = pay(both, order_id)
    assert (again.status_code, again.json()) == (200, answer.json())
    assert both.partner.truth.count(AUTH) == 2
    other = pay(both, order_id, {**CARD, "transient_token": "D" * 64}, key="p-2")
    assert other.status_code == 409
    assert "it is not declined" in other.json()["detail"]
    assert both.partner.truth.count(AUTH) == 2


@pytest.mark.parametrize(
    "given",
    [
        {"transaction_id": "4Q0DcXvR7tYbNf2LsJm9"},
        {
            "commerce_indicator": "vbv",
            "cavv": "AAABCSIIAAAAAAACcwgAEMCoNh8=",
            "eci_raw": "05",
            "pares_status": "Y",
            "veres_enrolled": "Y",
            "cavv_algorithm": "2",
        },
    ],
)
def test_the_same_card_pays_once_its_holder_has_proved_it(kit: Kit, given: dict[str, str]) -> None:
    needed = PaymentStatus.authentication_needed
    kit.partner.say(AUTH, lambda it: kit.partner.do(it, authorization(it, 7, needed, None)))
    placed = kit.place(payment=CARD).json()
    assert (placed["state"], placed["outcome"]["retry"]) == ("declined", "authenticate")
    answer = pay(kit, placed["order_id"], {**CARD, "authentication": given})
    assert (answer.status_code, answer.json()["state"]) == (200, "authorized")
    sent = json.loads(kit.partner.truth.done[-1].payload)
    assert {k: v for k, v in sent["source"]["authentication"].items() if v} == given
    assert pay(kit, placed["order_id"], {**CARD, "authentication": given}).json() == answer.json()


def test_it_is_audited_as_whose_client_asked(both: Kit) -> None:
    order_id = declined(both)
    pay(both, order_id)
    story = both.call("GET", f"/v1/orders/{order_id}/timeline", who="web_operator").json()
    (told,) = [one for one in story["events"] if one["what"] == "paid anew"]
    assert told["who"] == "web_shop"
    with both.database.connect() as connection:
        wanted = text("SELECT who, subject FROM audit WHERE what = 'paid anew'")
        assert connection.execute(wanted).all() == [("api:web_shop", f"order|{order_id}")]


def test_one_that_was_cancelled_takes_no_more(kit: Kit) -> None:
    order_id = declined(kit)
    for _ in range(2):
        cancelled = kit.call("POST", f"/v1/orders/{order_id}/cancel", {"reason": "too late"})
        assert (cancelled.status_code, cancelled.json()["state"]) == (202, "declined")
    answer = pay(kit, order_id)
    assert answer.status_code == 409
    assert "it was cancelled after its decline, so it is paid no more" in answer.json()["detail"]
    assert kit.partner.truth.count(AUTH) == 1


def test_a_second_decline_is_an_answer_and_the_next_card_a_request_of_its_own(kit: Kit) -> None:
    order_id = declined(kit)
    decline(kit)
    answer = pay(kit, order_id)
    assert (answer.status_code, answer.json()["state"]) == (200, "declined")
    third = pay(kit, order_id, {**CARD, "transient_token": "D" * 64}, key="p-2")
    assert third.json()["state"] == "authorized"


def test_a_lost_answer_is_pending_and_the_repeat_tells_how_it_ended(kit: Kit) -> None:
    order_id = declined(kit)

    kit.partner.lose(AUTH)
    answer = pay(kit, order_id)
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    assert pay(kit, order_id).status_code == 202
    assert kit.partner.truth.count(AUTH) == 2


STORED = {"method": "stored_token", "customer_token": "A" * 32}


def test_the_repeat_of_a_pending_payment_does_not_have_its_stored_card_tried_again(
    kit: Kit,
) -> None:
    order_id = declined(kit)

    def down(_effect: Effect) -> Receipt:
        raise Retryable("refused", "gateway", "It is tried again.")

    kit.partner.say(AUTH, down)
    assert pay(kit, order_id, STORED).status_code == 202
    decline(kit)
    assert kit.service.advance(order_id).state == "declined"
    for _ in range(2):
        answer = pay(kit, order_id, STORED)
        assert (answer.status_code, answer.json()["state"]) == (200, "declined")
    assert kit.partner.truth.count(AUTH) == 2
    assert pay(kit, order_id, STORED, key="p-2").json()["state"] == "authorized"


def test_a_gateway_that_is_down_is_pending_too(kit: Kit) -> None:
    order_id = declined(kit)

    def down(_effect: Effect) -> Receipt:
        raise Retryable("refused", "gateway", "It is tried again.")

    kit.partner.say(AUTH, down)
    answer = pay(kit, order_id)
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")


@pytest.mark.parametrize(
    "payment",
    [
        {"method": "transient_token"},
        {"method": "stored_token", "transient_token": "E" * 64},
        {"method": "transient_token", "transient_token": "4111111111111111"},
        {"method": "card", "number": "4111111111111111"},
    ],
)
def test_what_is_no_payment_is_refused_and_changes_nothing(kit: Kit, payment: Any) -> None:
    order_id = declined(kit)
    answer = pay(kit, order_id, payment)
    assert answer.status_code == 422
    assert "4111111111111111" not in kit.dump()
    assert kit.call("GET", f"/v1/orders/{order_id}").json()["state"] == "declined"
    assert pay(kit, order_id).json()["state"] == "authorized"  # under the same key: none was kept


def test_another_shoppers_stored_card_pays_for_nothing(kit: Kit) -> None:
    order_id = declined(kit)
    kit.vault.buyers["A" * 32] = Buyer("web:77", "bob@example.com")
    answer = pay(kit, order_id, {"method": "stored_token", "customer_token": "A" * 32})
    assert answer.status_code == 422
    assert "kept for another shopper" in answer.json()["detail"]
    assert kit.partner.truth.count(AUTH) == 1


def test_nor_once_the_hold_of_the_first_is_given_back(kit: Kit) -> None:
    """Whose card it is was asked while the order was not declined yet."""
    held = PaymentStatus.risk_declined
    kit.partner.say(AUTH, lambda it: kit.partner.do(it, authorization(it, 7, held)))
    placed = kit.place().json()
    assert placed["state"] == "cancelling"
    kit.vault.buyers["A" * 32] = Buyer("web:77", "bob@example.com")
    assert pay(kit, placed["order_id"], STORED).status_code == 422

    kit.partner.lose(EffectKind.payment_reversal)
    waits = pay(kit, placed["order_id"])
    assert waits.status_code == 409
    assert "it is not declined yet: what was held" in waits.json()["detail"]
    assert "Send it again in a minute" in waits.json()["do"]
    assert kit.partner.truth.count(AUTH) == 1


def test_what_the_bank_holds_is_given_back_before_the_next_card_is_asked(both: Kit) -> None:
    held = PaymentStatus.risk_declined
    both.partner.say(AUTH, lambda it: both.partner.do(it, authorization(it, 7, held)))
    placed = both.place().json()
    assert placed["state"] == "cancelling"
    assert pay(both, placed["order_id"]).json()["state"] == "authorized"
    kinds = [one.kind for one in both.partner.truth.done]
    assert kinds == [AUTH, EffectKind.payment_reversal, AUTH]


@pytest.mark.parametrize(("who", "status"), [("web_reader", 403), ("other_shop", 404)])
def test_only_the_shop_itself_pays(kit: Kit, who: str, status: int) -> None:
    order_id = declined(kit)
    assert pay(kit, order_id, who=who).status_code == status
    assert kit.partner.truth.count(AUTH) == 1


def test_what_is_not_declined_is_not_paid_anew(kit: Kit) -> None:
    placed = kit.place().json()
    answer = pay(kit, placed["order_id"])
    assert answer.status_code == 409
    assert "it is not declined" in answer.json()["detail"]
    assert kit.partner.truth.count(AUTH) == 1
