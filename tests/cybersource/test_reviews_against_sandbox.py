"""Analysts' decisions and kept cards, at the sandbox."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from include.adapters.cybersource.decisions import DecisionPoller
from include.adapters.cybersource.payments import Payments
from include.adapters.cybersource.tokens import Tokens, duplicates
from include.domain.calendar import Window
from include.domain.orders import PaymentMethod
from include.domain.payments import (
    DecideReview,
    DeleteToken,
)
from include.domain.reviews import Decision
from include.services.effects.ports import EffectState
from tests.cybersource.scripted import (
    TRANSIENT,
    authorize,
)
from tests.cybersource.support import AUTH, DELETION, MERCHANT, REVIEW, Shop
from tests.cybersource.support import shop as shop


def test_an_analysts_decision_reaches_the_case_and_comes_back_by_poll(shop: Shop) -> None:
    paid = shop.pay("ada+review@example.com")
    held = DecisionPoller(shop.client).reviews_between(_day_of(shop, paid.their_key))
    assert paid.their_key in {event.request_id for event in held}
    command = DecideReview(
        "ord_1", MERCHANT, shop.code, paid.their_key, Decision.accept, "ada", "known"
    )
    effect = shop.run(REVIEW, command)
    assert shop.settle(effect).state is EffectState.verified
    window = _day_of(shop, paid.their_key)
    pages = list(DecisionPoller(shop.client).decisions_since(window.start_at, window.end_at))
    (event,) = [
        event for page in pages for event in page.events if event.request_id == paid.their_key
    ]
    assert event.decision is Decision.accept
    assert effect.reference in event.comments
    (asked,) = DecisionPoller(shop.client).decided([paid.their_key])
    assert (asked.decision, asked.origin) == (Decision.accept, "conversion_details")


@pytest.mark.parametrize("fault", ["drop_after_commit", "second_delivery", "drop_before_commit"])
def test_a_decision_is_made_once_whatever_the_wire_does(shop: Shop, fault: str) -> None:
    paid = shop.pay("ada+review@example.com")
    shop.sandbox.faults.add(fault, system="cybersource", match="/actions$")
    command = DecideReview("ord_1", MERCHANT, shop.code, paid.their_key, Decision.reject, "ada", "")
    effect = shop.settle(shop.run(REVIEW, command))
    assert (effect.state, effect.reason) == (EffectState.verified, "")
    made = shop.sandbox.ledger.rows(verb="decision", request_id=paid.their_key)
    assert sum(row.committed for row in made) == 1


def test_a_decision_against_one_made_at_the_vendors_desk_is_for_a_person(shop: Shop) -> None:
    paid = shop.pay("ada+review@example.com")
    shop.control("decide", request_id=paid.their_key, decision="REJECT", reviewer="eve")
    command = DecideReview("ord_1", MERCHANT, shop.code, paid.their_key, Decision.accept, "ada", "")
    effect = shop.settle(shop.run(REVIEW, command))
    assert effect.state is EffectState.mismatched
    assert effect.sends == 0  # it was looked for first
    assert "ours accept, theirs reject" in effect.reason


@pytest.mark.parametrize("word", ["avs_failed", "cv_failed"])
@pytest.mark.parametrize("decision", [Decision.accept, Decision.reject])
def test_a_hold_without_a_case_is_decided_by_our_analyst_alone(
    shop: Shop, word: str, decision: Decision
) -> None:
    shop.control("cybersource", decision_manager=False)
    paid = shop.pay(f"ada+{word}@example.com")
    assert json.loads(paid.evidence)["status"] == "in_review"
    command = DecideReview("ord_1", MERCHANT, shop.code, paid.their_key, decision, "ann")
    effect = shop.run(REVIEW, command)
    assert (effect.state, effect.sends) == (EffectState.done, 0), effect.reason
    assert shop.settle(effect).state is EffectState.verified
    shop.control("cybersource", decision_manager=True)
    with_case = Shop(shop.sandbox)
    held = with_case.pay(f"ada+{word}@example.com").their_key
    other = replace(command, code=with_case.code, request_id=held)
    assert with_case.run(REVIEW, other).sends == 1  # where there is a case, it is told


def _day_of(shop: Shop, request_id: str) -> Window:
    made = Payments(shop.client).authorization(request_id)
    assert made is not None
    assert made.at is not None
    return Window(made.at - timedelta(minutes=1), made.at + timedelta(hours=1))


# -- tokens ----------------------------------------------------------------------------------------


def test_a_kept_card_is_charged_again_joined_by_another_and_forgotten(shop: Shop) -> None:
    paid = shop.pay(keep=True)
    first = json.loads(paid.evidence)["stored"]
    tokens = Tokens(shop.client)
    (stored,) = tokens.customer(first["customer_token"]) or ()
    assert stored.instrument_token == first["instrument_token"]
    assert len(stored.suffix) == 4
    source = replace(
        TRANSIENT,
        method=PaymentMethod.stored_token,
        transient_id="",
        customer_token=stored.customer_token,
        instrument_token=stored.instrument_token,
    )
    again = authorize(
        code=shop.code,
        organization_id=MERCHANT,
        source=source,
        known_reference=paid.reference,
    )
    again = shop.run(AUTH, again)
    assert json.loads(again.evidence)["status"] == "authorized"
    more = shop.order(keep=True)
    more = replace(more, source=replace(more.source, customer_token=stored.customer_token))
    assert json.loads(shop.run(AUTH, more).evidence)["stored"]["customer_token"] == (
        stored.customer_token
    )
    both = tokens.customer(stored.customer_token) or ()
    assert {len(one.suffix) for one in both} == {4}
    assert (len(both), duplicates(both)) == (2, [])  # two cards, not one card twice
    deletion = shop.run(DELETION, DeleteToken(MERCHANT, stored.customer_token))
    assert shop.settle(deletion).state is EffectState.verified
    assert tokens.customer(stored.customer_token) is None


def test_a_token_that_could_not_be_made_leaves_the_payment_good(shop: Shop) -> None:
    evidence = json.loads(shop.pay("ada+token_failed@example.com", keep=True).evidence)
    assert (evidence["status"], evidence["stored"]) == ("authorized", None)
    assert evidence["token_failure"] == "SYSTEM_ERROR"
