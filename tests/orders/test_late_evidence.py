"""A duplicate that a person has cleared leaves the saga what it must fold."""

from dataclasses import replace

from include.services.effects.ports import EffectState, Found
from include.services.effects.rules import Rules
from tests.effects import START, TIMINGS, effect


def test_what_is_left_of_a_duplicate_gives_its_evidence() -> None:
    doubled = replace(
        effect(), state=EffectState.mismatched, their_key="1", reason="2 carry it: 1, 2"
    )
    left = Found("1", {"request_id": "1"})
    change = Rules(TIMINGS).late_evidence(doubled, (left,), (), START)
    assert change is not None
    assert change.after.state is EffectState.verified
    assert change.after.evidence == '{"request_id":"1"}'
