"""Handle what the inbox holds: by type, in the order received, safe to repeat.

An event that comes before what it speaks of waits for it, at most a day; then a person looks, or
whoever sees to it without the event. A partner that lets one event hang is not asked for the next
ones of a run: the sweep of all merchants' orders waits for this task.
Source: reliability reference, section 2.4, row 14.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from include.domain.errors import IntegrationError, Rejected
from include.services.effects.events import EventLog, log_event
from include.services.inbox.ports import Conclusion, Inbox, InboxRow, InboxState

PATIENCE = timedelta(hours=24)
_SHORTEST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(minutes=15)
_HANGS_S = 5.0  # a partner that fails faster holds nobody up
_TRIES_OF_A_BUG = 4  # waits for what the event speaks of count, too


class NotYet(Exception):
    """What the event speaks of is not known yet: a refund before its capture, for instance.

    ``otherwise`` says who sees to it without the event, once it has waited long enough; without
    one a person is asked.
    """

    def __init__(self, why: str, otherwise: str = "") -> None:
        super().__init__(why)
        self.otherwise = otherwise


Handler = Callable[[InboxRow], str]  # returns what it did, in a few words; must be safe to repeat


@dataclass(frozen=True, slots=True)
class Tally:
    """What one run did."""

    handled: int = 0
    unhandled: int = 0
    waiting: int = 0
    failed: int = 0

    @property
    def seen(self) -> int:
        return self.handled + self.unhandled + self.waiting + self.failed

    def __str__(self) -> str:
        return (
            f"{self.seen} events: {self.handled} handled, {self.unhandled} without a handler, "
            f"{self.waiting} wait, {self.failed} failed"
        )


@dataclass(frozen=True, slots=True)
class HandleEvents:
    """``handlers`` by event type; both generations of a name point to one handler."""

    inbox: Inbox
    handlers: Mapping[str, Handler]
    owner: str  # of the dead letters
    tell: EventLog = log_event
    seconds: Callable[[], float] = time.monotonic
    is_passing: Callable[[Exception], bool] = lambda _fault: False  # e.g. a database that was lost

    def run(self, limit: int = 200) -> Tally:
        """Handle what is due, oldest first; one event never stops the next."""
        counts = dict.fromkeys(("handled", "unhandled", "waiting", "failed"), 0)
        hanging: dict[str, IntegrationError] = {}  # by source
        for row in self.inbox.due(limit):
            conclusion = self._handle(row, hanging)
            if self.inbox.conclude(row, conclusion, self.owner):
                waits = conclusion.state is InboxState.received
                counts["waiting" if waits else conclusion.state.value] += 1
                self.tell(
                    "inbox_event",
                    inbox_id=row.inbox_id,
                    type=row.event_type,
                    state=conclusion.state.value,
                    reason=conclusion.reason,
                )
        return Tally(**counts)

    def _handle(self, row: InboxRow, hanging: dict[str, IntegrationError]) -> Conclusion:
        handler = self.handlers.get(row.event_type)
        if handler is None:
            return Conclusion(InboxState.unhandled, "no handler for this type")
        silent = hanging.get(row.source)
        if silent is not None and self.inbox.now() - row.received_at < PATIENCE:
            return self._wait(row, f"not tried, one before it found: {silent}", silent.do)
        began = self.seconds()
        try:
            return Conclusion(InboxState.handled, handler(row))
        except NotYet as early:
            waits = self._wait(row, str(early), "Find out why it never came; then replay it.")
            if waits.state is InboxState.failed and early.otherwise:
                return Conclusion(InboxState.handled, f"{early}; {early.otherwise}")
            return waits
        except Rejected as fault:
            return Conclusion(InboxState.failed, str(fault), next_action=fault.do)
        except IntegrationError as fault:
            if self.seconds() - began > _HANGS_S:
                hanging[row.source] = fault
            return self._wait(row, str(fault), fault.do)
        except Exception as bug:  # noqa: BLE001 - the edge: one event must not stop the others
            return self._broken(row, bug)

    def _broken(self, row: InboxRow, bug: Exception) -> Conclusion:
        reason = f"{type(bug).__name__} in the handler of {row.event_type}"
        if self.is_passing(bug):
            return self._wait(row, reason, "See to the database; then replay it.")
        if row.tries + 1 < _TRIES_OF_A_BUG:
            return self._wait(row, reason, "Mend it; then replay it.")
        return Conclusion(InboxState.failed, reason, next_action="Mend it; then replay it.")

    def _wait(self, row: InboxRow, reason: str, next_action: str) -> Conclusion:
        now = self.inbox.now()
        age = now - row.received_at
        if age >= PATIENCE:
            return Conclusion(InboxState.failed, reason, next_action=next_action)
        return Conclusion(InboxState.received, reason, next_at=now + _pause(age))


def _pause(age: timedelta) -> timedelta:
    """Wait as long again as it has waited, within limits."""
    return min(max(age, _SHORTEST_WAIT), _LONGEST_WAIT)
