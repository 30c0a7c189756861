"""Charges that the merchant begins by itself, with a card on file."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from include.sandbox.board import Sandbox
from include.sandbox.cybersource import CybersourceApp
from tests.sandbox.merchant import Merchant, payment, running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def shop(sandbox: Sandbox) -> Merchant:
    sandbox.reset()
    return Merchant(sandbox)


def kept(shop: Merchant) -> tuple[str, str]:
    """Pay with a card that is kept; return its instrument and the network's id."""
    body = payment("100.00")
    body["processingInformation"] = {
        "actionList": ["TOKEN_CREATE"],
        "authorizationOptions": {"initiator": {"type": "customer", "credentialStoredOnFile": True}},
    }
    _, answer = shop.call("POST", "/pts/v2/payments", body)
    token: str = answer["tokenInformation"]["paymentInstrument"]["id"]
    network: str = answer["processorInformation"]["transactionId"]
    return token, network


def charge(shop: Merchant, token: str, **initiator: Any) -> tuple[int, str]:
    """Charge by the merchant; return the status and the field that was refused."""
    body = payment("100.00")
    del body["tokenInformation"]
    body["paymentInformation"] = {"paymentInstrument": {"id": token}}
    said = {"type": "merchant", "storedCredentialUsed": True, **initiator}
    body["processingInformation"] = {"authorizationOptions": {"initiator": said}}
    status, answer = shop.call("POST", "/pts/v2/payments", body)
    details = answer.get("details") or [{"field": ""}]
    return status, details[0]["field"].rpartition(".")[2]


def test_it_is_founded_on_an_earlier_payment_with_the_card(shop: Merchant) -> None:
    token, network = kept(shop)
    renews = {"reason": "3", "previousTransactionId": network}
    assert charge(shop, token, merchantInitiatedTransaction=renews) == (201, "")
    assert charge(shop, token, merchantInitiatedTransaction={"reason": "3"}) == (201, "")
    for wrong, field in (
        ({**renews, "previousTransactionId": "2015"}, "previousTransactionId"),
        ({**renews, "reason": "11"}, "reason"),
        ({"previousTransactionId": network}, "reason"),
    ):
        assert charge(shop, token, merchantInitiatedTransaction=wrong) == (400, field)
    is_new = {"storedCredentialUsed": False, "merchantInitiatedTransaction": renews}
    assert charge(shop, token, **is_new) == (400, "storedCredentialUsed")
    assert charge(shop, token, type="shop") == (400, "type")


def test_a_reauthorization_refers_to_nothing_older_than_30_days(
    shop: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, network = kept(shop)
    renews = {"reason": "3", "previousTransactionId": network}
    book = next(a for a in shop.sandbox.apps if isinstance(a, CybersourceApp)).live.book
    later = book.now() + timedelta(days=31).total_seconds()
    monkeypatch.setattr(book, "now", lambda: later)
    refused = charge(shop, token, merchantInitiatedTransaction=renews)
    assert refused == (400, "previousTransactionId")
