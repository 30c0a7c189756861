"""What an authorization comes to at the sandbox, and how money is taken back."""

import json
from dataclasses import replace

import pytest

from include.adapters.cybersource.payments import Payments
from include.domain.canonical import from_json
from include.domain.orders import PayerAuthentication, PaymentMethod, PaymentSource
from include.domain.payments import (
    Authorize,
    Authorized,
    Capture,
    Refund,
    Renewed,
    Reverse,
    Void,
)
from include.services.effects.ports import EffectKind, EffectState
from tests.cybersource.scripted import AMOUNT, LINES, SHOPPER, TRANSIENT, address
from tests.cybersource.support import (
    AUTH,
    CAPTURE,
    MERCHANT,
    REFUND,
    REVERSE,
    VOID,
    WRITE_CALLS,
    Shop,
)
from tests.cybersource.support import shop as shop

OUTCOMES = {
    "ada@example.com": ("authorized", EffectState.done),
    "ada+partial@example.com": ("partial", EffectState.done),
    "ada+review@example.com": ("in_review", EffectState.done),
    "ada+avs_failed@example.com": ("in_review", EffectState.done),
    "ada+review_before@example.com": ("review_first", EffectState.done),
    "ada+risk_declined@example.com": ("risk_declined", EffectState.done),
    "ada+insufficient_fund@example.com": ("declined", EffectState.declined),
    "ada+risk_declined_before@example.com": ("declined", EffectState.declined),
    "ada+sca_required@example.com": ("authentication_needed", EffectState.declined),
    "ada+pending_authentication@example.com": ("authentication_needed", EffectState.declined),
}


@pytest.mark.parametrize(("email", "expected"), OUTCOMES.items(), ids=OUTCOMES)
def test_the_answer_and_a_later_look_agree_on_every_outcome(
    shop: Shop, email: str, expected: tuple[str, EffectState]
) -> None:
    status, state = expected
    answered = shop.pay(email)
    said = json.loads(answered.evidence)
    assert (said["status"], answered.state) == (status, state)
    shop.sandbox.faults.add("drop_after_commit", system="cybersource", match=WRITE_CALLS[AUTH])
    again = Shop(shop.sandbox)
    lost = again.run(AUTH, again.order(email))
    assert lost.state is EffectState.in_doubt
    again.clock.move(seconds=301)
    lost = again.engine.advance(AUTH, lost.key)
    seen = json.loads(lost.evidence)
    assert (seen["status"], lost.state) == (status, state)
    assert seen["authorized"] == said["authorized"]
    assert again.settle(lost).state in (EffectState.verified, EffectState.declined)


def challenged(shop: Shop, *, passes: bool) -> PaymentSource:
    made = shop.control("challenge", passes=passes)
    proof = PayerAuthentication(made["authenticationTransactionId"])
    return replace(TRANSIENT, authentication=proof)


@pytest.mark.parametrize("word", ["sca_required", "pending_authentication"])
@pytest.mark.parametrize("is_lost", [False, True])
def test_a_bank_that_wants_a_proof_approves_with_it(shop: Shop, word: str, is_lost: bool) -> None:
    source = challenged(shop, passes=True)
    if is_lost:
        shop.sandbox.faults.add("drop_after_commit", system="cybersource", match=WRITE_CALLS[AUTH])
    effect = shop.run(AUTH, replace(shop.order(f"ada+{word}@example.com"), source=source))
    effect = shop.settle(effect)
    said = json.loads(effect.evidence)
    assert (said["status"], effect.sends, shop.executed(effect)) == ("authorized", 1, 1)
    assert said["commerce_indicator"] == "vbv"  # a row of a search has it, too


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_challenge_that_was_not_passed_asks_no_bank(shop: Shop, is_lost: bool) -> None:
    source = challenged(shop, passes=False)
    if is_lost:
        shop.sandbox.faults.add("drop_after_commit", system="cybersource", match=WRITE_CALLS[AUTH])
    effect = shop.settle(shop.run(AUTH, replace(shop.order(), source=source)))
    said = json.loads(effect.evidence)
    assert (said["status"], effect.state) == ("authentication_needed", EffectState.declined)


def test_a_proof_made_at_enrolment_is_enough_for_the_bank(shop: Shop) -> None:
    email = "ada+sca_required@example.com"
    for indicator, status in (("internet", "authentication_needed"), ("vbv", "authorized")):
        cavv = "AAABCSIIAAAAAAACcwgAEMCoNh8="
        proof = PayerAuthentication(commerce_indicator=indicator, cavv=cavv)
        order = replace(Shop.order(shop, email), source=replace(TRANSIENT, authentication=proof))
        assert json.loads(shop.run(AUTH, order).evidence)["status"] == status
        shop = Shop(shop.sandbox)


def test_a_challenge_that_nobody_knows_is_our_own_mistake(shop: Shop) -> None:
    source = replace(TRANSIENT, authentication=PayerAuthentication("0" * 20))
    effect = shop.run(AUTH, replace(shop.order(), source=source))
    assert json.loads(effect.evidence)["status"] == "invalid"
    assert "authenticationTransactionId" in effect.evidence


