"""The OpenAPI document: true to the routes, served to whom we know, and survives Schemathesis."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi import checks
from sqlalchemy import Engine as SqlEngine

from include.adapters.shop.callbacks import signed_headers
from include.domain.erp_orders import Shipment
from include.domain.money import Money
from include.domain.order_state import OrderFacts, OrderState
from include.domain.payments import Authorized, PaymentStatus
from include.domain.refunds import RefundRow, RefundState
from include.services.api.clients import add_client
from include.services.api.ports import Role
from tests.api.conftest import Kit, build_kit
from tests.unit.shop_orders import translator, woo_order
from tieout.api.document import document_of
from tieout.api.events import (
    OrderEvent,
    OrderEventData,
    RefundEvent,
    RefundEventData,
    ShippedEvent,
    ShippedEventData,
)
from tieout.api.examples import EVENTS, EXAMPLES
from tieout.api.schema import PlaceOrder

EXAMPLES_PER_OPERATION = 12
# Not asked: that all valid data is accepted. An order's lines must sum to its amount, for instance.
CHECKS: list[CheckFunction] = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
    checks.unsupported_method,
    checks.ignored_auth,
]


@pytest.fixture
def fuzzed(sqlite_store: SqlEngine) -> Iterator[Kit]:
    for kit in build_kit(sqlite_store):
        roles = frozenset(Role)
        kit.keys["fuzz"] = add_client(kit.api.parts.clients, "fuzz", "web", roles)
        yield kit


def test_it_is_served_to_whom_we_know(kit: Kit) -> None:
    assert kit.call("GET", "/v1/openapi.json", who="").status_code == 401
    found = kit.call("GET", "/v1/openapi.json")
    assert found.status_code == 200
    assert found.json()["openapi"].startswith("3.")
    for path in ("/openapi.json", "/docs", "/redoc"):
        assert kit.call("GET", path).status_code == 404


def test_the_shell_writes_the_same_document(kit: Kit) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}  # pytest's, not the caller's
    command = [sys.executable, "-m", "tieout.api", "openapi"]
    made = subprocess.run(command, env=env, capture_output=True, check=True)
    assert json.loads(made.stdout) == kit.call("GET", "/v1/openapi.json").json()


def test_a_shell_that_reads_its_beginning_alone_sees_no_traceback() -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "tieout.api", "openapi"]
    try:
        made = subprocess.run(command, env=env, stdout=writer, stderr=subprocess.PIPE, check=True)
    finally:
        os.close(writer)
    assert b"BrokenPipe" not in made.stderr


def test_every_operation_names_its_answers_and_its_key(kit: Kit) -> None:
    document = document_of(kit.app)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            is_open = "/webhooks/" in path or path == "/v1/health"
            assert ("security" in operation) is not is_open, f"{method} {path}"
            assert any(status.startswith("2") for status in operation["responses"])
            for status, answer in operation["responses"].items():
                kind = "application/json" if status < "400" else "application/problem+json"
                assert list(answer["content"]) == [kind], f"{method} {path} {status}"


def test_it_tells_the_headers_of_requests_and_answers(kit: Kit) -> None:
    paths = document_of(kit.app)["paths"]
    place = paths["/v1/orders"]["post"]
    (key,) = [one for one in place["parameters"] if one["in"] == "header"]
    assert key["required"]
    assert {"RateLimit", "RateLimit-Policy", "Location"} <= set(
        place["responses"]["201"]["headers"]
    )
    assert "Retry-After" in place["responses"]["429"]["headers"]
    assert "WWW-Authenticate" in place["responses"]["401"]["headers"]
    receiver = paths["/v1/webhooks/woocommerce/{shop_id}"]["post"]
    assert not {"409", "415"} & set(receiver["responses"])


def test_it_names_every_state(kit: Kit) -> None:
    schemas = document_of(kit.app)["components"]["schemas"]
    for answer, states in (("OrderAnswer", OrderState), ("RefundAnswer", RefundState)):
        state = schemas[answer]["properties"]["state"]
        named = schemas[state["$ref"].rpartition("/")[2]]["enum"]
        assert named == [one.value for one in states]
        assert all(f"`{one.value}`" in state["description"] for one in states)


def test_it_says_how_a_declined_order_is_paid_anew(kit: Kit) -> None:
    document = document_of(kit.app)
    schemas = document["components"]["schemas"]
    for said in (
        document["info"]["description"],
        document["paths"]["/v1/orders"]["post"]["description"],
        schemas["PlaceOrder"]["properties"]["number"]["description"],
        schemas["Outcome"]["properties"]["retry"]["description"],
    ):
        assert "declined" in said


def test_the_signed_callback_is_as_it_is_sent(kit: Kit) -> None:
    shop, facts = translator("acme_us_web"), OrderFacts(invoices=("1",))
    sent = shop.callback(shop.order(woo_order()), facts, OrderState.captured, datetime.now(UTC))
    body = json.loads(sent.body)
    OrderEvent.model_validate(body)
    assert set(body) == set(OrderEvent.model_fields)
    assert set(body["data"]) == set(OrderEventData.model_fields)
    document = document_of(kit.app)
    event = document["webhooks"]["order"]["post"]
    headers = [one["name"] for one in event["parameters"]]
    signed = signed_headers(sent.body, "msg_1", datetime.now(UTC), [b"k" * 32])
    assert headers == list(signed)
    assert "OrderEvent" in document["components"]["schemas"]


@pytest.mark.parametrize("name", EVENTS["RefundEvent"])
def test_each_example_of_a_refunds_event_is_as_it_is_sent(name: str) -> None:
    example = EVENTS["RefundEvent"][name]["value"]
    RefundEvent.model_validate(example)
    assert set(example["data"]) == set(RefundEventData.model_fields)
    shop, said = translator("acme_us_web"), example["data"]
    row = RefundRow(
        said["refund_id"], said["order_id"], said["origin"], "r-1",
        Money.parse(said["amount"], said["currency"], "example"), "api:web", "", said["reason"],
    )  # fmt: skip
    at = datetime.fromisoformat(example["timestamp"])
    order = shop.order(woo_order())
    sent = shop.refund_callback(order, row, RefundState(said["state"]), at)
    assert json.loads(sent.body) == example


def test_the_example_of_a_shipment_is_as_it_is_sent() -> None:
    example = EVENTS["ShippedEvent"]["parcel"]["value"]
    ShippedEvent.model_validate(example)
    assert set(example["data"]) == set(ShippedEventData.model_fields)
    shop, at = translator("acme_us_web"), datetime.fromisoformat(example["timestamp"])
    note = Shipment("815", "1044", "UPS", "1Z999AA10123456784")
    assert json.loads(shop.shipped_callback(shop.order(woo_order()), note, at).body) == example


def test_the_example_of_an_orders_event_is_as_it_is_sent() -> None:
    example = EVENTS["OrderEvent"]["declined"]["value"]
    shop, at = translator("acme_us_web"), datetime.fromisoformat(example["timestamp"])
    paid = Authorized("7" * 22, PaymentStatus.declined, "DECLINED", "EXPIRED_CARD")
    order = shop.order(woo_order())
    sent = shop.callback(order, OrderFacts(payment=paid), OrderState.declined, at)
    assert json.loads(sent.body) == example


def test_an_address_says_all_its_methods(kit: Kit) -> None:
    for method in ("DELETE", "PUT", "PATCH"):
        answer = kit.call(method, "/v1/orders")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, POST")


def test_no_member_of_the_document_asks_for_a_card(kit: Kit) -> None:
    names = {
        name.lower()
        for schema in document_of(kit.app)["components"]["schemas"].values()
        for name in schema.get("properties", {})
    }
    for word in ("card", "pan", "cvv", "cvc", "expiry", "securitycode"):
        assert word not in names


@pytest.mark.parametrize("name", EXAMPLES["PlaceOrder"])
def test_each_example_of_an_order_is_taken(kit: Kit, name: str) -> None:
    example = EXAMPLES["PlaceOrder"][name]["value"]
    PlaceOrder.model_validate(example)
    answer = kit.call("POST", "/v1/orders", example, key="e-1")
    assert answer.status_code in (201, 202), answer.text


def test_no_generated_request_brings_the_api_down(fuzzed: Kit) -> None:
    placed = fuzzed.place("fuzz").json()["order_id"]
    fuzzed.service.advance(placed)
    headers = {"Authorization": f"Bearer {fuzzed.keys['fuzz']}"}
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", fuzzed.app, headers=headers)
    schema.config.generation.update(with_security_parameters=False)  # they would be ours anyway
    seen = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES_PER_OPERATION,
            deadline=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(
            case=st.one_of(
                operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE),
                operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE),
            ),
            is_real=st.booleans(),
        )
        def probe(case: Any, is_real: bool) -> None:
            nonlocal seen
            seen += 1
            if is_real and "order_id" in (case.path_parameters or {}):
                case.path_parameters["order_id"] = placed
            case.call_and_validate(headers=headers, checks=CHECKS)

        probe()
    assert seen > 200
