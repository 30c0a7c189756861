"""The Airflow connections of shops: fields, Test button, masking, and a shape that is wrong."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import structlog

from include.adapters.http.transport import HttpTransport
from include.adapters.settings_file import read_settings
from include.adapters.shop.generic_shop import GenericShop
from include.adapters.shop.settings import CallbackSettings, ShopSettings, settings_from
from include.adapters.shop.shape import SHIPPED, load_shape
from include.adapters.shop.woo_auth import auth_for
from include.adapters.shop.woocommerce import WooCommerce
from include.domain.errors import Rejected
from include.services.effects.ports import EffectKind
from tests.contract.wire.test_tls import make_certificate
from tests.sandbox.shopping import KEY, SECRET, TOKEN, Shops
from tests.sandbox.support import TlsProxy
from tests.shop.conftest import settings

ROOT = Path(__file__).parents[2]
Connect = Callable[..., str]
HOOKED = {
    "shop_id": "a",
    "webhook_url": "https://api.example/v1/webhooks/woocommerce/a",
    "webhook_secret": "s3cret",
}


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Define an Airflow connection and return its id."""

    def define(conn_id: str, conn_type: str, **fields: Any) -> str:
        value = json.dumps({"conn_type": conn_type, **fields})
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", value)
        return conn_id

    return define


def test_the_connections_of_the_settings_file_work_against_the_sandbox(
    sandbox: Shops, connect: Connect
) -> None:
    from tieout.hooks.shop import GenericShopHook, ShopCallbackHook, WooCommerceHook

    port = sandbox.url.rpartition(":")[2]
    local = {"TIEOUT_ALLOW_PLAIN_HTTP": "true", "TIEOUT_ALLOW_LOCAL": "true"}
    given = {"TIEOUT_SHOP_PORT": port, **local}
    found = read_settings(ROOT / "airflow_settings.yaml", given).connections
    for conn_id in ("shop_acme_us_web", "shop_acme_uk_web", "callback_acme_us_web"):
        values = {**found[conn_id], "extra": json.loads(found[conn_id]["extra"])}
        connect(conn_id, **values)
    number = sandbox.order()["number"]
    woo, generic = WooCommerceHook("shop_acme_us_web"), GenericShopHook("shop_acme_uk_web")
    callback = ShopCallbackHook("callback_acme_us_web")
    assert woo.test_connection() == (True, "Orders can be read (there are some).")
    assert generic.test_connection() == (True, "Orders can be read (none yet).")
    assert callback.test_connection()[0]
    assert woo.order(number).order_number == number  # type: ignore[union-attr]
    assert woo.webhook_secrets == ("sandbox-webhook-acme-us",)
    assert set(woo.partners) == {
        EffectKind.shop_order_update,
        EffectKind.shop_refund,
        EffectKind.shop_stock,
        EffectKind.shop_webhook,
    }
    assert set(callback.partners) == {EffectKind.shop_callback}
    assert not callback.timings.looks_first


def test_the_test_button_says_what_is_wrong_without_the_secret(
    sandbox: Shops, connect: Connect
) -> None:
    from tieout.hooks.shop import GenericShopHook, ShopCallbackHook, WooCommerceHook

    fields = {"host": sandbox.url, "extra": {"shop_id": "x"}}
    wrong = connect("woo_wrong", "woocommerce", login=KEY, password="cs_wrong_secret", **fields)
    token = connect("generic_wrong", "generic_shop", password="wrong_token", **fields)
    nobody = connect(
        "woo_down",
        "woocommerce",
        login=KEY,
        password=SECRET,
        host="http://127.0.0.1:9",
        extra={"shop_id": "x"},
    )
    weak = connect("callback_weak", "shop_callback", host="https://x.example", password="changeme")
    for hook, said in (
        (WooCommerceHook(wrong), "Check key, secret and clock"),
        (GenericShopHook(token), "Check key, secret and clock"),
        (WooCommerceHook(nobody), "Nothing was sent"),
        (ShopCallbackHook(weak), "signing secret"),
    ):
        is_good, text = hook.test_connection()
        assert not is_good
        assert said in text
        assert not any(s in text for s in ("cs_wrong_secret", "wrong_token", "changeme", SECRET))


def test_over_https_the_keys_are_sent_and_over_http_never(sandbox: Shops, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "127.0.0.1", 365)
    proxy = TlsProxy(sandbox.url, certificate)
    try:
        number = str(sandbox.order()["number"])
        secure = settings(proxy.url, ca_bundle=str(certificate))
        shop = WooCommerce(secure, HttpTransport(ca_bundle=secure.ca_bundle))
        assert shop.order(number) is not None
    finally:
        proxy.stop()
    plain = requests.Request("GET", f"{sandbox.url}/wp-json/wc/v3/orders?search=a%20b").prepare()
    signed = auth_for(sandbox.url, KEY, SECRET)(plain)
    assert "Authorization" not in signed.headers
    assert SECRET not in str(signed.url)
    assert "oauth_signature=" in str(signed.url)


