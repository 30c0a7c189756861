"""WooCommerce's webhooks that call us: made once, mended, left where a person has paused them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from include.adapters.http.transport import HttpTransport
from include.adapters.shop.woo_webhook import WooEvent, receive
from include.adapters.shop.woocommerce import WooCommerce
from include.domain.errors import Rejected
from include.services.effects.ports import EffectKind, EffectState
from include.services.sync.keep_webhooks import KeepWebhooks
from tests.sandbox.shopping import LIVE, Shops
from tests.shop.conftest import Bench, bench_of, settings

WEBHOOK = EffectKind.shop_webhook
FIRST, SECOND = "first-secret", "second-secret"
PATH = "/v1/webhooks/woocommerce/acme_us_web"


def bench_with(sandbox: Shops, secret: str) -> Bench:
    """Return a bench whose shop calls the sandbox's own recorder of callbacks."""
    url = f"{sandbox.url}/callbacks/woo{PATH}"
    more: dict[str, Any] = {"webhook_url": url, "webhook_secret": secret}
    return bench_of(sandbox, WooCommerce(settings(sandbox.url, **more), HttpTransport()))


def keep(bench: Bench, days: int = 0) -> str:
    keeper = KeepWebhooks(bench.desk.webhooks, bench.engine, "orders")
    return keeper.run(LIVE + timedelta(days=days))


def shown(bench: Bench) -> list[tuple[str, str]]:
    rows = bench.sandbox.api.get("webhooks", params={"orderby": "id", "order": "asc"}).json()
    return [(row["topic"], row["status"]) for row in rows]


def events(bench: Bench, secret: str) -> list[str]:
    """Return the topics of the deliveries that our receiver takes, signed with this secret."""
    assert bench.sandbox.control("shop_deliveries")["is_done"]
    sent = bench.sandbox.control("callbacks", shop="woo")["deliveries"]
    found = (receive(one["headers"], one["body"].encode(), [secret]) for one in sent)
    return [one.topic for one in found if isinstance(one, WooEvent)]


@pytest.fixture
def hooked(sandbox: Shops) -> Bench:
    return bench_with(sandbox, FIRST)


ALL_ACTIVE = [
    ("order.created", "active"),
    ("order.updated", "active"),
    ("order.deleted", "active"),
]


def test_one_for_each_topic_is_made_once_and_signs_with_our_secret(hooked: Bench) -> None:
    assert keep(hooked).count("missing in the shop: done") == 3
    assert shown(hooked) == ALL_ACTIVE
    assert keep(hooked) == keep(hooked, days=1) == "3 as they should be"
    number = hooked.order()
    hooked.sandbox.api.put(f"orders/{number}", {"status": "on-hold"})
    hooked.sandbox.api.delete(f"orders/{number}")
    assert events(hooked, FIRST) == ["order.created", "order.updated", "order.deleted"]
    assert hooked.sandbox.executed("webhooks.create") == 3
    hooked.clock.move(minutes=10)
    hooked.engine.sweep()
    assert hooked.store.counts() == {EffectState.verified: 3}


def test_what_the_shop_has_disabled_after_five_failures_is_mended(hooked: Bench) -> None:
    keep(hooked)
    assert events(hooked, FIRST) == []  # the hellos are through
    hooked.sandbox.control("callbacks_fail", shop="woo", times=5, status=503)
    for _ in range(5):
        hooked.order()
        events(hooked, FIRST)
    assert shown(hooked)[0] == ("order.created", "disabled")
    said = keep(hooked)
    assert said == "order.created was disabled in the shop: done"
    assert shown(hooked) == ALL_ACTIVE
    hooked.order()
    assert events(hooked, FIRST)[-1] == "order.created"


def test_what_a_person_has_paused_stays_paused_and_is_said(hooked: Bench) -> None:
    keep(hooked)
    found = hooked.sandbox.api.get("webhooks", params={"search": "order.updated"}).json()[0]
    hooked.sandbox.api.put(f"webhooks/{found['id']}", {"status": "paused"})
    assert keep(hooked) == "order.updated is paused"
    assert ("order.updated", "paused") in shown(hooked)


def test_another_secret_is_told_to_the_shop(sandbox: Shops) -> None:
    keep(bench_with(sandbox, FIRST))
    rotated = bench_with(sandbox, SECOND)
    assert keep(rotated).count("active in the shop: done") == 3
    assert shown(rotated) == ALL_ACTIVE
    rotated.order()
    assert events(rotated, SECOND) == ["order.created"]
    assert events(rotated, FIRST) == []
    names = [row["name"] for row in sandbox.api.get("webhooks").json()]
    assert not any("secret" in name for name in names)


@pytest.mark.parametrize("fault", ["drop_after_commit", "drop_before_commit", "half_body", "502"])
def test_a_lost_answer_never_makes_two(hooked: Bench, fault: str) -> None:
    hooked.sandbox.spoil(fault, r"POST .*/webhooks$")
    assert "in_doubt" in keep(hooked)
    keep(hooked)  # five minutes later, while nobody knows
    for _ in range(8):
        hooked.clock.move(minutes=5)
        hooked.engine.sweep()
        keep(hooked)
    assert sorted(shown(hooked)) == sorted(ALL_ACTIVE)
    assert keep(hooked, days=1) == "3 as they should be"


def test_a_wish_from_before_the_secret_was_changed_is_refused(sandbox: Shops) -> None:
    first = bench_with(sandbox, FIRST)
    wish = next(iter(first.desk.webhooks.wishes()))
    later = bench_with(sandbox, SECOND)
    effect = later.write(WEBHOOK, wish)
    assert effect.state is EffectState.rejected
    assert "was changed since" in effect.reason
    assert shown(later) == []


def test_without_an_address_the_shops_webhooks_are_left_alone(woo: Bench) -> None:
    woo.sandbox.api.post("webhooks", {"topic": "order.created", "delivery_url": woo.sandbox.url})
    assert keep(woo) == "left alone"
    assert shown(woo) == [("order.created", "active")]


def test_a_key_without_the_permission_says_so(sandbox: Shops) -> None:
    bench = bench_with(sandbox, FIRST)
    wrong = replace(bench.desk.settings, secret="cs_wrong")
    bench = bench_of(sandbox, WooCommerce(wrong, HttpTransport()))
    with pytest.raises(Rejected, match="Check key, secret"):
        keep(bench)
