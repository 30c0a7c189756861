"""Subscribe, be told, check and read: our webhook side against the sandbox's sender."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from include.adapters.cybersource.signing import utc_now
from include.adapters.cybersource.webhooks.admin import Webhooks
from include.adapters.cybersource.webhooks.body import read_body
from include.adapters.cybersource.webhooks.events import Event, read_event
from include.adapters.cybersource.webhooks.partner import (
    SetSubscription,
    SubscriptionPartner,
    Wish,
)
from include.adapters.cybersource.webhooks.probe import AskTest, TestCallPartner
from include.adapters.cybersource.webhooks.signature import Verdict, verify
from include.adapters.webhook_verifiers import cybersource_verifier
from include.domain.canonical import to_json
from include.domain.reviews import Decision
from include.services.effects.ports import Effect, EffectKind
from include.services.inbox.ports import Verdict as Genuine
from tests.cybersource.support import MERCHANT, Shop, client_of
from tests.cybersource.webhook_keys import Ring, make_key
from tests.sandbox.receiver import Call, Receiver

ACCEPT, REJECT = "risk.casemanagement.decision.accept", "risk.casemanagement.decision.reject"


@pytest.fixture
def shop(sandbox: Any) -> Shop:
    sandbox.reset()
    shop = Shop(sandbox)
    shop.control("cybersource", webhook_review=False, webhook_minute_s=0.002)
    return shop


def wish(receiver: Receiver, state: Wish, *events: str) -> Effect:
    payload = to_json(
        SetSubscription(
            MERCHANT,
            "tieout decisions",
            f"{receiver.url}/hook",
            f"{receiver.url}/health",
            {"decisionManager": tuple(events)},
            state,
        )
    )
    return Effect(
        kind=EffectKind.webhook_subscription,
        key="subscription",
        reference="TOSUBSCRIPTION",
        payload=payload,
        digest=hashlib.sha256(payload.encode()).hexdigest(),
        target=f"cybersource:{MERCHANT}",
        currency="USD",
        amount_minor=0,
        owner="payments",
    )


def ask_test(webhook_id: str) -> Effect:
    payload = to_json(AskTest(MERCHANT, webhook_id))
    digest = hashlib.sha256(payload.encode()).hexdigest()
    names = (EffectKind.webhook_test, "test", "TOTEST", payload, digest, MERCHANT)
    return Effect(*names, currency="", amount_minor=0, owner="integration")


def judged(call: Call, ring: Ring) -> tuple[Verdict, Event]:
    headers, data = call
    body = read_body(data)
    now = utc_now()
    verdict = verify(
        headers["v-c-signature"], body.signed_texts, ring.keys(), now, timedelta(hours=1)
    )
    return verdict, read_event(body.members, now)


def decide(shop: Shop, decision: str) -> str:
    paid = shop.pay("ada+review@example.com").their_key
    shop.control("decide", request_id=paid, decision=decision)
    return paid


@pytest.mark.parametrize("signs", ["raw", "compact"])
@pytest.mark.parametrize("shape", ["object", "array"])
@pytest.mark.parametrize("spacing", [True, False])
def test_a_decision_arrives_signed_and_points_to_its_payment(
    shop: Shop, receiver: Receiver, signs: str, shape: str, spacing: bool
) -> None:
    shop.control("cybersource", webhook_signs=signs, webhook_payload=shape, webhook_spacing=spacing)
    ring, client = Ring(), client_of(shop.sandbox)
    make_key(client, MERCHANT, ring)
    partner, wanted = SubscriptionPartner(client), wish(receiver, Wish.active, ACCEPT, REJECT)
    assert partner.look(wanted) == ()
    partner.send(wanted)
    (found,) = partner.look(wanted)
    assert partner.compare(wanted, found) == ()
    paid = decide(shop, "REJECT")
    verdict, event = judged(receiver.got(1)[0], ring)
    assert (verdict.is_good, verdict.reason) == (True, "")
    assert event.decision is not None
    assert (event.decision.request_id, event.decision.decision) == (paid, Decision.reject)


@pytest.mark.parametrize("spacing", [True, False])
def test_a_test_notification_is_genuine_and_says_nothing(
    shop: Shop, receiver: Receiver, spacing: bool
) -> None:
    shop.control("cybersource", webhook_spacing=spacing)
    ring, client = Ring(), client_of(shop.sandbox)
    make_key(client, MERCHANT, ring)
    SubscriptionPartner(client).send(wish(receiver, Wish.active, ACCEPT))
    (listed,) = Webhooks(client).subscriptions(MERCHANT)
    TestCallPartner(client).send(ask_test(listed.webhook_id))
    TestCallPartner(client).send(ask_test(listed.webhook_id))
    verify_it = cybersource_verifier(ring.keys, (MERCHANT,), timedelta(hours=1))
    seen = [verify_it(data, headers, utc_now()) for headers, data in receiver.got(2)]
    assert [type(one) for one in seen] == [Genuine, Genuine], seen
    event = judged(receiver.got(1)[0], ring)[1]
    assert (event.event_type, event.decision, event.token_ids) == (ACCEPT, None, ())


def test_every_retry_has_the_key_of_the_first_delivery(shop: Shop, receiver: Receiver) -> None:
    ring, client = Ring(), client_of(shop.sandbox)
    make_key(client, MERCHANT, ring)
    SubscriptionPartner(client).send(wish(receiver, Wish.active, ACCEPT))
    receiver.answers = [500, 503]
    decide(shop, "ACCEPT")
    calls = receiver.got(3)[:3]
    seen = [judged(call, ring) for call in calls]
    assert [verdict.is_good for verdict, _ in seen] == [True] * 3
    assert len({event.key for _, event in seen}) == 1
    assert len({headers["v-c-transaction-trace-id"] for headers, _ in calls}) == 3


def test_a_key_that_is_replaced_loses_no_delivery(shop: Shop, receiver: Receiver) -> None:
    ring, client = Ring(), client_of(shop.sandbox)
    first = make_key(client, MERCHANT, ring)
    SubscriptionPartner(client).send(wish(receiver, Wish.active, ACCEPT))
    decide(shop, "ACCEPT")
    before = receiver.got(1)[0]
    second = make_key(client, MERCHANT, ring)
    decide(shop, "ACCEPT")
    after = receiver.got(2)[1]
    for call, key_id in ((before, first), (after, second)):
        assert f"keyId={key_id};" in call[0]["v-c-signature"]
        assert judged(call, ring)[0].is_good


def test_a_subscription_is_changed_switched_off_and_deleted_by_wishes(
    shop: Shop, receiver: Receiver
) -> None:
    client = client_of(shop.sandbox)
    partner, webhooks = SubscriptionPartner(client), Webhooks(client)
    make_key(client, MERCHANT, Ring())  # a subscription that signs needs a key first
    for wanted, status, events in (
        (wish(receiver, Wish.active, ACCEPT), "ACTIVE", (ACCEPT,)),
        (wish(receiver, Wish.active, ACCEPT, REJECT), "ACTIVE", (ACCEPT, REJECT)),
        (wish(receiver, Wish.inactive, ACCEPT, REJECT), "INACTIVE", (ACCEPT, REJECT)),
        (wish(receiver, Wish.active, ACCEPT, REJECT), "ACTIVE", (ACCEPT, REJECT)),
    ):
        partner.send(wanted)
        (listed,) = webhooks.subscriptions(MERCHANT)
        assert (listed.status, dict(listed.products)) == (status, {"decisionManager": events})
        assert len(partner.look(wanted)) == 1
    gone = wish(receiver, Wish.absent)
    partner.send(gone)
    assert webhooks.subscriptions(MERCHANT) == ()
    assert len(partner.look(gone)) == 1


def test_what_the_account_offers_is_asked_at_run_time(shop: Shop) -> None:
    products = {one.product_id: one for one in Webhooks(client_of(shop.sandbox)).products(MERCHANT)}
    assert {ACCEPT, REJECT} <= set(products["decisionManager"].events)
