"""One send on its way out: its record is committed when its first byte is about to leave."""

from functools import partial

from include.domain.errors import LeftAlone
from include.services.effects.boundaries import Boundary, BoundaryHook
from include.services.effects.demands import instant_of
from include.services.effects.ports import Effect
from include.services.effects.rules import Rules
from include.services.effects.store import EffectStore, Lease
from include.services.effects.turn import Turn


class NotNewError(Exception):
    """Somebody else has intended it meanwhile: nothing of ours leaves."""


class WayOut:
    """Called for each write of one send; see ``departure``."""

    def __init__(
        self,
        store: EffectStore,
        rules: Rules,
        boundary: BoundaryHook,
        unsent: Effect,
        turn: Turn | None,
        *,
        worker: str = "",
        under: Lease | None = None,
    ) -> None:
        """Join the parts; nothing is written yet.

        Args:
            store: keeps the effect.
            rules: of its kind.
            boundary: called once the record is committed.
            unsent: the effect as it is now.
            turn: at it; ``None``: it is new, and its intent is one commit with the record.
            worker: who begins a new one.
            under: a lease of the caller's that a new one needs; see ``EffectStore.begin``.
        """
        self._store = store
        self._rules = rules
        self._boundary = boundary
        self._worker = worker
        self._under = under
        self.unsent = unsent
        self.turn = turn
        self.sent: Effect | None = None  # as recorded last; None: certainly nothing has left
        self.has_overslept = False  # recorded, and kept back: nothing has left either

    def __call__(self) -> None:
        """Record that it leaves now, then let it.

        Raises:
            LeftAlone: we slept in between. Nothing of this call leaves.
            LeaseLost: somebody else has the effect now, or ``under``. Nothing leaves.
            NotNewError: it is no new one. Nothing leaves.
        """
        is_first = self.sent is None
        turn, self.sent = self._record()
        self._boundary(Boundary.marked_sent)
        is_late = not self.may_leave(turn, self.sent)
        self.has_overslept = is_late and is_first
        if is_late:
            raise LeftAlone(  # it says nothing of the other side, which was asked nothing
                "paused between recording the send and sending",
                f"effect {self.sent.kind.value}",
                "Nothing was sent; it is tried again.",
            )

    def may_leave(self, turn: Turn, sent: Effect) -> bool:
        """Renew the lease, and refuse if we slept: Q counts from the record, not from the send.

        By the store's time: our own clock stands still with a host that is frozen. A lease that was
        taken with the record outlives the slack and one exchange, so only the time is asked.
        """
        timings = self._rules.timings
        now = turn.renew(self._store, timings.lease) if turn.has_called else self._store.now()
        turn.has_called = True
        return sent.sent_at is not None and now - sent.sent_at <= timings.send_slack

    def _record(self) -> tuple[Turn, Effect]:
        if self.turn is None:
            return self._begin()
        mark = (
            partial(self._rules.mark_sent, self.unsent)
            if self.sent is None
            else partial(self._rules.mark_again, self.sent)
        )
        return self.turn, self.turn.write(self._store, mark, lambda _after, _now: False)

    def _begin(self) -> tuple[Turn, Effect]:
        """Commit intent and send under a lease."""
        rules, fresh = self._rules, self.unsent
        sent, lease = self._store.begin(
            fresh,
            lambda it: rules.mark_sent(it, instant_of(it)),
            self._worker,
            rules.timings.lease,
            under=self._under,
        )
        if lease is None:
            raise NotNewError(fresh.key)
        self.unsent = fresh.but(intended_at=sent.intended_at)
        self.turn = Turn(fresh.kind, lease, instant_of(sent))
        return self.turn, sent
