"""The transition table: what may follow what, as data. Anything else is a bug of ours."""

from collections.abc import Mapping

from include.services.effects.ports import EffectState as S

# What the protocol itself may do.
_PROTOCOL: Mapping[S, frozenset[S]] = {
    S.intended: frozenset(
        {S.intended, S.sent, S.done, S.declined, S.mismatched, S.dead_letter, S.withdrawn}
        | {S.parked, S.rejected}  # by what is asked before a send
    ),
    S.sent: frozenset(
        {S.sent, S.done, S.declined, S.in_doubt, S.intended, S.parked, S.rejected, S.dead_letter}
    ),
    S.in_doubt: frozenset(
        {S.in_doubt, S.sent, S.done, S.declined, S.mismatched, S.dead_letter}
        | {S.parked, S.rejected}
    ),
    S.parked: frozenset(
        {S.parked, S.in_doubt, S.sent, S.done, S.declined, S.mismatched, S.dead_letter}
        | {S.withdrawn, S.rejected}
    ),
    S.done: frozenset({S.done, S.verified, S.mismatched, S.dead_letter}),
}

# What late evidence may do to a state the protocol has left: a report, a second look, a person.
_LATE_EVIDENCE: Mapping[S, frozenset[S]] = {
    S.verified: frozenset({S.mismatched}),
    S.mismatched: frozenset({S.verified, S.mismatched}),
    S.declined: frozenset({S.done, S.mismatched}),
    S.rejected: frozenset({S.rejected, S.done, S.declined, S.mismatched}),
    S.dead_letter: frozenset({S.done, S.declined, S.mismatched}),
    S.withdrawn: frozenset({S.done, S.declined, S.mismatched}),
}

# What a person may ask for: try it again, looking first; or end what never was.
_REPLAY: Mapping[S, frozenset[S]] = {
    S.rejected: frozenset({S.intended, S.in_doubt, S.withdrawn}),
    S.dead_letter: frozenset({S.intended, S.in_doubt, S.withdrawn}),
}

TRANSITIONS: Mapping[S, frozenset[S]] = {
    state: _PROTOCOL.get(state, frozenset())
    | _LATE_EVIDENCE.get(state, frozenset())
    | _REPLAY.get(state, frozenset())
    for state in S
}

# The janitor works on these; each carries the instant before which nothing can be done.
UNFINISHED = (S.intended, S.sent, S.in_doubt, S.parked, S.done)

# The protocol has left these; only evidence or a person moves them on.
FINISHED = tuple(state for state in S if state not in UNFINISHED)

# It has been executed at the other side, or may have been. One that reads back different has been,
# and is its own letter. A dead letter is a person's to judge: it hides no difference of another.
MADE = (S.sent, S.in_doubt, S.done, S.verified, S.mismatched)

# It has been executed at the other side, and is known to have been.
EXECUTED = (S.done, S.verified)

# It has its answer: executed, or a no that is the answer of a bank or a shop.
SETTLED = (*EXECUTED, S.declined)

# A person must act: a dead letter is open for each.
NEEDS_A_PERSON = (S.mismatched, S.rejected, S.dead_letter)


def check_transition(before: S, after: S) -> None:
    """Refuse a change the table does not list.

    Raises:
        ValueError: our own mistake; nothing was written.
    """
    if after not in TRANSITIONS[before]:
        raise ValueError(f"an effect cannot go from {before.value} to {after.value}")
