"""An effect store in memory, for tests and simulators; it satisfies the same contract tests.

Safe for threads. It forgets everything with its process.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from include.services.effects import chain
from include.services.effects.boundaries import Boundary, BoundaryHook, pass_by
from include.services.effects.dead_letters import DeadLetter
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.effects.states import MADE, UNFINISHED
from include.services.effects.store import EVERY_STATE, Change, Decide, Lease, Leased, LeaseLost
from include.services.effects.wording import effect_detail, reference_taken, subject_of
from include.services.ports import Clock


class MemoryEffectStore:
    """Effects, leases, dead letters and the audit chain in dictionaries."""

    def __init__(self, clock: Clock, boundary: BoundaryHook = pass_by) -> None:
        self._clock = clock
        self._boundary = boundary
        self._lock = threading.RLock()
        self._effects: dict[tuple[EffectKind, str], Effect] = {}
        self._unfinished: dict[tuple[EffectKind, str], Effect] = {}  # what sweeps read
        self._references: dict[tuple[str, str], tuple[EffectKind, str]] = {}
        self._leases: dict[str, Lease] = {}
        self._letters: list[DeadLetter] = []
        self._open: dict[tuple[str, str], int] = {}  # of (kind, key): place in _letters
        self._links: list[chain.Link] = []

    def now(self) -> datetime:
        return self._clock.now()

    # Leases ----------------------------------------------------------------------------------

    def acquire(self, name: str, holder: str, duration: timedelta) -> Lease | None:
        with self._lock:
            now, held = self._clock.now(), self._leases.get(name)
            if held is not None and held.expires_at > now:
                return None
            lease = Lease(name, holder, held.fence + 1 if held else 1, now + duration)
            self._leases[name] = lease
            return lease

    def renew(self, lease: Lease, duration: timedelta) -> datetime:
        with self._lock:
            self._require(lease)
            now = self._clock.now()
            self._leases[lease.name] = replace(lease, expires_at=now + duration)
            return now

    def release(self, lease: Lease) -> None:
        with self._lock:
            if self._is_current(lease):
                self._leases[lease.name] = replace(lease, expires_at=self._clock.now())

    def _is_current(self, lease: Lease) -> bool:
        held = self._leases.get(lease.name)
        return held is not None and held.fence == lease.fence

    def _require(self, lease: Lease) -> None:
        if not self._is_current(lease):
            raise LeaseLost(lease.name)

    # Effects ---------------------------------------------------------------------------------

    def insert(self, effect: Effect, who: str, *, under: Lease | None = None) -> Effect:
        with self._lock:
            if under is not None:
                self._require(under)
            place = (effect.kind, effect.key)
            self._make_way(effect)
            if place in self._effects:
                return self._effects[place]
            other = self._references.get((effect.target, effect.reference))
            if other is not None:
                raise reference_taken(effect, other[1])
            self._boundary(Boundary.inside_intent)
            self._references[effect.target, effect.reference] = place
            self._keep(effect)
            self._append(who, "effect intended", effect, cause=effect.digest)
            return effect

    def begin(
        self,
        effect: Effect,
        mark: Callable[[Effect], Change],
        who: str,
        duration: timedelta,
        *,
        under: Lease | None = None,
    ) -> tuple[Effect, Lease | None]:
        with self._lock:
            if under is not None:
                self._require(under)
            fresh = effect.but(intended_at=self._clock.now())
            held = self._leases.get(subject_of(effect))
            lease = self.acquire(subject_of(effect), who, duration)
            if lease is not None and self._is_new(effect):
                try:
                    return self._write(lease, mark(self.insert(fresh, who))), lease
                except BaseException:  # as a transaction that does not commit
                    self._put_back(lease, held)
                    raise
            if lease is not None:
                self.release(lease)
            return self.insert(fresh, who), None

    def _put_back(self, lease: Lease, held: Lease | None) -> None:
        if held is None:
            del self._leases[lease.name]
        else:
            self._leases[lease.name] = held

    def _make_way(self, effect: Effect) -> None:
        """Forget what was withdrawn under this key, or with this reference."""
        places = {(effect.kind, effect.key)}
        places |= {
            self._references.get((effect.target, effect.reference), (effect.kind, effect.key))
        }
        for place in places:
            found = self._effects.get(place)
            if found is not None and found.state is EffectState.withdrawn:
                del self._effects[place]
                del self._references[found.target, found.reference]

    def _is_new(self, effect: Effect) -> bool:
        self._make_way(effect)
        has_key = (effect.kind, effect.key) in self._effects
        return not has_key and (effect.target, effect.reference) not in self._references

    def get(self, kind: EffectKind, key: str) -> Effect | None:
        return self._effects.get((kind, key))

    def holder(self, target: str, reference: str) -> Effect | None:
        place = self._references.get((target, reference))
        return None if place is None else self._effects[place]

    def has_later(self, effect: Effect) -> bool:
        saga, since = effect.key.partition("|")[0], effect.intended_at
        with self._lock:
            return any(
                one.kind is effect.kind
                and one.key.partition("|")[0] == saga
                and one.state in MADE
                and since is not None
                and one.intended_at is not None
                and one.intended_at > since
                for one in self._effects.values()
            )

    def lease(self, kind: EffectKind, key: str, holder: str, duration: timedelta) -> Leased:
        with self._lock:
            lease = self.acquire(f"{kind.value}|{key}", holder, duration)
            return Leased(self.get(kind, key), lease, self._clock.now())

    def change(self, lease: Lease, decide: Decide, *, in_passing: bool = False) -> Effect:
        with self._lock:
            change = decide(self._clock.now())
            self._require(lease)
            before = self._effects[change.before.kind, change.before.key]
            if before != change.before:
                raise LeaseLost(lease.name)
            self._boundary(Boundary.inside_change)
            after = self._write(lease, change)
            if change.gives_back:
                self.release(lease)
            return after

    def _write(self, lease: Lease, change: Change) -> Effect:
        after = change.after.but(fence=lease.fence)
        self._keep(after)
        who = change.who or lease.holder
        if change.resolution:
            self._close_letter(after, who, change.resolution)
        if change.dead_letter is not None:
            self._open_letter(after, change.dead_letter.reason, change.dead_letter.next_action)
        what = f"effect {change.before.state.value} -> {after.state.value}"
        self._append(who, what, after, cause=change.cause)
        return after

    def _keep(self, effect: Effect) -> None:
        place = (effect.kind, effect.key)
        self._effects[place] = effect
        if effect.state in UNFINISHED:
            self._unfinished[place] = effect
        else:
            self._unfinished.pop(place, None)

    def due(
        self, limit: int, targets: Sequence[str] | None = None
    ) -> Sequence[tuple[EffectKind, str]]:
        with self._lock:
            now = self._clock.now()
            waiting = [
                effect
                for effect in self._unfinished.values()
                if (effect.next_at is None or effect.next_at <= now)
                and (targets is None or effect.target in targets)
            ]
            waiting.sort(key=lambda one: (one.next_at or one.intended_at or now, one.key))
            return [(effect.kind, effect.key) for effect in waiting[:limit]]

    def listing(self, states: Sequence[EffectState], limit: int = 1000) -> Sequence[Effect]:
        with self._lock:
            found = [effect for effect in self._effects.values() if effect.state in states]
            found.sort(key=lambda one: (str(one.intended_at), one.kind.value, one.key))
            return found[:limit]

    def counts(self, states: Sequence[EffectState] = EVERY_STATE) -> dict[EffectState, int]:
        with self._lock:
            return dict(Counter(it.state for it in self._effects.values() if it.state in states))

    def is_in_transaction(self) -> bool:
        return False

    # Audit and dead letters ------------------------------------------------------------------

    def links(self) -> Sequence[chain.Link]:
        """Return the audit chain."""
        return self._links

    def dead_letters(self, state: str = "open") -> Sequence[DeadLetter]:
        """List dead letters, oldest first."""
        return [letter for letter in self._letters if letter.state == state]

    def _append(self, who: str, what: str, effect: Effect, cause: str) -> None:
        entry = chain.AuditEntry(
            self._clock.now(), who, what, subject_of(effect), effect_detail(effect, cause)
        )
        previous = self._links[-1].hash if self._links else chain.START
        self._links.append(chain.Link(entry, previous, chain.entry_hash(previous, entry)))

    def _open_letter(self, effect: Effect, reason: str, next_action: str) -> None:
        place = (effect.kind.value, effect.key)
        if place in self._open:
            index = self._open[place]
            self._letters[index] = replace(
                self._letters[index], reason=reason, next_action=next_action
            )
            return
        self._open[place] = len(self._letters)
        self._letters.append(
            DeadLetter(
                len(self._letters) + 1,
                effect.kind.value,
                effect.key,
                effect.currency,
                effect.amount_minor,
                reason,
                next_action,
                effect.owner,
                "open",
                self._clock.now(),
            )
        )

    def _close_letter(self, effect: Effect, who: str, resolution: str) -> None:
        index = self._open.pop((effect.kind.value, effect.key), None)
        if index is not None:
            self._letters[index] = replace(
                self._letters[index],
                state="resolved",
                resolved_at=self._clock.now(),
                resolved_by=who,
                resolution=resolution,
            )
