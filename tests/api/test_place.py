"""Placing an order: definite answers, and a retry that is safe."""

from typing import Any

import pytest

from include.adapters.store.payment_tokens import SqlTokenBook
from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.domain.payments import PaymentStatus
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.services.profiles.keep_tokens import keep_tokens
from include.services.profiles.ports import Buyer
from tests.api.conftest import Kit, order_body
from tests.orders.partners import authorization

AUTH = EffectKind.payment_authorization


def test_a_good_order_is_authorised_at_once(both: Kit) -> None:
    answer = both.place()
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["state"] == "authorized"
    assert (body["amount"], body["currency"]) == ("102.21", "USD")
    assert body["payment"]["authorized"] == "102.21"
    assert answer.headers["Location"] == f"/v1/orders/{body['order_id']}"
    assert both.call("GET", answer.headers["Location"]).json()["state"] == "authorized"


def test_a_repeat_is_given_the_same_answer(both: Kit) -> None:
    body = order_body()
    first = both.call("POST", "/v1/orders", body, key="k-1")
    both.service.advance(first.json()["order_id"])  # captured meanwhile
    again = both.call("POST", "/v1/orders", body, key='"k-1"')  # as a structured field
    assert (again.status_code, again.text) == (first.status_code, first.text)
    assert again.headers["Location"] == first.headers["Location"]
    assert both.partner.truth.count(AUTH) == 1


def test_the_same_order_under_another_key_is_the_order_that_is_there(kit: Kit) -> None:
    body = order_body()
    first = kit.call("POST", "/v1/orders", body, key="k-1")
    again = kit.call("POST", "/v1/orders", body, key="k-2")
    assert again.status_code == 200
    assert again.headers["Location"] == first.headers["Location"]
    assert kit.partner.truth.count(AUTH) == 1


def test_the_same_key_with_other_content_is_refused(kit: Kit) -> None:
    kit.call("POST", "/v1/orders", order_body(), key="k-1")
    other = kit.call("POST", "/v1/orders", order_body(), key="k-1")
    assert other.status_code == 422
    assert other.json()["type"] == "urn:tieout:problem:key-reused"
    assert kit.count("orders") == 1


def test_members_in_another_order_are_the_same_request(kit: Kit) -> None:
    body = order_body()
    first = kit.call("POST", "/v1/orders", body, key="k-1")
    again = kit.call("POST", "/v1/orders", dict(reversed(body.items())), key="k-1")
    assert again.text == first.text


def test_without_a_key_nothing_is_done(kit: Kit) -> None:
    answer = kit.call("POST", "/v1/orders", order_body())
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:tieout:problem:missing-idempotency-key"
    assert kit.count("orders") == 0


@pytest.mark.parametrize("code", ["TEA 1001", "#8-BOLT", "T" * 30])
def test_every_stock_code_that_a_poll_takes_is_taken(kit: Kit, code: str) -> None:
    line = {"description": "Tea", "stock_code": code, "net": "96.42", "tax": "5.79"}
    answer = kit.place(lines=[line])
    assert answer.status_code == 201, answer.text


def test_two_keys_that_differ_are_no_key(kit: Kit) -> None:
    headers = [("Authorization", f"Bearer {kit.keys['web_shop']}")]
    for second, status in (("k-2", 400), ("k-1", 201)):
        both_keys = [("Idempotency-Key", "k-1"), ("Idempotency-Key", second)]
        answer = kit.http.request(
            "POST", "/v1/orders", json=order_body(), headers=[*headers, *both_keys]
        )
        assert answer.status_code == status, answer.text


def test_another_client_may_use_the_same_key(kit: Kit) -> None:
    assert kit.call("POST", "/v1/orders", order_body(), key="k-1").status_code == 201
    assert kit.call("POST", "/v1/orders", order_body(), "other_shop", key="k-1").status_code == 201


def test_a_number_that_differs_in_letter_case_alone_is_a_conflict(both: Kit) -> None:
    """SYSPRO's look for a customer PO finds either, so one sales order would serve two captures."""
    assert both.place(number="Mx77").status_code == 201
    for number in ("mx77", "MX77"):
        answer = both.place(number=number)
        assert answer.status_code == 409, answer.text
        assert "letter case" in answer.json()["detail"]
    assert both.partner.truth.count(AUTH) == 1
    assert both.count("orders") == 1


def test_an_order_number_with_other_content_is_a_conflict_each_time(kit: Kit) -> None:
    body = order_body()
    kit.call("POST", "/v1/orders", body, key="k-1")
    changed = body | {"note": "leave it at the door"}
    for _ in range(2):
        answer = kit.call("POST", "/v1/orders", changed, key="k-2")
        assert answer.status_code == 409
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "other content" in answer.json()["detail"]


def test_a_decline_is_an_answer_not_an_error(kit: Kit) -> None:
    kit.partner.say(
        AUTH,
        lambda it: kit.partner.do(it, authorization(it, 7, PaymentStatus.declined, None, "NO")),
    )
    answer = kit.place()
    assert answer.status_code == 201
    assert answer.json()["state"] == "declined"


