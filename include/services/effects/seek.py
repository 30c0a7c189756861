"""Find again what was done and what a store that was put back has forgotten; nothing is sent."""

from include.services.effects.engine import Engine
from include.services.effects.ports import Effect


def seek(engine: Engine, effect: Effect) -> Effect | None:
    """Adopt an effect that is there; ``None``: it is not.

    What is known already is brought as far as it goes, as whoever crashed after adopting it meant.

    Raises:
        Retryable: the other side could not be asked.
    """
    if engine.find(effect.kind, effect.key) is None:
        if not engine.look(effect):
            return None
        engine.intend(effect)
    return engine.advance(effect.kind, effect.key)
