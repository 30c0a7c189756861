"""The calls to partners: never inside a transaction, and each told to the log with its seconds."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from include.domain.errors import IntegrationError, OutcomeUnknown, Parked, Rejected, Retryable
from include.services.effects.departure import departing
from include.services.effects.events import EventLog
from include.services.effects.ports import (
    Difference,
    Effect,
    EffectKind,
    Found,
    Partner,
    Receipt,
)
from include.services.effects.rules import Rules
from include.services.effects.store import Change, EffectStore
from include.services.effects.way_out import WayOut
from include.services.ports import Clock

# One changes what an earlier one of the same saga left: a hold, then its release.
_MOVES = frozenset((EffectKind.sales_order_move,))


@dataclass(frozen=True, slots=True)
class Heard:
    """How a send ended."""

    way: WayOut
    answer: Receipt | IntegrationError
    began: datetime  # by our own clock

    def change(self, rules: Rules, unsent: Effect, now: Callable[[], datetime]) -> Change:
        """Decide what it means.

        Args:
            rules: of its kind.
            unsent: as it is kept without the send.
            now: asks the store for its time; a yes needs none.
        """
        answer, sent = self.answer, self.way.sent
        before = sent or unsent
        if sent is not None and self.way.has_overslept:
            return rules.paused(unsent, sent)
        if isinstance(answer, Receipt):
            return rules.confirmed(unsent, before, answer)
        if isinstance(answer, Parked):
            return rules.parked(unsent, before, answer, now())
        if isinstance(answer, Rejected):
            return rules.refused(unsent, before, answer)
        if isinstance(answer, OutcomeUnknown) and sent is not None:
            return rules.unknown(sent, answer)
        return rules.not_sent(unsent, before, answer, now())


class Calls:
    """One worker's; ``clock`` is for the seconds alone, ``is_doubted`` as of the engine."""

    def __init__(
        self,
        store: EffectStore,
        partners: Mapping[EffectKind, Partner],
        clock: Clock,
        log: EventLog,
        is_doubted: Callable[[], bool],
    ) -> None:
        self._store = store
        self._is_doubted = is_doubted
        self._partners = partners
        self._clock = clock
        self._log = log

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return all that carries the effect's reference.

        Raises:
            Retryable: the other side could not be asked, or has refused the question: that says
                nothing of what was written.
        """
        began = self.begin(effect)
        outcome = "could not ask"
        asked = effect
        if effect.sent_at is None and self._is_doubted():
            # A send that the store forgot: partners look in more places for what was sent.
            asked = replace(effect, sent_at=self._store.now())
        try:
            found = self._partners[effect.kind].look(asked)
            outcome = f"found {len(found)}"
        except Rejected as fault:
            raise Retryable(fault.what, fault.where, fault.do) from None
        finally:
            self.tell("effect_looked", effect, outcome, began, effect)
        return found

    def is_surely_absent(self, effect: Effect) -> bool:
        """Say whether a look found nothing; ``False``, too, where it could not be asked."""
        with suppress(Retryable):
            return not self.look(effect)
        return False

    def send(self, way: WayOut) -> Heard:
        """Send once. Any other exception leaves what was recorded: a doubt."""
        effect = way.unsent
        began = self.begin(effect)
        try:
            with departing(way):
                answer: Receipt | IntegrationError = self._partners[effect.kind].send(effect)
        except (Retryable, Rejected, OutcomeUnknown) as error:
            answer = error
        return Heard(way, answer, began)

    def compare(self, effect: Effect, found: tuple[Found, ...]) -> tuple[Difference, ...]:
        """Compare the one that was found with what was meant, unless a later one has changed it."""
        if len(found) != 1:
            return ()
        differences = self._partners[effect.kind].compare(effect, found[0])
        if differences and effect.kind in _MOVES and self._store.has_later(effect):
            return ()
        return differences

    def begin(self, effect: Effect) -> datetime:
        """Say when a call begins, by our own clock; refuse one inside a transaction."""
        if self._store.is_in_transaction():
            raise RuntimeError(f"a transaction is open while {effect.kind.value} calls its partner")
        return self._clock.now()

    def tell(
        self, event: str, effect: Effect, outcome: str, began: datetime, after: Effect
    ) -> None:
        """Log a call that has ended."""
        self._log(
            event,
            kind=effect.kind.value,
            target=effect.target,
            reference=effect.reference,
            outcome=outcome,
            seconds=round((self._clock.now() - began).total_seconds(), 3),
            state=after.state.value,
            next_at=after.next_at.isoformat() if after.next_at else "",
        )
