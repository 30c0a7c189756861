"""Case actions and deleted tokens: sent, looked for, and told apart."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from include.adapters.cybersource.partners import partners_of
from include.adapters.cybersource.reasons import BuiltInReasons
from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.domain.payment_meanings import Meaning
from include.domain.payments import DecideReview, DeleteToken
from include.domain.reviews import Decision
from tests.cybersource.scripted import (
    AUTH_ID,
    CODE,
    NOW,
    ScriptedGateway,
    effect_of,
    response,
    row,
)
from tests.cybersource.support import DELETION, REVIEW, Make, detail, look

CONVERSIONS = "GET /reporting/v3/conversion-details"
DECIDE = DecideReview("ord_1", "shop_1", CODE, AUTH_ID, Decision.accept, "ada", "known customer")


def conversion(decision: str, request_id: str = AUTH_ID, at: str = "2026-11-03T10:00:00Z") -> Any:
    return {
        "requestId": request_id, "newDecision": decision, "originalDecision": "REVIEW",
        "conversionTime": at, "reviewer": "ada", "reviewerComments": "TO...",
    }  # fmt: skip


def test_a_decision_is_carried_with_who_made_it_and_our_reference(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    effect = effect_of(REVIEW, DECIDE)
    gateway.on(f"POST /risk/v1/decisions/{AUTH_ID}/actions", {"id": "a1b2", "status": "ACCEPTED"})
    receipt = partners_of(make_client())[REVIEW].send(effect)
    assert gateway.body() == {
        "decisionInformation": {
            "decision": "ACCEPT", "comments": f"{effect.reference} ada: known customer"
        }
    }  # fmt: skip
    assert (receipt.their_key, receipt.evidence["decision"]) == ("a1b2", "accept")


def test_an_answer_with_the_other_decision_is_unknown(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(f"POST /risk/v1/decisions/{AUTH_ID}/actions", {"id": "a1b2", "status": "REJECTED"})
    with pytest.raises(OutcomeUnknown, match="REJECTED"):
        partners_of(make_client())[REVIEW].send(effect_of(REVIEW, DECIDE))


def test_a_case_that_is_decided_already_is_looked_for(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    """A repeat of our own call is refused so, and so is a decision that comes too late."""
    details = [{"field": "id", "reason": "INVALID_DATA"}]
    body = {"status": "INVALID_REQUEST", "reason": "INVALID_DATA", "details": details}
    gateway.on(f"POST /risk/v1/decisions/{AUTH_ID}/actions", response(body, 400))

    class Harsh(BuiltInReasons):
        def meaning(self, operation: str, status: str, reason: str) -> Meaning:
            return Meaning.invalid

    for table in (BuiltInReasons(), Harsh()):  # whatever finance has made of the reason
        with pytest.raises(OutcomeUnknown):
            partners_of(make_client(), table)[REVIEW].send(effect_of(REVIEW, DECIDE))


def test_the_last_decision_of_the_case_counts_whoever_made_it(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(detail(AUTH_ID), row(AUTH_ID, "TOAUTH", ("ics_auth", "100")))
    gateway.on(
        CONVERSIONS,
        {
            "conversionDetails": [
                conversion("ACCEPT", at="2026-11-03T10:00:00Z"),
                conversion("REJECT", at="2026-11-03T11:00:00Z"),
                conversion("ACCEPT", at="2026-11-03T10:30:00Z"),
                conversion("ACCEPT", "7300000000000000000077", "2026-11-03T11:30:00Z"),
            ]
        },
    )
    client, effect = make_client(), effect_of(REVIEW, DECIDE)
    (one,) = look(client, effect)
    (difference,) = partners_of(client)[REVIEW].compare(effect, one)
    assert (difference.ours, difference.theirs) == ("accept", "reject")


def test_a_case_is_asked_for_from_its_payment_on_in_days(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    paid = (NOW - timedelta(days=2, hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
    gateway.on(detail(AUTH_ID), row(AUTH_ID, "TOAUTH", ("ics_auth", "100"), submitTimeUTC=paid))
    gateway.on(CONVERSIONS, response({}, 404))
    assert look(make_client(), effect_of(REVIEW, DECIDE)) == ()
    spans = [urlsplit(one.url).query for one in gateway.requests if "conversion" in one.url]
    assert len(spans) == 3  # 2 days, 6 hours and an hour at each end
    assert spans[0].startswith("startTime=2026-11-01T05%3A00%3A00.000Z")
    assert "endTime=2026-11-03T13%3A00%3A00.000Z" in spans[-1]


def test_a_case_that_cannot_be_read_is_not_undecided(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(detail(AUTH_ID), response({}, 404))
    with pytest.raises(Retryable):
        look(make_client(), effect_of(REVIEW, DECIDE))
    gateway.on(detail(AUTH_ID), row(AUTH_ID, "TOAUTH", ("ics_auth", "100")))
    gateway.on(CONVERSIONS, {"conversionDetails": [conversion("MAYBE")]})
    with pytest.raises(Retryable, match="cannot be read"):
        look(make_client(), effect_of(REVIEW, DECIDE))


# -- tokens ----------------------------------------------------------------------------------------


CUSTOMER, INSTRUMENT = "C" * 32, "D" * 32
TOKEN_CALLS = [
    (DeleteToken("shop_1", CUSTOMER), f"/tms/v2/customers/{CUSTOMER}", CUSTOMER),
    (
        DeleteToken("shop_1", CUSTOMER, INSTRUMENT),
        f"/tms/v2/customers/{CUSTOMER}/payment-instruments/{INSTRUMENT}",
        INSTRUMENT,
    ),
]


@pytest.mark.parametrize(("command", "path", "token"), TOKEN_CALLS)
def test_a_token_is_deleted_and_what_is_gone_is_found_as_deleted(
    gateway: ScriptedGateway, make_client: Make, command: DeleteToken, path: str, token: str
) -> None:
    client, effect = make_client(), effect_of(DELETION, command)
    gateway.on(f"GET {path}", {"id": token}, response({}, 404))
    gateway.on(f"DELETE {path}", response(b"", 204))
    assert look(client, effect) == ()
    assert partners_of(client)[DELETION].send(effect).their_key == token
    (one,) = look(client, effect)
    assert partners_of(client)[DELETION].compare(effect, one) == ()
    assert gateway.requests[1].is_write


@pytest.mark.parametrize(
    ("reply", "family"),
    [
        (response(b"", 404), None),  # gone already
        (response(b"<html>no such page</html>", 404), OutcomeUnknown),
        (response({"errors": [{"type": "conflict", "message": "default"}]}, 409), Rejected),
        (response({}, 403), Rejected),
        (response({}, 500), OutcomeUnknown),
        (OutcomeUnknown("no answer", "x", "y"), OutcomeUnknown),
    ],
)
def test_each_answer_to_a_deletion_has_its_family(
    gateway: ScriptedGateway, make_client: Make, reply: Any, family: type[Exception] | None
) -> None:
    command, path, token = TOKEN_CALLS[0]
    gateway.on(f"DELETE {path}", reply)
    partner, effect = partners_of(make_client())[DELETION], effect_of(DELETION, command)
    if family is None:
        assert partner.send(effect).their_key == token
    else:
        with pytest.raises(family):
            partner.send(effect)