def test_no_secret_and_no_signature_reaches_a_log(
    sandbox: Shops, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as events:
        WooCommerce(settings(sandbox.url), HttpTransport()).check()
        GenericShop(settings(sandbox.url, "acme_uk_web"), HttpTransport()).check()
    shown = caplog.text + repr(events) + "".join(capsys.readouterr())
    assert [event["status"] for event in events] == [200, 200]
    for secret in (KEY, SECRET, TOKEN, "oauth_signature", "oauth_nonce"):
        assert secret not in shown


def woo_settings(**changes: Any) -> ShopSettings:
    facts: dict[str, Any] = {
        "host": "shop.example",
        "port": None,
        "login": KEY,
        "password": SECRET,
        "extra": {"shop_id": "acme_us_web"},
        **changes,
    }
    return settings_from(ShopSettings, "shop_x", **facts)


def test_https_is_the_default_and_a_path_is_kept() -> None:
    assert woo_settings().base_url == "https://shop.example"
    assert woo_settings(host="http://shop.example/store/", port=8080).base_url == (
        "http://shop.example:8080/store"
    )
    assert woo_settings(extra={"shop_id": "a", "page_size": 50.0}).page_size == 50


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"host": ""}, "no plain address"),
        ({"host": "https://a@b.example"}, "no plain address"),
        ({"host": "https://b.example?x=1"}, "no plain address"),
        ({"host": "https://b.example:1", "port": 2}, "host says port 1, port says 2"),
        ({"password": ""}, "the password is set"),
        ({"extra": {}}, "shop_id is set"),
        ({"extra": {"shop_id": "a", "shopid": "b"}}, "Did you mean 'shop_id'"),
        ({"extra": {"shop_id": "a", "page_size": 500}}, "page_size is 1 to 100"),
        ({"extra": {**HOOKED, "webhook_url": "http://api.example/x"}}, "plain http"),
        (
            {"extra": {**HOOKED, "webhook_url": "https://api.example/v1/webhooks/woocommerce/b"}},
            "webhook_url ends with /v1/webhooks/woocommerce/a",
        ),
        ({"extra": {**HOOKED, "webhook_secret": ""}}, "webhook_url needs webhook_secret"),
        ({"extra": {"shop_id": "a", "page_size": "many"}}, "does not fit"),
        ({"extra": {"shop_id": "a", "allow_plain_http": "perhaps"}}, "does not fit"),
        ({"extra": {"shop_id": "a", "quiescence_s": 30}}, "quiescence_s exceeds deadline_s"),
        ({"extra": {"shop_id": "a", "connect_s": 0}}, "connect_s is at most deadline_s"),
        ({"extra": {"shop_id": "a", "max_sends": 0}}, "max_sends"),
    ],
)
def test_a_connection_that_cannot_work_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Rejected, match=said) as caught:
        woo_settings(**changes)
    assert SECRET not in str(caught.value)


def test_secrets_do_not_show() -> None:
    shown = repr(woo_settings(extra={"shop_id": "a", "webhook_secret": "hush"}))
    assert SECRET not in shown
    assert "hush" not in shown
    found = CallbackSettings(conn_id="c", base_url="https://x.example", secret=TOKEN)
    assert TOKEN not in repr(found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("order_status: state", "order_state: state"), "Did you mean 'order_status'"),
        (("order_status: state", ""), "'order_status' is missing"),
        (("order_status: state", "order_status: 5"), "'order_status' is missing or no text"),
        (("{number}/refunds", "x/refunds"), r"hold \{number\}"),
        (("refund_amount_unit: minor ", "refund_amount_unit: cents "), "minor or decimal"),
        (("order_write_method: PATCH", "order_write_method: GET"), "POST, PUT or PATCH"),
        (("refund_reference: reference", 'refund_reference: ""'), "must be found again"),
        (("auth_header: Authorization", "- Authorization"), "cannot be read"),
    ],
)
def test_a_shape_that_cannot_work_is_refused(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    text = SHIPPED.read_text()
    assert change[0] in text
    path = tmp_path / "shape.yaml"
    path.write_text(text.replace(*change))
    with pytest.raises(Rejected, match=said):
        load_shape(path)


def test_a_shape_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="cannot be read"):
        load_shape(tmp_path / "none.yaml")
