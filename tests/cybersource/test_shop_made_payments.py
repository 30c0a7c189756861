"""An authorization that a shop made pays for goods only while its hold is whole."""

from typing import Any

import pytest

from include.adapters.cybersource.payments import Payments
from include.adapters.cybersource.reasons import BuiltInReasons
from include.domain.errors import Rejected, Retryable
from include.domain.money import Money
from include.domain.payment_meanings import Meaning
from include.domain.payments import Capture, PaymentStatus, Reverse, StoredToken, Void
from include.services.effects.ports import EffectState
from tests.cybersource.scripted import AUTH_ID, ScriptedGateway, found, response, row
from tests.cybersource.support import (
    AMOUNT,
    CAPTURE,
    MERCHANT,
    OTHER,
    REVERSE,
    SEARCH,
    VOID,
    Make,
    Shop,
    detail,
)
from tests.cybersource.support import shop as shop

HELD = row(AUTH_ID, None, ("ics_auth", "100"), rootId=AUTH_ID)


def test_one_that_was_reversed_pays_for_nothing(shop: Shop) -> None:
    paid = shop.pay().their_key
    assert Payments(shop.client).authorization(paid) is not None
    shop.run(REVERSE, Reverse("ord_1", MERCHANT, shop.code, paid, AMOUNT, "gone"))
    with pytest.raises(Rejected, match=f"request {paid} is REVERSED"):
        Payments(shop.client).authorization(paid)


def test_one_that_was_captured_pays_for_nothing_not_even_once_that_is_voided(shop: Shop) -> None:
    paid = shop.pay().their_key
    capture = shop.run(CAPTURE, Capture("ord_1", 1, MERCHANT, shop.code, paid, AMOUNT)).their_key
    with pytest.raises(Rejected, match=f"has a capture already, request {capture}"):
        Payments(shop.client).authorization(paid)
    void = Void("ord_1", MERCHANT, shop.code, "captures", capture, AMOUNT)
    assert shop.run(VOID, void).state is EffectState.done
    with pytest.raises(Rejected, match="pays for nothing more"):
        Payments(shop.client).authorization(paid)


def test_one_whose_case_a_reviewer_has_reversed_pays_for_nothing(shop: Shop) -> None:
    paid = shop.pay("ada+review@example.com").their_key
    shop.control("decide", request_id=paid, decision="REJECT", act=True)
    with pytest.raises(Rejected, match="REVERSED"):
        Payments(shop.client).authorization(paid)


@pytest.mark.parametrize(
    ("application", "said"),
    [
        ("ics_auth_reversal", "reversal"),
        ("ics_timeout_auth_reversal", "reversal"),
        ("ics_bill", "capture"),
        ("ics_void", "void"),
    ],
)
def test_a_follow_on_is_found_by_order_or_by_link(
    gateway: ScriptedGateway, make_client: Make, application: str, said: str
) -> None:
    use = row(OTHER, None, (application, "100"), rootId=AUTH_ID)
    gateway.on(detail(OTHER), use)
    gateway.on(detail(AUTH_ID), HELD)
    gateway.on(SEARCH, found(HELD, row(OTHER, None, (application, "100"))))
    with pytest.raises(Rejected, match=f"has a {said} already, request {OTHER}"):
        Payments(make_client()).authorization(AUTH_ID)
    link = {"relatedTransactions": [{"href": f"https://x/tss/v2/transactions/{OTHER}"}]}
    gateway.on(detail(AUTH_ID), HELD | {"_links": link})
    gateway.on(SEARCH, found(HELD))  # it was made under another number
    with pytest.raises(Rejected, match=f"has a {said} already, request {OTHER}"):
        Payments(make_client()).authorization(AUTH_ID)


@pytest.mark.parametrize("name", ["ics_auto_auth_reversal", "ics_auto_full_auth_reversal"])
def test_one_that_the_service_reversed_by_itself_pays_for_nothing(
    gateway: ScriptedGateway, make_client: Make, name: str
) -> None:
    gone = row(AUTH_ID, None, ("ics_auth", "100"), (name, "100"), rootId=AUTH_ID)
    gateway.on(detail(AUTH_ID), gone)
    gateway.on(SEARCH, found(gone))
    with pytest.raises(Rejected, match="has a reversal already"):
        Payments(make_client()).authorization(AUTH_ID)


