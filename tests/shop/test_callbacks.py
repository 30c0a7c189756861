"""Our callbacks: signed so that the public library takes them, repeated under one id, fenced in."""

import json
import socket
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from include.adapters.shop.callbacks import (
    CallbackPartner,
    demand_secret,
    signed_headers,
    transport_for,
)
from include.adapters.shop.settings import CallbackSettings
from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.domain.orders import reference_of
from include.services.effects.ports import EffectKind, EffectState
from include.services.shop.commands import Callback
from tests.sandbox.shopping import Shops
from tests.shop.conftest import Bench, effect_of, engine_bench

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # of the specification's shared vector
OTHER = "whsec_dGllb3V0LXNhbmRib3gtY2FsbGJhY2stc2VjcmV0"
KIND = EffectKind.shop_callback
AT = datetime(2026, 11, 3, 10, 0, tzinfo=UTC)


def settings(url: str, **changes: Any) -> CallbackSettings:
    port = url.rpartition(":")[2].partition("/")[0]
    usual: dict[str, Any] = {
        "conn_id": "callback_acme_us_web",
        "base_url": f"{url}/callbacks/acme_us_web",
        "secret": SECRET,
        "ports": port,
        "allow_local": True,
        "allow_plain_http": True,
        "connect_s": 10,
        "deadline_s": 20,
    }
    return CallbackSettings(**{**usual, **changes})


def bench_for(sandbox: Shops, **changes: Any) -> Bench:
    found = settings(sandbox.url, **changes)
    partner = CallbackPartner(found, transport_for(found))
    return engine_bench(sandbox, partner, {KIND: partner}, found.timings)


@pytest.fixture
def bench(sandbox: Shops) -> Bench:
    return bench_for(sandbox)


def event(**changes: Any) -> Callback:
    data = json.dumps({"order": "1009", "name": "Zoë", "minor": 1083})
    return Callback(
        **{
            "shop_id": "acme_us_web",
            "event": "order.captured",
            "occurred_at": AT,
            "data": data,
            **changes,
        }
    )


def received(sandbox: Shops) -> list[Any]:
    return list(sandbox.app.callbacks.received("acme_us_web"))


# Signing -------------------------------------------------------------------------------------


def test_the_shared_vector_of_standard_webhooks_holds() -> None:
    made = signed_headers(
        '{"test": 2432232314}',
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1614265330, UTC),
        [demand_secret(SECRET, "test")],
    )
    assert made == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_an_instant_of_another_zone_signs_the_same_moment() -> None:
    keys = [demand_secret(SECRET, "test")]
    here = signed_headers("{}", "msg_1", AT, keys)
    there = signed_headers("{}", "msg_1", AT.astimezone(ZoneInfo("Asia/Tokyo")), keys)
    assert here == there


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_!!",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_c2hvcnQ=",
        "whsec_" + "QUFB" * 30,
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
        "changeme",
    ],
)
def test_a_secret_that_is_none_is_refused_and_not_quoted(secret: str) -> None:
    with pytest.raises(Rejected, match="signing secret") as caught:
        demand_secret(secret, "connection x")
    assert secret in ("", "whsec_") or secret not in str(caught.value)


# Sending -------------------------------------------------------------------------------------


