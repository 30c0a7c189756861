"""Reading, listing, cancelling, capturing, refunding: of one's own shop only."""

from dataclasses import replace
from typing import Any

from include.adapters.store import audit
from include.domain.order_state import Shipped
from include.domain.payments import PaymentStatus
from include.domain.refunds import RefundState
from include.domain.reviews import Decision, DecisionEvent
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.services.orders.sagas import Event
from tests.api.conftest import Kit, SystemClock
from tests.orders.partners import authorization
from tieout.api.answers import OrderAnswer

AUTH = EffectKind.payment_authorization


def captured(kit: Kit, **changes: Any) -> str:
    """Place an order and drive it until it is captured."""
    order_id = str(kit.place(**changes).json()["order_id"])
    assert kit.service.advance(order_id).state == "captured"
    return order_id


def refund(kit: Kit, order_id: str, amount: str, key: str = "r-1", who: str = "web_shop") -> Any:
    body = {"amount": amount, "reason": "parcel came late"}
    return kit.call("POST", f"/v1/orders/{order_id}/refunds", body, who, key=key)


def test_an_order_of_another_shop_is_not_there(kit: Kit) -> None:
    order_id = kit.place().json()["order_id"]
    for method, path, body in (
        ("GET", f"/v1/orders/{order_id}", None),
        ("GET", f"/v1/orders/{order_id}/timeline", None),
        ("GET", f"/v1/orders/{order_id}/refunds", None),
        ("POST", f"/v1/orders/{order_id}/cancel", {"reason": "x"}),
        ("POST", f"/v1/orders/{order_id}/captures", {}),
        ("POST", f"/v1/orders/{order_id}/refunds", {"amount": "1", "reason": "x"}),
        ("POST", f"/v1/orders/{order_id}/decision", {"decision": "accept"}),
    ):
        answer = kit.call(method, path, body, "other_shop", key="k")
        assert answer.status_code == 404, path
    assert kit.call("GET", "/v1/orders", who="other_shop").json()["orders"] == []


