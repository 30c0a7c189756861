"""What acts on an earlier request: capture, refund, reversal and void share this course."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Generic, TypeVar

from include.adapters.cybersource.partners.common import (
    REFUSALS,
    Answer,
    Gateway,
    RefusalRule,
    command_of,
    difference,
    money_of,
    references,
    refuse_invalid,
)
from include.adapters.cybersource.partners.level_three import (
    PURCHASE_LEVEL,
    is_passed_on,
    order_details,
)
from include.adapters.cybersource.reporting import safe_id
from include.adapters.cybersource.rows import Row, Untold
from include.domain.canonical import to_plain
from include.domain.errors import OutcomeUnknown, Rejected
from include.domain.money import Money
from include.domain.orders import OrderLine
from include.domain.payment_meanings import Meaning
from include.domain.payments import Capture, Moved, Refund, Reverse, Void
from include.services.effects.ports import Difference, Effect, Found, Receipt

C = TypeVar("C", Capture, Refund, Reverse, Void)
BY_MTI = "mti:"  # before the reference of a request whose id we never learned


class FollowOn(ABC, Generic[C]):
    """Look, send and compare of one kind; a subclass says where it goes and what it carries."""

    operation: ClassVar[str]  # as the reason table names it
    application: ClassVar[str]  # as transaction search names it
    kind: type[C]

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    # What differs ----------------------------------------------------------------------------

    @abstractmethod
    def parent(self, it: C) -> str:
        """Return the request id that this acts on, or ``mti:`` and its reference."""

    @abstractmethod
    def path(self, it: C) -> str:
        """Return the path of the call."""

    def body(self, it: C, reference: str) -> dict[str, object]:
        """Return the body of the call."""
        body: dict[str, object] = {
            "clientReferenceInformation": references(it.code, reference),
            "orderInformation": order_details(it.code, it.amount, self.lines(it)),
        }
        processing = self.processing(it)
        return body | {"processingInformation": processing} if processing else body

    def lines(self, it: C) -> tuple[OrderLine, ...]:
        """Return what the amount is made of; none where the call moves no goods' money."""
        return ()

    def processing(self, it: C) -> dict[str, object]:
        """Return ``processingInformation``; lines without their level are not passed on."""
        return dict(PURCHASE_LEVEL) if self.lines(it) else {}

    def answered_amount(self, it: C, answer: Answer) -> Money | None:
        """Return the amount that the answer names, ``None`` where it names none."""
        return money_of(
            answer.body,
            answer.where,
            "orderInformation",
            "amountDetails",
            "totalAmount",
            currency=it.amount.currency,
        )

    def refusals(self, it: C) -> RefusalRule:
        """Return what is made of refusals."""
        return REFUSALS

    def in_effect(self, it: C, effect: Effect) -> tuple[Found, ...]:
        """Return what shows that it was done, or cannot be, though no row of ours is there."""
        return ()

    # The partner -----------------------------------------------------------------------------

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """See ``Partner.look``."""
        it, rows = command_of(self.kind, effect), self._gateway.rows
        try:
            mine = rows.carrying(
                effect,
                it.code,
                self.mti(it, effect),
                (self.application,),
                it.amount,
                it.known_reference,
            )
        except Untold:
            # Whose request it is may be hidden while its effect is plain to see.
            if in_effect := self.in_effect(it, effect):
                return in_effect
            raise
        counting = rows.decided(
            mine,
            effect,
            lambda row: rows.meaning(row, self.operation, self.application),
            lambda row: row.applications[self.application].code,
        )
        if not counting:
            return self.in_effect(it, effect)
        return tuple(self._found(it, rows.in_full(row)) for row in counting)

    def send(self, effect: Effect) -> Receipt:
        """See ``Partner.send``."""
        it = command_of(self.kind, effect)
        path, body = self.path(it), self.body(it, self.mti(it, effect))
        answer = self._gateway.post(self.operation, path, body, effect, rule=self.refusals(it))
        refuse_invalid(answer)
        passed_on = is_passed_on(answer.body) if self.lines(it) else None
        moved = Moved(answer.request_id, answer.status, None, answer.reason, passed_on)
        if answer.meaning is not Meaning.approved:
            return Receipt(answer.request_id, evidence_of(moved), is_no=True)
        try:
            amount = self.answered_amount(it, answer)
        except Rejected as fault:
            raise OutcomeUnknown(fault.what, answer.where, "Look for it at the gateway.") from None
        return Receipt(answer.request_id, evidence_of(replace(moved, amount=amount or it.amount)))

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare amount, currency, order and what it acts on, as far as the gateway shows them."""
        it: C = command_of(self.kind, effect)
        facts: Mapping[str, object] = found.facts
        if facts.get("in_effect"):
            return ()  # done, but not by a request of ours: there is nothing of ours to compare
        return (
            *difference("currency", it.amount.currency, facts.get("currency")),
            *difference("amount in minor units", it.amount.minor, facts.get("amount_minor")),
            *difference("merchant reference", it.code, facts.get("code")),
            *difference("request it acts on", self.parent(it), facts.get("acts_on")),
        )

    # Parts -----------------------------------------------------------------------------------

    def mti(self, it: C, effect: Effect) -> str:
        """Return the merchant transaction id: ours or, where we never learned the id, its own."""
        return (
            self.parent(it).removeprefix(BY_MTI)
            if is_by_mti(self.parent(it))
            else (effect.reference)
        )

    def _found(self, it: C, row: Row) -> Found:
        meaning = self._gateway.rows.meaning(row, self.operation, self.application)
        application, amount = row.applications[self.application], row.amount("totalAmount")
        moved = Moved(
            row.request_id,
            row.status or application.flag,
            amount,
            "" if meaning is Meaning.approved else application.code,
        )
        facts = evidence_of(moved) | {
            "amount_minor": amount.minor if amount else None,
            "currency": amount.currency if amount else "",
            "code": row.code,
            "acts_on": self._acts_on(it, row),
        }
        return Found(row.request_id, facts, is_no=meaning is not Meaning.approved)

    def _acts_on(self, it: C, row: Row) -> str:
        """Return our parent's id if the row is of its chain, else the root of the row's chain.

        A row names the first request of its chain only, so the parent's own root is asked for.
        """
        parent = self.parent(it)
        if not row.root or is_by_mti(parent) or row.root == parent:
            return parent
        above = self._gateway.rows.detail(parent)
        is_unknown = above is None or not above.root
        return parent if is_unknown or (above and above.root == row.root) else row.root


def is_by_mti(parent: str) -> bool:
    """Say whether a payload names what it acts on by reference, for want of an id."""
    return parent.startswith(BY_MTI)


def without_ours(moved: Moved, *, is_no: bool = False) -> Found:
    """Return what was done, or cannot be, without a request of ours that shows it."""
    return Found(moved.request_id, evidence_of(moved) | {"in_effect": True}, is_no)


def is_unanswered(effect: Effect) -> bool:
    """Say whether it was sent and nothing is known of it; only then may absence speak."""
    return effect.sends > 0 and not effect.their_key


def path_of(collection: str, parent: str, action: str) -> str:
    """Return e.g. ``/pts/v2/captures/<id>/refunds``."""
    return f"/pts/v2/{collection}/{safe_id(parent)}/{action}"


def evidence_of(moved: Moved) -> dict[str, object]:
    """Return what is kept with the effect."""
    plain = to_plain(moved)
    return dict(plain) if isinstance(plain, dict) else {}
