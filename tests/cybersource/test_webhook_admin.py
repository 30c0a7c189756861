"""Keys and subscriptions, against scripted answers."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from include.adapters.cybersource.client import Client
from include.adapters.cybersource.webhooks.admin import Webhooks
from include.adapters.cybersource.webhooks.partner import (
    SetSubscription,
    SubscriptionPartner,
    Wish,
)
from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.services.effects.ports import Effect, EffectKind
from tests.cybersource.scripted import ScriptedGateway, effect_of, response
from tests.cybersource.support import KEYS, NEW_ID, OLD_ID
from tests.cybersource.webhook_keys import Ring, make_key

Make = Callable[..., Client]


# -- administration --------------------------------------------------------------------------------


ROOT = "/notification-subscriptions/v2"
PRODUCTS = f"GET {ROOT}/products/shop_1"
HOOKS = f"{ROOT}/webhooks"
KEY_CALL = "POST /kms/egress/v2/keys-sym"


def test_a_new_key_is_kept_beside_the_old_one(gateway: ScriptedGateway, make_client: Make) -> None:
    made = {"keyId": NEW_ID, "key": base64.b64encode(KEYS[NEW_ID]).decode(), "status": "Active"}
    gateway.on(KEY_CALL, {"status": "SUCCESS", "keyInformation": made})
    ring = Ring({OLD_ID: KEYS[OLD_ID]})
    assert make_key(make_client(), "shop_1", ring) == NEW_ID
    assert ring.kept == KEYS
    assert gateway.body()["clientRequestAction"] == "CREATE"


def test_a_key_is_asked_for_in_the_name_of_its_organization(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    made = {"keyInformation": {"keyId": "k-2", "key": "a2V5"}}
    gateway.on(KEY_CALL, made)
    make_key(make_client(), "shop_1", Ring())
    headers = gateway.requests[-1].headers
    assert headers["v-c-sender-organization-id"] == "shop_1"
    assert headers["v-c-permissions"] == "100"
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "reply", [{}, {"keyInformation": {"keyId": NEW_ID, "key": "?"}}, response(b"<", 201)]
)
def test_an_answer_without_a_key_changes_nothing_here(
    gateway: ScriptedGateway, make_client: Make, reply: Any
) -> None:
    gateway.on(KEY_CALL, reply)
    ring = Ring({OLD_ID: KEYS[OLD_ID]})
    with pytest.raises(OutcomeUnknown):
        make_key(make_client(), "shop_1", ring)
    assert list(ring.kept) == [OLD_ID]


def test_a_call_that_never_left_is_refused_at_once_for_somebody_waits(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(KEY_CALL, Retryable("no connection", "the wire", "Look at the network."))
    with pytest.raises(Rejected, match=r"No key was made\. Look at the network"):
        make_key(make_client(), "shop_1", Ring())


def test_products_say_which_events_come_sealed(gateway: ScriptedGateway, make_client: Make) -> None:
    events = [
        {"eventName": "a.b", "payloadEncryption": False},
        {"eventName": "c.d", "payloadEncryption": True},
    ]
    gateway.on(PRODUCTS, response([{"productId": "decisionManager", "eventTypes": events}], 200))
    (product,) = Webhooks(make_client()).products("shop_1")
    assert (product.events, product.encrypted) == (("a.b", "c.d"), ("c.d",))


ACCEPT = "risk.casemanagement.decision.accept"
KIND = EffectKind.review_decision  # stands in: the kind of subscriptions is the lead's to add


def wish(state: Wish, url: str = "https://hooks.example/cybersource") -> Effect:
    return effect_of(
        KIND,
        SetSubscription(
            "shop_1", "tieout shop_1", url, url + "/health", {"decisionManager": (ACCEPT,)}, state
        ),
    )


def listed(status: str, url: str = "https://hooks.example/cybersource", **more: Any) -> Any:
    return {
        "webhookId": "hook-1", "name": "tieout shop_1", "status": status, "webhookUrl": url,
        "products": [{"productId": "decisionManager", "eventTypes": [ACCEPT]}], **more,
    }  # fmt: skip


def known(gateway: ScriptedGateway) -> None:
    offered = [{"productId": "decisionManager", "eventTypes": [{"eventName": ACCEPT}]}]
    gateway.on(PRODUCTS, response(offered, 200))
    for method, place in (
        ("POST", ""), ("PATCH", "/hook-1"), ("PUT", "/hook-1/status"), ("DELETE", "/hook-1")
    ):  # fmt: skip
        gateway.on(f"{method} {HOOKS}{place}", response({}, 200))


@pytest.mark.parametrize(
    ("state", "before", "calls"),
    [
        (Wish.active, [], ["POST"]),
        (Wish.active, [listed("ACTIVE")], []),
        (Wish.active, [listed("PENDING_REVIEW")], []),
        (Wish.active, [listed("INACTIVE")], ["PUT"]),
        (Wish.active, [listed("ACTIVE", "https://old.example")], ["PATCH"]),
        (Wish.inactive, [listed("ACTIVE")], ["PUT"]),
        (Wish.absent, [listed("ACTIVE")], ["DELETE"]),
        (Wish.absent, [], []),
    ],
)
def test_only_what_a_wish_lacks_is_changed(
    gateway: ScriptedGateway, make_client: Make, state: Wish, before: list[Any], calls: list[str]
) -> None:
    known(gateway)
    gateway.on(f"GET {HOOKS}", response(before, 200), response(before or [listed("ACTIVE")], 200))
    partner, effect = SubscriptionPartner(make_client()), wish(state)
    is_fulfilled = bool(partner.look(effect))
    assert is_fulfilled is (not calls)
    gateway.on(f"GET {HOOKS}", response(before, 200), response(before or [listed("ACTIVE")], 200))
    partner.send(effect)
    assert [one.method for one in gateway.requests if one.is_write] == calls


def test_an_event_the_account_does_not_offer_is_refused_before_anything_is_sent(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(PRODUCTS, response([], 200))
    gateway.on(f"GET {HOOKS}", response([], 200))
    with pytest.raises(Rejected, match="may not be subscribed"):
        SubscriptionPartner(make_client()).send(wish(Wish.active))


def test_after_the_first_change_a_refusal_is_a_doubt(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    known(gateway)
    moved = listed("INACTIVE", "https://old.example")
    gateway.on(f"GET {HOOKS}", response([moved], 200))
    gateway.on(f"PUT {HOOKS}/hook-1/status", response({}, 400))
    with pytest.raises(OutcomeUnknown):
        SubscriptionPartner(make_client()).send(wish(Wish.active))
    gateway.on(f"PATCH {HOOKS}/hook-1", response({}, 400))
    with pytest.raises(Rejected):
        SubscriptionPartner(make_client()).send(wish(Wish.active))


def test_a_list_that_cannot_be_read_is_not_an_empty_one(
    gateway: ScriptedGateway, make_client: Make
) -> None:
    gateway.on(f"GET {HOOKS}", response({"message": "?"}, 200))
    with pytest.raises(Retryable):
        SubscriptionPartner(make_client()).look(wish(Wish.absent))
