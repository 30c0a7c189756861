"""Withdraw a write that certainly never happened, so that another may take its place.

Only what was never sent, or was refused or parked at its first send, can be withdrawn. The effect
stays, declined: nobody sends it again, and evidence that it happened after all still counts.
"""

from dataclasses import replace
from datetime import timedelta

from include.services.effects.demands import check_digest, demand_same
from include.services.effects.ports import Effect, EffectState
from include.services.effects.states import check_transition
from include.services.effects.store import Change, EffectStore

_LEASE = timedelta(seconds=60)  # for two commits, and nothing is called in between
_NEVER = (EffectState.intended, EffectState.parked, EffectState.rejected)


def is_never_sent(effect: Effect) -> bool:
    """Say whether it certainly has not happened; a replay forgets sends, not their instant."""
    return effect.state in _NEVER and effect.sends == 0 and effect.sent_at is None


def withdraw(store: EffectStore, effect: Effect, *, who: str, why: str) -> bool:
    """Withdraw a write; one that nobody intended yet is kept as withdrawn, for whoever comes late.

    Returns:
        ``False``: it happened or may have, or somebody is at it now. Nothing was changed.

    Raises:
        Rejected: the key or the reference is already used for other content.
    """
    check_digest(effect)
    gone = replace(
        effect, state=EffectState.declined, intended_at=store.now(), next_at=None, reason=why
    )
    stored = store.insert(gone, who)
    demand_same(stored, effect)
    if stored.state is EffectState.declined:
        return True
    taken = store.take(effect.kind, effect.key, who, _LEASE)
    if taken.lease is None or taken.effect is None:
        return False
    if not is_never_sent(taken.effect):
        store.release(taken.lease)
        return False
    before = taken.effect
    after = replace(before, state=EffectState.declined, next_at=None, reason=why)
    check_transition(before.state, after.state)
    change = Change(before, after, why, resolution=why, gives_back=True)
    store.change(taken.lease, lambda _now: change)
    return True
