"""Giving money back: which way, and where one refund stands.

Source: Cybersource reference, section 2; reliability reference, sections 2.1 (RF, VO) and 3.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from include.domain.money import Money
from include.domain.order_state import Captured

WITHIN_LIMIT = "within the limit"  # who approved it, where the order's limit let it go


class RefundState(StrEnum):
    """From the wish to the books."""

    waiting = "waiting"  # for a second person
    approved = "approved"
    moving = "moving"  # at the gateway; its outcome may be unknown
    moved = "moved"  # the money is on its way; books and shop follow
    done = "done"
    refused = "refused"  # nothing moved
    stuck = "stuck"  # a person must act


class Ruling(StrEnum):
    """What a person, or the limit, has said of a refund. The first word stands."""

    none = "none"
    approved = "approved"
    refused = "refused"  # it never moves; what it had reserved is free for another


class Way(StrEnum):
    """How money goes back, by what has happened to it."""

    void = "void"  # captured whole, in no batch yet
    refund = "refund"


@dataclass(frozen=True, slots=True)
class Part:
    """What one capture gives back."""

    capture_number: int
    capture_id: str
    amount: Money
    way: Way
    request_id: str = ""  # once it moved
    receipt: str = ""  # the AR entry that books it
    attempt: int = 1  # a person lets one be tried again that the gateway has refused
    is_outside: bool = False  # paid back by a person; ``request_id`` says how

    @property
    def step(self) -> str:
        """Name its step, e.g. ``refund|1``, and ``refund|1.2`` when it is tried again."""
        again = f".{self.attempt}" if self.attempt > 1 else ""
        return f"{self.way}|{self.capture_number}{again}"


@dataclass(frozen=True, slots=True)
class RefundFacts:
    """What is known of a refund."""

    open_step: str = ""  # begun and not folded in yet
    parts: tuple[Part, ...] = ()
    ruling: Ruling = Ruling.none
    callback_state: str = ""  # the last state that the shop's server was sent
    is_told: bool = False  # the shop holds it
    is_noted: bool = False  # SYSPRO holds the gateway's reference
    problem: str = ""

    @property
    def step_at_stake(self) -> str:
        """The open step; '' where it only tells the shop's server, which moves nothing."""
        return "" if self.open_step.startswith("callback|") else self.open_step


def with_voids(captures: Sequence[Captured], parts: Sequence[Part]) -> tuple[Captured, ...]:
    """Mark the captures that these parts of a refund have voided."""
    voided = {
        part.capture_number
        for part in parts
        if part.way is Way.void and part.request_id and not part.is_outside
    }
    return tuple(replace(one, is_voided=one.is_voided or one.number in voided) for one in captures)


def is_refused(facts: RefundFacts) -> bool:
    """Say whether the gateway has refused to give back, and nobody has ended it since."""
    is_over = facts.ruling is Ruling.refused  # what it had reserved may be another's by now
    return bool(facts.problem) and not facts.open_step and not is_over


def may_be_refused(facts: RefundFacts, *, unsent: bool = False) -> bool:
    """Say whether a person may still say no: nothing moved, and nothing can be under way.

    ``unsent``: the open step never left, and never will.
    """
    has_moved = any(part.request_id for part in facts.parts)
    is_under_way = bool(facts.step_at_stake) and not unsent
    return facts.ruling is not Ruling.refused and not (has_moved or is_under_way)


def tried_again(facts: RefundFacts) -> RefundFacts:
    """Let what was refused be asked for once more, under a reference of its own."""
    parts = (p if p.request_id else replace(p, attempt=p.attempt + 1) for p in facts.parts)
    return replace(facts, parts=tuple(parts), problem="")


def paid_outside(facts: RefundFacts, reference: str) -> RefundFacts:
    """Take what was refused for given back by a person, who books it by hand as well."""
    said = {"request_id": reference, "receipt": "by hand", "is_outside": True}
    parts = (p if p.request_id else replace(p, **said) for p in facts.parts)  # type: ignore[arg-type]
    return replace(facts, parts=tuple(parts), problem="")


def plan(
    amount: Money, captures: Sequence[Captured], returned: dict[int, int], *, may_void: bool
) -> tuple[Part, ...]:
    """Spread a refund over captures, the newest first; a whole unbatched one is voided.

    Args:
        amount: what goes back, positive.
        captures: captures that stand.
        returned: by capture number, minor units already given back or promised.
        may_void: no batch can have taken the captures yet.

    Raises:
        ValueError: more than is there; the caller must have reserved it first.
    """
    left, parts = amount.minor, []
    for one in sorted(captures, key=lambda capture: -capture.number):
        free = one.amount.minor - returned.get(one.number, 0)
        share = min(left, free)
        if share <= 0:
            continue
        is_whole = share == one.amount.minor
        way = Way.void if may_void and is_whole else Way.refund
        parts.append(Part(one.number, one.request_id, Money(share, amount.currency), way))
        left -= share
    if left:
        raise ValueError(f"{amount} is {left} minor units more than the captures hold")
    return tuple(parts)
