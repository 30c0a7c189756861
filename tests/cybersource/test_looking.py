"""A look by our reference: what is there, what is absent, and what cannot be told."""

from dataclasses import replace
from typing import Any

import pytest

from include.adapters.cybersource.partners import partners_of
from include.domain.errors import Rejected, Retryable
from include.domain.payments import DeleteToken
from include.services.effects.ports import EffectKind
from tests.cybersource.scripted import (
    AUTH_ID,
    CODE,
    COMMANDS,
    ScriptedGateway,
    effect_of,
    found,
    response,
    row,
)
from tests.cybersource.support import (
    AUTH,
    CAPTURE,
    DELETION,
    OTHER,
    OURS,
    REFUND,
    REVERSE,
    SEARCH,
    VOID,
    Make,
    detail,
    look,
    mti,
    show,
)

FOLLOW_ONS = {
    CAPTURE: ("ics_bill", "90.19"),
    REFUND: ("ics_credit", "10.00"),
    REVERSE: ("ics_auth_reversal", "90.19"),
    VOID: ("ics_void", "90.19"),
}
BY_KIND = sorted(FOLLOW_ONS, key=lambda kind: kind.value)


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
    with pytest.raises((Retryable, Rejected)):
        look(make_client(), effect_of(kind))


@pytest.mark.parametrize("code", ["", " ", "two\nlines"])
def test_a_reference_that_cannot_be_searched_for_is_not_absent(
    gateway: ScriptedGateway, make_client: Make, code: str
) -> None:
    command = replace(COMMANDS[CAPTURE], code=code)
    with pytest.raises((Retryable, Rejected)):
        look(make_client(), effect_of(CAPTURE, command))
    with pytest.raises(Rejected):
        look(make_client(), effect_of(DELETION, DeleteToken("shop_1", "../x")))
