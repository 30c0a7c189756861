"""What a notification says, in both generations of names."""

from datetime import UTC, datetime
from typing import Any

import pytest

from include.adapters.cybersource.webhooks.events import EventKind, read_event
from include.domain.reviews import Decision
from tests.cybersource.scripted import AUTH_ID, NOW
from tests.cybersource.support import HOUR, MEMBERS


@pytest.mark.parametrize(
    ("event_type", "kind", "decision"),
    [
        ("risk.casemanagement.decision.accept", EventKind.decision, Decision.accept),
        ("risk.casemanagement.decision.reject", EventKind.decision, Decision.reject),
        ("risk.profile.decision.reject", EventKind.decision, Decision.reject),
        ("risk.profile.decision.review", EventKind.decision, Decision.review),
        ("risk.profile.decision.monitor", EventKind.decision, None),
        ("risk.casemanagement.addnote", EventKind.decision, None),
        ("payments.authorization.status.reviewed", EventKind.authorization, Decision.review),
        ("payments.payments.review", EventKind.authorization, Decision.review),
        ("payments.payments.accept", EventKind.authorization, None),
        ("payments.capture.status.updated", EventKind.capture, None),
        ("payments.captures.accept", EventKind.capture, None),
        ("payments.refund.status.accepted", EventKind.refund, None),
        ("payments.refunds.partial.approval", EventKind.refund, None),
        ("payments.credits.failed", EventKind.credit, None),
        ("payments.void.status.rejected", EventKind.void, None),
        ("payments.voids.accept", EventKind.void, None),
        ("payments.reversal.status.accepted", EventKind.reversal, None),
        ("payments.reversals.reject", EventKind.reversal, None),
        ("tms.networktoken.updated", EventKind.token, None),
        ("tms.token.pan_updated", EventKind.token, None),
        ("rbs.subscriptions.charge.failed", EventKind.recurring, None),
        ("invoicing.customer.invoice.paid", EventKind.other, None),
        ("", EventKind.other, None),
    ],
)
def test_both_generations_of_names_are_read(
    event_type: str, kind: EventKind, decision: Decision | None
) -> None:
    event = read_event(MEMBERS | {"eventType": event_type}, NOW)
    assert event.kind is kind
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
    assert event.request_ids == (AUTH_ID,)
    assert event.decision is not None
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
    assert event.kind is EventKind.token
    assert event.token_ids == ("A" * 32, "7030000000000001", "B" * 32, "C" * 32)
    assert event.request_ids == ()


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
    assert (event.token_ids, event.request_ids) == (tuple(ids), ())


@pytest.mark.parametrize("payload", [None, 5, True, "x", [], {}, [[[]]], {"id": True}])
@pytest.mark.parametrize("members", [{}, {"eventType": 5, "eventDate": [], "webhookId": {}}])
def test_a_strange_shape_is_an_event_of_no_known_kind(payload: Any, members: Any) -> None:
    event = read_event(members | {"payload": payload}, NOW)
    assert (event.kind, event.decision, event.at) == (EventKind.other, None, NOW)


def test_a_sealed_payload_is_said_to_be_sealed() -> None:
    sealed = read_event(MEMBERS | {"payload": "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d"}, NOW)
    assert (sealed.is_encrypted, sealed.decision) == (True, None)
    assert not read_event(MEMBERS, NOW).is_encrypted


def test_a_date_with_a_zone_is_read_with_it() -> None:
    event = read_event(MEMBERS | {"eventDate": "2026-11-03T04:07:52.157-07:00"}, NOW)
    assert event.at == datetime(2026, 11, 3, 11, 7, 52, 157_000, tzinfo=UTC)