def test_a_lost_decline_is_a_no_and_not_sent_again(shop: Shop) -> None:
    shop.sandbox.faults.add("drop_after_commit", system="cybersource", match=WRITE_CALLS[AUTH])
    effect = shop.run(AUTH, shop.order("ada+declined@example.com"))
    effect = shop.settle(effect)
    assert (effect.state, effect.sends) == (EffectState.declined, 1)


def test_a_502_that_executed_and_one_that_did_not_both_end_with_one_hold(shop: Shop) -> None:
    for word in ("timeout", "timeout_commit", "system_error"):
        order = Shop(shop.sandbox)
        order.control("outcome", outcome=word, verb="authorization", code=order.code, times=1)
        effect = order.settle(order.run(AUTH, order.order()))
        assert (effect.state, order.executed(effect)) == (EffectState.verified, 1), word


def test_the_gateway_takes_what_a_shop_may_write_at_its_longest(shop: Shop) -> None:
    long = address(
        name="Ada " + "L" * 116, lines=("1 Market St" * 10,) * 4, city="C" * 80, region="R" * 80,
        postal_code="9" * 20, company="W" * 120,
    )  # fmt: skip
    shopper = replace(SHOPPER, bill_to=long, ship_to=long, phone="5" * 40)
    lines = (replace(LINES[0], description="D" * 300, unit="U" * 20), *LINES[1:])
    shop.code = f"WOO-{shop.number:026}"  # 30 characters, as many as SYSPRO has room for
    order = replace(shop.order(), shopper=shopper, lines=lines, buyer="b" * 100)
    effect = shop.run(AUTH, order)
    assert (effect.state, effect.reason) == (EffectState.done, "")


# -- taking back -----------------------------------------------------------------------------------


def test_a_lost_authorization_is_reversed_by_its_reference(shop: Shop) -> None:
    shop.sandbox.faults.add("drop_after_commit", system="cybersource", match=WRITE_CALLS[AUTH])
    lost = shop.run(AUTH, shop.order())
    command = Reverse("ord_1", MERCHANT, shop.code, f"mti:{lost.reference}", AMOUNT, "time-out")
    effect = shop.settle(shop.run(REVERSE, command))
    assert (effect.state, effect.reason) == (EffectState.verified, "")
    (held,) = shop.control("live_requests", code=shop.code, organization_id=MERCHANT)["requests"][
        :1
    ]
    assert (held["status"], held["open_hold"]) == ("REVERSED", "0.00")


@pytest.mark.parametrize("kind", [REVERSE, VOID])
def test_taking_back_what_never_arrived_is_a_clear_no(shop: Shop, kind: EffectKind) -> None:
    never = "mti:TO0000000000000000FF"
    command = (
        Reverse("ord_1", MERCHANT, shop.code, never, AMOUNT, "time-out")
        if kind is REVERSE
        else Void("ord_1", MERCHANT, shop.code, "captures", never, AMOUNT)
    )
    effect = shop.run(kind, command)
    assert effect.state is EffectState.in_doubt  # the same answer could come to a repeat
    assert shop.settle(effect).state is EffectState.declined


def test_a_lost_capture_is_voided_by_its_reference(shop: Shop) -> None:
    command = shop.command(CAPTURE)
    shop.sandbox.faults.add("drop_after_commit", system="cybersource", match=WRITE_CALLS[CAPTURE])
    lost = shop.run(CAPTURE, command)
    void = Void("ord_1", MERCHANT, shop.code, "captures", f"mti:{lost.reference}", AMOUNT)
    effect = shop.settle(shop.run(VOID, void))
    assert (effect.state, effect.reason) == (EffectState.verified, "")


def test_a_capture_that_settled_cannot_be_voided_and_says_so(shop: Shop) -> None:
    command = shop.command(VOID)
    shop.control("settle")
    effect = shop.settle(shop.run(VOID, command))
    assert effect.state is EffectState.declined
    assert json.loads(effect.evidence)["reason"] == "NOT_VOIDABLE"


def test_a_hold_that_the_vendor_released_counts_as_reversed(shop: Shop) -> None:
    paid = shop.pay("ada+review@example.com")
    shop.control("decide", request_id=paid.their_key, decision="REJECT", act=True)
    command = Reverse("ord_1", MERCHANT, shop.code, paid.their_key, AMOUNT, "rejected")
    effect = shop.settle(shop.run(REVERSE, command))
    assert (effect.state, shop.executed(effect)) == (EffectState.verified, 0)


def test_a_refund_beyond_the_capture_ends_with_a_person_and_moves_nothing(shop: Shop) -> None:
    command = replace(shop.command(REFUND), amount=replace(AMOUNT, minor=AMOUNT.minor + 1))
    effect = shop.settle(shop.run(REFUND, command))
    assert (effect.state, shop.executed(effect)) == (EffectState.dead_letter, 0)


