"""Reversals and voids are looked for by what they took back."""

from typing import Any

import pytest

from include.adapters.cybersource.partners import partners_of
from include.domain.payments import Reverse, Void
from include.services.effects.ports import EffectKind
from tests.cybersource.scripted import (
    AMOUNT,
    AUTH_ID,
    CODE,
    ScriptedGateway,
    effect_of,
    found,
    row,
)
from tests.cybersource.support import OTHER, OURS, REVERSE, SEARCH, VOID, Make, detail, look, show


def test_a_hold_that_somebody_else_released_is_released(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    show(gateway, row(OTHER, "TOANOTHER", ("ics_auth_reversal", "100"), rootId=AUTH_ID))
    client, effect = make_client(), effect_of(REVERSE, sends=1)
    (one,) = look(client, effect)
    assert (one.their_key, one.is_no) == (OTHER, False)
    assert partners_of(client)[REVERSE].compare(effect, one) == ()


OTHER_NAMES = (
    "ics_timeout_auth_reversal",
    "ics_auto_auth_reversal",
    "ics_auto_full_auth_reversal",
    "ics_auto_void_auth_reversal",
)


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_a_hold_that_the_service_released_under_another_name_is_released(
    gateway: ScriptedGateway, make_client: Make, name: str
) -> None:
    """The vendor's list of applications names reversals that nobody asked for by id."""
    show(gateway, row(AUTH_ID, "TOAUTH", ("ics_auth", "200"), (name, "100"), rootId=AUTH_ID))
    (one,) = look(make_client(), effect_of(REVERSE, sends=1))
    assert (one.their_key, one.is_no, one.facts["in_effect"]) == (AUTH_ID, False, True)


@pytest.mark.parametrize("order", [1, -1])
def test_a_reversal_asked_for_counts_before_one_that_the_service_tried_by_itself(
    gateway: ScriptedGateway, make_client: Make, order: int
) -> None:
    done, tried = ("ics_auth_reversal", "100"), ("ics_auto_auth_reversal", "150")
    show(gateway, row(OTHER, "TOANOTHER", *(done, tried)[::order], rootId=AUTH_ID))
    gateway.on(detail(AUTH_ID), row(AUTH_ID, "TOAUTH", ("ics_auth", "100")))
    (one,) = look(make_client(), effect_of(REVERSE, sends=1))
    assert one.their_key == OTHER


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
