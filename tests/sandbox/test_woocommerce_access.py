"""Who may call the sandbox's WooCommerce, by the public Python client, unchanged."""

import http.client
import json
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from woocommerce import API
from woocommerce.oauth import OAuth

from tests.contract.wire.test_tls import make_certificate
from tests.sandbox.shopping import KEY, READ_KEY, READ_SECRET, SECRET, Shops
from tests.sandbox.support import TlsProxy
from tests.sandbox.support import woo_shop as woo_shop


def test_the_public_client_signs_and_is_known(shop: Shops) -> None:
    answer = shop.api.get("orders", params={"status": "any", "search": "a b~é+&="})
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    ("key", "secret", "code", "said"),
    [
        (KEY, "cs_wrong", "woocommerce_rest_authentication_error", "does not match"),
        ("ck_nobody", SECRET, "woocommerce_rest_authentication_error", "key is invalid"),
    ],
)
def test_a_wrong_key_or_secret_is_refused(
    shop: Shops, key: str, secret: str, code: str, said: str
) -> None:
    answer = API(shop.url, key, secret).get("orders")
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert said in answer.json()["message"]
    assert answer.json()["data"] == {"status": 401}


def test_without_any_signature_nothing_is_shown(shop: Shops) -> None:
    assert raw(shop, "GET", "/wp-json/wc/v3/orders")[0] == 401


def test_a_key_that_may_only_read_cannot_write(shop: Shops) -> None:
    reader = API(shop.url, READ_KEY, READ_SECRET)
    assert reader.get("orders").status_code == 200
    answer = reader.post("orders", {"line_items": []})
    assert answer.status_code == 401
    assert "does not have write permissions" in answer.json()["message"]


def test_a_signed_address_serves_once(shop: Shops) -> None:
    answer = shop.api.get("orders")
    target = answer.request.path_url
    status, _, body = raw(shop, "GET", target)
    assert status == 401
    assert "nonce has already been used" in json.loads(body)["message"]


def test_a_changed_parameter_breaks_the_signature(shop: Shops) -> None:
    target = shop.api.get("orders", params={"status": "pending"}).request.path_url
    assert raw(shop, "GET", target.replace("pending", "trash"))[0] == 401


def test_a_signature_of_an_hour_ago_is_refused(shop: Shops) -> None:
    url = f"{shop.url}/wp-json/wc/v3/orders"
    old = OAuth(url, KEY, SECRET, version="wc/v3", oauth_timestamp=int(time.time()) - 3600)
    status, _, body = raw(shop, "GET", old.get_oauth_url().removeprefix(shop.url))
    assert (status, json.loads(body)["message"]) == (401, "Invalid timestamp.")


@pytest.mark.parametrize("in_query", [False, True])
def test_over_https_the_client_sends_its_keys(shop: Shops, tmp_path: Path, in_query: bool) -> None:
    certificate = make_certificate(tmp_path, "127.0.0.1", 365)
    proxy = TlsProxy(shop.url, certificate)
    try:
        api = API(proxy.url, KEY, SECRET, verify_ssl=str(certificate), query_string_auth=in_query)
        assert api.get("orders").status_code == 200
        wrong = API(
            proxy.url, KEY, "cs_no", verify_ssl=str(certificate), query_string_auth=in_query
        )
        assert wrong.get("orders").json()["message"] == "Consumer Secret is invalid."
    finally:
        proxy.stop()


def raw(shop: Shops, method: str, target: str) -> tuple[int, dict[str, str], bytes]:
    address = urlsplit(shop.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
    try:
        connection.request(method, target)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()
