"""Token management: customers, instruments, identifiers, addresses, and payments with them."""

from collections.abc import Iterator
from typing import Any

import pytest

from include.sandbox.board import Sandbox
from tests.sandbox.merchant import Merchant, order, payment, running

CUSTOMERS = "/tms/v2/customers"
IDENTIFIERS = "/tms/v1/instrumentidentifiers"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def shop(sandbox: Sandbox) -> Merchant:
    sandbox.reset()
    return Merchant(sandbox)


def customer(shop: Merchant, own: str = "C00007") -> str:
    body = {"buyerInformation": {"merchantCustomerID": own, "email": "ann@example.com"}}
    status, answer = shop.call("POST", CUSTOMERS, body)
    assert status == 201
    return str(answer["id"])


def identifier(shop: Merchant, jti: str = "card-of-ann") -> str:
    return str(shop.call("POST", IDENTIFIERS, {"tokenInformation": {"jti": jti}})[1]["id"])


def instrument(shop: Merchant, owner: str, card: str, **more: Any) -> str:
    body = {
        "card": {"expirationMonth": "12", "expirationYear": "2031", "type": "visa"},
        "instrumentIdentifier": {"id": card},
        **more,
    }
    status, answer = shop.call("POST", f"{CUSTOMERS}/{owner}/payment-instruments", body)
    assert status == 201, answer
    return str(answer["id"])


def pay_with(shop: Merchant, **tokens: str) -> tuple[int, Any]:
    body = order("10.00")
    body["paymentInformation"] = {kind: {"id": own_id} for kind, own_id in tokens.items()}
    return shop.call("POST", "/pts/v2/payments", body)


def kind_of(answer: Any) -> str:
    return str(answer["errors"][0]["type"])


def test_a_customer_is_made_read_changed_and_deleted(shop: Merchant) -> None:
    own_id = customer(shop)
    assert len(own_id) == 32
    path = f"{CUSTOMERS}/{own_id}"
    status, answer = shop.call("GET", path)
    assert (status, answer["buyerInformation"]["merchantCustomerID"]) == (200, "C00007")
    assert answer["_links"]["paymentInstruments"]["href"] == f"{path}/payment-instruments"
    change = {"buyerInformation": {"email": "new@example.com"}}
    status, answer = shop.call("PATCH", path, change)
    assert answer["buyerInformation"] == {
        "merchantCustomerID": "C00007",
        "email": "new@example.com",
    }
    assert shop.call("DELETE", path)[0] == 204
    status, answer = shop.call("GET", path)
    assert (status, kind_of(answer)) == (410, "notAvailable")
    status, answer = shop.call("GET", f"{CUSTOMERS}/{'0' * 32}")
    assert (status, kind_of(answer)) == (404, "notFound")
    assert shop.executed("token", reference="C00007", did="create") == 1


def test_a_change_of_an_old_version_is_refused(shop: Merchant) -> None:
    path = f"{CUSTOMERS}/{customer(shop)}"
    change = {"buyerInformation": {"email": "new@example.com"}}
    assert shop.call("PATCH", path, change, {"if-match": '"1"'})[0] == 200
    assert shop.call("PATCH", path, change, {"if-match": '"1"'})[0] == 412


def test_one_card_has_one_identifier(shop: Merchant) -> None:
    body = {"tokenInformation": {"jti": "card-of-ann"}}
    status, first = shop.call("POST", IDENTIFIERS, body)
    assert (status, first["state"], len(first["id"])) == (201, "ACTIVE", 19)
    assert first["id"].startswith("70")
    status, second = shop.call("POST", IDENTIFIERS, body)
    assert (status, second["id"]) == (200, first["id"])
    tokens = shop.control("transient_token", count=2, card="ann-visa")["tokens"]
    ids = {
        shop.call("POST", IDENTIFIERS, {"tokenInformation": {"transientTokenJwt": t["jwt"]}})[1][
            "id"
        ]
        for t in tokens
    }
    assert len(ids) == 1


