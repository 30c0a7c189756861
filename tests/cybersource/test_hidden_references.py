"""Rows as the vendor's models have them: no reference in them, so only a search by it tells."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from include.adapters.cybersource.rows import Untold
from include.adapters.http.status import Refused
from include.domain.errors import Retryable
from include.domain.money import Money
from include.domain.payments import Capture, Refund, Reverse
from include.services.effects.ports import Effect, EffectKind, EffectState
from tests.cybersource.scripted import (
    AUTH_ID,
    COMMANDS,
    ScriptedGateway,
    effect_of,
    found,
    response,
    row,
)
from tests.cybersource.support import (
    AMOUNT,
    CAPTURE,
    EVERY,
    MERCHANT,
    OTHER,
    OURS,
    REFUND,
    REVERSE,
    SEARCH,
    VERBS,
    Make,
    Shop,
    detail,
    look,
    mti,
)
from tests.cybersource.support import shop as shop

TEN = Money(1000, "USD")
FIRST = "TO0000000000000000AA"  # reference of an earlier request of the order
HIDDEN = row(OTHER, None, ("ics_bill", "100"), rootId=AUTH_ID)


def knowing(kind: EffectKind, **changes: Any) -> Effect:
    return effect_of(kind, replace(COMMANDS[kind], known_reference=FIRST), **changes)


# -- what does not tell ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"searchId": "x", "status": "PENDING"},
        {"totalCount": "1"},
        {"totalCount": None, "_embedded": None},
        {"totalCount": True},
        {"totalCount": -1},
        {"totalCount": 1, "_embedded": []},
        {"totalCount": 1, "_embedded": {"transactionSummaries": ["x"]}},
    ],
    ids=str,
)
def test_a_search_that_does_not_tell_how_many_there_are_is_no_absence(
    gateway: ScriptedGateway, make_client: Make, body: dict[str, Any]
) -> None:
    gateway.on(SEARCH, body)
    with pytest.raises(Retryable, match="the search was answered with"):
        look(make_client(), effect_of(CAPTURE, sends=1))


@pytest.mark.parametrize("shown", [mti(CAPTURE), None], ids=["shown", "hidden"])
@pytest.mark.parametrize(
    "information",
    [{}, {"applications": None}, {"applications": []}, {"applications": [{"reasonCode": "100"}]}],
    ids=str,
)
def test_a_row_of_ours_that_does_not_tell_what_it_did_is_no_absence(
    gateway: ScriptedGateway, make_client: Make, information: Any, shown: str | None
) -> None:
    mine = row(OURS, shown) | {"applicationInformation": information}
    gateway.on(SEARCH, found(mine))
    gateway.on(detail(OURS), mine)
    with pytest.raises(Untold, match="does not say what"):
        look(make_client(), effect_of(CAPTURE, sends=1))
    gateway.on(detail(OURS), row(OURS, mti(CAPTURE), ("ics_bill", "100"), rootId=AUTH_ID))
    assert [one.their_key for one in look(make_client(), effect_of(CAPTURE, sends=1))] == [OURS]


@pytest.mark.parametrize("says", ["pending", "no_applications"])
def test_no_refund_is_made_twice_because_the_search_does_not_tell(shop: Shop, says: str) -> None:
    shop.control("cybersource", mti_guard=False)  # nobody has seen yet that the account guards
    capture = shop.run(CAPTURE, capture_of(shop, shop.pay()))
    shop.control("outcome", outcome="timeout_commit", verb="refund", code=shop.code)
    lost = shop.run(REFUND, refund_of(shop, capture, "r-1"))
    assert lost.state is EffectState.in_doubt
    shop.control("cybersource", tss_says=says)
    assert shop.settle(lost).state is EffectState.in_doubt
    assert shop.executed(lost) == 1
    shop.control("cybersource", tss_says="all")
    assert until_rest(shop, lost).state is EffectState.verified
    assert shop.executed(lost) == 1


# -- what is another's -----------------------------------------------------------------------------


def test_what_a_search_by_our_reference_does_not_find_is_anothers_once_such_a_search_works(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(detail(OTHER), HIDDEN)
    first = row(AUTH_ID, None, ("ics_auth", "100"))
    gateway.on(SEARCH, found(first, HIDDEN), found(), found(first))
    assert look(make_client(), knowing(CAPTURE)) == ()
    assert gateway.body()["query"] == f"clientReferenceInformation.transactionId:{FIRST}"


@pytest.mark.parametrize(
    "answer", [found(), found(row(AUTH_ID, None, ("ics_auth", "100"), code="ANOTHER"))]
)
def test_a_search_that_finds_no_reference_of_the_order_proves_nothing(
    gateway: ScriptedGateway, make_client: Make, answer: dict[str, Any]
) -> None:
    gateway.on(detail(OTHER), HIDDEN)
    gateway.on(SEARCH, found(HIDDEN), found(), answer)
    with pytest.raises(Untold, match="whose request"):
        look(make_client(), knowing(CAPTURE))


def test_a_search_that_finds_ours_leaves_the_others_to_others(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    mine = row(OURS, None, ("ics_bill", "100"), rootId=AUTH_ID)
    for one in (mine, HIDDEN):
        gateway.on(detail(one["id"]), one)
    gateway.on(SEARCH, found(mine, HIDDEN), found(mine))
    assert [one.their_key for one in look(make_client(), effect_of(CAPTURE))] == [OURS]


def test_the_request_that_answered_us_is_ours_though_no_search_by_reference_works(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(detail(OTHER), HIDDEN)
    gateway.on(SEARCH, found(HIDDEN), found())
    (one,) = look(make_client(), effect_of(CAPTURE, their_key=OTHER))
    assert one.their_key == OTHER


@pytest.fixture(params=[True, False], ids=["by comment", "by search"])
def shows_comments(shop: Shop, request: pytest.FixtureRequest) -> Iterator[None]:
    shop.control("cybersource", tss_shows_comments=request.param)
    yield
    shop.control("cybersource", tss_shows_comments=True)


@pytest.mark.usefixtures("shows_comments")
def test_two_equal_refunds_of_one_capture_are_told_apart(shop: Shop) -> None:
    capture = shop.run(CAPTURE, capture_of(shop, shop.pay()))
    both = [shop.run(REFUND, refund_of(shop, capture, f"r-{number}")) for number in (1, 2)]
    ended = [shop.settle(one) for one in both]
    assert [one.state for one in ended] == [EffectState.verified] * 2
    assert len({one.their_key for one in ended}) == 2


@pytest.mark.usefixtures("shows_comments")
@pytest.mark.parametrize(("outcome", "sends"), [("timeout_commit", 1), ("timeout", 2)])
def test_a_lost_answer_beside_an_equal_refund_is_found_or_sent_again(
    shop: Shop, outcome: str, sends: int
) -> None:
    capture = shop.run(CAPTURE, capture_of(shop, shop.pay()))
    shop.run(REFUND, refund_of(shop, capture, "r-1"))
    shop.control("outcome", outcome=outcome, verb="refund", code=shop.code)
    lost = shop.run(REFUND, refund_of(shop, capture, "r-2"))
    assert lost.state is EffectState.in_doubt
    ended = until_rest(shop, lost)
    assert (ended.state, ended.sends, shop.executed(ended)) == (EffectState.verified, sends, 1)


# -- what the vendor's models and its list of search fields say ------------------------------------


def test_the_comments_of_a_detail_name_our_reference(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    """No model of a row or detail has the transaction id; the detail's has the comments."""
    for one in (OURS, OTHER):
        gateway.on(detail(one), commented(one, {OURS: mti(CAPTURE), OTHER: FIRST}[one]))
    gateway.on(SEARCH, found(*(row(one, None, ("ics_bill", "100")) for one in (OURS, OTHER))))
    assert [one.their_key for one in look(make_client(), effect_of(CAPTURE, sends=1))] == [OURS]
    assert len([call for call in gateway.calls() if call == SEARCH]) == 1


