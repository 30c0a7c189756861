"""What the gateway refused an order for good: the letter that tells a person, and the way on.

A clear no ends its effect, so no effect's dead letter stands behind it: the order has one of its
own, as long as its problem says so. What is tried again has a new number, thus a new reference.
"""

from dataclasses import dataclass, replace

from include.domain.errors import Rejected
from include.domain.order_state import OrderFacts
from include.domain.order_steps import name_of, number_of
from include.services.effects.store import DeadLetterNote
from include.services.orders.numbering import free_number

CAPTURE_REFUSED, REVERSAL_REFUSED = "capture_refused", "reversal_refused"  # kinds of dead letter
_REVERSAL = "the gateway refused the reversal"
_WORDS = {
    "capture": "the gateway refused the capture", "reverse": _REVERSAL, "reverse_old": _REVERSAL
}  # fmt: skip
_DO = {
    CAPTURE_REFUSED: "Mend what it names, then replay it: it is asked for anew. For good: an order "
    "that is invoiced is given up (tieout.cli orders give-up), any other cancelled.",
    REVERSAL_REFUSED: "Replay it after a passing fault. Once the acquirer says that nothing is "
    "held any more: tieout.cli orders hold-gone.",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was refused, and in what words."""

    step: str
    words: str

    @property
    def kind(self) -> str:
        """Name the kind of its dead letter."""
        return CAPTURE_REFUSED if name_of(self.step) == "capture" else REVERSAL_REFUSED

    @property
    def note(self) -> DeadLetterNote:
        """Return what a person is told."""
        return DeadLetterNote(self.words, _DO[self.kind])


def with_refusal(facts: OrderFacts, step: str, why: str) -> OrderFacts:
    """Note that a step was refused; what is wanted all the same gets a number of its own."""
    facts = replace(facts, left_behind=(*facts.left_behind, step))
    facts = facts.with_problem(f"{_WORDS[name_of(step)]}: {why}", step)
    if name_of(step) != "capture":
        return facts
    number, fresh = number_of(step), free_number(facts)
    renumbered = (
        replace(one, number=fresh) if one.number == number else one
        for one in facts.requested_captures
    )
    return replace(facts, requested_captures=tuple(renumbered))


def refusal_of(facts: OrderFacts) -> Refusal | None:
    """Return what the gateway has refused and nobody has dealt with yet."""
    return Refusal(facts.refused, facts.problem) if facts.refused else None


def tried_again(facts: OrderFacts) -> OrderFacts:
    """Let what was refused be asked for once more.

    Raises:
        Rejected: nothing was.
    """
    if refusal_of(facts) is None:
        do = "Do what its page says; replay its dead letter, if it has one."
        raise Rejected("the gateway has refused nothing of it", "the order", do)
    return facts.with_problem("")
