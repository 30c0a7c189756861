"""What a look finds, and when it must not say 'absent'."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.partners import partners_of
from include.adapters.cybersource.reasons import BuiltInReasons
from include.domain.canonical import from_json, to_json
from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.domain.money import Money
from include.domain.payment_meanings import Meaning
from include.domain.payments import Authorized, DecideReview, DeleteToken, Reverse, Void
from include.services.effects.ports import Effect, EffectKind, Found
from tests.cybersource.scripted import (
    AMOUNT,
    AUTH_ID,
    CODE,
    COMMANDS,
    NOW,
    ScriptedGateway,
    effect_of,
    found,
    response,
    row,
)

Make = Callable[..., Client]
AUTH, CAPTURE, REFUND, REVERSE, VOID, REVIEW, DELETION = (
    EffectKind.payment_authorization,
    EffectKind.payment_capture,
    EffectKind.payment_refund,
    EffectKind.payment_reversal,
    EffectKind.payment_void,
    EffectKind.review_decision,
    EffectKind.token_deletion,
)
SEARCH = "POST /tss/v2/searches"
OURS = "7300000000000000000011"
OTHER = "7300000000000000000012"
FOLLOW_ONS = {
    CAPTURE: ("ics_bill", "90.19"),
    REFUND: ("ics_credit", "10.00"),
    REVERSE: ("ics_auth_reversal", "90.19"),
    VOID: ("ics_void", "90.19"),
}
BY_KIND = sorted(FOLLOW_ONS, key=lambda kind: kind.value)


def detail(request_id: str) -> str:
    return f"GET /tss/v2/transactions/{request_id}"


def show(gateway: ScriptedGateway, *rows: dict[str, Any], hidden: str = "") -> None:
    """Let the search show rows and each detail what its row shows; ``hidden`` has no detail."""
    gateway.on(SEARCH, found(*rows))
    for one in rows:
        gateway.on(detail(one["id"]), response({}, 404) if one["id"] == hidden else one)


def look(client: Client, effect: Effect) -> tuple[Found, ...]:
    return partners_of(client)[effect.kind].look(effect)


def mti(kind: EffectKind) -> str:
    return effect_of(kind).reference


# -- by reference ----------------------------------------------------------------------------------


def test_a_look_asks_for_the_order_and_compares_our_own_id(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    mine = row(OURS, mti(CAPTURE), ("ics_bill", "100"), rootId=AUTH_ID, status="PENDING")
    show(
        gateway,
        row(OTHER, "TOANOTHER", ("ics_bill", "100"), rootId=AUTH_ID),
        row("7300000000000000000013", mti(CAPTURE), ("ics_auth", "100")),  # another service
        mine,
    )
    client = make_client()
    (one,) = look(client, effect_of(CAPTURE))
    assert gateway.body(0)["query"] == f"clientReferenceInformation.code:{CODE}"
    assert (one.their_key, one.is_no) == (OURS, False)
    assert one.facts["amount"] == {"minor": 9019, "currency": "USD"}
    assert partners_of(client)[CAPTURE].compare(effect_of(CAPTURE), one) == ()
    assert not any(request.is_write for request in gateway.requests)


@pytest.mark.parametrize("kind", BY_KIND)
def test_nothing_under_our_id_is_absent(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind
) -> None:
    show(gateway, row(OTHER, "TOANOTHER", (FOLLOW_ONS[kind][0], "100"), rootId="x"))
    gateway.on(detail(AUTH_ID), row(AUTH_ID, "TOAUTH", ("ics_auth", "100"), status="AUTHORIZED"))
    gateway.on(
        detail("7300000000000000000002"),
        row("7300000000000000000002", "TOCAP", ("ics_bill", "100"), status="PENDING"),
    )
    assert look(make_client(), effect_of(kind)) == ()


@pytest.mark.parametrize("kind", BY_KIND)
def test_two_under_our_id_are_both_returned(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind
) -> None:
    name, amount = FOLLOW_ONS[kind]
    show(gateway, *(row(one, mti(kind), (name, "100"), amount=amount) for one in (OURS, OTHER)))
    assert [one.their_key for one in look(make_client(), effect_of(kind))] == [OURS, OTHER]


def test_an_id_that_only_the_detail_shows_is_read_there(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(SEARCH, found(row(OURS, None, ("ics_bill", "100"))))
    gateway.on(detail(OURS), row(OURS, mti(CAPTURE), ("ics_bill", "100"), rootId=AUTH_ID))
    assert [one.their_key for one in look(make_client(), effect_of(CAPTURE))] == [OURS]


def test_an_id_that_nobody_shows_is_searched_for(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    hidden = row(OURS, None, ("ics_bill", "100"), rootId=AUTH_ID)
    gateway.on(SEARCH, found(hidden), found(hidden))
    gateway.on(detail(OURS), hidden)
    assert [one.their_key for one in look(make_client(), effect_of(CAPTURE))] == [OURS]
    query = gateway.body()["query"]
    assert query == f"clientReferenceInformation.transactionId:{mti(CAPTURE)}"


def test_what_cannot_be_told_apart_is_never_absent(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    hidden = row(OURS, None, ("ics_bill", "100"), rootId=AUTH_ID)
    gateway.on(detail(OURS), hidden)
    gateway.on(SEARCH, found(hidden), found())
    with pytest.raises(Retryable, match="whose request"):
        look(make_client(), effect_of(CAPTURE))
    for other in (
        row(OURS, None, ("ics_bill", "100"), rootId=AUTH_ID, amount="1.00"),  # another amount
        row(OURS, None, ("ics_bill", "100"), rootId=AUTH_ID, submitTimeUtc="2026-11-01T00:00:00Z"),
    ):
        gateway.on(SEARCH, found(other), found())
        gateway.on(detail(OURS), other)
        assert look(make_client(), effect_of(CAPTURE)) == ()


@pytest.mark.parametrize(
    "reply",
    [
        response({}, 404),
        response({}, 500),
        response({}, 401),
        response({"reason": "INVALID_DATA"}, 400),
        response(b"<html>", 201),
        Retryable("no connection", "x", "y"),
        {"totalCount": 3, "_embedded": {"transactionSummaries": []}},
        {"totalCount": 1, "_embedded": {"transactionSummaries": [{"submitTimeUtc": "x"}]}},
    ],
    ids=["404", "500", "401", "400", "html", "unreachable", "rows missing", "no id"],
)
@pytest.mark.parametrize("kind", [AUTH, *BY_KIND])
def test_a_look_that_could_not_ask_says_so(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind, reply: Any
) -> None:
    gateway.on(SEARCH, reply)
    with pytest.raises(Retryable):
        look(make_client(), effect_of(kind))


@pytest.mark.parametrize("code", ["", " ", "two\nlines"])
def test_a_reference_that_cannot_be_searched_for_is_not_absent(
    gateway: ScriptedGateway, make_client: Make, code: str
) -> None:
    command = replace(COMMANDS[CAPTURE], code=code)
    with pytest.raises(Retryable):
        look(make_client(), effect_of(CAPTURE, command))
    with pytest.raises(Retryable):
        look(make_client(), effect_of(DELETION, DeleteToken("shop_1", "../x")))


# -- what became of it -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("applications", "more", "status", "is_no", "held"),
    [
        ((("ics_auth", "100"),), {}, "authorized", False, 9019),
        ((("ics_auth", "110"),), {"authorized": "40.00"}, "partial", False, 4000),
        ((("ics_auth", "100"), ("ics_decision", "480")), {}, "in_review", False, 9019),
        ((("ics_auth", "100"), ("ics_decision", "481")), {}, "risk_declined", False, 9019),
        ((("ics_auth", "100"), ("ics_decision", "400")), {}, "risk_declined", False, 9019),
        ((("ics_decision_early", "480"),), {}, "review_first", False, None),
        ((("ics_auth", "204"),), {}, "declined", True, None),
        ((("ics_decision", "481"),), {}, "declined", True, None),
        ((("ics_pa_enroll", "475"),), {}, "authentication_needed", True, None),
        ((("ics_auth", "101"),), {}, "invalid", True, None),
        (
            (("ics_auth", "200"),),
            {"processorInformation": {"approvalCode": "1"}, "authorized": "90.19"},
            "in_review",
            False,
            9019,
        ),
        (
            (("ics_auth", "233"),),
            {"processorInformation": {"approvalCode": "1"}, "authorized": "90.19"},
            "risk_declined",
            False,
            9019,
        ),
    ],
)
def test_an_authorization_is_read_from_its_row(
    gateway: ScriptedGateway,
    make_client: Make,
    applications: tuple[tuple[str, str], ...],
    more: dict[str, Any],
    status: str,
    is_no: bool,
    held: int | None,
) -> None:
    effect, client = effect_of(AUTH, sends=1), make_client()
    show(gateway, row(OURS, effect.reference, *applications, rootId=OURS, **more))
    (one,) = look(client, effect)
    assert (one.facts["status"], one.is_no, one.facts["approved_minor"]) == (status, is_no, held)
    assert partners_of(client)[AUTH].compare(effect, one) == ()
    kept = from_json(Authorized, to_json(one.facts))  # the engine keeps the facts as evidence
    assert kept.authorized == (Money(held, "USD") if held is not None else None)


def test_an_approval_in_part_of_unknown_amount_is_not_known(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    show(gateway, row(OURS, mti(AUTH), ("ics_auth", "110"), rootId=OURS))
    with pytest.raises(Retryable, match=r"what .* holds"):
        look(make_client(), effect_of(AUTH))


@pytest.mark.parametrize("code", ["150", "151", "152", "250", "234", "999"])
def test_a_row_the_gateway_itself_is_not_sure_of_is_neither_there_nor_absent(
    gateway: ScriptedGateway, make_client: Make, code: str
) -> None:
    show(gateway, row(OURS, mti(CAPTURE), ("ics_bill", code), rootId=AUTH_ID))
    with pytest.raises(Retryable, match="not sure"):
        look(make_client(), effect_of(CAPTURE, sends=1))


@pytest.mark.parametrize("code", ["102", "104", "150", "235"])
def test_the_refused_copy_does_not_hide_what_was_done(
    gateway: ScriptedGateway, make_client: Make, code: str
) -> None:
    show(
        gateway,
        row(OURS, mti(CAPTURE), ("ics_bill", "100"), rootId=AUTH_ID),
        row(OTHER, mti(CAPTURE), ("ics_bill", code), rootId=AUTH_ID),
    )
    (one,) = look(make_client(), effect_of(CAPTURE, sends=2))
    assert (one.their_key, one.is_no) == (OURS, False)


def test_a_refusal_that_only_a_repeat_gets_says_nothing_of_the_first_send(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    show(gateway, row(OURS, mti(CAPTURE), ("ics_bill", "102"), rootId=AUTH_ID))
    assert look(make_client(), effect_of(CAPTURE, sends=2)) == ()
    (one,) = look(make_client(), effect_of(CAPTURE, sends=1))
    assert one.is_no


def test_a_decline_found_there_is_a_no(gateway: ScriptedGateway, make_client: Make) -> None:
    show(gateway, row(OURS, mti(REFUND), ("ics_credit", "203"), amount="10.00", rootId="r"))
    gateway.on(detail("7300000000000000000002"), response({}, 404))
    (one,) = look(make_client(), effect_of(REFUND, sends=1))
    assert one.is_no
    assert one.facts["reason"] == "203"


# -- compare ---------------------------------------------------------------------------------------


def differences(client: Client, effect: Effect) -> list[str]:
    (one,) = look(client, effect)
    seen = partners_of(client)[effect.kind].compare(effect, one)
    return [f"{each.what}: ours {each.ours}, theirs {each.theirs}" for each in seen]


def test_everything_of_a_capture_that_differs_is_named(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    wrong = row(
        OURS, mti(CAPTURE), ("ics_bill", "100"),
        amount="90.00", currency="EUR", code="WOO-2", rootId="7300000000000000000099",
    )  # fmt: skip
    show(gateway, wrong)
    gateway.on(detail(AUTH_ID), row(AUTH_ID, "TOAUTH", ("ics_auth", "100"), rootId=AUTH_ID))
    assert differences(make_client(), effect_of(CAPTURE)) == [
        "currency: ours USD, theirs EUR",
        "amount in minor units: ours 9019, theirs 9000",
        f"merchant reference: ours {CODE}, theirs WOO-2",
        f"request it acts on: ours {AUTH_ID}, theirs 7300000000000000000099",
    ]


def test_a_refund_is_of_the_chain_of_its_capture(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    """A row names the root of its chain, the authorization; our payload names the capture."""
    capture = "7300000000000000000002"
    show(gateway, row(OURS, mti(REFUND), ("ics_credit", "100"), amount="10.00", rootId=AUTH_ID))
    gateway.on(detail(capture), row(capture, "TOCAP", ("ics_bill", "100"), rootId=AUTH_ID))
    assert differences(make_client(), effect_of(REFUND)) == []


def test_an_authorization_of_another_amount_differs(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    show(
        gateway,
        row(OURS, mti(AUTH), ("ics_auth", "100"), amount="91.00", authorized="91.00", rootId=OURS),
    )
    assert differences(make_client(), effect_of(AUTH)) == [
        "amount in minor units: ours 9019, theirs 9100",
        "authorized in minor units: ours 9019, theirs 9100",
    ]


# -- reversal and void: done in effect -------------------------------------------------------------


def test_a_hold_that_somebody_else_released_is_released(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    show(gateway, row(OTHER, "TOANOTHER", ("ics_auth_reversal", "100"), rootId=AUTH_ID))
    client, effect = make_client(), effect_of(REVERSE, sends=1)
    (one,) = look(client, effect)
    assert (one.their_key, one.is_no) == (OTHER, False)
    assert partners_of(client)[REVERSE].compare(effect, one) == ()


def test_an_authorization_that_is_shown_as_reversed_is_reversed(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(SEARCH, found())
    gateway.on(detail(AUTH_ID), row(AUTH_ID, "TOAUTH", ("ics_auth", "100"), status="REVERSED"))
    (one,) = look(make_client(), effect_of(REVERSE, sends=1))
    assert one.their_key == AUTH_ID


@pytest.mark.parametrize(
    ("status", "sends", "seen"),
    [
        ("VOIDED", 1, [False]),
        ("CANCELLED", 1, [False]),
        ("TRANSMITTED", 1, [True]),  # settled: a clear no, which becomes a refund proposal
        ("TRANSMITTED", 0, []),  # not sent yet: the answer will say it
        ("PENDING", 1, []),
    ],
)
def test_the_target_of_a_void_says_what_became_of_it(
    gateway: ScriptedGateway, make_client: Make, status: str, sends: int, seen: list[bool]
) -> None:
    target = "7300000000000000000002"
    gateway.on(SEARCH, found())
    gateway.on(detail(target), row(target, "TOCAP", ("ics_bill", "100"), status=status))
    assert [one.is_no for one in look(make_client(), effect_of(VOID, sends=sends))] == seen


def test_a_void_that_was_answered_yes_is_not_turned_into_a_no_by_a_stale_target(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    target = "7300000000000000000002"
    gateway.on(SEARCH, found())
    gateway.on(detail(target), row(target, "TOCAP", ("ics_bill", "100"), status="TRANSMITTED"))
    assert look(make_client(), effect_of(VOID, sends=1, their_key=OURS)) == ()


LOST = "mti:TO0123456789ABCDEF01"
BY_REFERENCE = [
    (REVERSE, Reverse("ord_1", "shop_1", CODE, LOST, AMOUNT, "time-out"), "ics_auth_reversal"),
    (VOID, Void("ord_1", "shop_1", CODE, "captures", LOST, AMOUNT), "ics_void"),
]


@pytest.mark.parametrize(("kind", "command", "name"), BY_REFERENCE)
def test_what_was_taken_back_by_reference_is_found_under_the_originals_id(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind, command: Any, name: str
) -> None:
    show(
        gateway,
        row(OTHER, "TO0123456789ABCDEF01", ("ics_auth", "100")),
        row(OURS, "TO0123456789ABCDEF01", (name, "100"), rootId=OTHER),
    )
    client, effect = make_client(), effect_of(kind, command, sends=1)
    (one,) = look(client, effect)
    assert one.their_key == OURS
    assert partners_of(client)[kind].compare(effect, one) == ()


@pytest.mark.parametrize(("kind", "command", "name"), BY_REFERENCE)
def test_after_a_send_nothing_under_the_originals_id_is_a_clear_no(
    gateway: ScriptedGateway, make_client: Make, kind: EffectKind, command: Any, name: str
) -> None:
    gateway.on(SEARCH, found())
    client = make_client()
    assert look(client, effect_of(kind, command, sends=0)) == ()
    (one,) = look(client, effect_of(kind, command, sends=1))
    assert one.is_no
    assert one.facts["reason"] == "NOTHING_CARRIES_THE_REFERENCE"
    original = {"ics_auth_reversal": "ics_auth", "ics_void": "ics_bill"}[name]
    show(gateway, row(OTHER, "TO0123456789ABCDEF01", (original, "100"), rootId=OTHER))
    assert look(client, effect_of(kind, command, sends=1)) == ()  # it is there: send again


# -- case actions ----------------------------------------------------------------------------------

CONVERSIONS = "GET /reporting/v3/conversion-details"
DECIDE = DecideReview("ord_1", "shop_1", CODE, AUTH_ID, "ACCEPT", "ada", "known customer")


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
    assert (receipt.their_key, receipt.evidence["theirs"]) == ("a1b2", "ACCEPTED")


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
    assert (difference.ours, difference.theirs) == ("ACCEPTED", "REJECTED")


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
