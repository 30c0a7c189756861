"""A changed copy is what ``dataclasses.replace`` makes, in half the time."""

from dataclasses import replace

import pytest

from include.domain.order_state import OrderFacts
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.effects.store import Change

EFFECT = Effect(EffectKind.customer, "key", "ref", "{}", "digest", "ACME", "USD", 100, "owner")


@pytest.mark.parametrize(
    ("whole", "changed"),
    [
        (EFFECT, {"state": EffectState.sent, "sends": 1, "fence": 7}),
        (OrderFacts(customer="C1"), {"open_step": "capture|1", "invoices": ("I1", "I2")}),
        (Change(EFFECT, EFFECT, "why"), {"gives_back": True}),
        (EFFECT, {}),
    ],
)
def test_a_changed_copy_is_what_replace_makes(whole: Effect, changed: dict[str, object]) -> None:
    assert whole.but(**changed) == replace(whole, **changed)  # type: ignore[arg-type]


def test_a_field_that_is_not_there_cannot_be_changed() -> None:
    with pytest.raises(KeyError):
        EFFECT.but(colour="red")