@pytest.mark.parametrize("comments", ["a gift, please wrap", "TO be called", "to" + "0" * 18])
def test_a_comment_of_a_persons_is_no_reference(
    gateway: ScriptedGateway, make_client: Make, comments: str
) -> None:
    gateway.on(detail(OTHER), commented(OTHER, comments))
    gateway.on(SEARCH, found(HIDDEN), found())
    with pytest.raises(Untold, match="whose request"):
        look(make_client(), effect_of(CAPTURE, sends=1))


REFUSED = response({"reason": "INVALID_DATA", "message": "query"}, 400)


def test_an_account_whose_search_knows_no_reference_refuses_the_question_and_no_more(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(detail(OTHER), HIDDEN)
    gateway.on(SEARCH, found(HIDDEN), REFUSED)
    (one,) = look(make_client(), effect_of(CAPTURE, their_key=OTHER))
    assert one.their_key == OTHER
    gateway.on(SEARCH, found(HIDDEN), REFUSED)
    with pytest.raises(Untold, match="whose request"):
        look(make_client(), knowing(CAPTURE))
    gateway.on(SEARCH, found(HIDDEN), response({}, 403))  # it may not ask at all
    with pytest.raises(Refused):
        look(make_client(), effect_of(CAPTURE, their_key=OTHER))


@pytest.mark.parametrize("finds", ["nothing", "refused"])
def test_lost_answers_are_told_apart_at_an_account_that_searches_for_no_reference(
    shop: Shop, finds: str
) -> None:
    shop.control("cybersource", tss_finds_mti=finds)
    try:
        capture = shop.run(CAPTURE, capture_of(shop, shop.pay()))
        good = shop.run(REFUND, refund_of(shop, capture, "r-1"))
        shop.control("outcome", outcome="timeout_commit", verb="refund", code=shop.code)
        lost = until_rest(shop, shop.run(REFUND, refund_of(shop, capture, "r-2")))
        assert (lost.state, shop.executed(lost)) == (EffectState.verified, 1), lost.reason
        assert shop.settle(good).state is EffectState.verified
    finally:
        shop.control("cybersource", tss_finds_mti="rows")


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("outcome", ["timeout_commit", "timeout"])
@pytest.mark.parametrize("guards", [True, False])
def test_every_write_without_an_answer_is_done_once_by_what_its_detail_says(
    shop: Shop, kind: EffectKind, outcome: str, guards: bool
) -> None:
    command = shop.command(kind)
    shop.control("cybersource", tss_finds_mti="refused", mti_guard=guards)
    try:
        shop.control("outcome", outcome=outcome, verb=VERBS[kind], code=shop.code)
        lost = until_rest(shop, shop.run(kind, command))
        assert (lost.state, shop.executed(lost)) == (EffectState.verified, 1), lost.reason
    finally:
        shop.control("cybersource", tss_finds_mti="rows", mti_guard=True)


@pytest.mark.parametrize("finds", ["nothing", "refused"])
def test_what_went_well_is_verified_where_neither_search_nor_detail_has_the_reference(
    shop: Shop, finds: str
) -> None:
    shop.control("cybersource", tss_finds_mti=finds, tss_shows_comments=False)
    try:
        paid = shop.pay()
        capture = shop.run(CAPTURE, capture_of(shop, paid))
        for one in (paid, capture, shop.run(REFUND, refund_of(shop, capture, "r-1"))):
            assert shop.settle(one).state is EffectState.verified
    finally:
        shop.control("cybersource", tss_finds_mti="rows", tss_shows_comments=True)


# -- what is in effect -----------------------------------------------------------------------------


@pytest.mark.parametrize("is_known", [True, False], ids=["reference known", "unknown"])
def test_a_hold_that_a_reviewer_released_at_the_vendors_desk_is_released(
    shop: Shop, is_known: bool
) -> None:
    paid = shop.pay("ada+review@example.com")
    shop.control("decide", request_id=paid.their_key, decision="REJECT", act=True)
    known = paid.reference if is_known else ""
    ours = Reverse("ord_1", MERCHANT, shop.code, paid.their_key, AMOUNT, "rejected", known)
    ended = until_rest(shop, shop.run(REVERSE, ours))
    assert ended.state is EffectState.verified, ended.reason
    assert shop.executed(ended) == 0


def commented(request_id: str, comments: str) -> dict[str, Any]:
    shown = row(request_id, None, ("ics_bill", "100"), rootId=AUTH_ID)
    shown["clientReferenceInformation"]["comments"] = comments
    return shown


def capture_of(shop: Shop, paid: Effect) -> Capture:
    return Capture(
        "ord_1", 1, MERCHANT, shop.code, paid.their_key, AMOUNT, known_reference=paid.reference
    )


def refund_of(shop: Shop, capture: Effect, refund_id: str) -> Refund:
    return Refund(
        "ord_1", refund_id, MERCHANT, shop.code, capture.their_key, TEN, capture.reference
    )


def until_rest(shop: Shop, effect: Effect) -> Effect:
    """Let a day pass for the janitor, who asks after the first hour but seldom."""
    for _ in range(24):
        shop.clock.move(seconds=3600)
        effect = shop.settle(effect)
        if effect.state is not EffectState.in_doubt:
            break
    return effect
