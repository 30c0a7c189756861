"""Every live request, found by id, merchant transaction id, order number and time."""

import bisect
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from include.sandbox.cybersource.payments.cards import Card
from include.sandbox.world import World
from include.sandbox.world.model import Transaction

MTI_DAYS = 180
REFERENCE_MINUTES = 15
UNLAGGED = float("-inf")  # of entries that the generated world made

MONEY_KINDS = ("authorization", "increment", "capture", "refund", "credit")


@dataclass(slots=True)
class Entry:
    """One request that was executed. Amounts are minor units, positive."""

    request_id: str
    merchant: str
    kind: str  # one of MONEY_KINDS, or reversal, void, decision
    at: datetime  # UTC, on the business date
    day: date  # the business date
    executed_at: float  # seconds since the epoch, real
    code: str
    transaction_id: str
    currency: str
    amount_minor: int
    processor_reference: str
    card: Card
    status: str
    reason: str = ""  # of errorInformation
    root: "Entry | None" = None  # the authorization, sale or credit it belongs to
    parent: "Entry | None" = None  # the request it changes
    is_sale: bool = False  # captured by the same request
    authorized_minor: int = 0  # held by the issuer, increments included
    reversed_minor: int = 0
    billed_minor: int = 0  # put into a batch by this very request
    refunded_minor: int = 0  # of billed_minor
    is_voided: bool = False
    is_settled: bool = False
    is_released: bool = False  # of an authorization: its hold went with a void
    is_payer_validated: bool = False  # a 3-D Secure challenge was looked at by this request
    indicator: str = ""  # of what it found
    is_auto_reversed: bool = False  # of an authorization: the service released it by itself
    application: str = ""  # as a search names it, where a kind has several
    comments: str = ""  # as the caller wrote them
    decision: str = ""  # ACCEPT, REVIEW, REJECT; "" where nobody looked
    as_answered: tuple[str, str, str] | None = None  # status, reason, decision before a review
    tokens: dict[str, str] = field(default_factory=dict)
    bill_to: dict[str, str] = field(default_factory=dict)
    follow_ons: list["Entry"] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)

    @property
    def root_id(self) -> str:
        return (self.root or self).request_id

    @property
    def network_id(self) -> str:
        """What the card network calls an authorization; not the request id."""
        return f"2015{self.request_id[-11:]}"

    @property
    def captured_minor(self) -> int:
        """What is captured of an authorization and not voided: its own, and that of captures."""
        parts = [self, *(f for f in self.follow_ons if f.kind == "capture")]
        return sum(p.billed_minor for p in parts if not p.is_voided)

    @property
    def is_batch_closed(self) -> bool:
        parts = [self, *(f for f in self.follow_ons if f.kind == "capture")]
        return any(p.is_settled and p.billed_minor and not p.is_voided for p in parts)


