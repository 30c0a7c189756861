"""Stored cards at the gateway: customers, instruments, and what a list that is cut short says."""

from collections.abc import Callable
from typing import Any

import pytest

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.tokens import Tokens, duplicates
from include.domain.errors import Retryable
from include.domain.payments import StoredToken
from include.services.profiles.ports import Buyer
from tests.cybersource.scripted import (
    ScriptedGateway,
    response,
)

Make = Callable[..., Client]


def instrument(token: str, identifier: str = "7010", year: str = "2031") -> dict[str, Any]:
    return {
        "id": token,
        "card": {"expirationMonth": "3", "expirationYear": year, "type": "001"},
        "instrumentIdentifier": {"id": identifier},
        "_embedded": {"instrumentIdentifier": {"card": {"number": "411111XXXXXX1111"}}},
    }


CUSTOMER = "C" * 32


def test_a_customer_has_instruments_the_default_first(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    path = f"GET /tms/v2/customers/{CUSTOMER}"
    gateway.on(path, {"id": CUSTOMER, "defaultPaymentInstrument": {"id": "B"}})
    rows = [instrument("A"), instrument("B", "7020")]
    gateway.on(
        f"{path}/payment-instruments", {"total": 2, "_embedded": {"paymentInstruments": rows}}
    )
    tokens = Tokens(make_client()).customer(CUSTOMER)
    assert tokens == (
        StoredToken(CUSTOMER, "B", "7020", "1111", "2031-03", "Visa"),
        StoredToken(CUSTOMER, "A", "7010", "1111", "2031-03", "Visa"),
    )


@pytest.mark.parametrize("name", ["merchantCustomerID", "merchantCustomerId"])
def test_a_customer_says_whose_it_is(
    gateway: ScriptedGateway, make_client: Make, name: str
) -> None:
    told = {"id": CUSTOMER, "buyerInformation": {name: "77", "email": "ann@example.com"}}
    gateway.on(f"GET /tms/v2/customers/{CUSTOMER}", told, {"id": CUSTOMER}, response({}, 410))
    tokens = Tokens(make_client())
    found = [tokens.buyer(CUSTOMER) for _ in range(3)]
    assert found == [Buyer("77", "ann@example.com"), Buyer("", ""), None]


def test_last_digits_that_an_instrument_does_not_show_are_asked_of_its_card(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    path = f"GET /tms/v2/customers/{CUSTOMER}/payment-instruments/A"
    gateway.on(
        path, {name: instrument("A")[name] for name in ("id", "card", "instrumentIdentifier")}
    )
    card = "GET /tms/v1/instrumentidentifiers/7010"
    gateway.on(card, {"id": "7010", "card": {"number": "XXXXXXXXXXXX4242"}}, response({}, 404))
    tokens = Tokens(make_client())
    for expected in ("4242", ""):
        token = tokens.instrument(CUSTOMER, "A")
        assert token is not None
        assert token.suffix == expected


@pytest.mark.parametrize("place", ["instrument", "identifier"])
def test_an_account_that_its_issuer_has_closed_is_told(
    gateway: ScriptedGateway, make_client: Make, place: str
) -> None:
    row = instrument("i-1") | {"state": "ACTIVE"}
    path = f"/tms/v2/customers/{CUSTOMER}/payment-instruments/i-1"
    gateway.on(f"GET {path}", row)
    found = Tokens(make_client()).instrument(CUSTOMER, "i-1")
    assert found is not None
    assert not found.is_closed
    shown = row if place == "instrument" else row["_embedded"]["instrumentIdentifier"]
    shown["state"] = "CLOSED"
    found = Tokens(make_client()).instrument(CUSTOMER, "i-1")
    assert found is not None
    assert found.is_closed


def test_a_customer_without_cards_is_not_one_who_is_unknown(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    path = f"GET /tms/v2/customers/{CUSTOMER}"
    gateway.on(path, {"id": CUSTOMER}, response({}, 404))
    gateway.on(f"{path}/payment-instruments", {"total": 0})
    assert Tokens(make_client()).customer(CUSTOMER) == ()
    assert Tokens(make_client()).customer(CUSTOMER) is None


def test_pages_of_instruments_are_read_to_the_end(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    path = f"GET /tms/v2/customers/{CUSTOMER}"
    full = {"_embedded": {"paymentInstruments": [instrument(f"{n}") for n in range(100)]}}
    rest = {"_embedded": {"paymentInstruments": [instrument("last")]}}
    gateway.on(path, {"id": CUSTOMER})
    gateway.on(f"{path}/payment-instruments", full, rest)
    assert len(Tokens(make_client()).customer(CUSTOMER) or ()) == 101
    assert "offset=100" in gateway.requests[-1].url


def page_of(*names: str, **more: Any) -> dict[str, Any]:
    return {"_embedded": {"paymentInstruments": [instrument(name) for name in names]}, **more}


def test_pages_are_as_long_as_the_gateway_makes_them(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    path = f"GET /tms/v2/customers/{CUSTOMER}"
    gateway.on(path, {"id": CUSTOMER})
    gateway.on(f"{path}/payment-instruments", page_of("a", "b", total=3), page_of("c", total=3))
    assert len(Tokens(make_client()).customer(CUSTOMER) or ()) == 3
    assert "offset=2" in gateway.requests[-1].url


@pytest.mark.parametrize(
    "answers",
    [
        ({"total": 2, "_embedded": {}},),
        ({},),
        ({"total": None},),
        ({"total": 2},),
        (page_of("a", total=2), page_of(total=2)),
    ],
    ids=str,
)
def test_a_list_that_is_not_whole_is_not_a_customers_list(
    gateway: ScriptedGateway, make_client: Make, answers: tuple[dict[str, Any], ...]
) -> None:
    """Whoever deletes a card counts the others: a customer goes with its last one."""
    path = f"GET /tms/v2/customers/{CUSTOMER}"
    gateway.on(path, {"id": CUSTOMER})
    gateway.on(f"{path}/payment-instruments", *answers)
    with pytest.raises(Retryable):
        Tokens(make_client()).customer(CUSTOMER)


def test_the_same_card_twice_keeps_the_one_that_lasts_longest() -> None:
    def token(name: str, card: str, expiry: str, customer: str = CUSTOMER) -> StoredToken:
        return StoredToken(customer, name, card, "1111", expiry)

    one = duplicates(
        [
            token("default", "7010", "2029-01"),
            token("newer", "7010", "2031-01"),
            token("single", "7020", "2031-01"),
            token("stranger", "7010", "2032-01", "E" * 32),  # another customer's is no duplicate
            token("unknown", "", "2031-01"),
            token("unknown too", "", "2031-01"),
        ]
    )
    assert [[each.instrument_token for each in group] for group in one] == [["newer", "default"]]


# -- settings --------------------------------------------------------------------------------------
