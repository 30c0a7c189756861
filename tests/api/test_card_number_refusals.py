"""A card number in any place of a call: refused, alarmed, stored and logged nowhere."""

import base64
import json
import time
from typing import Any

import pytest

from tests.api.conftest import Kit, order_body
from tests.api.refusing import PAN, refused


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every text in a body."""
    if isinstance(value, dict):
        return [one for name, inner in value.items() for one in places(inner, (*path, name))]
    if isinstance(value, list):
        return [one for i, inner in enumerate(value) for one in places(inner, (*path, i))]
    return [path] if isinstance(value, str) else []


def test_a_card_number_is_refused_in_every_field_and_kept_nowhere(kit: Kit) -> None:
    for count, path in enumerate(places(order_body()), 1):
        body = order_body()
        target: Any = body
        for part in path[:-1]:
            target = target[part]
        target[path[-1]] = f"paid with {PAN}"
        problem = refused(kit, body, 422, "card-number-refused")
        assert "1111" not in json.dumps(problem)
        with kit.database.connect() as connection:
            sightings = connection.exec_driver_sql("SELECT count FROM alerts").scalar_one()
        assert sightings == count
    assert "1111 1111" not in kit.dump()  # a digest may well hold four ones


@pytest.mark.parametrize("claim", [{"jti": "4111111111111111"}, {"data": {"number": PAN}}])
def test_a_card_number_within_a_transient_token_is_refused(kit: Kit, claim: Any) -> None:
    plain = json.dumps({"jti": "A" * 32, **claim}).encode()
    token = f"e30.{base64.urlsafe_b64encode(plain).decode().rstrip('=')}.sig"
    payment = {"method": "transient_token", "transient_token": token}
    problem = refused(kit, order_body(payment=payment), 422, "card-number-refused")
    assert "payment.transient_token" in problem["detail"]
    with kit.database.connect() as connection:
        assert connection.exec_driver_sql("SELECT count FROM alerts").scalar_one() == 1


def test_a_card_number_is_refused_as_a_name_a_number_a_key_and_a_query(kit: Kit) -> None:
    digits = PAN.replace(" ", "")
    refused(kit, order_body() | {digits: "x"}, 422, "card-number-refused")
    refused(kit, order_body() | {"cvv": int(digits)}, 422, "card-number-refused")
    key = kit.call("POST", "/v1/orders", order_body(), key=digits)
    query = kit.call("GET", f"/v1/orders?number={digits}")
    unknown = kit.call("GET", f"/v1/orders?card={digits}")  # no parameter of ours: told as well
    path = kit.call("GET", f"/v1/orders/{digits}")
    for answer in (key, query, unknown, path):
        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:tieout:problem:card-number-refused"
        assert digits not in answer.text
    with kit.database.connect() as connection:
        told = connection.exec_driver_sql("SELECT count, words FROM alerts").one()
    assert tuple(told) == (6, "web_shop from 127.0.0.1: the path")
    assert digits not in kit.dump()


def test_a_body_made_to_be_searched_for_long_holds_nobody_up(kit: Kit) -> None:
    begun = time.monotonic()
    refused(kit, order_body(note="4 " * 450_000), 422, "invalid")
    refused(kit, order_body() | {"x" * 50: ["4 " * 100] * 4_000}, 422, "invalid")
    refused(kit, order_body() | {"x" * 400_000: ["4"] * 100_000}, 422, "invalid")
    assert time.monotonic() - begun < 10  # a second or two; searched whole it would be forty
    both = order_body() | {"card": PAN, "note": "x" * 90_000}
    problem = refused(kit, both, 422, "card-number-refused")
    assert problem["detail"] == "the field card holds a card number"


def test_a_card_number_never_reaches_the_log(kit: Kit, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    digits = PAN.replace(" ", "")
    kit.call("POST", "/v1/orders", order_body(note=PAN), key="k-1")
    kit.call("GET", f"/v1/orders/{digits}?number={digits}")
    assert "card_number_refused" in caplog.text
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("tieout")]
    assert not any(digits in text or PAN in text for text in ours)
