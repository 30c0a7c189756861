"""What the effects engine needs: a partner per kind of effect, a store and a clock.

The engine does no I/O of its own; all of these are handed to it.
Source: reliability reference, sections 2.1 to 2.4.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from include.domain.copied import Copied


class EffectKind(StrEnum):
    """Every write to the outside has one; each has its own partner and timings."""

    gl_journal = "gl_journal"  # SYSPRO GENTJL
    ap_invoice = "ap_invoice"  # SYSPRO APSTIN
    cash_book_entry = "cash_book_entry"  # SYSPRO CSHTWD
    payment_authorization = "payment_authorization"  # Cybersource, Decision Manager included
    payment_capture = "payment_capture"
    payment_refund = "payment_refund"
    payment_void = "payment_void"
    payment_reversal = "payment_reversal"
    review_decision = "review_decision"  # Cybersource case management
    token_deletion = "token_deletion"  # noqa: S105 - Cybersource TMS
    webhook_subscription = "webhook_subscription"  # Cybersource notification subscriptions
    webhook_key = "webhook_key"  # Cybersource: a signing key; the effect holds its id alone
    webhook_test = "webhook_test"  # Cybersource: a test notification
    customer = "customer"  # SYSPRO ARSSCS
    sales_order = "sales_order"  # SYSPRO SORTOI
    sales_order_move = "sales_order_move"  # SYSPRO SORTOS, SORTOX
    ar_receipt = "ar_receipt"  # SYSPRO ARSTPY
    ar_application = "ar_application"  # SYSPRO ARSTPY: a receipt pays an invoice
    custom_field = "custom_field"  # SYSPRO COMSFM, COMTFM
    shop_order_update = "shop_order_update"  # status, note
    shop_refund = "shop_refund"
    shop_stock = "shop_stock"
    shop_webhook = "shop_webhook"  # the shop's own webhook that calls us
    shop_callback = "shop_callback"  # signed by Standard Webhooks


class EffectState(StrEnum):
    """Where an effect stands; the transition table is in ``states.py``."""

    intended = "intended"  # committed, nothing sent
    sent = "sent"  # committed before the first byte left
    in_doubt = "in_doubt"  # it may have happened
    done = "done"  # the other side has it
    # A clear no, a bank's or ours (retired for another): nothing moved, nobody must act, and the
    # key stays taken for good.
    declined = "declined"
    verified = "verified"  # read back and equal
    mismatched = "mismatched"  # read back and different: a dead letter is open
    parked = "parked"  # waits for a condition, e.g. an open period
    rejected = "rejected"  # refused; a dead letter is open
    withdrawn = "withdrawn"  # never sent, and not wanted any more; a new intent takes its place
    dead_letter = "dead_letter"  # the engine gave up; a person decides; late evidence is accepted


@dataclass(frozen=True, slots=True)
class Effect(Copied):
    """One intended write, as the store holds it."""

    kind: EffectKind
    key: str  # deterministic, made before the write
    reference: str  # planted at the other side; a pure function of the key
    payload: str  # exact content, canonical JSON
    digest: str  # SHA-256 of payload
    target: str  # which partner system, e.g. the SYSPRO company id
    currency: str
    amount_minor: int  # for people: what is at stake
    owner: str  # who is asked when it does not finish
    state: EffectState = EffectState.intended
    sends: int = 0  # that may have happened, since intended or since a person asked to try again
    absent_looks: int = 0  # consecutive looks that found nothing where something may be
    intended_at: datetime | None = None
    sent_at: datetime | None = None  # of the last send, by the store's clock
    next_at: datetime | None = None  # not before
    silent_since: datetime | None = None  # the first try in a row that nobody answered
    their_key: str = ""
    evidence: str = ""  # JSON object of what the other side answered: Receipt's or Found's facts
    reason: str = ""
    fence: int = 0  # fencing token of the lease under which it was last changed


@dataclass(frozen=True, slots=True)
class Found:
    """Something at the other side that carries our reference."""

    their_key: str
    facts: Mapping[str, object] = field(default_factory=dict)  # what compare() needs
    is_no: bool = False  # what is there is a refusal, e.g. a declined authorisation


@dataclass(frozen=True, slots=True)
class Receipt:
    """A clear answer to a send. ``their_key`` may be empty: SYSPRO may withhold the number."""

    their_key: str
    evidence: Mapping[str, object] = field(default_factory=dict)  # kept as JSON with the effect
    is_no: bool = False  # a clear business no: nothing moved, and nobody has to act
    # A no that a second copy of this very call would be told, too, after the first was executed:
    # it counts once nothing is found for as long as would let us send again.
    may_be_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that was read back otherwise than sent."""

    what: str  # e.g. "debit total", "account 6150"
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What the other side holds of an effect now; ``differences`` compares the first found."""

    found: tuple[Found, ...]
    differences: tuple[Difference, ...]


class Partner(Protocol):
    """One kind of write at one system. Retries and redirects are off in every layer below."""

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Return all that carries ``effect.reference``; two or more is a duplicate.

        Without ``sent_at`` it was surely never sent; of one that may have been, more is asked.

        Raises:
            Retryable, Rejected: could not ask, or may not; to the engine both are "not known".
                An empty tuple means asked and absent.
        """
        ...

    def send(self, effect: Effect) -> Receipt:
        """Prepare, then send once; ``effect`` is as it was before.

        The send is on record from the first byte on (``departure.depart``, which every write of
        the HTTP client passes). Before that, each fault is one of nothing having happened.

        Raises:
            Retryable: certainly nothing happened (never connected, refused as not accepted).
            Parked: certainly nothing happened, until a named condition holds (closed period).
            Rejected: certainly nothing happened; a person must act.
            OutcomeUnknown: anything else: time-out, reset, 5xx, unreadable answer, lost session.
        """
        ...

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """Compare what was found with what was meant: totals, dates, accounts."""
        ...


@dataclass(frozen=True, slots=True)
class Timings:
    """Per kind; all are settings. ``quiescence`` is Q of the reliability reference.

    Q must exceed ``send_slack`` + the longest run at the other side + its search-index lag;
    ``look_gap`` must exceed the longest time for which its answers can be stale.
    """

    deadline: timedelta  # of the whole exchange; the transport enforces it
    quiescence: timedelta  # absent counts only when now - sent_at exceeds this
    look_gap: timedelta  # between the two absent looks that allow a resend
    max_sends: int = 3
    verify_after: timedelta | None = None  # of sent_at; None: Q and one look gap
    park_retry: timedelta = timedelta(hours=1)  # how often a parked effect asks again
    send_slack: timedelta = timedelta(seconds=10)  # between recording the send and sending
    lease_margin: timedelta = timedelta(seconds=60)  # of our own work around one exchange
    looks_first: bool = True  # False: nobody else plants the reference, so a new one is not there
    unknown_do: str = ""  # where nobody can look: what a person does at once; '' is to look

    def __post_init__(self) -> None:
        if self.quiescence <= self.deadline + self.send_slack:
            raise ValueError("Q must exceed the deadline of the exchange and the slack before it")
        if self.max_sends < 1:
            raise ValueError("an effect must be allowed one send")

    @property
    def until_verify(self) -> timedelta:
        """From the send to its read-back: a second copy would show by then, stale or not."""
        both = self.quiescence + self.look_gap
        return both if self.verify_after is None else self.verify_after

    @property
    def lease(self) -> timedelta:
        """How long a worker may hold an effect without a sign of life."""
        return self.deadline + self.lease_margin
