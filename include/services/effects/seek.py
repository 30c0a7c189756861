"""Find again what was done and what a store that was put back has forgotten; nothing is sent."""

from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectState


def seek(engine: Engine, effect: Effect) -> Effect | None:
    """Return an effect that is there, or that is known; ``None``: it is neither.

    What was refused or withdrawn is asked for as well: that it was made since may be forgotten.

    Raises:
        Rejected: another effect has its reference.
        Retryable: the other side could not be asked.
    """
    known = engine.find(effect.kind, effect.key)
    if known is None:
        return engine.adopt(effect)
    if known.state in (EffectState.rejected, EffectState.withdrawn):
        return engine.recheck(effect.kind, effect.key)
    return known
