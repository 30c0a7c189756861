"""The points at which a process may die or be paused; tests do so, the product does nothing."""

from collections.abc import Callable
from enum import StrEnum


class Boundary(StrEnum):
    """Named in the order a posting passes them. Source: reliability reference, section 3.5."""

    read = "b1_read"  # the effect was read under its lease
    inside_intent = "b2_inside_intent"  # in the transaction that inserts the intent
    intended = "b3_intended"  # after that transaction
    inside_change = "b6_inside_change"  # in the transaction of any state change
    marked_sent = "b3_marked_sent"  # the send is committed; no byte has left
    half_sent = "b4_half_sent"  # called by transports: half of the request has left
    remote_committed = "b5_remote_committed"  # called by fakes: done there, not yet answered
    answered = "b6_answered"  # the answer is known, nothing of it is written
    concluded = "b7_concluded"  # the conclusion is committed
    before_ack = "b8_before_ack"  # all is written, the caller does not know


BoundaryHook = Callable[[Boundary], None]


def pass_by(_boundary: Boundary) -> None:
    """The product's hook: walk on."""
