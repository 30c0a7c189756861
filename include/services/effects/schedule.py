"""When to ask again: pure functions of an effect, the time and the settings."""

from datetime import datetime, timedelta

from include.services.effects.ports import Effect, EffectState, Timings
from include.services.effects.states import FINISHED

# After Q and 2Q, from the send or from when the other side fell silent; then a dead letter. The
# shape is Kill Bill's janitor.
_LATER_LOOKS = (
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
    *(timedelta(days=day) for day in range(1, 6)),
)
GIVE_UP_AFTER = _LATER_LOOKS[-1]
_SHORTEST_BACKOFF = timedelta(seconds=30)
_LONGEST_BACKOFF = timedelta(minutes=15)
_LEFT_ALONE = timedelta(minutes=5)  # as long as a breaker is open at most
_MORE_THAN_Q = timedelta(milliseconds=1)  # absent counts strictly after Q


def is_due(effect: Effect, now: datetime, *, may_hurry: bool = False) -> bool:
    """Say whether there is something to do; ``may_hurry`` what was not sent, never a doubt."""
    if effect.state in FINISHED:
        return False
    if may_hurry and effect.state in (EffectState.intended, EffectState.parked):
        return True
    return effect.next_at is None or effect.next_at <= now


def is_unsent(effect: Effect) -> bool:
    """Say whether it waits, and nothing of it has ever left: it may still be withdrawn."""
    return effect.sent_at is None and effect.state in (EffectState.intended, EffectState.parked)


def may_be_withdrawn(effect: Effect) -> bool:
    """Say whether nothing of it has ever left, and nothing would but by a person's replay.

    One that was adopted was not sent either, and yet is there, or was: it has a key or evidence.
    """
    has_ended = effect.state in (EffectState.rejected, EffectState.dead_letter)
    was_sent = effect.sends > 0 or effect.sent_at is not None
    was_seen = bool(effect.their_key or effect.evidence)
    return is_unsent(effect) or (has_ended and not was_sent and not was_seen)


def waits_out(effect: Effect, until: datetime) -> bool:
    """Say whether nobody can do anything with it before then: a doubt or a yes is never hurried."""
    is_waiting = effect.state in (EffectState.in_doubt, EffectState.done)
    return is_waiting and effect.next_at is not None and effect.next_at >= until


def settled_at(effect: Effect, timings: Timings) -> datetime:
    """Say from when on an absent answer means that the last send came to nothing."""
    return settles(_base(effect), timings)


def settles(sent_at: datetime, timings: Timings) -> datetime:
    """Say the same of what is sent at ``sent_at``."""
    return sent_at + timings.quiescence + _MORE_THAN_Q


def verify_at(effect: Effect, timings: Timings) -> datetime:
    """Say when to read back: once a second delivery would show, even in a stale answer."""
    return _base(effect) + timings.until_verify


def next_try(effect: Effect, now: datetime, timings: Timings) -> datetime | None:
    """Say when to ask again after the other side could not be asked; ``None``: give up.

    What counts is how long nobody has answered: a closed period that opened after a week, or a
    replay, has its tries before it, however old it is.
    """
    base, silent_since = _base(effect), effect.silent_since
    if effect.state is EffectState.parked or effect.sent_at is None:
        waited = now - (silent_since or base)
        if silent_since is not None and waited >= GIVE_UP_AFTER:
            return None
        if effect.state is EffectState.parked:
            return now + timings.park_retry
        return now + min(max(waited, _SHORTEST_BACKOFF), _LONGEST_BACKOFF)  # as long again
    first = timings.quiescence + _MORE_THAN_Q  # a look before it would prove nothing
    looks = (first, 2 * timings.quiescence, *_LATER_LOOKS)
    if silent_since is not None:
        base = max(base, silent_since - first)  # as if the first of them were the unanswered one
    later = [look for look in looks if look > now - base and look >= first]
    return base + min(later) if later else None


def next_turn(again: datetime | None, now: datetime) -> datetime:
    """Say when to come back where the other side was left alone: soon, and never given up for it.

    ``again``: when its own schedule would ask next; ``None``: never.
    """
    soon = now + _LEFT_ALONE
    return soon if again is None else min(again, soon)


def _base(effect: Effect) -> datetime:
    base = effect.sent_at or effect.intended_at
    if base is None:
        raise ValueError(f"effect {effect.key} was never stored")
    return base
