"""Dead letters and the audit chain over HTTP: found, replayed, resolved; by whom it may be."""

from typing import Any

import pytest

from include.adapters.store import audit
from include.domain.errors import Rejected
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.services.inbox.ports import Conclusion, InboxState, Incoming
from tests.api.conftest import Kit, order_body
from tests.tampering import unguard


def refuse(_effect: Effect) -> Receipt:
    raise Rejected("customer code is taken", "SYSPRO A", "Choose another prefix.")


@pytest.fixture
def stuck(kit: Kit) -> tuple[Kit, str, int]:
    """An order whose customer SYSPRO refused, and its dead letter."""
    kit.partner.say(EffectKind.customer, refuse)
    order_id = kit.place().json()["order_id"]
    assert kit.service.advance(order_id).state == "stuck"
    (letter,) = kit.call("GET", "/v1/dead-letters", who="house").json()["dead_letters"]
    return kit, order_id, letter["number"]


def test_a_dead_letter_says_what_and_what_to_do(stuck: tuple[Kit, str, int]) -> None:
    kit, order_id, number = stuck
    letter = kit.call("GET", f"/v1/dead-letters/{number}", who="house").json()
    assert letter["key"] == f"{order_id}|customer|1"
    assert "customer code is taken" in letter["reason"]
    assert letter["next_action"]


def test_a_shops_operator_sees_the_letters_of_its_own_orders(
    stuck: tuple[Kit, str, int],
) -> None:
    kit, _, number = stuck
    assert len(kit.call("GET", "/v1/dead-letters", who="web_operator").json()["dead_letters"]) == 1
    assert kit.call("GET", "/v1/dead-letters", who="other_shop").json()["dead_letters"] == []
    assert kit.call("GET", f"/v1/dead-letters/{number}", who="other_shop").status_code == 404
    body = {"reason": "not mine"}
    path = f"/v1/dead-letters/{number}/resolve"
    assert kit.call("POST", path, body, "other_shop").status_code == 404
    again = kit.call("POST", "/v1/dead-letters/replay", {"numbers": [number]}, "other_shop")
    assert again.json()["replayed"][0]["state"] == "absent"


def test_a_shops_letters_are_found_behind_older_ones_of_others(both: Kit) -> None:
    for who in ("other_shop", "web_shop", "other_shop", "web_shop"):
        both.partner.say(EffectKind.customer, refuse)
        body = order_body(shopper=order_body()["shopper"] | {"email": f"{len(both.dump())}@x.test"})
        order_id = both.call("POST", "/v1/orders", body, who, key=body["number"]).json()["order_id"]
        assert both.service.advance(order_id).state == "stuck"
    ours = both.call("GET", "/v1/dead-letters?limit=1", who="web_operator").json()
    assert [one["number"] for one in ours["dead_letters"]] == [2]
    path = f"/v1/dead-letters?limit=1&cursor={ours['next']}"
    more = both.call("GET", path, who="web_operator").json()
    assert [one["number"] for one in more["dead_letters"]] == [4]
    path = f"/v1/dead-letters?limit=1&cursor={more['next']}"
    assert both.call("GET", path, who="web_operator").json() == {"dead_letters": [], "next": None}
    house = both.call("GET", "/v1/dead-letters", who="house").json()["dead_letters"]
    assert [one["number"] for one in house] == [1, 2, 3, 4]
    for bad in ("AAAA", "x" * 201):
        path = f"/v1/dead-letters?cursor={bad}"
        assert both.call("GET", path, who="house").status_code == 422


def test_letters_are_replayed_singly_and_in_bulk(stuck: tuple[Kit, str, int]) -> None:
    kit, order_id, number = stuck
    body: dict[str, Any] = {"numbers": [number, 999]}
    done, absent = kit.call("POST", "/v1/dead-letters/replay", body, "house").json()["replayed"]
    assert (done["number"], done["is_done"], done["state"]) == (number, True, "done")
    assert (absent["is_done"], absent["state"]) == (False, "absent")
    assert kit.service.advance(order_id).state == "captured"
    assert kit.call("GET", "/v1/dead-letters", who="house").json()["dead_letters"] == []