@pytest.mark.parametrize(
    "use",
    [
        row(OTHER, None, ("ics_bill", "100"), rootId="7300000000000000000099"),  # another's
        row(OTHER, None, ("ics_bill", "233"), rootId=AUTH_ID),  # refused
        row(OTHER, None, ("ics_auth", "203"), rootId=OTHER),  # the shopper's first try
    ],
    ids=["of another chain", "refused", "no use"],
)
def test_what_took_nothing_of_it_leaves_it_whole(
    gateway: ScriptedGateway, make_client: Make, use: dict[str, Any]
) -> None:
    gateway.on(detail(AUTH_ID), HELD)
    gateway.on(detail(OTHER), use)
    gateway.on(SEARCH, found(HELD, use))
    made = Payments(make_client()).authorization(AUTH_ID)
    assert made is not None
    assert made.authorized == AMOUNT


@pytest.mark.parametrize(
    "use",
    [
        response({}, 404),
        row(OTHER, None),
        row(OTHER, None, ("ics_bill", "151"), rootId=AUTH_ID),
    ],
    ids=["not shown yet", "no services", "a time-out"],
)
def test_what_does_not_tell_is_asked_again(
    gateway: ScriptedGateway, make_client: Make, use: Any
) -> None:
    gateway.on(detail(AUTH_ID), HELD)
    gateway.on(detail(OTHER), use)
    gateway.on(SEARCH, found(HELD, row(OTHER, None, ("ics_bill", "100"))))
    with pytest.raises(Retryable, match="does not say what became"):
        Payments(make_client()).authorization(AUTH_ID)


def test_a_request_that_authorized_nothing_is_no_payment(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(detail(AUTH_ID), row(AUTH_ID, None, ("ics_credit", "100"), rootId=AUTH_ID))
    gateway.on(SEARCH, found())
    with pytest.raises(Rejected, match="is no authorization"):
        Payments(make_client()).authorization(AUTH_ID)


def test_a_payment_made_by_the_shop_is_read_with_its_tokens(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    body = row(
        AUTH_ID, None, ("ics_auth", "100"), rootId=AUTH_ID,
        paymentInformation={
            "customer": {"id": "C" * 32}, "paymentInstrument": {"id": "D" * 32},
            "card": {"suffix": "1111", "type": "001"},
        },
    )  # fmt: skip
    path = f"GET /tss/v2/transactions/{AUTH_ID}"
    gateway.on(path, body, response({}, 404))
    gateway.on("POST /tss/v2/searches", found(body))
    payments = Payments(make_client())
    made = payments.authorization(AUTH_ID)
    assert made is not None
    assert (made.status, made.authorized) == (PaymentStatus.authorized, Money(9019, "USD"))
    assert made.stored == StoredToken("C" * 32, "D" * 32, "", "1111", "", "Visa")
    assert made.brand == "Visa"
    assert payments.authorization(AUTH_ID) is None


def test_a_wrong_key_is_no_fault_of_the_order_that_waits(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(f"GET /tss/v2/transactions/{AUTH_ID}", response({}, 401))
    with pytest.raises(Retryable, match="Check key, secret and clock"):
        Payments(make_client()).authorization(AUTH_ID)


def test_another_table_decides_what_a_reason_means(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    class Strict(BuiltInReasons):
        def meaning(self, operation: str, status: str, reason: str) -> Meaning:
            found = super().meaning(operation, status, reason)
            return Meaning.declined if reason == "100" else found

    body = row(AUTH_ID, None, ("ics_auth", "100"), rootId=AUTH_ID)
    body["applicationInformation"]["applications"][0]["rCode"] = "0"
    gateway.on(f"GET /tss/v2/transactions/{AUTH_ID}", body)
    gateway.on("POST /tss/v2/searches", found(body))
    made = Payments(make_client(), Strict()).authorization(AUTH_ID)
    assert made is not None
    assert made.status is PaymentStatus.declined