def test_partial_captures_and_refunds_are_told_apart(shop: Shop) -> None:
    """Also where the last capture of an authorisation releases what is left of it."""
    shop.control("cybersource", last_capture_releases=True)
    try:
        first, parts = shop.pay(), (3000, 6019)
        captures = [
            shop.run(
                CAPTURE,
                Capture(
                    "ord_1", number, MERCHANT, shop.code, first.their_key,
                    replace(AMOUNT, minor=minor), number == len(parts), first.reference, number,
                ),
            )
            for number, minor in enumerate(parts, 1)
        ]  # fmt: skip
    finally:
        shop.control("cybersource", last_capture_releases=False)
    refunds = [
        shop.run(
            REFUND,
            Refund("ord_1", f"r-{one.key}", MERCHANT, shop.code, one.their_key,
                   replace(AMOUNT, minor=1000), one.reference),
        )
        for one in captures
    ]  # fmt: skip
    ended = [shop.settle(one) for one in (*captures, *refunds)]
    assert {one.state for one in ended} == {EffectState.verified}
    assert len({one.their_key for one in ended}) == 4


def voided(shop: Shop) -> str:
    """Capture an order, and void that; return the authorization."""
    paid = shop.pay().their_key
    taken = shop.run(CAPTURE, Capture("ord_1", 1, MERCHANT, shop.code, paid, AMOUNT)).their_key
    void = Void("ord_1", MERCHANT, shop.code, "captures", taken, AMOUNT)
    assert shop.run(VOID, void).state is EffectState.done
    return paid


def test_the_hold_of_what_was_voided_is_reversed(shop: Shop) -> None:
    again = Reverse("ord_1", MERCHANT, shop.code, voided(shop), AMOUNT, "x", is_after_void=True)
    effect = shop.run(REVERSE, again)
    assert effect.state is EffectState.done
    assert shop.settle(effect).state is EffectState.verified


def test_a_hold_that_went_with_its_void_is_a_clear_no(shop: Shop) -> None:
    shop.control("cybersource", void_releases_hold=True)
    try:
        again = Reverse("ord_1", MERCHANT, shop.code, voided(shop), AMOUNT, "x", is_after_void=True)
        assert shop.run(REVERSE, again).state is EffectState.declined
    finally:
        shop.control("cybersource", void_releases_hold=False)


def test_a_hold_that_the_service_released_by_itself_is_released(shop: Shop) -> None:
    shop.control("cybersource", auto_reversal=True)
    try:
        paid = shop.pay("ada+risk_declined@example.com")
    finally:
        shop.control("cybersource", auto_reversal=False)
    again = Reverse("ord_1", MERCHANT, shop.code, paid.their_key, AMOUNT, "declined")
    effect = shop.settle(shop.run(REVERSE, again))
    assert (effect.state, shop.executed(effect)) == (EffectState.verified, 0), effect.reason
    assert shop.settle(paid).state is EffectState.verified


def kept(shop: Shop) -> Authorized:
    """Pay, and have the card kept."""
    return from_json(Authorized, shop.pay(keep=True).evidence)


def renewal(shop: Shop, old: Authorized, network_id: str) -> Authorize:
    """Return what renews it, as the order's saga asks for it."""
    stored = old.stored
    assert stored is not None
    source = PaymentSource(
        PaymentMethod.stored_token,
        customer_token=stored.customer_token,
        instrument_token=stored.instrument_token,
    )
    made: Authorize = shop.order(attempt=2)
    return replace(made, source=source, renews=Renewed(network_id, AMOUNT))


def test_a_renewal_names_the_shoppers_own_payment(shop: Shop) -> None:
    old = kept(shop)
    assert old.network_id.startswith("2015")
    for network_id in (old.network_id, ""):  # without it the service fills in what it kept
        assert shop.run(AUTH, renewal(shop, old, network_id)).state is EffectState.done
    wrong = shop.run(AUTH, renewal(shop, old, old.request_id))  # the request id is another thing
    assert wrong.state is EffectState.declined
    assert "merchantInitiatedTransaction" in from_json(Authorized, wrong.evidence).details[0]


def test_the_rest_of_an_order_is_renewed_and_captured(shop: Shop) -> None:
    old, rest = kept(shop), replace(AMOUNT, minor=6_019)
    part = Capture("ord_1", 1, MERCHANT, shop.code, old.request_id, replace(AMOUNT, minor=3_000))
    assert shop.run(CAPTURE, replace(part, is_final=False)).state is EffectState.done
    anew = replace(renewal(shop, old, old.network_id), amount=rest, lines=())
    renewed = shop.settle(shop.run(AUTH, anew))
    assert renewed.state is EffectState.verified
    last = Capture("ord_1", 2, MERCHANT, shop.code, renewed.their_key, rest)
    assert shop.settle(shop.run(CAPTURE, last)).state is EffectState.verified


def test_a_look_shows_what_a_renewal_needs(shop: Shop) -> None:
    old = kept(shop)
    found = Payments(shop.client).authorization(old.request_id)
    assert found is not None
    assert found.network_id == old.network_id
    assert found.stored is not None
    assert old.stored is not None
    assert found.stored.instrument_token == old.stored.instrument_token
