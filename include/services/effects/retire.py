"""Retire a write that certainly never happened, so that another may take its place.

Only what was never sent, or was refused or parked at its first send, can be retired. The effect
stays, declined: nobody sends it again, and evidence that it happened after all still counts. (What
an engine *withdraws* makes way instead: the same key may be intended again.)
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from include.services.effects.demands import check_digest, demand_same
from include.services.effects.ports import Effect, EffectState
from include.services.effects.states import check_transition
from include.services.effects.store import Change, EffectStore

_LEASE = timedelta(seconds=60)  # for two commits, and nothing is called in between
IsDoubted = Callable[[], bool]
_NEVER = (EffectState.intended, EffectState.parked, EffectState.rejected)


def is_never_sent(effect: Effect | None, *, is_doubted: IsDoubted) -> bool:
    """Say whether it certainly has not happened; a replay forgets sends, not their instant.

    Args:
        effect: as the store holds it; ``None``: it holds none.
        is_doubted: says whether the store may have forgotten sends: such a one proves nothing.
    """
    if is_doubted():
        return False
    if effect is None:
        return True
    return effect.state in _NEVER and effect.sends == 0 and effect.sent_at is None


def retire(
    store: EffectStore, effect: Effect, *, is_doubted: IsDoubted, who: str, why: str
) -> bool:
    """Retire a write; one that nobody intended yet is kept as declined, for whoever comes late.

    Returns:
        ``False``: it happened or may have, or somebody is at it now. Nothing was changed.

    Raises:
        Rejected: the key or the reference is already used for other content.
    """
    check_digest(effect)
    if is_doubted():
        return False
    gone = replace(
        effect, state=EffectState.declined, intended_at=store.now(), next_at=None, reason=why
    )
    stored = store.insert(gone, who)
    demand_same(stored, effect)
    if stored.state is EffectState.declined:
        return True
    leased = store.lease(effect.kind, effect.key, who, _LEASE)
    if leased.lease is None or leased.effect is None:
        return False
    if not is_never_sent(leased.effect, is_doubted=is_doubted):
        store.release(leased.lease)
        return False
    before = leased.effect
    after = replace(before, state=EffectState.declined, next_at=None, reason=why)
    check_transition(before.state, after.state)
    change = Change(before, after, why, resolution=why, gives_back=True)
    store.change(leased.lease, lambda _now: change)
    return True
