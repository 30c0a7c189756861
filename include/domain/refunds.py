"""Giving money back: which way, where one refund stands, and what it does to its order.

Source: Cybersource reference, section 2; reliability reference, sections 2.1 (RF, VO) and 3.3.
In a shop's admin a full refund is how a paid order is called off, so what the shop's people or the
API ask for means more than money while SYSPRO has invoiced nothing of the order. By what all its
refunds give back together:

=====================================  ==========================================================
before any invoice                     what it does
=====================================  ==========================================================
all, of an order captured whole        it is called off at once, as by a cancel (``calls_off``)
a part, or all of a part captured      it goes on: letter ``refunded_early`` once it has moved
all, and it is invoiced all the same   letter ``shipped_refunded``
=====================================  ==========================================================

After an invoice it is money alone. A receipt that is back when its order is invoiced pays none of
it; one whose refund waits for a second person does, and letter ``shipped_refunded`` says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from include.domain.errors import Rejected
from include.domain.money import Money, total
from include.domain.order_state import REFUNDED, Captured, OrderFacts, Stop
from include.domain.people import is_same_person
from include.domain.standing import is_wholly_captured

WITHIN_LIMIT = "within the limit"  # who approved it, where the order's limit let it go
_MEANT_TO_CANCEL = ("shop", "api")  # origins: a clerk of SYSPRO has other means
_ANOTHER = "Another person must {}, under a login of their own, or in Airflow, where each signs in."


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
class RefundRow:
    """What was asked for, as it was asked."""

    refund_id: str
    order_id: str
    origin: str  # credit_note, cancellation, closed_short, shop, api
    origin_key: str
    amount: Money
    asked_by: str
    approved_by: str
    reason: str


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
    moved_date: date | None = None  # the merchant's calendar: the entry's posting date

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


def calls_off(facts: OrderFacts, origin: str, left_minor: int) -> bool:
    """Say whether refunds call their order off: nothing is invoiced, and all of it goes back.

    Args:
        facts: of the order.
        origin: of the refund that was asked for last.
        left_minor: of what was captured, not promised to any refund.
    """
    # Asked back anew after a refusal: it is what it was.
    is_open = (facts.stop is None or was_refused(facts)) and not facts.is_invoiced
    is_whole = bool(facts.captures) and is_wholly_captured(facts) and left_minor <= 0
    return origin in _MEANT_TO_CANCEL and is_open and is_whole


def was_refused(facts: OrderFacts) -> bool:
    """Say whether it was called off by refunds of which one was refused since."""
    return facts.stop is not None and facts.stop.told == REFUNDED and not facts.is_refunded


def called_off(facts: OrderFacts, who: str) -> OrderFacts:
    """Have an order unwound whose refunds give all of it back."""
    stop = Stop(who, REFUNDED, told=REFUNDED)
    return replace(facts, stop=stop, is_refunded=True).with_problem("")


def with_refused(facts: OrderFacts) -> OrderFacts:
    """Note that one of its refunds was refused: not all of it is asked back any more.

    Where all of it had been, too late to call the order off, whoever asks again is heard again.
    """
    late_stop = "" if facts.is_refunded else facts.late_stop
    return replace(facts, is_refunded=False, late_stop=late_stop)


def with_returned(facts: OrderFacts, returned_minor: int, credited_minor: int) -> OrderFacts:
    """Note what has moved back by now, credit notes among it, and what of it came early."""
    given = returned_minor - credited_minor
    # Once it is invoiced a part is money alone: another refund may have been refused meanwhile.
    is_whole = facts.is_refunded and given >= facts.captured_minor()
    early = given if is_whole or not facts.is_invoiced else facts.early_minor
    return replace(
        facts, returned_minor=returned_minor, credited_minor=credited_minor, early_minor=early
    )


def is_within_limit(amount: Money, alone_minor: int, limit: Money | None) -> bool:
    """Say whether it may go without a second person.

    Args:
        amount: what is asked for, positive.
        alone_minor: what the order's limit has let go before, in the same currency.
        limit: what may leave the order in all; ``None``: nothing.
    """
    return limit is not None and amount.minor + alone_minor <= limit.minor


def demand_young(
    order_id: str, captures: Sequence[Captured], parts: Sequence[Part], since: date | None
) -> None:
    """Refuse what only captures from before ``since`` could give back; ``None``: any may.

    Raises:
        Rejected: a capture that gives is too old; the newest give first.
    """
    used = {part.capture_number for part in parts}
    oldest = min(one.captured_date for one in captures if one.number in used)
    if since is not None and oldest < since:
        amount = total((part.amount for part in parts), parts[0].amount.currency)
        raise Rejected(
            # No day of today: a letter that was resolved opens again where its reason changes.
            f"the capture of {oldest} is older than refund_days, and not given back any more",
            f"order {order_id}",
            f"Pay {amount} back outside the gateway and book it by hand.",
        )


def demand_approvable(refund_id: str, state: str, asked_by: str, who: str) -> None:
    """Refuse an approval by the one who asked, or of what does not wait for one.

    Raises:
        Rejected: another person must approve it, or nothing is left to approve.
    """
    where = f"refund {refund_id}"
    if is_same_person(asked_by, who):
        raise Rejected(f"{who} asked for it, as {asked_by}", where, _ANOTHER.format("approve it"))
    if state != RefundState.waiting:
        raise Rejected(f"it is {state}", where, "Nothing is left to approve.")


def demand_another(refund_id: str, asked_by: str, approved_by: str, who: str) -> None:
    """Refuse that who asked also mends it; where one person was enough to ask, one still is.

    Raises:
        Rejected: another person must say that it is tried again, or was paid outside.
    """
    if approved_by != WITHIN_LIMIT and is_same_person(asked_by, who):
        words = f"{who} asked for it, as {asked_by}"
        raise Rejected(words, f"refund {refund_id}", _ANOTHER.format("do this"))


def demand_refusable(
    refund_id: str, state: str, origin: str, facts: RefundFacts, *, unsent: bool
) -> None:
    """Refuse a *no* that comes too late, or to the money of an order that is not delivered.

    ``unsent``: the open step never left, and never will.

    Raises:
        Rejected: it must be approved, or money has moved, or may have.
    """
    where = f"refund {refund_id}"
    if origin == "cancellation":
        raise Rejected(
            "it gives the money of a cancelled order back",
            where,
            "Approve it; an order that is not delivered must not be paid.",
        )
    if may_be_refused(facts, unsent=unsent):
        return
    if not facts.step_at_stake:
        raise Rejected(f"it is {state}", where, "It cannot be refused any more.")
    raise Rejected(
        f"it is {state}: whether {facts.step_at_stake} happened is not known yet",
        where,
        "Wait, or replay its dead letter; it is looked for at the gateway first.",
    )


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
