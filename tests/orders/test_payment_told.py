"""What a shopper reads of a payment is a row of the table, and never the vendor's own word."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from include.domain.money import Money
from include.domain.order_state import TOLD, Captured, OrderFacts, OrderState, Stop
from include.domain.orders import PaymentMethod, PaymentSource
from include.domain.payment_meanings import MoneyEffect, PaymentMeaning, Retry
from include.domain.payments import Authorized, PaymentStatus
from include.domain.reviews import Decision
from include.services.orders.payment_told import outcome_body, payment_told
from tests.unit.shop_orders import DAY, generic_order, translator, woo_order
from tieout.api.examples import OUTCOME

US, UK = translator("acme_us_web"), translator("acme_uk_web")
NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
S = PaymentStatus
CARD = PaymentSource(PaymentMethod.transient_token, transient_id="E" * 32)


def paid(status: PaymentStatus, theirs: str, reason: str = "") -> OrderFacts:
    return OrderFacts(payment=Authorized("7" * 22, status, theirs, reason))


def told(facts: OrderFacts) -> PaymentMeaning:
    found = payment_told(facts, US.payment_of)
    assert found is not None
    return found


def test_an_order_that_takes_no_more_payments_asks_for_no_other_card() -> None:
    declined = paid(S.declined, "DECLINED", "EXPIRED_CARD")
    assert told(replace(declined, declined_sources=(CARD,) * 8)).retry is Retry.other_card
    for over in (
        replace(declined, is_closed=True),  # cancelled since
        replace(declined, declined_sources=(CARD,) * 9),  # ten were declined
    ):
        assert (told(over).code, told(over).retry) == ("card_expired", Retry.no)


@pytest.mark.parametrize(
    ("facts", "code", "retry"),
    [
        (paid(S.authorized, "AUTHORIZED"), "paid", Retry.no),
        (paid(S.authorized, "TRANSMITTED", "100"), "paid", Retry.no),  # a row of the search
        (paid(S.in_review, "AUTHORIZED_PENDING_REVIEW"), "in_review", Retry.wait),
        (paid(S.review_first, "PENDING_REVIEW"), "in_review", Retry.wait),
        (paid(S.declined, "DECLINED", "EXPIRED_CARD"), "card_expired", Retry.other_card),
        (paid(S.declined, "", "202"), "card_expired", Retry.other_card),
        (paid(S.declined, "DECLINED", "CVN_NOT_MATCH"), "check_card", Retry.same_card),
        (paid(S.declined, "DECLINED", "DECISION_PROFILE_REJECT"), "not_accepted", Retry.no),
        (paid(S.declined, "DECLINED", "NEVER_SEEN"), "declined", Retry.other_card),
        (paid(S.risk_declined, "AUTHORIZED_RISK_DECLINED", "X"), "not_accepted", Retry.no),
        (paid(S.risk_declined, "DECLINED", "PROCESSOR_DECLINED"), "not_accepted", Retry.no),
        (paid(S.risk_declined, "TRANSMITTED", "100"), "not_accepted", Retry.no),
        (paid(S.risk_declined, "DECLINED", "AVS_FAILED"), "check_address", Retry.same_card),
        (paid(S.authentication_needed, "PENDING_AUTHENTICATION"), "prove", Retry.authenticate),
        (paid(S.invalid, "INVALID_REQUEST", "MISSING_FIELD"), "our_fault", Retry.no),
        (paid(S.invalid, "INVALID_REQUEST"), "our_fault", Retry.no),
        (paid(S.invalid, "INVALID_REQUEST", "INVALID_DATA"), "check_payment", Retry.other_card),
        (paid(S.invalid, "", "102"), "check_payment", Retry.other_card),
        (paid(S.partial, "PARTIAL_AUTHORIZED"), "paid", Retry.no),  # the rule goes on with it
        (
            replace(paid(S.partial, "PARTIAL_AUTHORIZED"), stop=Stop("gateway", "")),
            "partial",
            Retry.other_card,
        ),
        (
            replace(paid(S.in_review, "AUTHORIZED_PENDING_REVIEW"), decision=Decision.reject),
            "not_accepted",
            Retry.no,
        ),
    ],
)
def test_an_answer_is_told_by_its_row(facts: OrderFacts, code: str, retry: Retry) -> None:
    assert (told(facts).code, told(facts).retry) == (code, retry)


def test_the_money_is_told_as_it_moves() -> None:
    five = Money(500, "USD")
    held = paid(S.authorized, "AUTHORIZED")
    assert told(held).money is MoneyEffect.held
    taken = replace(held, captures=(Captured(1, "8" * 22, five, date(2026, 11, 3)),))
    assert (told(taken).code, told(taken).money) == ("captured", MoneyEffect.moved)
    back = replace(taken, stop=Stop("web", "changed my mind"), returned_minor=500)
    assert told(back).code == "refunded"
    released = replace(held, stop=Stop("web", "changed my mind"), is_reversed=True)
    assert told(released).code == "released"
    refused = paid(S.risk_declined, "AUTHORIZED_RISK_DECLINED")
    assert told(refused).money is MoneyEffect.reverse
    assert told(replace(refused, is_reversed=True)).money is MoneyEffect.nothing
    assert payment_told(OrderFacts(), US.payment_of) is None


@pytest.mark.parametrize("state", TOLD)
@pytest.mark.parametrize(
    "facts",
    [
        paid(S.declined, "DECLINED", "DECISION_PROFILE_REJECT"),
        replace(
            paid(S.risk_declined, "AUTHORIZED_RISK_DECLINED", "SCORE_EXCEEDS_THRESHOLD"),
            stop=Stop(
                "gateway", "AUTHORIZED_RISK_DECLINED SCORE_EXCEEDS_THRESHOLD", OrderState.declined
            ),
        ),
        replace(
            paid(S.in_review, "AUTHORIZED_PENDING_REVIEW", "DECISION_PROFILE_REVIEW"),
            stop=Stop("ann", "rejected by fraud review"),
            decision=Decision.reject,
        ),
        replace(
            paid(S.authorized, "AUTHORIZED"),
            problem="the gateway refused the capture: DECLINED SCORE_EXCEEDS_THRESHOLD",
        ),
    ],
)
def test_no_note_and_no_callback_names_a_fraud_check_or_a_vendors_word(
    facts: OrderFacts, state: OrderState
) -> None:
    for shop, order in ((US, US.order(woo_order())), (UK, UK.order(generic_order()))):
        note = shop.shop_update(order, facts, state).note
        body = shop.callback(order, facts, state, NOW).data
        for text in (note, body):
            lower = text.lower()
            assert "fraud" not in lower
            assert not any(word in text for word in ("DECI", "SCORE", "RISK", "DECLINED", "AUTH"))


def test_a_declined_order_tells_the_shop_what_the_shopper_may_do() -> None:
    order = US.order(woo_order())
    facts = paid(S.declined, "DECLINED", "INSUFFICIENT_FUND")
    note = US.shop_update(order, facts, OrderState.declined).note
    sentence = "The card does not cover the amount. Please use another card."
    assert note == f"The payment was not accepted. {sentence}"
    data = json.loads(US.callback(order, facts, OrderState.declined, NOW).data)
    assert data["outcome"] == {
        "code": "no_funds",
        "message": sentence,
        "retry": "other_card",
        "money": "nothing",
    }


def test_the_example_of_the_openapi_document_is_a_row() -> None:
    facts = paid(S.declined, "DECLINED", "EXPIRED_CARD")
    assert outcome_body(told(facts)) == OUTCOME


def test_a_cancelled_order_tells_why_in_the_askers_words_and_where_the_money_is() -> None:
    order = US.order(woo_order())
    stop = Stop("web_shop", "changed my mind", told="changed my mind")
    facts = replace(paid(S.authorized, "AUTHORIZED"), stop=stop, is_reversed=True)
    note = US.shop_update(order, facts, OrderState.cancelled).note
    released = "The amount held on your card has been released."
    assert note == f"The order is cancelled: changed my mind. {released}"


def test_a_shop_tells_its_shoppers_in_its_own_language() -> None:
    german = replace(US.shop, language="de")
    table = replace(US, payment_of=_in(german.language))
    facts = paid(S.declined, "DECLINED", "EXPIRED_CARD")
    note = table.shop_update(US.order(woo_order()), facts, OrderState.declined).note
    assert "Die Karte ist abgelaufen" in note


def _in(language: str):  # type: ignore[no-untyped-def]
    from include.mappings.load import load_mappings

    orders = load_mappings().orders
    return lambda *said: orders.payment(*said, DAY, language)
