"""Where an order stands: its state in one word, and the facts that the next move is drawn from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from include.domain.copied import Copied
from include.domain.money import Money
from include.domain.orders import PaymentSource
from include.domain.payments import Authorized
from include.domain.reviews import Decision


class OrderState(StrEnum):
    """In the order in which most orders pass them."""

    accepted = "accepted"  # kept; nothing asked of anybody yet
    pending = "pending"  # a partner's answer is not known yet
    in_review = "in_review"  # Decision Manager holds it
    authorized = "authorized"  # or free: it needs no payment
    booked = "booked"  # the sales order is in SYSPRO
    captured = "captured"
    completed = "completed"  # captured, received in AR, invoiced; a free one: invoiced
    declined = "declined"  # nothing was taken, nothing is held
    cancelling = "cancelling"
    cancelled = "cancelled"
    stuck = "stuck"  # a person must act; the reason says what


CREDIT_HOLDS = ("exceeded", "on_hold", "unknown")  # verdicts that suspend the sales order
FOUND_IN_SUSPENSE = "found in suspense"  # not our doing: whoever did that releases it
ENDED = (OrderState.completed, OrderState.declined, OrderState.cancelled)
# A shop may be told of these; the others an order only passes, or a person here sees to it.
TOLD = (OrderState.in_review, OrderState.booked, OrderState.captured, *ENDED)


@dataclass(frozen=True, slots=True)
class Captured:
    """One capture, and what became of it."""

    number: int
    request_id: str
    amount: Money
    captured_date: date  # the merchant's calendar: the receipt's posting date
    receipt: str = ""  # SYSPRO's AR journal
    receipt_document: str = ""  # _CRDnn, where unapplied
    is_voided: bool = False  # withdrawn before a batch took it
    authorization_id: str = ""  # the request it was drawn on; a renewal holds the rest


@dataclass(frozen=True, slots=True)
class Shipped:
    """One dispatch note of the order, as SYSPRO showed it last."""

    note: str
    carrier: str  # '' where the site does not say
    tracking: str  # '' where the site does not say, or does not know it yet


@dataclass(frozen=True, slots=True)
class Application:
    """What one receipt pays of one invoice, as planned from what was left of both."""

    number: int
    capture: int  # whose receipt it is
    invoice: str
    amount: Money
    receipt_left: Money
    invoice_left: Money
    is_begun: bool = False  # its effect is there; how it ended, the effect knows
    is_refused: bool = False  # nothing of it was taken by the last plan


@dataclass(frozen=True, slots=True)
class RequestedCapture:
    """A capture that somebody asked for, by API or by a shipment."""

    number: int
    amount: Money
    cause: str  # e.g. "api", "dispatch 00012"
    is_final: bool


ENDED_BY_SELLER = "the seller has ended it"
REFUNDED = "it is refunded in full"


class Ending(StrEnum):
    """Why we end an order that its shop wanted; ``shopper_messages.yaml`` has a clause for each."""

    out_of_stock = "out_of_stock"
    unknown_product = "unknown_product"  # SYSPRO has no such code in the shop's warehouse
    unknown_unit = "unknown_unit"  # it is not sold in the unit that was ordered


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the order is being unwound."""

    who: str
    why: str  # for staff alone: it may name a vendor's reason, a customer or a fraud check
    ends_as: OrderState = OrderState.cancelled
    told: str = ENDED_BY_SELLER  # what a shopper may read of it
    keeps_invoice: bool = False  # a person gives up an order that SYSPRO has invoiced


