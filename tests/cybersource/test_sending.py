"""What goes out: every write as the gateway wants it, with both references."""

from dataclasses import replace

import pytest

from include.adapters.cybersource.partners import partners_of
from include.domain.money import Money
from include.domain.orders import (
    LineKind,
    OrderLine,
    PayerAuthentication,
    PaymentMethod,
    PaymentSource,
)
from include.domain.payments import Renewed, Reverse, Void
from include.services.effects.ports import EffectKind
from tests.cybersource.scripted import (
    AMOUNT,
    AUTH_ID,
    CODE,
    COMMANDS,
    SHOPPER,
    TRANSIENT,
    ScriptedGateway,
    address,
    authorize,
    effect_of,
)
from tests.cybersource.support import (
    AUTH,
    CALLS,
    CAPTURE,
    EVERY,
    REFUND,
    REVERSE,
    VOID,
    Make,
    answer,
    send,
)

DIRECTORY = "5bce2a7d-90f1-4f9d-8b6e-0c4d1f2a3b4c"


def named(reference: str) -> dict[str, str]:
    """The order, our reference, and its copy where a transaction's detail shows it."""
    return {"code": CODE, "transactionId": reference, "comments": reference}


def test_an_authorization_carries_the_order_the_token_and_both_references(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    effect = effect_of(AUTH)
    gateway.on(CALLS[AUTH], answer(AUTH))
    partners_of(make_client())[AUTH].send(effect)
    body = gateway.body()
    assert body["clientReferenceInformation"] == named(effect.reference)
    assert body["tokenInformation"] == {"jti": "a" * 64}
    assert "paymentInformation" not in body
    order = body["orderInformation"]
    assert order["amountDetails"] == {
        "totalAmount": "90.19",
        "currency": "USD",
        "taxAmount": "6.19",  # 6.60 - 0.41
        "freightAmount": "9.00",
        "discountAmount": "5.00",
    }
    assert [line["productSku"] for line in order["lineItems"]] == ["LAMP-1", "freight"]
    assert order["lineItems"][0] | {} == {
        "productCode": "default",
        "productName": "Lamp",
        "productSku": "LAMP-1",
        "quantity": 2,
        "unitPrice": "40.00",
        "totalAmount": "80.00",
        "unitOfMeasure": "EA",
        "amountIncludesTax": False,
        "taxAmount": "6.19",  # the only line with tax bears what the discount takes off
    }
    assert order["billTo"] == {
        "firstName": "Ada",
        "lastName": "Lovelace",
        "address1": "1 Market St",
        "locality": "Austin",
        "administrativeArea": "TX",
        "postalCode": "73301",
        "country": "US",
        "email": "ada@example.com",
        "phoneNumber": "5125550100",
    }
    assert "email" not in order["shipTo"]
    assert body["processingInformation"]["capture"] is False
    assert "actionList" not in body["processingInformation"]


@pytest.mark.parametrize(
    ("country", "region", "billed", "shipped"),
    [
        ("US", "TX", "TX", "TX"),
        ("DE", "DE-BY", "BY", "BY"),
        ("GB", "Greater London", "Greater London", None),
        ("AU", "NSW", "NSW", None),
        ("JP", "東京都", "東京都", None),
        ("CL", "Región Metropolitana de Santiago", "Región Metropolitana", None),
    ],
)
def test_a_region_is_sent_where_the_vendor_has_room_for_it(
    gateway: ScriptedGateway,
    make_client: Make,
    country: str,
    region: str,
    billed: str,
    shipped: str | None,
) -> None:
    home = address(country=country, region=region)
    shopper = replace(SHOPPER, bill_to=home, ship_to=home)
    gateway.on(CALLS[AUTH], answer(AUTH))
    partners_of(make_client())[AUTH].send(effect_of(AUTH, authorize(shopper=shopper)))
    order = gateway.body()["orderInformation"]
    assert order["billTo"]["administrativeArea"] == billed
    assert order["shipTo"].get("administrativeArea") == shipped


def test_a_purchase_order_keeps_the_end_that_tells_it_from_others(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(CALLS[AUTH], answer(AUTH))
    order = authorize(code="WOOUS-2026/11/27-0000012345")  # 27 characters
    partners_of(make_client())[AUTH].send(effect_of(AUTH, order))
    invoice = gateway.body()["orderInformation"]["invoiceDetails"]
    assert invoice["purchaseOrderNumber"] == "OUS-2026/11/27-0000012345"
    assert gateway.body()["clientReferenceInformation"]["code"] == "WOOUS-2026/11/27-0000012345"


def test_a_card_to_keep_asks_for_tokens_and_says_that_it_will_be_stored(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    source = replace(TRANSIENT, keep=True)
    send(gateway, make_client(), AUTH, answer(AUTH),
         command=authorize(source=source, skip_decision=True, buyer="web:17"))  # fmt: skip
    assert gateway.body()["buyerInformation"] == {"merchantCustomerId": "web:17"}
    processing = gateway.body()["processingInformation"]
    assert processing["actionList"] == ["TOKEN_CREATE", "DECISION_SKIP"]
    assert processing["actionTokenTypes"] == [
        "customer", "paymentInstrument", "instrumentIdentifier"
    ]  # fmt: skip
    assert processing["authorizationOptions"] == {
        "initiator": {"type": "customer", "credentialStoredOnFile": True}
    }


def test_a_known_customer_gets_another_instrument_not_a_second_customer(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    source = replace(TRANSIENT, keep=True, customer_token="C" * 32)
    send(gateway, make_client(), AUTH, answer(AUTH), command=authorize(source=source))
    body = gateway.body()
    assert "customer" not in body["processingInformation"]["actionTokenTypes"]
    assert body["paymentInformation"] == {"customer": {"id": "C" * 32}}


def test_a_stored_token_is_used_as_the_shopper_present_uses_it(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    source = PaymentSource(
        PaymentMethod.stored_token, customer_token="C" * 32, instrument_token="D" * 32
    )
    send(gateway, make_client(), AUTH, answer(AUTH), command=authorize(source=source))
    body = gateway.body()
    assert body["paymentInformation"] == {
        "customer": {"id": "C" * 32}, "paymentInstrument": {"id": "D" * 32}
    }  # fmt: skip
    assert body["processingInformation"]["authorizationOptions"]["initiator"] == {
        "type": "customer", "storedCredentialUsed": True
    }  # fmt: skip
    assert "tokenInformation" not in body


def test_the_fraud_check_learns_where_the_shopper_pays_from(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    send(gateway, make_client(), AUTH, answer(AUTH))
    assert "deviceInformation" not in gateway.body()
    source = replace(TRANSIENT, ip_address="192.0.2.7", device_session=DIRECTORY)
    send(gateway, make_client(), AUTH, answer(AUTH), command=authorize(source=source))
    assert gateway.body()["deviceInformation"] == {
        "ipAddress": "192.0.2.7",
        "fingerprintSessionId": DIRECTORY,
    }


def test_a_challenge_that_was_answered_is_validated_by_the_gateway(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    proof = PayerAuthentication("4Q0DcXvR7tYbNf2LsJm9")
    source = replace(TRANSIENT, keep=True, authentication=proof)
    said = answer(AUTH) | {"consumerAuthenticationInformation": {"indicator": "vbv"}}
    receipt = send(gateway, make_client(), AUTH, said, command=authorize(source=source))
    body = gateway.body()
    assert body["consumerAuthenticationInformation"] == {
        "authenticationTransactionId": "4Q0DcXvR7tYbNf2LsJm9"
    }
    processing = body["processingInformation"]
    assert processing["actionList"] == ["TOKEN_CREATE", "VALIDATE_CONSUMER_AUTHENTICATION"]
    assert "commerceIndicator" not in processing  # the gateway says what it has validated
    assert receipt.evidence["commerce_indicator"] == "vbv"


def test_what_an_enrolment_answered_goes_on_as_it_came(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    proof = PayerAuthentication(
        commerce_indicator="spa", ucaf_authentication_data="jJ81HADVRtXfCBATEp01CJUAAAA=",
        ucaf_collection_indicator="2", directory_server_transaction_id=DIRECTORY,
        specification_version="2.2.0", pares_status="Y", veres_enrolled="Y", cavv_algorithm="3",
    )  # fmt: skip
    source = replace(TRANSIENT, authentication=proof)
    receipt = send(gateway, make_client(), AUTH, answer(AUTH), command=authorize(source=source))
    body = gateway.body()
    assert body["consumerAuthenticationInformation"] == {
        "ucafAuthenticationData": "jJ81HADVRtXfCBATEp01CJUAAAA=",
        "ucafCollectionIndicator": "2",
        "directoryServerTransactionId": DIRECTORY,
        "paSpecificationVersion": "2.2.0",
        "paresStatus": "Y",
        "veresEnrolled": "Y",
        "cavvAlgorithm": "3",
    }
    assert body["processingInformation"]["commerceIndicator"] == "spa"
    assert "actionList" not in body["processingInformation"]
    assert receipt.evidence["commerce_indicator"] == ""  # the gateway has validated nothing


def test_a_renewal_is_the_merchants_own(gateway: ScriptedGateway, make_client: Make) -> None:
    source = PaymentSource(PaymentMethod.stored_token, customer_token="C" * 32)
    renews = Renewed("201506041511351", Money(10_221, "USD"))
    command = authorize(attempt=2, source=source, renews=renews, skip_decision=True)
    send(gateway, make_client(), AUTH, answer(AUTH), command=command)
    said = gateway.body()["processingInformation"]
    assert (said["commerceIndicator"], said["actionList"]) == ("internet", ["DECISION_SKIP"])
    assert said["authorizationOptions"]["initiator"] == {
        "type": "merchant",
        "storedCredentialUsed": True,
        "merchantInitiatedTransaction": {
            "reason": "3",
            "previousTransactionId": "201506041511351",
            "originalAuthorizedAmount": "102.21",
        },
    }


def test_a_payment_without_any_token_is_our_own_mistake(make_client: Make) -> None:
    source = PaymentSource(PaymentMethod.authorized, request_id=AUTH_ID)
    with pytest.raises(ValueError, match="nothing to authorize with"):
        partners_of(make_client())[AUTH].send(effect_of(AUTH, authorize(source=source)))


@pytest.mark.parametrize(
    ("quantity", "net", "sent"),
    [
        (3_000_000, 900, (3, "3.00")),
        (3_000_000, 1000, (1, "10.00")),  # 3.333... each: one piece of it all
        (2_500_000, 1000, (1, "10.00")),  # no whole count
    ],
)
def test_a_line_that_does_not_divide_is_one_piece_of_it_all(
    gateway: ScriptedGateway, make_client: Make, quantity: int, net: int, sent: tuple[int, str]
) -> None:
    line = OrderLine(
        1, LineKind.goods, "Wire", quantity, Money(net, "USD"), Money(0, "USD"), "WIRE"
    )
    command = authorize(lines=(line,), amount=Money(net, "USD"))
    gateway.on(CALLS[AUTH], answer(AUTH, "DECLINED", "GENERAL_DECLINE"))
    partners_of(make_client())[AUTH].send(effect_of(AUTH, command))
    (item,) = gateway.body()["orderInformation"]["lineItems"]
    assert (item["quantity"], item["unitPrice"]) == sent


def test_the_tax_of_the_lines_sums_to_the_tax_of_the_order(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    """0.41 off 6.60 + 3.30: 0.27 and 0.14; freight without tax stays without."""

    def line(number: int, kind: LineKind, net: int, tax: int) -> OrderLine:
        its_tax = Money(tax, "USD")
        return OrderLine(number, kind, "Lamp", 1_000_000, Money(net, "USD"), its_tax, "")

    lines = (
        line(1, LineKind.goods, 8000, 660),
        line(2, LineKind.fee, 4000, 330),
        line(3, LineKind.freight, 900, 0),
        line(4, LineKind.discount, -500, -41),
    )
    command = authorize(lines=lines, amount=Money(13349, "USD"))
    gateway.on(CALLS[AUTH], answer(AUTH, "DECLINED", "GENERAL_DECLINE"))
    partners_of(make_client())[AUTH].send(effect_of(AUTH, command))
    order = gateway.body()["orderInformation"]
    taxes = [item.get("taxAmount") for item in order["lineItems"]]
    assert taxes == ["6.33", "3.16", None]
    assert order["amountDetails"]["taxAmount"] == "9.49"


def test_yen_go_out_without_a_fraction(gateway: ScriptedGateway, make_client: Make) -> None:
    yen = Money(12_000, "JPY")
    lines = (OrderLine(1, LineKind.goods, "A", 1_000_000, yen, Money(0, "JPY"), "A"),)
    gateway.on(CALLS[AUTH], answer(AUTH, "DECLINED", "GENERAL_DECLINE"))
    command = authorize(lines=lines, amount=yen)
    partners_of(make_client())[AUTH].send(effect_of(AUTH, command))
    assert gateway.body()["orderInformation"]["amountDetails"]["totalAmount"] == "12000"


@pytest.mark.parametrize("kind", [CAPTURE, REFUND])
def test_a_follow_on_names_its_amount_and_its_own_reference(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind
) -> None:
    send(gateway, make_client(), kind, answer(kind))
    effect = effect_of(kind)
    assert gateway.body() == {
        "clientReferenceInformation": named(effect.reference),
        "orderInformation": {
            "amountDetails": {
                "totalAmount": "90.19" if kind is CAPTURE else "10.00", "currency": "USD"
            }
        },
    }  # fmt: skip


def test_a_lost_authorization_is_reversed_by_its_own_reference(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on("POST /pts/v2/reversals", answer(REVERSE))
    command = Reverse("ord_1", "shop_1", CODE, "mti:TO0123456789ABCDEF01", AMOUNT, "time-out")
    receipt = partners_of(make_client())[REVERSE].send(effect_of(REVERSE, command))
    assert gateway.body() == {
        "clientReferenceInformation": named("TO0123456789ABCDEF01"),
        "reversalInformation": {
            "amountDetails": {"totalAmount": "90.19", "currency": "USD"}, "reason": "time-out"
        },
    }  # fmt: skip
    assert receipt.evidence["theirs"] == "REVERSED"


def test_a_lost_capture_is_voided_by_its_own_reference(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    details = {"voidAmountDetails": {"voidAmount": "90.19", "currency": "USD"}}
    gateway.on("POST /pts/v2/voids", answer(VOID, **details))
    command = Void("ord_1", "shop_1", CODE, "captures", "mti:TO0123456789ABCDEF01", AMOUNT)
    receipt = partners_of(make_client())[VOID].send(effect_of(VOID, command))
    assert gateway.body() == {"clientReferenceInformation": named("TO0123456789ABCDEF01")}
    assert receipt.evidence["amount"] == {"minor": 9019, "currency": "USD"}


def test_every_write_is_sent_as_a_write_within_its_deadline(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    for kind in EVERY:
        send(gateway, make_client(), kind, answer(kind))
        request = gateway.requests[-1]
        assert request.is_write
        assert request.not_accepted == frozenset()
        assert request.limits.deadline_s == (20 if kind is AUTH else 30)


@pytest.mark.parametrize(
    ("sequence", "is_final", "numbers"),
    [(1, True, None), (1, False, (1, 2)), (2, False, (2, 3)), (3, True, (3, 3))],
)
def test_only_the_last_capture_of_an_authorization_is_numbered_as_the_last(
    gateway: ScriptedGateway,
    make_client: Make,
    sequence: int,
    is_final: bool,
    numbers: tuple[int, int] | None,
) -> None:
    """One without numbers is taken for the last as well, and the rest is released."""
    command = replace(COMMANDS[CAPTURE], sequence=sequence, is_final=is_final)
    send(gateway, make_client(), CAPTURE, answer(CAPTURE), command=command)
    names = ("captureSequenceNumber", "totalCaptureCount")
    counts = dict(zip(names, numbers, strict=True)) if numbers else None
    options = {"captureOptions": counts} if counts else None
    assert gateway.body().get("processingInformation") == options


def test_the_rest_of_an_order_is_authorized_without_lines_that_do_not_add_up_to_it(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    source = PaymentSource(PaymentMethod.stored_token, customer_token="C" * 32)
    rest = replace(authorize(source=source), amount=Money(1_000, "USD"), lines=())
    send(gateway, make_client(), AUTH, answer(AUTH), command=rest)
    body = gateway.body()
    assert "purchaseLevel" not in body["processingInformation"]
    assert "lineItems" not in body["orderInformation"]
    assert body["orderInformation"]["amountDetails"] == {"totalAmount": "10.00", "currency": "USD"}
