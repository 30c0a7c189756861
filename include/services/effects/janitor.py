"""One turn of the janitor: each effect that is due is advanced, and none twice in one run."""

from collections.abc import Callable, Sequence

from include.services.effects.demands import NotThereError
from include.services.effects.events import EventLog
from include.services.effects.ports import Effect, EffectKind
from include.services.effects.store import EffectStore

Had = set[tuple[EffectKind, str]]  # what has had its turn in this run: kind and key


def advance_due(
    store: EffectStore,
    advance: Callable[[EffectKind, str], Effect],
    log: EventLog,
    limit: int,
    targets: Sequence[str] | None,
    had: Had,
) -> tuple[Effect, ...]:
    """Advance up to ``limit`` effects that are due and not in ``had``, and add them to it.

    What is held elsewhere, or broken, stays due: it would come again and again in one run.

    Raises:
        ExceptionGroup: at the end, if some could not be worked on; the others were.
    """
    worked, broken = [], []
    listed = store.due(limit + len(had), targets)
    for kind, key in [place for place in listed if place not in had][:limit]:
        had.add((kind, key))
        try:
            worked.append(advance(kind, key))
        except NotThereError:  # withdrawn since, and another order's intent has its place
            continue
        except Exception as error:  # noqa: BLE001  one poisoned effect must not stop the rest
            log("effect_broken", kind=kind.value, key=key, error=repr(error))
            broken.append(error)
    if broken:
        raise ExceptionGroup(f"{len(broken)} effects could not be worked on", broken)
    return tuple(worked)
