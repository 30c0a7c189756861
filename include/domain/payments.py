"""Money at the gateway: what we ask for, and what its answers mean.

Each command is the exact content of one effect (``canonical.to_json``); the gateway keeps the
effect's reference as the merchant transaction id. A command's ``known_reference`` is that of an
earlier request of its order, '' where we made none: where the gateway's search finds the earlier
one by it and not ours, ours is not there. Source: Cybersource reference, section 2.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from include.domain.fraud_checks import FraudChecks
from include.domain.money import Money
from include.domain.orders import OrderLine, PaymentSource, Shopper
from include.domain.payment_meanings import Meaning
from include.domain.reviews import Decision


class PaymentStatus(StrEnum):
    """What became of an authorisation, in our words; ``payment_statuses.yaml`` maps theirs."""

    authorized = "authorized"
    partial = "partial"  # less than asked: give it back
    in_review = "in_review"  # approved by the bank, held by Decision Manager
    review_first = "review_first"  # held before the bank was asked
    risk_declined = "risk_declined"  # approved by the bank, refused by us: must be reversed
    authentication_needed = "authentication_needed"  # the shopper must prove who pays
    declined = "declined"
    invalid = "invalid"  # our request was refused as wrong; nothing happened


STATUS_OF = {  # of an authorisation; any other meaning leaves its outcome open
    Meaning.approved: PaymentStatus.authorized,
    Meaning.partial: PaymentStatus.partial,
    Meaning.review: PaymentStatus.in_review,
    Meaning.review_first: PaymentStatus.review_first,
    Meaning.risk_declined: PaymentStatus.risk_declined,
    Meaning.authentication: PaymentStatus.authentication_needed,
    Meaning.declined: PaymentStatus.declined,
    Meaning.invalid: PaymentStatus.invalid,
}


@dataclass(frozen=True, slots=True)
class Renewed:
    """The authorisation that another one takes the place of."""

    network_id: str  # of the shopper's own payment; '' where the gateway did not show it
    authorized: Money


@dataclass(frozen=True, slots=True)
class Authorize:
    """Authorise an order, Decision Manager in the same call."""

    order_id: str
    attempt: int  # 1, or higher after a decline
    organization_id: str
    code: str  # the order's purchase order: the merchant reference
    amount: Money
    source: PaymentSource
    shopper: Shopper
    lines: tuple[OrderLine, ...]  # they add up to the amount; () for the rest of an order
    skip_decision: bool = False  # a review has accepted it
    known_reference: str = ""
    renews: Renewed | None = None  # made by the merchant, from a stored token; else by the shopper
    buyer: str = ""  # whose the payment is, as the gateway keeps it; see ``Order.buyer``


@dataclass(frozen=True, slots=True)
class Capture:
    """Take (part of) what an authorisation holds."""

    order_id: str
    number: int  # 1, 2 ... of this order
    organization_id: str
    code: str
    authorization_id: str  # request id
    amount: Money
    is_final: bool = True
    known_reference: str = ""
    sequence: int = 1  # 1, 2 ... of this authorization
    lines: tuple[OrderLine, ...] = ()  # whose gross is the amount; see ``order_lines.part_of``


@dataclass(frozen=True, slots=True)
class Refund:
    """Give (part of) a capture back."""

    order_id: str
    refund_id: str
    organization_id: str
    code: str
    capture_id: str  # request id
    amount: Money  # positive
    known_reference: str = ""
    lines: tuple[OrderLine, ...] = ()  # as a capture's; none where nobody knows what it is for


@dataclass(frozen=True, slots=True)
class Reverse:
    """Release what an authorisation still holds; the amount is what it *answered*."""

    order_id: str
    organization_id: str
    code: str
    authorization_id: str
    amount: Money
    reason: str
    known_reference: str = ""
    is_after_void: bool = False  # its captures were voided; some processors release it with them


@dataclass(frozen=True, slots=True)
class Void:
    """Cancel a capture or a refund that no batch has taken yet."""

    order_id: str
    organization_id: str
    code: str
    target_kind: str  # captures or refunds: the path's word
    target_id: str
    amount: Money
    known_reference: str = ""


@dataclass(frozen=True, slots=True)
class DecideReview:
    """Carry an analyst's decision to case management."""

    order_id: str
    organization_id: str
    code: str
    request_id: str  # of the authorisation under review
    decision: Decision  # accept or reject
    analyst: str
    comments: str = ""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The evidence of such a decision: what the case says, whoever decided it."""

    request_id: str  # of the authorisation under review
    decision: Decision
    reviewer: str  # '': the gateway does not say


@dataclass(frozen=True, slots=True)
class DeleteToken:
    """Forget a shopper's stored payment at the gateway."""

    organization_id: str
    customer_token: str
    instrument_token: str = ""  # '' deletes the customer with all instruments


@dataclass(frozen=True, slots=True)
class StoredToken:
    """What may be kept of a card: tokens, suffix, expiry and type; never the number."""

    customer_token: str
    instrument_token: str = ""
    identifier_token: str = ""
    suffix: str = ""  # at most the last four
    expiry: str = ""  # YYYY-MM
    brand: str = ""
    is_closed: bool = False  # the issuer has closed the account: it pays for nothing any more


@dataclass(frozen=True, slots=True)
class Authorized:
    """The evidence of an authorisation: what ``Receipt.evidence`` and ``Found.facts`` hold."""

    request_id: str
    status: PaymentStatus
    theirs: str  # the vendor's own status
    reason: str = ""  # the vendor's own reason
    authorized: Money | None = None  # what the bank approved; None where nothing
    network_id: str = ""  # processorInformation.transactionId, which a renewal names
    stored: StoredToken | None = None
    token_failure: str = ""  # an approved payment whose token could not be made
    details: tuple[str, ...] = field(default=())  # refused fields, their names only
    at: datetime | None = None  # as the gateway says
    brand: str = ""  # of the card, kept or not; '' where the gateway does not say
    commerce_indicator: str = ""  # of a proof that the gateway validated; '' where it did not
    checks: FraudChecks | None = None  # for whoever decides of it


@dataclass(frozen=True, slots=True)
class Moved:
    """The evidence of a capture, refund, void or reversal."""

    request_id: str
    theirs: str  # PENDING, TRANSMITTED, REVERSED, VOIDED ...
    amount: Money | None = None
    reason: str = ""
    passed_on: bool | None = None  # its lines, to the processor; None: the gateway did not say
