"""The poller of fraud decisions: one that is odd holds up no other, and is never left out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from include.domain.errors import Rejected, Retryable
from include.domain.payments import PaymentStatus
from include.domain.reviews import Decision, DecisionEvent, Merged
from include.services.effects.ports import EffectKind
from include.services.orders.order_service import OrderService
from include.services.sync.hear_decisions import READING, TAKING, DecisionPoll
from tests.care.conftest import Care
from tests.orders.conftest import make_order
from tests.orders.partners import authorization


@dataclass(frozen=True)
class Page:
    events: tuple[DecisionEvent, ...]
    cursor: datetime
    unread: tuple[str, ...] = ()


@dataclass
class Feed:
    """Hands out one page; asked for requests, it answers or raises."""

    page: Page
    fault: Exception | None = None
    asked_since: list[datetime] = field(default_factory=list)

    def decisions_since(self, cursor: datetime) -> Iterator[Page]:
        self.asked_since.append(cursor)
        yield self.page

    def decided(self, request_ids: Sequence[str]) -> Iterator[DecisionEvent]:
        if self.fault is not None:
            raise self.fault
        return iter(())


def event(care: Care, number: int, decision: Decision = Decision.accept) -> DecisionEvent:
    at = care.kit.clock.now()
    return DecisionEvent(f"{number:022}", decision, at, "conversion_details", f"e{number}", "ada")


def poll(care: Care, feed: Feed) -> str:
    begin = care.kit.clock.now() - timedelta(days=7)
    service, marks = care.kit.service, care.watermarks
    made = DecisionPoll("acme_us", feed, service, marks, care.shelf, "ann@acme")
    return str(made.poll(begin, []))


def order_in_review(care: Care, number: int) -> str:
    care.kit.partner.say(
        EffectKind.payment_authorization,
        lambda it: care.kit.partner.do(it, authorization(it, number, PaymentStatus.in_review)),
    )
    order = make_order()
    care.kit.run(order)
    return order.order_id


def test_an_item_that_cannot_be_read_is_a_letter_once_and_the_cursor_moves(care: Care) -> None:
    feed = Feed(Page((event(care, 9),), care.kit.clock.now(), ('{"newDecision": "PERHAPS"}',)))
    assert poll(care, feed) == "2 read: 0 done, 1 set aside, 1 not ours"
    (letter,) = care.letters.listing()
    assert (letter.kind, letter.owner) == (READING, "ann@acme")
    assert "PERHAPS" in letter.reason
    poll(care, feed)
    assert feed.asked_since[1] == feed.page.cursor
    care.letters.resolve(letter.dead_letter_id, "ann", "decided by hand")
    poll(care, feed)  # the overlap shows it again
    assert care.open_letters() == []


def test_a_decision_that_cannot_be_taken_in_holds_up_no_other(
    care: Care, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = order_in_review(care, 8)
    decide = OrderService.decide

    def odd(self: OrderService, heard: DecisionEvent) -> Merged | None:
        if heard.event_key == "e7":
            raise Rejected("it cannot be written down", "orders", "Look at it.")
        return decide(self, heard)

    monkeypatch.setattr(OrderService, "decide", odd)
    feed = Feed(Page((event(care, 7), event(care, 8)), care.kit.clock.now()))
    assert poll(care, feed) == "2 read: 1 done, 1 set aside, 0 not ours"
    assert care.open_letters() == [(TAKING, "e7")]
    assert care.kit.service.orders.get(order_id).facts.decision is Decision.accept
    monkeypatch.undo()
    poll(care, feed)
    assert care.open_letters() == []


def test_what_came_before_its_order_is_matched_though_the_gateway_is_silent(care: Care) -> None:
    assert care.kit.service.decide(event(care, 9, Decision.reject)) is None
    order_id = order_in_review(care, 9)
    fault = Retryable("no answer", "transaction search", "Ask again.")
    with pytest.raises(Retryable):
        poll(care, Feed(Page((), care.kit.clock.now()), fault))
    assert care.kit.service.orders.get(order_id).facts.decision is Decision.reject