def test_no_card_number_is_taken(shop: Merchant) -> None:
    status, answer = shop.call("POST", IDENTIFIERS, {"card": {"number": "4111111111111111"}})
    assert (status, kind_of(answer)) == (400, "invalidParameters")
    assert answer["errors"][0]["details"] == [{"name": "card.number"}]
    assert shop.call("POST", IDENTIFIERS, {})[0] == 400


def test_a_strange_profile_is_a_failed_dependency(shop: Merchant) -> None:
    path = f"{CUSTOMERS}/{customer(shop)}"
    own = {"profile-id": "93B32398-AD51-4CC2-A682-EA3E93614EB1"}
    assert shop.call("GET", path, headers=own)[0] == 200
    status, answer = shop.call("GET", path, headers={"profile-id": "another"})
    assert (status, kind_of(answer)) == (424, "notFound")


def test_the_first_instrument_is_the_default_until_another_is_made_so(shop: Merchant) -> None:
    owner = customer(shop)
    first = instrument(shop, owner, identifier(shop, "card-number-one"))
    second = instrument(shop, owner, identifier(shop, "card-number-two"))
    path = f"{CUSTOMERS}/{owner}"
    assert shop.call("GET", path)[1]["defaultPaymentInstrument"] == {"id": first}
    shop.call("PATCH", path, {"defaultPaymentInstrument": {"id": second}})
    assert shop.call("GET", path)[1]["defaultPaymentInstrument"] == {"id": second}
    listed = shop.call("GET", f"{path}/payment-instruments?limit=1&offset=1")[1]
    assert (listed["total"], listed["count"]) == (2, 1)
    (shown,) = listed["_embedded"]["paymentInstruments"]
    assert (shown["id"], shown["default"]) == (second, True)
    masked = shown["_embedded"]["instrumentIdentifier"]["card"]["number"]
    assert (masked[:12], masked[12:].isdigit()) == ("XXXXXXXXXXXX", True)
    assert shop.call("DELETE", f"{path}/payment-instruments/{second}")[0] == 409
    assert shop.call("DELETE", f"{path}/payment-instruments/{first}")[0] == 204


def test_an_identifier_in_use_is_not_deleted(shop: Merchant) -> None:
    card, owner = identifier(shop), customer(shop)
    own_id = instrument(shop, owner, card)
    status, answer = shop.call("DELETE", f"{IDENTIFIERS}/{card}")
    assert (status, kind_of(answer)) == (409, "instrumentIdentifierDeletionError")
    listed = shop.call("GET", f"{IDENTIFIERS}/{card}/paymentinstruments")[1]
    assert [t["id"] for t in listed["_embedded"]["paymentInstruments"]] == [own_id]
    assert shop.call("DELETE", f"{CUSTOMERS}/{owner}")[0] == 204
    assert shop.call("DELETE", f"{IDENTIFIERS}/{card}")[0] == 204


def test_an_address_belongs_to_its_customer(shop: Merchant) -> None:
    owner, other = customer(shop), customer(shop, "C00008")
    path = f"{CUSTOMERS}/{owner}/shipping-addresses"
    body = {"shipTo": {"firstName": "Ann", "country": "US"}}
    status, answer = shop.call("POST", path, body)
    assert (status, answer["default"]) == (201, True)
    assert shop.call("GET", f"{path}/{answer['id']}")[1]["shipTo"]["firstName"] == "Ann"
    assert shop.call("GET", f"{CUSTOMERS}/{other}/shipping-addresses/{answer['id']}")[0] == 404
    assert shop.call("POST", path, {})[0] == 400


