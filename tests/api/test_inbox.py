"""Handling the inbox: in any order, twice, too early, and when a handler fails."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from include.adapters.cybersource.webhooks.body import read_body
from include.adapters.cybersource.webhooks.events import read_event
from include.adapters.store import audit
from include.adapters.store.faults import is_lost_connection
from include.adapters.store.inbox import SqlInbox
from include.domain.errors import Rejected, Retryable
from include.domain.payments import PaymentStatus
from include.domain.reviews import Decision, DecisionEvent
from include.services.effects.ports import EffectKind
from include.services.inbox.handle_events import HandleEvents, Handler, NotYet
from include.services.inbox.hear_decision import decision_handler
from include.services.inbox.ports import InboxRow, Incoming
from tests.api.conftest import Kit
from tests.api.senders import event, signed
from tests.orders.partners import authorization

ACCEPT, REJECT = "risk.casemanagement.decision.accept", "risk.casemanagement.decision.reject"


def say_nothing(_event: str, **_fields: object) -> None:
    """Take an event of the log."""


@dataclass
class Post:
    """An inbox whose clock is set by hand, and handlers told what to do."""

    kit: Kit
    at: datetime = datetime(2026, 11, 3, 10, 0, tzinfo=UTC)
    handlers: dict[str, Handler] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.inbox = SqlInbox(self.kit.database, self._now)
        self.spent = 0.0  # seconds, in handlers
        self.handling = HandleEvents(
            self.inbox,
            self.handlers,
            "fraud@acme.example",
            say_nothing,
            lambda: self.spent,
            is_lost_connection,
        )

    def _now(self, _connection: Connection) -> datetime:
        return self.at

    def put(
        self,
        key: str,
        kind: str = "order.updated",
        body: bytes = b"{}",
        source: str = "woocommerce|web",
    ) -> None:
        self.inbox.store([Incoming(source, key, kind, body)])

    def on(self, kind: str, *faults: Exception, takes_s: float = 0.1) -> None:
        waiting = list(faults)

        def handle(row: InboxRow) -> str:
            self.calls.append(row.event_key)
            self.spent += takes_s
            if waiting:
                raise waiting.pop(0)
            return "done"

        self.handlers[kind] = handle

    def rows(self) -> list[tuple[Any, ...]]:
        with self.kit.database.connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT event_key, state, tries FROM inbox ORDER BY inbox_id"
            )
            return [tuple(row) for row in found]


@pytest.fixture
def post(both: Kit) -> Post:
    return Post(both)


def test_events_are_handled_once_in_the_order_they_came(post: Post) -> None:
    post.on("order.updated")
    for key in ("b", "a", "c", "a"):
        post.put(key)
    assert post.handling.run().handled == 3
    assert post.handling.run().seen == 0
    assert post.calls == ["b", "a", "c"]
    post.put("a")  # delivered again after it was handled
    assert post.handling.run().seen == 0


def test_an_unknown_type_is_kept_as_unhandled(post: Post) -> None:
    post.put("a", "coupon.created")
    assert post.handling.run().unhandled == 1
    assert post.rows() == [("a", "unhandled", 1)]


def test_one_that_fails_stops_no_other_and_opens_a_dead_letter(post: Post) -> None:
    post.on("order.updated", Rejected("no such country", "order 7", "Map it."))
    post.put("a")
    post.put("b")
    tally = post.handling.run()
    assert (tally.failed, tally.handled) == (1, 1)
    (letter,) = post.kit.api.parts.letters.listing()
    assert (letter.kind, letter.key) == ("inbox_event", "woocommerce|web|a")
    assert letter.next_action == "Map it."
    assert letter.owner == "fraud@acme.example"


def test_a_bug_in_a_handler_is_a_dead_letter_without_its_words(post: Post) -> None:
    post.on("order.updated", *(KeyError("a secret") for _ in range(4)))
    post.put("a")
    while not post.handling.run().failed:
        post.at += timedelta(seconds=5)
    assert post.at - datetime(2026, 11, 3, 10, tzinfo=UTC) <= timedelta(minutes=1)
    assert "secret" not in post.kit.api.parts.letters.listing()[0].reason


@pytest.mark.parametrize(("early", "gone"), [(0, 1), (5, 1), (0, 8)])
def test_a_database_that_is_gone_for_a_while_needs_no_person(
    post: Post, early: int, gone: int
) -> None:
    """Nor where the event has waited before, nor where its disk is full for some minutes."""
    waits: list[Exception] = [NotYet("no capture yet") for _ in range(early)]
    lost = [OperationalError("SELECT 1", None, Exception("gone")) for _ in range(gone)]
    post.on("order.updated", *waits, *lost)
    post.put("a")
    for _ in range(early + gone):
        assert post.handling.run().waiting == 1
        post.at += timedelta(minutes=15)
    assert post.handling.run().handled == 1
    assert post.kit.api.parts.letters.listing() == []


def test_a_partner_that_is_away_is_asked_again_later_and_later(post: Post) -> None:
    away = [Retryable("no answer", "shop", "Wait.") for _ in range(4)]
    post.on("order.updated", *away)
    post.put("a")
    waits = []
    for _ in range(5):
        before = post.at
        while post.handling.run().seen == 0:
            post.at += timedelta(seconds=1)
        waits.append((post.at - before).total_seconds())
    assert waits == [0, 5, 5, 10, 20]
    assert post.rows() == [("a", "handled", 5)]


@pytest.mark.parametrize(("takes_s", "asked"), [(20.0, ["a", "x"]), (0.1, ["a", "b", "x"])])
def test_a_partner_that_hangs_holds_up_the_events_of_no_other(
    post: Post, takes_s: float, asked: list[str]
) -> None:
    """200 events of a shop that hangs took more than an hour, and no order was driven meanwhile."""
    post.on("order.updated", *[Retryable("no byte came", "web", "Wait.")] * 2, takes_s=takes_s)
    post.on("order.created")
    post.put("a")
    post.put("b")
    post.put("x", "order.created", source="woocommerce|other")
    tally = post.handling.run()
    assert post.calls == asked
    assert (tally.waiting, tally.handled) == (2, 1)
    post.at += timedelta(seconds=10)
    assert post.handling.run().seen == 2  # both are due again


def test_one_that_has_waited_a_day_is_not_given_up_untried(post: Post) -> None:
    post.on("order.updated", Retryable("no byte came", "web", "Wait."), takes_s=20.0)
    post.put("a")
    post.put("b")
    post.at += timedelta(hours=25)
    tally = post.handling.run()
    assert post.calls == ["a", "b"]
    assert (tally.failed, tally.handled) == (1, 1)


def test_what_comes_too_early_waits_a_day_and_then_needs_a_person(post: Post) -> None:
    early = [NotYet("its capture is not known") for _ in range(500)]
    post.on("order.updated", *early)
    post.put("a")
    while not post.handling.run().failed:
        post.at += timedelta(minutes=5)
    assert timedelta(hours=24) <= post.at - datetime(2026, 11, 3, 10, tzinfo=UTC)
    assert post.at - datetime(2026, 11, 3, 10, tzinfo=UTC) <= timedelta(hours=24, minutes=20)
    assert len(post.kit.api.parts.letters.listing()) == 1


def test_two_workers_conclude_a_try_once(post: Post) -> None:
    post.on("order.updated")
    post.put("a")
    seen = post.inbox.due(10)
    assert post.handling.run().handled == 1
    assert not post.inbox.conclude(seen[0], post.handling._handle(seen[0], {}), "x")


def test_a_failed_event_is_replayed_from_its_dead_letter(post: Post) -> None:
    post.on("order.updated", Rejected("no such country", "order 7", "Map it."))
    post.put("a")
    post.handling.run()
    number = post.kit.api.parts.letters.listing()[0].dead_letter_id
    post.kit.api.parts.inbox.retry("woocommerce|web|a", "ann", via="api")
    (entry,) = audit.history(post.kit.database, "inbox_event|woocommerce|web|a")
    assert (entry.who, entry.what) == ("api:ann", "inbox event replayed")
    assert post.kit.api.parts.letters.show(number).state == "resolved"
    post.at = datetime.now(UTC) + timedelta(seconds=1)
    assert post.handling.run().handled == 1
    with pytest.raises(Rejected):
        post.inbox.retry("woocommerce|web|a", "ann")


# Decisions ------------------------------------------------------------------------------------


def reviewed(kit: Kit) -> tuple[str, str]:
    """Place an order that Decision Manager holds; return its id and its request id."""
    kit.partner.say(
        EffectKind.payment_authorization,
        lambda it: kit.partner.do(it, authorization(it, 7, PaymentStatus.in_review)),
    )
    body = kit.place().json()
    assert body["state"] == "in_review"
    return body["order_id"], body["payment"]["request_id"]


@dataclass
class Gateway:
    """What the gateway says of a request when it is asked; an exception is raised once."""

    shown: dict[str, Decision] = field(default_factory=dict)
    faults: list[Exception] = field(default_factory=list)

    def decided(self, request_ids: Sequence[str]) -> Iterator[DecisionEvent]:
        if self.faults:
            raise self.faults.pop(0)
        for one in request_ids:
            if one in self.shown:
                key = f"search|{one}|{self.shown[one]}"
                yield DecisionEvent(one, self.shown[one], datetime.now(UTC), "search", key)


def heard(row: InboxRow) -> DecisionEvent | None:
    return read_event(read_body(row.body).members, row.received_at).decision


def deciding(kit: Kit, post: Post) -> Gateway:
    gateway = Gateway()
    service = kit.service
    handler = decision_handler(
        heard, lambda _row: gateway, service.decide, service.orders.by_request
    )
    post.handlers |= {ACCEPT: handler, REJECT: handler}
    return gateway


def deliver(kit: Kit, request_id: str, **changes: Any) -> None:
    raw, headers = signed(event(request_id, **changes))
    answer = kit.call("POST", "/v1/webhooks/cybersource/acme_us", raw, "", **headers)
    assert answer.status_code == 200


def test_a_decision_reaches_its_order(kit: Kit) -> None:
    post = Post(kit, at=datetime.now(UTC) + timedelta(minutes=1))
    gateway = deciding(kit, post)
    order_id, request_id = reviewed(kit)
    gateway.shown[request_id] = Decision.accept
    deliver(kit, request_id)
    assert post.handling.run().handled == 1
    assert kit.service.advance(order_id).state == "captured"


def test_an_event_that_names_another_decision_than_the_gateway_decides_nothing(kit: Kit) -> None:
    """Its name is not signed: who could alter it must not have a refused order captured."""
    post = Post(kit, at=datetime.now(UTC) + timedelta(minutes=1))
    gateway = deciding(kit, post)
    order_id, request_id = reviewed(kit)
    deliver(kit, request_id, eventType=ACCEPT)
    assert post.handling.run().waiting == 1
    assert kit.service.orders.get(order_id).facts.decision == "review"
    gateway.shown[request_id] = Decision.reject
    post.at += timedelta(minutes=1)
    assert post.handling.run().handled == 1
    assert kit.service.orders.get(order_id).facts.decision == "reject"


def test_a_gateway_that_cannot_be_asked_is_asked_again(kit: Kit) -> None:
    post = Post(kit, at=datetime.now(UTC) + timedelta(minutes=1))
    gateway = deciding(kit, post)
    order_id, request_id = reviewed(kit)
    gateway.shown[request_id] = Decision.accept
    gateway.faults.append(Retryable("no answer", "transaction search", "Wait."))
    deliver(kit, request_id)
    assert post.handling.run().waiting == 1
    post.at += timedelta(minutes=1)
    assert post.handling.run().handled == 1
    assert kit.service.orders.get(order_id).facts.decision == "accept"


def test_a_decision_for_an_unknown_order_waits_for_it(kit: Kit) -> None:
    post = Post(kit, at=datetime.now(UTC) + timedelta(minutes=1))
    gateway = deciding(kit, post)
    gateway.faults.append(AssertionError("nobody is asked about a request that may not be ours"))
    deliver(kit, f"{7:022}")  # the request of the order that comes next
    assert post.handling.run().waiting == 1
    order_id, request_id = reviewed(kit)
    assert request_id == f"{7:022}"
    gateway.faults.clear()
    gateway.shown[request_id] = Decision.accept
    post.at += timedelta(minutes=1)
    assert post.handling.run().handled == 1
    assert kit.service.orders.get(order_id).facts.decision == "accept"


@pytest.mark.parametrize("is_ours", [True, False])
def test_what_waits_in_vain_for_a_day_is_left_to_the_poller(kit: Kit, is_ours: bool) -> None:
    post = Post(kit, at=datetime.now(UTC) + timedelta(minutes=1))
    deciding(kit, post)
    deliver(kit, reviewed(kit)[1] if is_ours else f"{99:022}")
    assert post.handling.run().waiting == 1
    post.at += timedelta(days=1)
    assert post.handling.run().handled == 1
    assert kit.api.parts.letters.listing() == []


def test_a_decision_of_an_order_that_nobody_polls_is_told_to_a_person(kit: Kit) -> None:
    post = Post(kit, at=datetime.now(UTC) + timedelta(minutes=1))
    service = kit.service
    post.handlers |= {
        ACCEPT: decision_handler(
            heard, lambda _row: None, service.decide, service.orders.by_request
        )
    }
    deliver(kit, reviewed(kit)[1])
    assert post.handling.run().waiting == 1
    post.at += timedelta(days=1)
    assert post.handling.run().failed == 1
    (letter,) = kit.api.parts.letters.listing()
    assert "no shop in use has the gateway account" in letter.reason


def test_decisions_against_each_other_block_the_capture(kit: Kit) -> None:
    post = Post(kit, at=datetime.now(UTC) + timedelta(minutes=1))
    gateway = deciding(kit, post)
    order_id, request_id = reviewed(kit)
    for decision, name in ((Decision.reject, REJECT), (Decision.accept, ACCEPT)):
        gateway.shown[request_id] = decision
        deliver(kit, request_id, eventType=name)
        assert post.handling.run().handled == 1
    assert kit.service.orders.get(order_id).facts.is_contradicted


def test_an_encrypted_decision_is_left_to_the_poller(kit: Kit) -> None:
    post = Post(kit, at=datetime.now(UTC) + timedelta(minutes=1))
    deciding(kit, post)
    deliver(kit, "", payload="e30.e30.e30.e30.e30")
    assert post.handling.run().handled == 1
    assert kit.api.parts.letters.listing() == []