def test_a_declined_order_with_other_content_is_told_how_it_is_paid_anew(both: Kit) -> None:
    both.partner.say(
        AUTH,
        lambda it: both.partner.do(it, authorization(it, 7, PaymentStatus.declined, None, "NO")),
    )
    declined, card = order_body(), {"method": "transient_token", "transient_token": "E" * 64}
    placed = both.call("POST", "/v1/orders", declined, key="d-1").json()
    assert placed["state"] == "declined"
    refused = both.call("POST", "/v1/orders", declined | {"payment": card}, key="d-2")
    assert refused.status_code == 409
    assert "is declined, and this has other content" in refused.json()["detail"]
    assert f"POST /v1/orders/{placed['order_id']}/payment" in refused.json()["do"]
    answer = both.call("POST", "/v1/orders", order_body(payment=card), key="d-2")
    assert (answer.status_code, answer.json()["state"]) == (201, "authorized")


def test_a_review_is_an_answer(kit: Kit) -> None:
    kit.partner.say(
        AUTH, lambda it: kit.partner.do(it, authorization(it, 7, PaymentStatus.in_review))
    )
    assert kit.place().json()["state"] == "in_review"


def unknown(_effect: Effect) -> Receipt:
    raise OutcomeUnknown("no answer within 20 s", "gateway", "Look before sending again.")


def unreachable(_effect: Effect) -> Receipt:
    raise Retryable("cannot connect", "gateway", "Try again.")


@pytest.mark.parametrize("fault", [unknown, unreachable])
def test_an_unknown_outcome_is_pending_and_never_paid_twice(both: Kit, fault: Any) -> None:
    for _ in range(2):
        both.partner.say(AUTH, fault)
    body = order_body()
    answer = both.call("POST", "/v1/orders", body, key="k-1")
    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "pending"
    assert answer.headers["Location"].startswith("/v1/orders/ord_")
    again = both.call("POST", "/v1/orders", body, key="k-1")
    assert (again.status_code, again.json()["state"]) == (202, "pending")
    assert both.partner.truth.count(AUTH) == 0


def test_a_repeat_of_a_pending_order_tells_how_it_ended(both: Kit) -> None:
    body = order_body()
    both.partner.say(AUTH, unreachable)
    assert both.call("POST", "/v1/orders", body, key="k-1").status_code == 202
    other = both.call("POST", "/v1/orders", order_body(), key="k-1")
    assert other.json()["type"] == "urn:tieout:problem:key-reused"
    with both.database.begin() as connection:  # time passes
        connection.exec_driver_sql("UPDATE effects SET next_at = NULL")
    ended = both.call("POST", "/v1/orders", body, key="k-1")
    assert (ended.status_code, ended.json()["state"]) == (200, "authorized"), ended.text
    assert both.call("POST", "/v1/orders", body, key="k-1").text == ended.text


def test_an_order_that_cannot_be_driven_now_is_accepted_as_pending(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_shop: str) -> Any:
        raise Retryable("SYSPRO refuses the logon", "syspro_a", "Try again.")

    object.__setattr__(kit.service, "engine_of", broken)
    answer = kit.place()
    assert answer.status_code == 202
    assert kit.count("orders") == 1


def test_a_kept_token_is_told_and_pays_for_its_own_shopper_alone(both: Kit) -> None:
    payment = {"method": "transient_token", "transient_token": "F" * 64, "keep": True}
    first = both.place(payment=payment).json()
    kept = first["payment"]["kept"]
    assert (kept["customer_token"], kept["instrument_token"]) == ("C" * 32, "I" * 32)
    both.service.advance(first["order_id"])
    order = both.service.orders.content(first["order_id"])
    keep_tokens(
        SqlTokenBook(both.database), "A", order, both.service.orders.get(order.order_id).facts
    )
    stored = {"method": "stored_token", "customer_token": kept["customer_token"]}
    again = both.place(payment=stored)
    assert again.status_code == 201, again.text
    bob = order_body()["shopper"] | {"name": "Bob Ray", "email": "bob@example.com"}
    other = both.place(payment=stored, shopper=bob)
    assert other.status_code == 422
    assert other.json()["fields"][0]["field"] == "payment.customer_token"
    unknown_to_us = both.place(payment=stored | {"customer_token": "D" * 32}, shopper=bob)
    assert unknown_to_us.status_code == 201


def by_token(**more: str) -> dict[str, str]:
    return {"method": "stored_token", "customer_token": "D" * 32, **more}