def test_the_public_library_verifies_what_arrives(bench: Bench) -> None:
    effect = bench.write(KIND, event())
    assert effect.state is EffectState.verified
    assert effect.their_key == f"msg_{reference_of('k')}"
    (delivery,) = received(bench.sandbox)
    found = Webhook(SECRET).verify(delivery["body"], delivery["headers"])
    assert found == {
        "type": "order.captured",
        "timestamp": "2026-11-03T10:00:00+00:00",
        "shop": "acme_us_web",
        "data": {"order": "1009", "name": "Zoë", "minor": 1083},
    }
    assert delivery["headers"]["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(delivery["body"], delivery["headers"])


def test_while_secrets_change_both_receivers_are_served(sandbox: Shops) -> None:
    bench_for(sandbox, secret=OTHER, old_secret=SECRET).write(KIND, event())
    (delivery,) = received(sandbox)
    for secret in (OTHER, SECRET):
        assert Webhook(secret).verify(delivery["body"], delivery["headers"])


@pytest.mark.parametrize("status", [500, 503, 404, 401, 429])
def test_a_no_is_tried_again_later_under_the_same_id(bench: Bench, status: int) -> None:
    bench.sandbox.control("callbacks_fail", shop="acme_us_web", times=2, status=status)
    assert bench.write(KIND, event()).state is EffectState.intended
    assert bench.settle(KIND).state is EffectState.verified
    deliveries = received(bench.sandbox)
    assert [d["status"] for d in deliveries] == [status, status, 204]
    assert {d["headers"]["webhook-id"] for d in deliveries} == {f"msg_{reference_of('k')}"}
    assert len({d["body"] for d in deliveries}) == 1


@pytest.mark.parametrize("fault", ["drop_after_commit", "drop_before_commit", "reset"])
def test_an_unknown_outcome_is_sent_again_and_the_receiver_dedupes(
    bench: Bench, fault: str
) -> None:
    bench.sandbox.spoil(fault, "POST /callbacks/")
    assert bench.write(KIND, event()).state is EffectState.in_doubt
    assert bench.settle(KIND).state is EffectState.verified
    ids = {d["headers"]["webhook-id"] for d in received(bench.sandbox)}
    assert len(ids) == 1


def test_a_receiver_that_wants_no_more_is_left_alone(bench: Bench) -> None:
    bench.sandbox.control("callbacks_fail", shop="acme_us_web", times=9, status=410)
    assert bench.write(KIND, event()).state is EffectState.rejected
    bench.settle(KIND)
    assert len(received(bench.sandbox)) == 1


def test_a_receiver_that_is_down_for_days_becomes_a_dead_letter(bench: Bench) -> None:
    bench.sandbox.control("callbacks_fail", shop="acme_us_web", times=9999, status=500)
    bench.write(KIND, event())
    for _ in range(30):
        bench.clock.move(hours=6)
        bench.engine.sweep()
    found = bench.store.get(KIND, "k")
    assert found is not None
    assert found.state is EffectState.dead_letter


def test_a_redirect_is_not_followed(bench: Bench) -> None:
    target = f"{bench.sandbox.url}/callbacks/elsewhere"
    bench.sandbox.control(
        "callbacks_fail", shop="acme_us_web", times=1, status=307, location=target
    )
    with pytest.raises(OutcomeUnknown, match="pointed to"):
        bench.desk.send(effect_of(KIND, event(), "k"))
    assert bench.sandbox.app.callbacks.received("elsewhere") == []


def test_an_address_of_the_order_must_be_permitted_too(bench: Bench) -> None:
    own = f"{bench.sandbox.url}/callbacks/other"
    assert bench.write(KIND, event(url=own), "own").state is EffectState.verified
    assert len(bench.sandbox.app.callbacks.received("other")) == 1
    effect = bench.write(KIND, event(url="http://169.254.169.254/latest"), "bad")
    assert effect.state is EffectState.rejected
    assert "callback address was refused" in effect.reason


def test_looking_proves_nothing_before_a_yes(bench: Bench) -> None:
    effect = effect_of(KIND, event(), "k")
    assert bench.desk.look(effect) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"event": "Order Captured"},
        {"event": ""},
        {"data": "[]"},
        {"data": '{"amount":1.5}'},
        {"occurred_at": AT.replace(tzinfo=None)},
    ],
)
def test_an_event_that_is_none_cannot_be_made(changes: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        event(**changes)


def test_an_event_with_a_card_number_cannot_be_made() -> None:
    with pytest.raises(Rejected, match="card number"):
        event(data='{"card":"4111111111111111"}')


def test_a_connection_with_an_unfit_address_cannot_be_joined(sandbox: Shops) -> None:
    found = settings(sandbox.url, allow_local=False)
    with pytest.raises(Rejected, match="callback address was refused"):
        CallbackPartner(found, transport_for(found))


def test_a_private_network_is_no_reason_to_speak_without_tls(sandbox: Shops) -> None:
    found = settings(sandbox.url, allow_plain_http=False)
    with pytest.raises(Rejected, match="plain http shows the event to the network"):
        CallbackPartner(found, transport_for(found))


def test_nothing_is_sent_where_the_name_leads_into_the_house(
    sandbox: Shops, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name passes as text; what it resolves to is judged where the connection is made."""
    port = int(sandbox.url.rpartition(":")[2])
    asked: list[str] = []

    def resolve(host: str, *_: Any) -> list[Any]:
        asked.append(host)
        public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", port))
        inside = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        return [inside] if len(asked) > 1 else [public, inside]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    found = settings(
        sandbox.url,
        base_url=f"http://hooks.shop.example:{port}/callbacks/acme_us_web",
        allow_local=False,
        allow_plain_http=True,
    )
    partner = CallbackPartner(found, transport_for(found))
    for _ in range(2):  # a mixed answer, then one that has changed altogether
        with pytest.raises(Rejected, match="leads into a private network"):
            partner.send(effect_of(KIND, event(), "k"))
    assert received(sandbox) == []
    assert asked == ["hooks.shop.example"] * 2


def test_a_name_without_an_address_is_retryable(
    sandbox: Shops, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*_: Any) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    found = settings(sandbox.url, base_url="https://hooks.shop.example/x", ports="443")
    with pytest.raises(Retryable, match="Nothing was sent"):
        CallbackPartner(found, transport_for(found)).send(effect_of(KIND, event(), "k"))