def test_a_list_is_read_page_by_page_and_misses_nothing(kit: Kit) -> None:
    placed = [kit.place().json()["number"] for _ in range(7)]
    kit.place("other_shop")
    found, cursor = [], ""
    while True:
        page = kit.call("GET", f"/v1/orders?limit=3&cursor={cursor}").json()
        found += [one["number"] for one in page["orders"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == placed[::-1]


def test_a_list_is_filtered(kit: Kit) -> None:
    first, second = (kit.place().json() for _ in range(2))
    kit.service.advance(second["order_id"])
    by_state = kit.call("GET", "/v1/orders?state=captured").json()["orders"]
    by_number = kit.call("GET", f"/v1/orders?number={first['number']}").json()["orders"]
    later = second["accepted_at"].replace("+", "%2B")
    by_time = kit.call("GET", f"/v1/orders?accepted_from={later}").json()["orders"]
    before = kit.call("GET", f"/v1/orders?accepted_until={later}").json()["orders"]
    assert [one["number"] for one in by_state] == [second["number"]]
    assert [one["number"] for one in by_number] == [first["number"]]
    assert second["number"] in [one["number"] for one in by_time]
    assert second["number"] not in [one["number"] for one in before]


def test_a_list_of_what_has_changed_names_an_order_that_was_accepted_before(both: Kit) -> None:
    """A refund that is asked for changes it too: what is on its way back is in its answer."""
    order_id, other = captured(both), captured(both)

    def changed(since: str) -> list[str]:
        found = both.call("GET", f"/v1/orders?updated_from={since.replace('+', '%2B')}")
        return [one["order_id"] for one in found.json()["orders"]]

    last = both.call("GET", f"/v1/orders/{other}").json()["updated_at"]
    assert changed(last) == [other]
    assert refund(both, order_id, "20.00").status_code == 202
    assert changed(last) == [other, order_id]
    assert changed(both.call("GET", f"/v1/orders/{order_id}").json()["updated_at"]) == [order_id]


def test_a_misspelt_filter_is_refused_not_ignored(kit: Kit) -> None:
    answer = kit.call("GET", "/v1/orders?stat=captured")
    assert answer.status_code == 422
    assert "state" in answer.json()["detail"]


def test_a_timeline_tells_what_happened(kit: Kit) -> None:
    order_id = captured(kit)
    path = f"/v1/orders/{order_id}/timeline"
    assert kit.call("GET", path).status_code == 403  # it names what shoppers may not read
    events = kit.call("GET", path, who="web_operator").json()["events"]
    assert [one["what"] for one in events][:2] == ["order accepted", "payment authorized"]
    assert "captured" in [one["what"] for one in events]
    assert events[0]["who"] == "web_shop"


def test_a_cancelled_order_releases_what_it_holds(kit: Kit) -> None:
    order_id = kit.place().json()["order_id"]
    for _ in range(2):  # a repeat is safe
        answer = kit.call("POST", f"/v1/orders/{order_id}/cancel", {"reason": "changed my mind"})
        assert (answer.status_code, answer.json()["state"]) == (202, "cancelling")
    kit.service.advance(order_id)
    assert kit.call("GET", f"/v1/orders/{order_id}").json()["state"] == "cancelled"
    assert kit.partner.truth.count(EffectKind.payment_reversal) == 1


def test_more_than_is_left_is_not_captured(kit: Kit) -> None:
    order_id = kit.place().json()["order_id"]
    path = f"/v1/orders/{order_id}/captures"
    assert kit.call("POST", path, {"amount": "102.22"}, key="c-1").status_code == 409
    assert kit.call("POST", path, {"amount": "0.00"}, key="c-2").status_code == 422
    assert kit.call("POST", path, {"amount": "1.001"}, key="c-3").status_code == 422
    assert kit.call("POST", path, {"amount": "40.00"}, key="c-4").status_code == 202
    again = kit.call("POST", path, {"amount": "40.00"}, key="c-4")
    assert again.status_code == 202
    kit.service.advance(order_id)
    body = kit.call("GET", f"/v1/orders/{order_id}").json()
    assert [one["amount"] for one in body["captures"]] == ["40.00"]
    assert body["captured"] == "40.00"


def test_an_order_shows_its_shipments(kit: Kit) -> None:
    order_id = captured(kit)
    assert kit.call("GET", f"/v1/orders/{order_id}").json()["shipments"] == []
    left = (Shipped("1044", "UPS", "1Z999"), Shipped("1045", "", ""))
    kit.service.orders.amend(
        order_id, lambda facts: replace(facts, shipments=left), Event("shipped")
    )
    body = kit.call("GET", f"/v1/orders/{order_id}").json()
    OrderAnswer.model_validate(body)
    assert body["shipments"] == [
        {"note": "1044", "carrier": "UPS", "tracking": "1Z999"},
        {"note": "1045", "carrier": "", "tracking": ""},
    ]


def test_a_refund_within_the_limit_needs_nobody(kit: Kit) -> None:
    order_id = captured(kit)
    answer = refund(kit, order_id, "20.00")
    assert (answer.status_code, answer.json()["state"]) == (202, "approved")
    assert refund(kit, order_id, "20.00").text == answer.text
    refund_id = answer.json()["refund_id"]
    assert answer.headers["Location"] == f"/v1/refunds/{refund_id}"
    kit.service.advance_refund(refund_id)
    assert kit.call("GET", f"/v1/refunds/{refund_id}").json()["state"] == RefundState.done
    listed = kit.call("GET", f"/v1/orders/{order_id}/refunds").json()["refunds"]
    assert [one["refund_id"] for one in listed] == [refund_id]
    assert signed(kit, f"refund|{refund_id}") == [("api:web_shop", "refund asked for")]
    assert kit.partner.truth.count(EffectKind.payment_refund) == 1


def test_never_more_goes_back_than_was_captured(kit: Kit) -> None:
    order_id = captured(kit)
    assert refund(kit, order_id, "102.22", "r-1").status_code == 409
    assert refund(kit, order_id, "102.21", "r-2").status_code == 202
    refused = refund(kit, order_id, "0.01", "r-3")
    assert refused.status_code == 409
    assert "may still go back" in refused.json()["detail"]
    assert refund(kit, order_id, "0.01", "r-3").text == refused.text  # judged anew, as it stands


def test_a_refund_above_the_limit_waits_for_another_client(kit: Kit) -> None:
    line = {"description": "Machine", "stock_code": "M-1", "net": "900.00"}
    order_id = captured(kit, amount="900.00", lines=[line])
    answer = refund(kit, order_id, "900.00")
    assert answer.json()["state"] == "waiting"
    path = f"/v1/refunds/{answer.json()['refund_id']}"
    own = kit.call("POST", f"{path}/approve")
    assert own.status_code == 409
    assert "Another person" in own.json()["do"]
    assert kit.call("POST", f"{path}/approve", who="other_shop").status_code == 404
    assert kit.call("POST", f"{path}/approve", who="web_reader").status_code == 403
    for _ in range(2):  # a repeat is safe
        approved = kit.call("POST", f"{path}/approve", who="web_clerk")
        assert (approved.status_code, approved.json()["approved_by"]) == (202, "web_clerk")
    assert kit.call("GET", path).json()["state"] == "approved"
    assert signed(kit, f"refund|{answer.json()['refund_id']}") == [
        ("api:web_shop", "refund asked for"),
        ("api:web_clerk", "refund approved"),
    ]


def test_nothing_goes_back_that_was_not_captured(kit: Kit) -> None:
    order_id = kit.place().json()["order_id"]
    answer = refund(kit, order_id, "10.00")
    assert answer.status_code == 409
    assert answer.json()["do"] == "Cancel the order instead."


def test_what_was_refused_too_early_is_done_later_under_the_same_key(kit: Kit) -> None:
    order_id = kit.place().json()["order_id"]
    assert refund(kit, order_id, "10.00", "r-1").status_code == 409
    assert kit.service.advance(order_id).state == "captured"
    answer = refund(kit, order_id, "10.00", "r-1")
    assert (answer.status_code, answer.json()["state"]) == (202, "approved")
    assert refund(kit, order_id, "10.00", "r-1").text == answer.text  # what was done is kept
    assert refund(kit, order_id, "11.00", "r-1").status_code == 422  # and its key is taken
    assert kit.count("refunds") == 1


def in_review(kit: Kit) -> dict[str, Any]:
    kit.partner.say(
        AUTH, lambda it: kit.partner.do(it, authorization(it, 7, PaymentStatus.in_review))
    )
    order: dict[str, Any] = kit.place().json()
    assert order["state"] == "in_review"
    return order


def test_an_operator_decides_an_order_under_review(kit: Kit) -> None:
    order = in_review(kit)
    path = f"/v1/orders/{order['order_id']}/decision"
    body = {"decision": "accept", "comment": "known customer"}
    assert kit.call("POST", path, body).status_code == 403  # the shop itself may not
    assert kit.call("POST", path, body, "web_operator").status_code == 202
    assert kit.call("POST", path, body, "web_operator").status_code == 200  # a repeat
    assert kit.partner.truth.count(EffectKind.review_decision) == 1
    assert kit.service.advance(order["order_id"]).state == "captured"
    other = {"decision": "reject"}
    assert kit.call("POST", path, other, "web_operator").status_code == 409
    assert signed(kit, f"order|{order['order_id']}") == [("api:web_operator", "decision asked for")]


def test_a_shop_reads_what_its_shopper_may_and_staff_the_gateways_word(kit: Kit) -> None:
    said = ("DECLINED", PaymentStatus.declined, None, "DECISION_PROFILE_REJECT")

    def decline(it: Effect) -> Receipt:
        status, ours, approved, reason = said
        answer = authorization(it, 7, ours, approved, reason)
        answer.evidence["theirs"] = status
        return kit.partner.do(it, answer)

    kit.partner.say(AUTH, decline)
    placed = kit.place()
    order = placed.json()
    assert order["state"] == "declined"
    assert order["outcome"] == {
        "code": "not_accepted",
        "message": "We cannot accept this payment. Nothing was taken.",
        "retry": "no",
        "money": "nothing",
    }
    assert order["staff"] is None
    path = f"/v1/orders/{order['order_id']}"
    for text in (placed.text, kit.call("GET", path).text, kit.call("GET", "/v1/orders").text):
        assert "DECISION" not in text
        assert "declined by" not in text
    staff = kit.call("GET", path, who="web_operator").json()["staff"]
    assert (staff["gateway_status"], staff["gateway_reason"]) == said[::3]
    assert staff["payment_status"] == "declined"


def test_an_order_that_is_not_under_review_is_not_decided(kit: Kit) -> None:
    path = f"/v1/orders/{kit.place().json()['order_id']}/decision"
    answer = kit.call("POST", path, {"decision": "accept"}, "web_operator")
    assert answer.status_code == 409
    assert "not under review" in answer.json()["detail"]


def test_an_operator_ends_two_decisions_against_each_other(kit: Kit) -> None:
    order = in_review(kit)
    path = f"/v1/orders/{order['order_id']}/decision"
    event = DecisionEvent(
        order["payment"]["request_id"], Decision.reject, SystemClock().now(), "webhook", "e1"
    )
    kit.service.decide(replace(event, decision=Decision.accept, event_key="e0"))
    kit.service.decide(event)
    assert kit.service.orders.get(order["order_id"]).facts.is_contradicted
    body = {"decision": "accept"}
    assert kit.call("POST", path, body, "web_operator").status_code == 202
    assert kit.call("POST", path, body, "web_operator").status_code == 200  # a repeat
    assert not kit.service.orders.get(order["order_id"]).facts.is_contradicted
    assert signed(kit, f"order|{order['order_id']}") == [
        ("api:web_operator", "contradiction settled: accept")
    ]


def test_what_a_shop_asks_for_is_signed_with_its_name(kit: Kit) -> None:
    order = kit.place().json()
    path = f"/v1/orders/{order['order_id']}/cancel"
    for _ in range(2):
        assert kit.call("POST", path, {"reason": "changed her mind"}).status_code == 202
    assert signed(kit, f"order|{order['order_id']}") == [("api:web_shop", "cancel asked for")]


def signed(kit: Kit, subject: str) -> list[tuple[str, str]]:
    """Return who did what to an order or a refund, as the audit chain has it."""
    assert audit.verify(kit.database).is_unbroken
    return [(entry.who, entry.what) for entry in audit.history(kit.database, subject)]


def test_an_answer_holds_no_shopper(kit: Kit) -> None:
    order_id = captured(kit)
    for path in ("", "/timeline"):
        text = kit.call("GET", f"/v1/orders/{order_id}{path}", who="web_operator").text
        assert "Ann" not in text
        assert "example.com" not in text


def test_a_key_whose_answer_is_gone_still_belongs_to_its_amount(both: Kit) -> None:
    order_id = captured(both)
    assert refund(both, order_id, "5.00").status_code == 202
    forget_answers(both)
    other = refund(both, order_id, "7.00")
    assert (other.status_code, other.json()["type"]) == (422, "urn:tieout:problem:key-reused")
    again = refund(both, order_id, "5.00")
    assert (again.status_code, again.json()["amount"]) == (202, "5.00")
    assert both.count("refunds") == 1


def test_a_captures_key_whose_answer_is_gone_still_belongs_to_its_amount(both: Kit) -> None:
    path = f"/v1/orders/{both.place().json()['order_id']}/captures"
    assert both.call("POST", path, {"amount": "5.00"}, key="c-1").status_code == 202
    forget_answers(both)
    other = both.call("POST", path, {"amount": "7.00"}, key="c-1")
    assert (other.status_code, other.json()["type"]) == (422, "urn:tieout:problem:key-reused")
    assert both.call("POST", path, {"amount": "5.00"}, key="c-1").status_code == 202


def forget_answers(kit: Kit) -> None:
    """As after a fault behind the commit, or after half a year."""
    with kit.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM answers")