@dataclass(frozen=True, slots=True)
class OrderFacts(Copied):
    """What is known of an order. Only grows; the saga folds one answer at a time into it."""

    open_step: str = ""  # begun and not folded in yet; saved before anything is sent
    is_free: bool = False  # it costs nothing, as it was accepted: it never has a payment
    attempt: int = 1  # of the authorisation
    source: PaymentSource | None = None  # pays in place of what was declined; see ``paying.py``
    first_attempt: int = 1  # the one that this source has begun with
    declined_sources: tuple[PaymentSource, ...] = ()  # those before it, the order's own first
    declined_payments: tuple[Authorized, ...] = ()  # by those; one may have kept a card
    payments_asked: tuple[str, ...] = ()  # requests that had it paid anew: each does so once
    is_closed: bool = False  # cancelled once it was declined: it is paid no more
    skips_decision: bool = False  # this attempt; a review before the bank was asked accepted it
    payment: Authorized | None = None  # of this attempt
    # Of this attempt's, approved beyond what is ordered: the order was made smaller at its shop
    # while a store that was put back had forgotten it. It is never captured.
    beyond_minor: int = 0
    replaced: Authorized | None = None  # another authorisation that still holds money
    renewal_asked: int = 0  # the attempt whose card was asked for, and is there
    unrenewed: str = ""  # why this attempt's could not be made anew: it is used to its end
    expires_at: datetime | None = None  # after this the authorisation is not worth anything
    decision: Decision | None = None
    decided_by: str = ""
    is_contradicted: bool = False  # two decisions against each other: a person decides
    # '' not asked, enough, accepted (short, and the rule takes it), or an Ending: it is unwound
    stock: str = ""
    credit: str = ""  # '' not asked, good, accepted, or one of CREDIT_HOLDS
    credit_why: str = ""  # amounts compared, or what is not known and the line to add
    customer: str = ""  # SYSPRO's key
    is_customer_known: bool = False  # it is there, or was created
    sales_order: str = ""
    sales_order_version: int = 1  # another may stand where the first was cancelled
    is_suspended: bool = False  # the sales order is in suspense at SYSPRO
    # '' not suspended, else what must end before it is released: review, one of CREDIT_HOLDS, or
    # FOUND_IN_SUSPENSE
    suspense_reason: str = ""
    is_order_cancelled: bool = False  # SYSPRO ships no more of it
    requested_captures: tuple[RequestedCapture, ...] = ()
    captures: tuple[Captured, ...] = ()
    returned_minor: int = 0  # given back by refunds, in flight included
    credited_minor: int = 0  # of it, for credit notes: of goods that had been delivered
    early_minor: int = 0  # of it, before anything was invoiced, or all of ``is_refunded``
    is_refunded: bool = False  # all of it was asked back before anything was invoiced
    is_reversed: bool = False
    looked_at: datetime | None = None  # at the ERP, for what a clerk may have done
    invoices: tuple[str, ...] = ()  # in the order in which they were seen
    shipments: tuple[Shipped, ...] = ()  # in the order in which they were seen
    followed: str = ""  # SYSPRO's row of the sales order, as it was last worked on to its end
    applications: tuple[Application, ...] = ()
    planned_documents: int = 0  # receipts and invoices that the last plan of applications has seen
    shop_changed: str = ""  # what of it was changed in the shop, as it was seen last
    shop_told_state: str = ""  # the last state that the shop was told, or e.g. "captured.2"
    callback_state: str = ""  # the last that the shop's server was sent
    card: str = ""  # stored by the payment: '' not asked, kept, or leaving: then never noted
    forms_noted: tuple[str, ...] = ()  # what was written into custom forms, by name
    stop: Stop | None = None
    late_stop: str = ""  # who asked for its end too late: goods had left, and a person is told
    delivered_minor: int | None = None  # invoiced before it was called off; None: not asked
    left_behind: tuple[str, ...] = ()  # steps that were refused: no number of theirs is used again
    steps_sought: tuple[str, ...] = ()  # steps that a doubted store may have forgotten, asked for
    problem: str = ""  # why it is stuck
    refused: str = ""  # the step that the gateway has refused, where that is the problem

    def with_problem(self, problem: str, refused: str = "") -> "OrderFacts":
        """Say why it is stuck, in place of what was said before; '' ends it."""
        return self.but(problem=problem, refused=refused)

    @property
    def invoice(self) -> str:
        """Return the first invoice, the one that people and shops are told; '' before any."""
        return self.invoices[0] if self.invoices else ""

    def with_invoices(self, shown: Iterable[str]) -> "OrderFacts":
        """Note what SYSPRO shows, in whatever order: what was seen before keeps its place."""
        return self.but(invoices=tuple(dict.fromkeys((*self.invoices, *shown))))

    @property
    def is_invoiced(self) -> bool:
        """Say whether goods have left: SYSPRO cancels no order that it has invoiced."""
        return bool(self.invoices)

    def kept_minor(self) -> int:
        """What an order that is unwound keeps all the same: the price of what was delivered.

        What of it was credited later goes back by the credit note's own refund.
        """
        return min(self.delivered_minor or 0, self.captured_minor())

    def documents_to_plan(self) -> int:
        """Count receipts and invoices: one more of either, and there is something to apply."""
        return sum(bool(one.receipt) for one in self.captures) + len(self.invoices)

    def captured_minor(self) -> int:
        """Return what was taken; what refunds and voids gave back of it is ``returned_minor``."""
        return sum(one.amount.minor for one in self.captures)

    def open_captures(self) -> tuple[RequestedCapture, ...]:
        """Return the captures that were asked for and not made yet, as they were asked for."""
        made = {one.number for one in self.captures}
        return tuple(one for one in self.requested_captures if one.number not in made)

    def promised_minor(self) -> int:
        """Return what was taken, and what was asked for and will be."""
        return sum(one.amount.minor for one in self.open_captures()) + self.captured_minor()

    def drawn_on(self, authorization_id: str) -> tuple[Captured, ...]:
        """Return what was captured of one authorisation, voided captures among it."""
        return tuple(one for one in self.captures if one.authorization_id == authorization_id)

    @property
    def drawn(self) -> tuple[Captured, ...]:
        """Return what was captured of this attempt's authorisation."""
        return self.drawn_on(self.payment.request_id) if self.payment else ()

    @property
    def is_unspent(self) -> bool:
        """Say whether this attempt's authorisation, if there is one, still holds all of it."""
        return all(one.is_voided for one in self.drawn)

    @property
    def approved(self) -> Money | None:
        """Return what the bank approved of the order: in this attempt, and captured before."""
        held = self.payment.authorized if self.payment else None
        if held is None:
            return None
        before = self.captured_minor() - sum(one.amount.minor for one in self.drawn)
        return Money(held.minor - self.beyond_minor + before, held.currency)

    @property
    def is_all_voided(self) -> bool:
        """Say whether every capture was withdrawn, so that the authorisation holds it all again."""
        return bool(self.captures) and all(one.is_voided for one in self.captures)
