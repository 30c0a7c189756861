"""Whose address is told: only what our own proxies say of others is believed."""

import pytest

from tieout.api.addresses import address_of, networks_of

PROXIES = networks_of("10.0.0.0/8, 2001:db8::/32", "here")


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.7", ["203.0.113.9"], "192.0.2.7"),  # a stranger says whom it likes
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["127.0.0.1, 203.0.113.9"], "203.0.113.9"),  # the first is its own word
        ("10.0.0.1", ["203.0.113.9", "10.0.0.2"], "203.0.113.9"),  # two proxies of ours
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),  # from within
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("2001:db8::1", ["[2001:db9::7]:4711"], "2001:db9::7"),
        ("10.0.0.1", ["2001:db9::7"], "2001:db9::7"),
        ("10.0.0.1", ["203.0.113.9, x\nfrom=y, 10.0.0.2"], "10.0.0.2"),  # never a stranger's text
        ("10.0.0.1", ["fe80::1%x from=y"], "fe80::1"),  # nor in the zone of an address
        ("10.0.0.1", [""], "10.0.0.1"),
        (None, ["203.0.113.9"], "-"),
    ],
)
def test_the_address_is_that_of_the_last_one_we_do_not_trust(
    peer: str | None, forwarded: list[str], address: str
) -> None:
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    scope = {"client": (peer, 1) if peer else None, "headers": headers}
    assert address_of(scope, PROXIES) == address
    assert address_of(scope, ()) == (peer or "-")  # as long as no proxy is trusted
