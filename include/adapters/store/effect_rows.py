"""An effect and its row."""

from dataclasses import fields
from operator import attrgetter
from typing import Any

from sqlalchemy import Select, select

from include.adapters.store.schema import effects
from include.services.effects.ports import Effect, EffectKind, EffectState

_NAMES = tuple(field.name for field in fields(Effect))
_values_of = attrgetter(*_NAMES)
_KIND, _STATE = _NAMES.index("kind"), _NAMES.index("state")


def select_effects() -> Select[Any]:
    """Return what reads whole effects; its rows are for ``effect_of``."""
    return select(*(effects.c[name] for name in _NAMES))


def effect_of(row: Any) -> Effect:
    values = list(row)
    values[_KIND], values[_STATE] = EffectKind(values[_KIND]), EffectState(values[_STATE])
    return Effect(*values)


def row_of(effect: Effect) -> dict[str, object]:
    row = dict(zip(_NAMES, _values_of(effect), strict=True))
    row["kind"], row["state"] = effect.kind.value, effect.state.value
    return row
