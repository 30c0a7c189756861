"""What a notification says, in both generations of names."""

from datetime import UTC, datetime
from typing import Any

import pytest

from include.adapters.cybersource.webhooks.events import read_event
from include.domain.reviews import Decision
from tests.cybersource.scripted import AUTH_ID, NOW
from tests.cybersource.support import HOUR, MEMBERS


@pytest.mark.parametrize(
    ("event_type", "decision"),
    [
        ("risk.casemanagement.decision.accept", Decision.accept),
        ("risk.casemanagement.decision.reject", Decision.reject),
        ("risk.profile.decision.reject", Decision.reject),
        ("risk.profile.decision.review", Decision.review),
        ("risk.profile.decision.monitor", None),
        ("risk.casemanagement.addnote", None),
        ("payments.authorization.status.reviewed", Decision.review),
        ("payments.payments.review", Decision.review),
        ("payments.payments.accept", None),
        ("payments.capture.status.updated", None),
        ("tms.token.pan_updated", None),
        ("invoicing.customer.invoice.paid", None),
        ("", None),
    ],
)
def test_both_generations_of_names_are_read(event_type: str, decision: Decision | None) -> None:
    event = read_event(MEMBERS | {"eventType": event_type}, NOW)
    assert (event.decision.decision if event.decision else None) is decision


@pytest.mark.parametrize(
    "payload",
    [
        {"organizationId": "shop_1", "data": {"id": AUTH_ID}},
        [{"organizationId": "shop_1", "data": {"id": AUTH_ID}}],
        {"data": {"requestId": AUTH_ID}},
        {"data": {"_links": {"self": [{"href": f"/pts/v2/payments/{AUTH_ID}"}]}}},
        {"transaction": {"href": f"https://gateway.example/tss/v2/transactions/{AUTH_ID}"}},
    ],
)
def test_both_shapes_of_payload_point_to_the_request(payload: Any) -> None:
    event = read_event(MEMBERS | {"payload": payload}, NOW)
    assert event.decision is not None
    assert event.decision.request_id == AUTH_ID
    assert event.decision.at == datetime(2026, 11, 3, 11, 59, 30, tzinfo=UTC)
    assert event.decision.event_key == event.key
    assert event.organization_id == "shop_1"


def test_a_retry_has_the_same_key_and_another_event_has_not() -> None:
    first = read_event(MEMBERS, NOW)
    retry = MEMBERS | {
        "transactionTraceId": "trace-2", "retryNumber": 1, "requestType": "RETRY",
        "notificationId": "n-2", "payload": dict(reversed(MEMBERS["payload"].items())),
    }  # fmt: skip
    assert read_event(retry, NOW + HOUR).key == first.key
    for change in (
        {"eventDate": "2026-11-03T12:00:30"},
        {"eventType": "risk.casemanagement.decision.reject"},
        {"webhookId": "hook-2"},
        {"payload": {"data": {"id": "7300000000000000000099"}}},
    ):
        assert read_event(MEMBERS | change, NOW).key != first.key


def test_without_an_id_the_content_is_the_identity() -> None:
    one = read_event(MEMBERS | {"payload": {"b": 1, "a": 2}}, NOW)
    same = read_event(MEMBERS | {"payload": {"a": 2, "b": 1}}, NOW)
    other = read_event(MEMBERS | {"payload": {"a": 2, "b": 2}}, NOW)
    assert one.key == same.key != other.key
    assert one.decision is None  # nothing says what was decided about


def test_a_network_token_points_to_what_it_is_behind() -> None:
    data = {
        "_links": {
            "paymentInstruments": [{"href": "/tms/v1/paymentinstruments/" + "A" * 32}],
            "instrumentIdentifiers": [{"href": "/tms/v1/instrumentidentifiers/7030000000000001"}],
            "customers": [{"href": "/tms/v2/customers/" + "B" * 32}],
        },
        "id": "C" * 32, "type": "tokenizedCardUpdates", "version": "1.0",
    }  # fmt: skip
    members = {"eventType": "tms.networktoken.updated", "payload": [{"data": data}]}
    event = read_event(members, NOW)
    assert event.token_ids == ("A" * 32, "7030000000000001", "B" * 32, "C" * 32)


@pytest.mark.parametrize(
    "data",
    [
        {"id": "C" * 32, "type": "tokenUpdates"},
        {"id": "7" * 22},  # an instrument identifier, as long as a request's id
        {"customer": {"id": "B" * 32}, "instrumentIdentifier": {"id": "7" * 22}},
    ],
)
def test_an_event_about_a_token_needs_no_links_to_say_which(data: dict[str, Any]) -> None:
    members = {"eventType": "tms.token.updated", "payload": [{"data": data}]}
    event = read_event(members, NOW)
    ids = [inner["id"] for inner in data.values() if isinstance(inner, dict)] or [data["id"]]
    assert event.token_ids == tuple(ids)


@pytest.mark.parametrize("payload", [None, 5, True, "x", [], {}, [[[]]], {"id": True}])
@pytest.mark.parametrize("members", [{}, {"eventType": 5, "eventDate": [], "webhookId": {}}])
def test_a_strange_shape_says_nothing_and_is_no_error(payload: Any, members: Any) -> None:
    event = read_event(members | {"payload": payload}, NOW)
    assert (event.token_ids, event.decision) == ((), None)


def test_a_sealed_payload_decides_nothing() -> None:
    sealed = read_event(MEMBERS | {"payload": "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d"}, NOW)
    assert sealed.decision is None


@pytest.mark.parametrize(
    ("date", "at"),
    [
        ("2026-11-03T04:07:52.157-07:00", datetime(2026, 11, 3, 11, 7, 52, 157_000, tzinfo=UTC)),
        ("soon", NOW),
        (5, NOW),
    ],
)
def test_a_date_is_read_with_its_zone_and_one_that_is_none_is_when_it_came(
    date: object, at: datetime
) -> None:
    event = read_event(MEMBERS | {"eventDate": date}, NOW)
    assert event.decision is not None
    assert event.decision.at == at
