"""The recorded answer to a failed token: 400 INVALID_DATA that names no field.

A transaction id that was used is reported to be refused alike, so the first copy of the call may
have gone well.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from include.adapters.cybersource.partners import partners_of
from include.domain.canonical import from_json
from include.domain.errors import OutcomeUnknown
from include.domain.orders import PaymentMethod, PaymentSource, reference_of
from include.domain.payments import Authorized, PaymentStatus
from include.services.effects.ports import Effect, EffectState
from tests.cybersource.scripted import ScriptedGateway, effect_of, response
from tests.cybersource.support import AUTH, CAPTURE, EVERY, Make, Shop, send
from tests.cybersource.support import shop as shop

# responses_sample.json, from_plugin_tests: processFailedTokenPaymentResponse, byte for byte.
RECORDED = response(
    b'{"id":"7224322051866412204951","submitTimeUtc":"2024-07-31T13:23:25Z",'
    b'"status":"INVALID_REQUEST","reason":"INVALID_DATA","message":"Declined - One or more fields '
    b'in the request contains invalid data"}',
    400,
)


@pytest.fixture
def silent(shop: Shop) -> Iterator[Shop]:
    """Let refusals name no field."""
    shop.control("cybersource", names_fields=False)
    yield shop
    shop.control("cybersource", names_fields=True)


def said(effect: Effect) -> Authorized:
    return from_json(Authorized, effect.evidence)


def test_the_recorded_answer_is_a_no_that_may_be_a_repeats(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    receipt = send(gateway, make_client(), AUTH, RECORDED)
    assert (receipt.is_no, receipt.may_be_repeat) == (True, True)
    assert receipt.their_key == "7224322051866412204951"
    assert receipt.evidence["status"] == PaymentStatus.invalid.value


def test_an_account_whose_repeats_are_named_has_its_no_at_once(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    receipt = send(gateway, make_client(repeats_are_named="true"), AUTH, RECORDED)
    assert (receipt.is_no, receipt.may_be_repeat) == (True, False)


def test_a_failed_token_ends_with_a_no_and_is_sent_once(silent: Shop) -> None:
    gone = PaymentSource(PaymentMethod.stored_token, customer_token="F" * 32)
    effect = silent.run(AUTH, replace(silent.order(), source=gone))
    assert effect.state is EffectState.in_doubt
    effect = silent.settle(effect)
    assert (effect.state, effect.sends) == (EffectState.declined, 1)
    assert (said(effect).status, said(effect).reason) == (PaymentStatus.invalid, "INVALID_DATA")


@pytest.mark.parametrize("kind", [AUTH, CAPTURE])
def test_the_refusal_of_a_second_copy_hides_no_first_one(silent: Shop, kind: Any) -> None:
    key = f"{kind.value}|{silent.code}"
    wanted = effect_of(kind, silent.command(kind), key=key, reference=reference_of(key))
    partners_of(silent.client)[kind].send(wanted)  # the network's first copy: its answer is lost
    effect = silent.engine.perform(replace(wanted, intended_at=None))
    assert effect.state is EffectState.in_doubt
    effect = silent.settle(effect)
    assert (effect.state, effect.sends, silent.executed(effect)) == (EffectState.verified, 1, 1)
    if kind is AUTH:
        assert said(effect).status is PaymentStatus.authorized


def test_its_own_row_in_the_search_is_the_no_that_was_answered(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    """Where the gateway lists what it refused, its row is ours by the id that was answered."""
    own = {"id": "7224322051866412204951", "rootId": "7224322051866412204951"}
    own |= {"applicationInformation": {
        "applications": [{"name": "ics_auth", "reasonCode": "102", "rCode": "0"}]
    }}  # fmt: skip
    found = {"totalCount": 1, "_embedded": {"transactionSummaries": [own]}}
    gateway.on("POST /tss/v2/searches", found, {"totalCount": 0})
    gateway.on(f"GET /tss/v2/transactions/{own['id']}", own)
    effect = effect_of(AUTH, their_key=str(own["id"]), sends=1)
    (seen,) = partners_of(make_client())[AUTH].look(effect)
    assert (seen.their_key, seen.is_no) == (own["id"], True)


def test_no_other_write_takes_it_for_a_no(gateway: ScriptedGateway, make_client: Make) -> None:
    for extra in ({}, {"repeats_are_named": "true"}):
        for kind in EVERY:
            if kind is not AUTH:
                with pytest.raises(OutcomeUnknown):
                    send(gateway, make_client(**extra), kind, RECORDED)
