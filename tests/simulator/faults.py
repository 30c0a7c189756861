"""The faults, where each can strike, and how a seed picks its own mixture (swarm testing)."""

import random
from collections import Counter
from dataclasses import dataclass

from include.services.effects.boundaries import Boundary

# name: positions at which it can strike
SEND = ("first send", "resend")
LOOK = ("look before send", "look in doubt", "look to verify")
BEFORE_AND_AFTER = ("5xx", "garbage 2xx", "reset", "redirect", "session lost", "timeout")

CALL_FAULTS: dict[str, tuple[str, ...]] = {
    "connect": (*SEND, *LOOK),
    "429": (*SEND, *LOOK),
    **{f"{name}, nothing done": SEND for name in BEFORE_AND_AFTER},
    **{f"{name}, committed": SEND for name in BEFORE_AND_AFTER},
    **dict.fromkeys(BEFORE_AND_AFTER, LOOK),
    "late commit": SEND,
    "network duplicate": SEND,
    "refused for good": SEND,
    "element dropped": SEND,
}
# These are conditions, not draws: they are counted when they change an answer.
CONDITIONS: dict[str, tuple[str, ...]] = {
    "closed period": SEND,
    "index lag": SEND,  # of more than 10 s; Q must outlast it
    "slow to leave": SEND,  # minutes before the first byte
    "stale look": ("look in doubt",),
    "long outage": ("look in doubt",),
    "second delivery refused": SEND,
}
INSIDE = (Boundary.inside_intent, Boundary.inside_change)
STORE_FAULTS: dict[str, tuple[str, ...]] = {
    "crash": tuple(boundary.value for boundary in Boundary),
    "pause": tuple(boundary.value for boundary in Boundary if boundary not in INSIDE),
    "commit lost": ("intent", "change"),
    "commit answered with an error": ("intent", "change"),
}
WORKER_CONDITIONS: dict[str, tuple[str, ...]] = {
    "two workers": ("lease held elsewhere",),
    "lease expired": ("taken over",),
    "clock skew": ("worker",),
}
TABLE = {**CALL_FAULTS, **CONDITIONS, **STORE_FAULTS, **WORKER_CONDITIONS}


Coverage = Counter[tuple[str, str]]  # (fault, position): how often


def empty_cells(coverage: Coverage) -> list[tuple[str, str]]:
    """List the applicable cells that nothing has hit."""
    return [
        (fault, position)
        for fault, positions in TABLE.items()
        for position in positions
        if not coverage[fault, position]
    ]


def render(coverage: Coverage) -> str:
    """Draw the table: one line per fault, each position with its count."""
    lines = []
    for fault, positions in TABLE.items():
        cells = "  ".join(f"{position} {coverage[fault, position]:,}" for position in positions)
        lines.append(f"{fault:<30} {cells}")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Swarm:
    """One seed's mixture: half of the fault classes are off, the others have drawn weights."""

    rate: float  # share of calls that are faulted
    send: tuple[tuple[str, ...], tuple[float, ...]]
    look: tuple[tuple[str, ...], tuple[float, ...]]
    crash: float  # per boundary
    pause: float
    commit: float  # per committed change
    race: float  # share of effects that two tasks start
    skew: bool
    closes: bool
    freezes: bool
    outage: bool
    janitor_period: float


def draw_swarm(dice: random.Random) -> Swarm:
    """Draw the mixture of one seed. An index that stalls matters where commits come late."""
    freezes = dice.random() < 0.5
    return Swarm(
        rate=dice.uniform(0.05, 0.75),
        send=_mixture(dice, "first send", {"late commit": 3.0} if freezes else {}),
        look=_mixture(dice, "look before send", {}),
        crash=_maybe(dice, 0.04),
        pause=_maybe(dice, 0.04),
        commit=_maybe(dice, 0.02),
        race=_maybe(dice, 0.6),
        skew=dice.random() < 0.5,
        closes=dice.random() < 0.3,
        freezes=freezes,
        outage=dice.random() < 0.03,
        janitor_period=dice.choice((2.0, 60.0)),
    )


def _maybe(dice: random.Random, up_to: float) -> float:
    return dice.uniform(0, up_to) if dice.random() < 0.5 else 0.0


def _mixture(
    dice: random.Random, position: str, always: dict[str, float]
) -> tuple[tuple[str, ...], tuple[float, ...]]:
    names = [name for name, positions in CALL_FAULTS.items() if position in positions]
    chosen = {name: dice.uniform(0.1, 1) for name in names if dice.random() < 0.5}
    weights = {**(chosen or {dice.choice(names): 1.0}), **always}
    return tuple(weights), tuple(weights.values())