def test_a_replay_that_is_refused_again_says_so(stuck: tuple[Kit, str, int]) -> None:
    kit, _, number = stuck
    kit.partner.say(EffectKind.customer, refuse)
    body = {"numbers": [number]}
    (found,) = kit.call("POST", "/v1/dead-letters/replay", body, "house").json()["replayed"]
    assert found["state"] == "rejected"


def test_a_letter_is_resolved_once_and_audited(stuck: tuple[Kit, str, int]) -> None:
    kit, order_id, number = stuck
    path = f"/v1/dead-letters/{number}/resolve"
    body = {"reason": "made by hand"}
    answer = kit.call("POST", path, body, "house")
    assert (answer.status_code, answer.json()["resolved_by"]) == (200, "house")
    assert kit.call("POST", path, body, "house").status_code == 409
    verdict = kit.call("GET", "/v1/audit/verify", who="house").json()
    assert verdict["is_unbroken"]
    history = audit.history(kit.database, f"customer|{order_id}|customer|1")
    assert [one.what for one in history if one.who == "api:house"] == ["dead letter resolved"]


def test_a_broken_audit_chain_is_told(stuck: tuple[Kit, str, int]) -> None:
    kit, _, _ = stuck
    with kit.database.begin() as connection:
        unguard(connection)
        connection.exec_driver_sql("UPDATE audit SET who = 'nobody' WHERE entry_no = 2")
    verdict = kit.call("GET", "/v1/audit/verify", who="house").json()
    assert not verdict["is_unbroken"]
    assert verdict["broken_at"] is not None


def test_the_audit_chain_is_read_in_stretches(stuck: tuple[Kit, str, int]) -> None:
    kit, _, _ = stuck
    whole = kit.call("GET", "/v1/audit/verify", who="house").json()
    assert not whole["has_more"]
    path, since, read, has_more = "/v1/audit/verify?limit=2", "", 1, True
    while has_more:
        stretch = kit.call("GET", f"{path}&since={since}", who="house").json()
        assert stretch["is_unbroken"]
        assert stretch["entries"] <= 2
        since, has_more = stretch["head"], stretch["has_more"]
        read += stretch["entries"] - 1  # each begins with the last of the one before
    assert (since, read) == (whole["head"], whole["entries"])
    for refused in ("limit=20001", "limit=1", "since=abc"):
        assert kit.call("GET", f"/v1/audit/verify?{refused}", who="house").status_code == 422


def test_an_inbox_event_is_replayed_by_the_inbox(kit: Kit) -> None:
    inbox = kit.api.parts.inbox
    inbox.store([Incoming("woocommerce|web", "a", "order.updated", b"{}")])
    failed = Conclusion(InboxState.failed, "no such country", next_action="Map it.")
    inbox.conclude(inbox.due(1)[0], failed, "shop@acme.example")
    (letter,) = kit.call("GET", "/v1/dead-letters", who="house").json()["dead_letters"]
    assert letter["amount_minor"] is None  # not known is not zero
    body = {"numbers": [letter["number"]]}
    (found,) = kit.call("POST", "/v1/dead-letters/replay", body, "house").json()["replayed"]
    assert (found["is_done"], found["state"]) == (True, "received")
    assert len(inbox.due(10)) == 1


def test_health_asks_the_store(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    assert kit.call("GET", "/v1/health", who="").json() == {"status": "ok"}

    def away(_self: Any) -> bool:
        raise OperationalError("SELECT 1", {}, Exception("host db-7 is away"))

    monkeypatch.setattr(type(kit.api.parts.views), "is_reachable", away)
    answer = kit.call("GET", "/v1/health", who="")
    assert answer.status_code == 503
    assert "db-7" not in answer.text