class Book:
    """Thread-safe where ``lock`` is held; the rules hold it over look and change."""

    def __init__(self, world: World, now: Callable[[], float] = time.time) -> None:
        self.world = world
        self.now = now
        self.lock = threading.RLock()
        self._by_id: dict[str, Entry] = {}
        self._by_mti: dict[tuple[str, str], list[Entry]] = {}
        self._by_code: dict[tuple[str, str], list[Entry]] = {}
        self._by_time: dict[str, list[Entry]] = {}

    def add(self, entry: Entry) -> None:
        """Keep a new request, and tie it to its parent."""
        self._by_id[entry.request_id] = entry
        if entry.transaction_id:
            self._by_mti.setdefault((entry.merchant, entry.transaction_id), []).append(entry)
        if entry.code:
            self._by_code.setdefault((entry.merchant, entry.code), []).append(entry)
        bisect.insort(self._by_time.setdefault(entry.merchant, []), entry, key=_moment)
        for owner in {id(e): e for e in (entry.parent, entry.root) if e}.values():
            owner.follow_ons.append(entry)

    def get(self, request_id: str, merchant: str = "") -> Entry | None:
        """Return a request, a live one or one of the generated world; of one merchant or any."""
        found = self._by_id.get(request_id) or self._adopt(request_id)
        return found if found and merchant in ("", found.merchant) else None

    def live(self, request_id: str) -> Entry | None:
        """Return a request that a caller made; adopted ones are the generated world's."""
        found = self._by_id.get(request_id)
        return found if found and found.executed_at != UNLAGGED else None

    def used(self, merchant: str, transaction_id: str) -> Entry | None:
        """Return the request that used a transaction id within 180 days, if any."""
        if not transaction_id:
            return None
        oldest = self.now() - MTI_DAYS * 86_400
        found = self._by_mti.get((merchant, transaction_id), ())
        return next((e for e in found if e.kind in MONEY_KINDS and e.executed_at > oldest), None)

    def original(self, merchant: str, transaction_id: str, min_age_s: float) -> Entry | None:
        """Return the latest request a time-out call may mean."""
        latest = self.now() - min_age_s
        found = self._by_mti.get((merchant, transaction_id), ())
        kept = [e for e in found if e.kind in MONEY_KINDS and e.executed_at <= latest]
        return kept[-1] if kept else None

    def is_recent(self, merchant: str, code: str) -> bool:
        """Say whether an order number was paid within 15 minutes."""
        oldest = self.now() - REFERENCE_MINUTES * 60
        found = self._by_code.get((merchant, code), ())
        return any(e.kind == "authorization" and e.executed_at > oldest for e in found)

    def of_transaction_id(self, merchant: str, transaction_id: str) -> list[Entry]:
        return list(self._by_mti.get((merchant, transaction_id), ()))

    def of_code(self, merchant: str, code: str) -> list[Entry]:
        return list(self._by_code.get((merchant, code), ()))

    def between(self, merchant: str, start: datetime, end: datetime) -> list[Entry]:
        rows = self._by_time.get(merchant, [])
        low = bisect.bisect_left(rows, start, key=lambda e: e.at)
        return rows[low : bisect.bisect_left(rows, end, key=lambda e: e.at)]

    def everything(self, merchant: str) -> list[Entry]:
        with self.lock:
            return list(self._by_time.get(merchant, ()))

    def batch(self, entry: Entry) -> None:
        """Put a capture or refund into its day's batch; nothing where its amount is zero."""
        if not entry.billed_minor:
            return
        is_refund = entry.kind in ("refund", "credit")
        kind = "refund" if is_refund else "sale" if entry.is_sale else "capture"
        line = Transaction(
            entry.request_id,
            entry.root_id,
            kind,
            entry.at.replace(microsecond=0),
            entry.code or None,
            entry.currency,
            entry.billed_minor,
            None if is_refund else (entry.root or entry).authorized_minor,
            entry.card.type,
            entry.processor_reference,
            entry.day,
        )
        self.world.live.put(entry.merchant, line)

    def settle(self, before: date | None = None) -> list[Entry]:
        """Close batches: of all days, or of those before one. Return the lines that settled."""
        found = []
        with self.lock:
            for rows in self._by_time.values():
                for entry in rows:
                    is_open = entry.billed_minor and not entry.is_settled and not entry.is_voided
                    if is_open and (before is None or entry.day < before):
                        entry.is_settled = True
                        found.append(entry)
        return found

    def _adopt(self, request_id: str) -> Entry | None:
        """Take a generated request up, so that it can be refunded; it is settled already."""
        found = self.world.transaction(request_id)
        if found is None:
            return None
        merchant, line = found
        with self.lock:
            return self._by_id.setdefault(request_id, self._of_line(merchant, line))

    def _of_line(self, merchant: str, line: Transaction) -> Entry:
        billed = line.amount_minor if line.settlement_date else 0
        refunds = (
            self.world.transactions_of(merchant, line.reference)
            if line.reference and line.kind != "refund"
            else []
        )
        return Entry(
            line.request_id,
            merchant,
            {"sale": "authorization"}.get(line.kind, line.kind),
            line.at,
            line.settlement_date or line.at.date(),
            UNLAGGED,
            line.reference or "",
            "",
            line.currency,
            line.amount_minor,
            line.processor_reference,
            Card(line.card_type),
            "AUTHORIZED" if line.kind in ("sale", "authorization") else "PENDING",
            is_sale=line.kind == "sale",
            authorized_minor=line.authorized_minor or 0,
            billed_minor=billed,
            refunded_minor=sum(r.amount_minor for r in refunds if r.kind == "refund"),
            is_settled=billed > 0,
        )

    def reset(self) -> None:
        with self.lock:
            for index in (self._by_id, self._by_mti, self._by_code, self._by_time):
                index.clear()


def _moment(entry: Entry) -> datetime:
    return entry.at
