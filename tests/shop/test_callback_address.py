"""Addresses that a callback must never reach, one test each; and those that it may."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.adapters.shop.callback_address import AddressRules

STRICT = AddressRules(frozenset({443}), frozenset({"hooks.shop.example"}))
ANYWHERE = "0.0.0.0"  # noqa: S104  nothing is bound here
# Even a careless list of hosts and plain http must not open these.
CARELESS_HOSTS = frozenset(
    {"169.254.169.254", "::1", ANYWHERE, "127.0.0.1", "10.0.0.7", "localhost", "good", "evil"}
)
CARELESS = AddressRules(frozenset({80, 443}), CARELESS_HOSTS, allow_plain_http=True)
SANDBOX = AddressRules(
    frozenset({18084}),
    frozenset({"127.0.0.1", "localhost", "sandbox", "169.254.169.254"}),
    allow_plain_http=True,
    allow_local=True,
)

REFUSED = [
    "http://169.254.169.254/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fe80::1]/",
    "http://[fd00::1]/",
    "http://[::]/",
    "http://0.0.0.0/",
    "http://0.0.0.0:80/",
    "http://127.0.0.1/",
    "http://127.1/",
    "http://0x7f.1/",
    "http://0x7f000001/",
    "http://017700000001/",
    "http://2130706433/",
    "http://10.0.0.7/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://intranet/",
    "file:///etc/passwd",
    "gopher://hooks.shop.example/",
    "ftp://hooks.shop.example/",
    "javascript:alert(1)",
    "//hooks.shop.example/",
    "hooks.shop.example",
    "https://good@evil/",
    "https://hooks.shop.example@evil.example/",
    "https://user:pass@hooks.shop.example/",
    "https://hooks.shop.example:22/",
    "https://hooks.shop.example:0/",
    "https://hooks.shop.example:99999/",
    "https://hooks.shop.example:x/",
    "https://h\u043e\u043eks.shop.example/",  # two Cyrillic letters
    "https://xn--hks-5cdb.shop.example/",
    "https://hooks.shop.example\\@evil.example/",
    "https://hooks.shop.example#@evil.example/",
    "https://hooks.shop.example /",
    "https://hooks.shop.example/\r\nHost: evil",
    "https://hooks.shop.example.evil.example/",
    "https://hooks.shop.example%2eevil.example/",
    "https://[hooks.shop.example]/",
    "https://",
    "https:///x",
    "",
    "https://hooks.shop.example/" + "x" * 2001,
    "http://hooks.shop.example/",
]


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_must_not_be_called_is_refused(url: str) -> None:
    assert STRICT.refuse_url(url)
    if "hooks" not in url:
        assert CARELESS.refuse_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.shop.example/",
        "https://HOOKS.Shop.Example/tieout?x=1",
        "https://hooks.shop.example:443/a/b",
    ],
)
def test_the_connections_own_address_is_permitted(url: str) -> None:
    assert STRICT.refuse_url(url) == ""


def test_a_sandbox_may_be_local_but_never_the_cloud_metadata() -> None:
    for host in ("127.0.0.1", "localhost", "sandbox"):
        assert SANDBOX.refuse_url(f"http://{host}:18084/callbacks/x") == ""
    assert SANDBOX.refuse_url("http://169.254.169.254:18084/")
    for address in ("169.254.169.254", "fe80::1%eth0", ANYWHERE, "::ffff:169.254.169.254"):
        assert SANDBOX.refuse_address(address)
    assert SANDBOX.refuse_address("172.18.0.3") == ""


@pytest.mark.parametrize(
    ("address", "is_permitted"),
    [
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("::1", False),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("fe80::1%eth0", False),
        ("224.0.0.1", False),
        ("not an address", False),
    ],
)
def test_an_ip_address_is_judged_by_what_it_reaches(address: str, is_permitted: bool) -> None:
    assert (STRICT.refuse_address(address) == "") is is_permitted


@given(st.text(max_size=80))
def test_any_text_is_judged_without_an_error(text: str) -> None:
    assert isinstance(STRICT.refuse_url(text), str)
    assert isinstance(STRICT.refuse_address(text), str)
