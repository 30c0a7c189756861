"""What became of a payment that a look found, and how it differs from what was meant."""

from dataclasses import replace
from typing import Any

import pytest

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.partners import partners_of
from include.domain.canonical import from_json, to_json
from include.domain.errors import Retryable
from include.domain.money import Money
from include.domain.payments import Authorized
from include.services.effects.ports import Effect
from tests.cybersource.scripted import (
    AUTH_ID,
    CODE,
    TRANSIENT,
    ScriptedGateway,
    authorize,
    effect_of,
    response,
    row,
)
from tests.cybersource.support import (
    AUTH,
    CAPTURE,
    OTHER,
    OURS,
    REFUND,
    Make,
    detail,
    look,
    mti,
    show,
)


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
        ((("ics_auth", "200"), ("ics_auto_auth_reversal", "100")), {}, "declined", True, None),
        (
            (("ics_auth", "100"), ("ics_auto_full_auth_reversal", "150")),  # it did not work
            {},
            "authorized",
            False,
            9019,
        ),
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


TOKENS = {"customer": {"id": "C" * 32}, "paymentInstrument": {"id": "P" * 32}}


@pytest.mark.parametrize(
    ("keep", "shown", "customer", "failure"),
    [
        (True, TOKENS, "C" * 32, ""),
        (True, {}, "", "the gateway shows no token"),
        (False, TOKENS, "", ""),
        (False, {}, "", ""),
    ],
    ids=["kept", "lost", "of a shopper who keeps no card", "none, and none wanted"],
)
def test_a_token_that_a_look_shows_is_taken_only_for_a_shopper_who_keeps_the_card(
    gateway: ScriptedGateway,
    make_client: Make,
    keep: bool,
    shown: dict[str, Any],
    customer: str,
    failure: str,
) -> None:
    effect = effect_of(AUTH, authorize(source=replace(TRANSIENT, keep=keep)), sends=1)
    show(
        gateway,
        row(OURS, effect.reference, ("ics_auth", "100"), rootId=OURS, tokenInformation=shown),
    )
    kept = from_json(Authorized, to_json(look(make_client(), effect)[0].facts))
    assert (kept.stored.customer_token if kept.stored else "") == customer
    assert kept.token_failure == failure


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
