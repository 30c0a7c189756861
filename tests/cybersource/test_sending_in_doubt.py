"""Whatever is not a clear answer is a doubt, and never a no."""

from typing import Any

import pytest

from include.adapters.http.transport import Fault, error_for
from include.domain.errors import IntegrationError, OutcomeUnknown, Parked, Rejected, Retryable
from include.services.effects.ports import EffectKind
from tests.cybersource.scripted import (
    AMOUNT,
    LINES,
    ScriptedGateway,
    response,
)
from tests.cybersource.support import (
    AUTH,
    CAPTURE,
    EVERY,
    REFUND,
    REVERSE,
    VOID,
    Make,
    answer,
    refusal,
    send,
)

BROKEN_BODIES = [b"", b"{", b"[]", b'"AUTHORIZED"', b"<html></html>", b'{"id":"1","id":"2"}']


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("body", BROKEN_BODIES)
def test_an_answer_that_cannot_be_read_is_unknown(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind, body: bytes
) -> None:
    for status in (201, 400):
        with pytest.raises(OutcomeUnknown):
            send(gateway, make_client(), kind, response(body, status))


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"status": None},
        {"status": "SOMETHING_NEW"},
        {"clientReferenceInformation": {"code": "ANOTHER-1"}},
        {"clientReferenceInformation": {"transactionId": "TOANOTHER"}},
    ],
    ids=str,
)
def test_a_good_status_that_breaks_the_schema_is_unknown(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind, change: dict[str, Any]
) -> None:
    with pytest.raises(OutcomeUnknown):
        send(gateway, make_client(), kind, answer(kind) | change)


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"authorizedAmount": "90.19", "currency": "EUR"},
        {"authorizedAmount": "90.191", "currency": "USD"},
        {"authorizedAmount": "9e1", "currency": "USD"},
        {"currency": "USD"},
    ],
)
def test_an_approval_that_does_not_say_how_much_is_unknown(
    gateway: ScriptedGateway, make_client: Make, details: dict[str, str]
) -> None:
    reply = answer(AUTH, orderInformation={"amountDetails": details})
    with pytest.raises(OutcomeUnknown):
        send(gateway, make_client(), AUTH, reply)


def test_a_good_status_in_a_refusal_is_unknown(gateway: ScriptedGateway, make_client: Make) -> None:
    for kind in EVERY:
        with pytest.raises(OutcomeUnknown):
            send(gateway, make_client(), kind, response(answer(kind), 400))


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_status_that_leaves_a_doubt_is_unknown(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind, status: int
) -> None:
    body = {"status": "SERVER_ERROR", "reason": "SERVER_TIMEOUT", "message": "words"}
    with pytest.raises(OutcomeUnknown):
        send(gateway, make_client(), kind, response(body, status))


@pytest.mark.parametrize("status", [429, 503])
def test_a_site_that_knows_better_may_take_a_refusal_as_not_accepted(
    gateway: ScriptedGateway, make_client: Make, status: int
) -> None:
    client = make_client(refused_means_not_accepted="true")
    with pytest.raises(Retryable):
        send(gateway, client, CAPTURE, response({}, status))
    with pytest.raises(OutcomeUnknown):
        send(gateway, client, CAPTURE, response({}, 502))


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize(
    "reply",
    [
        refusal("DUPLICATE_REQUEST"),
        # How a repeated transaction id is reported to be answered; without the name of the field,
        # see test_failed_token.py.
        refusal("INVALID_DATA", "clientReferenceInformation.transactionId"),
        refusal("PROCESSOR_UNAVAILABLE"),
        refusal("A_NEW_REASON"),
        refusal("SYSTEM_ERROR", status="SERVER_ERROR"),
    ],
    ids=["duplicate", "invalid id", "processor", "new reason", "server error"],
)
def test_a_refusal_that_our_own_repeat_could_cause_is_unknown(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind, reply: Any
) -> None:
    with pytest.raises(OutcomeUnknown):
        send(gateway, make_client(), kind, reply)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (CAPTURE, "EXCEEDS_AUTH_AMOUNT"),
        (REFUND, "INVALID_AMOUNT"),  # more than is left: the first copy may have taken it
        (CAPTURE, "TRANSACTION_ALREADY_REVERSED_OR_SETTLED"),
        (REFUND, "TRANSACTION_ALREADY_REVERSED_OR_SETTLED"),
        (REVERSE, "AUTH_ALREADY_REVERSED"),
        (REVERSE, "TRANSACTION_ALREADY_REVERSED_OR_SETTLED"),
        (VOID, "NOT_VOIDABLE"),
        (VOID, "CAPTURE_ALREADY_VOIDED"),
    ],
)
def test_what_may_have_been_done_before_is_looked_for(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind, reason: str
) -> None:
    with pytest.raises(OutcomeUnknown, match=reason):
        send(gateway, make_client(), kind, refusal(reason))


def test_a_fault_of_the_wire_keeps_its_family(gateway: ScriptedGateway, make_client: Make) -> None:
    """The line is the first byte: before it nothing happened, after it nobody knows."""
    for kind in EVERY:
        send(gateway, make_client(), kind, answer(kind))
        request = gateway.requests[-1]
        for text, has_written, family in (
            ("no connection", False, Retryable),
            ("reset", True, OutcomeUnknown),
            ("redirect", True, OutcomeUnknown),
        ):
            fault = Fault("redirect" if text == "redirect" else "broken", text)
            with pytest.raises(family):
                send(gateway, make_client(), kind, error_for(request, fault, has_written))


# -- the key of the account ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_accepted_nothing_and_waits_unless_a_shopper_does(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind, status: int
) -> None:
    with pytest.raises(Rejected, match=str(status)) as caught:
        send(gateway, make_client(), kind, response({"response": {"rmsg": "no"}}, status))
    assert isinstance(caught.value, Parked) is (kind is not AUTH)


def test_a_processor_that_is_not_set_up_is_a_matter_of_configuration(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    errors: list[type[IntegrationError]] = []
    for kind in (AUTH, CAPTURE):
        with pytest.raises(Rejected) as caught:
            send(gateway, make_client(), kind, refusal("INVALID_MERCHANT_CONFIGURATION"))
        errors.append(type(caught.value))
    assert errors == [Rejected, Parked]


def test_the_lines_of_the_fixture_sum_to_its_amount() -> None:
    assert sum(line.gross.minor for line in LINES) == AMOUNT.minor