@pytest.mark.parametrize(
    ("buyer", "status"),
    [
        (Buyer("", "ANN@example.com "), 201),
        (Buyer("77", "old@example.com"), 201),  # a new address, and the shop's own id
        (Buyer("78", "ann@example.com"), 201),  # the same address in another shop
        (Buyer("", ""), 201),  # the gateway was told nothing: the shop's word
        (Buyer("78", "bob@example.com"), 422),
        (Buyer("", "bob@example.com"), 422),
        (Buyer("78", ""), 422),
    ],
)
def test_a_token_that_we_do_not_keep_is_held_against_whom_the_gateway_names(
    both: Kit, buyer: Buyer, status: int
) -> None:
    both.vault.buyers["D" * 32] = buyer
    shopper = order_body()["shopper"] | {"reference": "77"}
    answer = both.place(payment=by_token(), shopper=shopper)
    assert answer.status_code == status, answer.text
    assert both.count("orders") == (1 if status == 201 else 0)
    assert "bob@example.com" not in answer.text


def test_a_card_of_another_customer_of_the_gateway_pays_for_nobody_else(both: Kit) -> None:
    both.vault.buyers["D" * 32] = Buyer("", "ann@example.com")
    answer = both.place(payment=by_token(instrument_token="E" * 32))
    assert answer.status_code == 422
    assert both.partner.truth.done == []


def test_a_card_kept_for_another_shopper_is_refused_under_an_own_customer(both: Kit) -> None:
    payment = {"method": "transient_token", "transient_token": "F" * 64, "keep": True}
    first = both.place(payment=payment).json()
    both.service.advance(first["order_id"])
    order = both.service.orders.content(first["order_id"])
    keep_tokens(
        SqlTokenBook(both.database), "A", order, both.service.orders.get(order.order_id).facts
    )
    bob = order_body()["shopper"] | {"name": "Bob Ray", "email": "bob@example.com"}
    both.vault.buyers["D" * 32] = Buyer("", "bob@example.com")
    answer = both.place(payment=by_token(instrument_token="I" * 32), shopper=bob)
    assert answer.status_code == 422


def test_an_order_waits_while_the_gateway_cannot_say_whose_a_token_is(both: Kit) -> None:
    both.vault.buyers["D" * 32] = Buyer("", "ann@example.com")
    both.vault.fault = Retryable("no answer", "the gateway's vault", "Ask again.")
    body = order_body(payment=by_token())
    assert both.call("POST", "/v1/orders", body, key="k-1").status_code == 503
    assert both.count("orders") == 0
    both.vault.fault = None
    assert both.call("POST", "/v1/orders", body, key="k-1").status_code == 201
    asked = both.vault.asked
    assert both.call("POST", "/v1/orders", body, key="k-2").status_code == 200
    assert both.vault.asked == asked  # it was judged when it came first


def test_an_account_whose_vault_may_not_be_read_leaves_it_to_the_shop(both: Kit) -> None:
    both.vault.fault = Rejected("403", "the gateway's vault", "Give the key the permission.")
    assert both.place(payment=by_token()).status_code == 201


def test_an_order_of_500_lines_is_taken_whole(kit: Kit) -> None:
    line = {"description": "Widget", "stock_code": "W-1", "net": "1.00", "tax": "0.07"}
    answer = kit.place(lines=[line] * 500, amount="535.00")
    assert answer.status_code == 201, answer.text
    assert kit.place(lines=[line] * 501, amount="536.07").status_code == 422


@pytest.mark.parametrize(
    "name",
    ["Zoë Müller", "Михаил Łukasz", "山田 太郎", "محمد علي", "O'Brien-Ndiaye", "नेहा", "😀 Ann"],
)
def test_names_in_any_script_are_taken_as_they_are(kit: Kit, name: str) -> None:
    home = order_body()["shopper"]["bill_to"] | {"name": name}
    answer = kit.place(shopper={"name": name, "email": "a@example.com", "bill_to": home})
    assert answer.status_code == 201
    order = kit.service.orders.content(answer.json()["order_id"])
    assert order.shopper.bill_to.name == name


def test_yen_and_dinar_keep_their_digits(kit: Kit) -> None:
    for currency, amount in (("JPY", "1500"), ("KWD", "12.345")):
        line = {"description": "Widget", "stock_code": "W-1", "net": amount, "tax": "0"}
        answer = kit.place(currency=currency, amount=amount, lines=[line])
        assert (answer.status_code, answer.json()["amount"]) == (201, amount)


def test_only_the_id_of_a_transient_token_is_kept(kit: Kit) -> None:
    # {"jti":"1D3GQY1RNKBG6IBD2EP93C43PIZ2NQ6S"} between two invented parts
    token = "aGVhZA.eyJqdGkiOiIxRDNHUVkxUk5LQkc2SUJEMkVQOTNDNDNQSVoyTlE2UyJ9.c2ln"
    answer = kit.place(payment={"method": "transient_token", "transient_token": token})
    assert answer.status_code == 201, answer.text
    kept = kit.service.orders.content(answer.json()["order_id"]).payment
    assert kept.transient_id == "1D3GQY1RNKBG6IBD2EP93C43PIZ2NQ6S"
    assert token not in kit.dump()
