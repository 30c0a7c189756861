"""What the other side answered, as the JSON text that an effect keeps."""

import json
from collections.abc import Mapping

from include.services.effects.ports import Effect

IF_ABSENT = "no_if_absent"  # a no that waits for two absent looks, in the evidence of a doubt
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


def as_evidence(facts: Mapping[str, object]) -> str:
    """Keep what the other side answered; dates and the like become text."""
    if not facts:
        return ""
    return _ENCODER.encode(facts)


def told_before(effect: Effect) -> str:
    """Return the evidence of a no that waits for absent looks; ``""`` where there is none."""
    if IF_ABSENT not in effect.evidence:
        return ""
    return as_evidence(json.loads(effect.evidence).get(IF_ABSENT))