def test_a_payment_makes_the_tokens_it_asks_for(shop: Merchant) -> None:
    body = payment("10.00", actions=["TOKEN_CREATE"])
    body["orderInformation"]["shipTo"] = {"firstName": "Ann"}
    status, answer = shop.call("POST", "/pts/v2/payments", body)
    assert status == 201
    assert answer["embeddedActions"]["TOKEN_CREATE"] == {"status": "SUCCESS"}
    made = answer["tokenInformation"]
    assert made["instrumentidentifierNew"] is True
    assert made["instrumentIdentifier"]["state"] == "ACTIVE"
    for kind in ("customer", "paymentInstrument", "shippingAddress"):
        assert len(made[kind]["id"]) == 32
    again = shop.call("POST", "/pts/v2/payments", body)[1]["tokenInformation"]
    assert again["instrumentidentifierNew"] is False
    assert again["instrumentIdentifier"]["id"] == made["instrumentIdentifier"]["id"]
    status, answer = pay_with(shop, customer=made["customer"]["id"])
    assert (status, answer["status"]) == (201, "AUTHORIZED")
    assert answer["paymentInformation"]["customer"]["id"] == made["customer"]["id"]
    assert shop.executed("token", kind="customer") == 2


def test_a_failed_token_leaves_the_payment_approved(shop: Merchant) -> None:
    status, answer = shop.pay(word="token_failed", actions=["TOKEN_CREATE"])
    assert (status, answer["status"]) == (201, "AUTHORIZED")
    assert answer["embeddedActions"]["TOKEN_CREATE"]["status"] == "SERVER_ERROR"
    assert "tokenInformation" not in answer
    assert shop.executed("token") == 0


def test_only_what_was_asked_for_is_made(shop: Merchant) -> None:
    body = payment("10.00", actions=["TOKEN_CREATE"])
    body["processingInformation"]["actionTokenTypes"] = ["instrumentIdentifier"]
    made = shop.call("POST", "/pts/v2/payments", body)[1]["tokenInformation"]
    assert set(made) == {"instrumentidentifierNew", "instrumentIdentifier"}


def test_a_payment_with_an_unknown_deleted_or_empty_token_is_refused(shop: Merchant) -> None:
    assert pay_with(shop, customer="0" * 32)[1]["details"][0]["field"] == (
        "paymentInformation.customer.id"
    )
    owner = customer(shop)
    assert pay_with(shop, customer=owner)[1]["reason"] == "INVALID_DATA"  # it has no card
    chosen = instrument(shop, owner, identifier(shop))
    assert pay_with(shop, customer=owner)[0] == 201
    assert pay_with(shop, paymentInstrument=chosen)[0] == 201
    other = Merchant(shop.sandbox, "acme_uk")
    body = {**order("10.00", currency="GBP"), "paymentInformation": {"customer": {"id": owner}}}
    assert other.call("POST", "/pts/v2/payments", body)[0] == 400
    shop.call("DELETE", f"{CUSTOMERS}/{owner}")
    assert pay_with(shop, customer=owner)[1]["reason"] == "INVALID_DATA"
    assert pay_with(shop, paymentInstrument=chosen)[0] == 400


def test_a_card_whose_account_is_closed_shows_it_and_pays_for_nothing(shop: Merchant) -> None:
    owner = customer(shop)
    card = identifier(shop)
    chosen = instrument(shop, owner, card)
    shop.control("network_token", organization_id=shop.name, customer=owner, closed=True)
    found = shop.call("GET", f"{CUSTOMERS}/{owner}/payment-instruments/{chosen}")[1]
    assert found["state"] == found["_embedded"]["instrumentIdentifier"]["state"] == "CLOSED"
    for stored in ({"customer": owner}, {"paymentInstrument": chosen}):
        status, answer = pay_with(shop, **stored)
        assert (status, answer["status"]) == (201, "DECLINED")
        assert answer["errorInformation"]["reason"] == "INVALID_ACCOUNT"


def test_a_card_the_processor_does_not_take_is_refused(sandbox: Sandbox) -> None:
    sandbox.reset()
    british = Merchant(sandbox, "acme_uk")
    status, answer = british.pay("10.00", "discover", currency="GBP")
    assert (status, answer["reason"]) == (400, "CARD_TYPE_NOT_ACCEPTED")
    _, answer = british.pay("10.00", "mastercard", currency="GBP")
    assert answer["paymentInformation"]["card"]["type"] == "002"
