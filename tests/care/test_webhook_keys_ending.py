"""A signing key lives for a year: who must rotate it hears of that before it ends."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from include.adapters.store.schema import effects
from include.domain.alerts import AlertKind
from include.services.effects.ports import EffectKind, EffectState
from tests.care.watching import Watch, rule
from tests.care.watching import watch as watch

ENDING = rule(AlertKind.webhook_keys_ending, window=timedelta(days=30))


def make_key(watch: Watch, name: str, *, their_key: str = "") -> None:
    """Note a rotation of now; without ``their_key`` it made none that we hold."""
    now = watch.care.kit.clock.now()
    texts = dict.fromkeys(("payload", "digest", "currency", "evidence", "reason"), "")
    state = EffectState.verified if their_key else EffectState.dead_letter
    row = {
        **texts,
        "kind": EffectKind.webhook_key.value,
        "key": name,
        "reference": name,
        "target": "acme_us_org",
        "owner": "integration",
        "state": state.value,
        "their_key": their_key,
        "amount_minor": 0,
        "sends": 1,
        "absent_looks": 0,
        "intended_at": now,
        "sent_at": now,
        "fence": 1,
    }
    with watch.care.store.begin() as connection:
        connection.execute(insert(effects), [row])


def pass_days(watch: Watch, days: int) -> None:
    watch.care.kit.clock.move(hours=24 * days)


def test_a_key_that_ends_within_the_window_is_told_until_there_is_another(watch: Watch) -> None:
    make_key(watch, "first", their_key="k1")
    ends = watch.care.kit.clock.now() + timedelta(days=365)
    pass_days(watch, 334)
    assert watch.run(ENDING).told == 0
    pass_days(watch, 2)
    make_key(watch, "lost")  # its answer never came: the first one is still the newest we hold
    assert watch.run(ENDING).told == 1
    assert watch.post.subjects() == [
        "Tieout: webhook keys ending: 1 (the newest webhook key of organization acme_us_org ends "
        f"on {ends:%Y-%m-%d})"
    ]
    make_key(watch, "second", their_key="k2")
    assert watch.run(ENDING).over == 1


@pytest.mark.parametrize(("days", "told"), [(364, 1), (394, 1), (396, 0)])
def test_a_key_that_ended_is_told_of_for_another_window(watch: Watch, days: int, told: int) -> None:
    make_key(watch, "first", their_key="k1")
    pass_days(watch, days)
    assert watch.run(ENDING).told == told
