"""The bytes of a webhook go once it has been over for long; its key still refuses a repeat."""

from datetime import timedelta

import pytest

from include.domain.errors import Rejected
from include.services.inbox.handle_events import Handler
from include.services.inbox.ports import InboxRow
from tests.api.conftest import Kit
from tests.api.test_inbox import Post

DAYS = timedelta(days=30)
BODY = b'{"email": "ada@example.com"}'


@pytest.fixture
def post(both: Kit) -> Post:
    """One event of each end: handled, unhandled, failed, and one that waits for its hour."""
    post = Post(both)
    post.on("order.updated")
    post.handlers["order.failed"] = _fail
    for key, kind in (("a", "order.updated"), ("b", "coupon.created"), ("c", "order.failed")):
        post.put(key, kind, BODY)
    post.handling.run()
    return post


def _fail(_row: InboxRow) -> str:
    raise Rejected("no such country", "order 7", "Map it.")


def bodies(post: Post) -> list[tuple[str, str, bytes]]:
    with post.kit.database.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT event_key, state, body FROM inbox ORDER BY inbox_id"
        )
        return [(key, state, bytes(body)) for key, state, body in found]


def test_what_is_over_for_long_loses_its_bytes_and_no_other_does(post: Post) -> None:
    post.at += DAYS - timedelta(seconds=1)
    assert post.inbox.empty(DAYS) == 0
    post.at += timedelta(seconds=1)
    post.put("d", "order.updated", BODY)  # not handled yet
    assert post.inbox.empty(DAYS) == 2
    assert post.inbox.empty(DAYS) == 0
    assert bodies(post) == [
        ("a", "emptied", b""),
        ("b", "emptied", b""),
        ("c", "failed", BODY),  # its dead letter is open: a person may replay it
        ("d", "received", BODY),
    ]


def test_one_that_was_emptied_is_known_when_it_comes_again(post: Post) -> None:
    post.at += DAYS
    post.inbox.empty(DAYS)
    post.put("a", "order.updated", BODY)
    assert bodies(post)[0] == ("a", "emptied", b"")
    assert post.handling.run().seen == 0
    assert post.calls == ["a"]


def test_one_that_was_emptied_cannot_be_replayed(post: Post) -> None:
    post.at += DAYS
    post.inbox.empty(DAYS)
    with pytest.raises(Rejected, match="no failed event"):
        post.inbox.retry("woocommerce|web|b", "ann")


def test_one_that_failed_is_emptied_once_its_dead_letter_is_closed(post: Post) -> None:
    (letter,) = post.kit.api.parts.letters.listing()
    post.kit.api.parts.letters.resolve(letter.dead_letter_id, "ann", "booked by hand")
    post.at += DAYS
    assert post.inbox.empty(DAYS) == 3
    assert bodies(post)[2] == ("c", "emptied", b"")


def test_one_that_is_replayed_begins_its_days_anew(post: Post) -> None:
    handlers: dict[str, Handler] = post.handlers
    handlers["order.failed"] = handlers["order.updated"]
    post.at += DAYS
    post.inbox.retry("woocommerce|web|c", "ann")
    post.handling.run()
    assert post.inbox.empty(DAYS) == 2
    assert bodies(post)[2] == ("c", "handled", BODY)
    post.at += DAYS
    assert post.inbox.empty(DAYS) == 1


def test_a_chunk_is_not_the_end(post: Post) -> None:
    for number in range(1001):
        post.put(f"more {number}", "order.updated", BODY)
    post.handling.run(limit=2000)
    post.at += DAYS
    assert post.inbox.empty(DAYS) == 1003
