"""Turns the remote's raw answers into the three families, as a hook must: doubt is the default."""

from typing import TYPE_CHECKING

from include.domain.errors import OutcomeUnknown, Parked, Rejected, Retryable
from include.services.effects.ports import Difference, Effect, Found, Receipt
from tests.simulator.network import NoAnswer, NotSent

if TYPE_CHECKING:
    from tests.simulator.world import World

_WHERE, _DO = "the simulated ERP", "Look before sending again."


class SimulatedPartner:
    """A partner as the port wants it, over the simulated wire."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def look(self, effect: Effect) -> tuple[Found, ...]:
        self._world.observe_call(effect)
        try:
            status, entries = self._world.wire.search(effect)
        except (NotSent, NoAnswer) as error:
            raise Retryable(type(error).__name__, _WHERE, _DO) from error
        if status != 200:
            return self.unreadable_look(status)
        return tuple(Found(entry.their_key, {"digest": entry.digest}) for entry in entries)

    def unreadable_look(self, status: int) -> tuple[Found, ...]:
        """An answer that cannot be read is not an absence."""
        raise Retryable(f"HTTP {status}", _WHERE, _DO)

    def send(self, effect: Effect) -> Receipt:
        self._world.observe_call(effect)
        try:
            status, body = self._world.wire.send(effect)
        except NotSent as error:
            raise Retryable("never connected", _WHERE, _DO) from error
        except NoAnswer as error:
            raise self.no_answer() from error
        if status == 429:
            raise Retryable("HTTP 429, not accepted", _WHERE, _DO)
        if status != 200:
            raise self.bad_status(status)
        return self.read(body)

    def no_answer(self) -> Exception:
        return OutcomeUnknown("no answer", _WHERE, _DO)

    def bad_status(self, status: int) -> Exception:
        return OutcomeUnknown(f"HTTP {status}", _WHERE, _DO)

    def read(self, body: str) -> Receipt:
        """Judge a 200. Only what is known to mean no means no; the rest is a doubt."""
        if body == "OK" or body.startswith("OK "):
            return Receipt(body[3:])
        if body == "ERROR period is closed":
            raise Parked("the period is closed", _WHERE, "Open it.")
        if body == "ERROR account does not exist":
            raise Rejected("account does not exist", _WHERE, "Map it.")
        if body == "ERROR duplicate invoice":
            raise self.duplicate()
        if body == "ERROR session is not valid":
            raise self.session_lost()
        return self.unreadable(body)

    def duplicate(self) -> Exception:
        """It is there, but is it ours? Look."""
        return OutcomeUnknown("it says duplicate", _WHERE, _DO)

    def session_lost(self) -> Exception:
        """Another logon may have ended the session after the post."""
        return OutcomeUnknown("session lost", _WHERE, _DO)

    def unreadable(self, body: str) -> Receipt:
        raise OutcomeUnknown(f"unreadable answer {body[:20]!r}", _WHERE, _DO)

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        theirs = str(found.facts["digest"])
        return () if theirs == effect.digest else (Difference("digest", effect.digest, theirs),)
