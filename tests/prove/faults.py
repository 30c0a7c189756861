"""The faults of the failure model, where each can strike, and how a seed draws its own mixture.

A cell is (fault, call, position). The rows and calls are those of the reliability reference,
section 2.3; rows about files, day boundaries and our own disk have their own tests elsewhere.
"""

import random
from collections import Counter
from dataclasses import dataclass

from include.services.effects.boundaries import Boundary
from include.services.effects.ports import EffectKind as K

Cell = tuple[str, str, str]
Coverage = Counter[Cell]

# Calls, by the codes of the reference; AA applies a receipt to an invoice.
CODES: dict[K, str] = {
    K.payment_authorization: "AU",
    K.payment_capture: "CA",
    K.payment_refund: "RF",
    K.payment_void: "VO",
    K.payment_reversal: "VO",
    K.review_decision: "RV",
    K.sales_order: "SO",
    K.sales_order_move: "SM",
    K.customer: "CU",
    K.ar_receipt: "AR",
    K.ar_application: "AA",
    K.custom_field: "CF",
    K.gl_journal: "GL",
    K.shop_order_update: "SH",
    K.shop_refund: "SR",
    K.shop_callback: "CB",
}
WRITES = tuple(dict.fromkeys(CODES.values()))
NATURAL = frozenset(("SM", "CF", "SH", "CB"))  # twice is as good as once
AT_ERP = frozenset(("SO", "SM", "CU", "AR", "AA", "CF", "GL"))
PARKED = ("AR", "AA", "GL")
ALTERED = ("SO", "AR", "GL")
LOOKS_FIRST = frozenset(("SO", "SM", "CU", "AA", "CF", "GL", "SH", "SR", "RV"))
ERP_READS = ("stock", "credit", "release", "invoice", "receipts")
GATEWAY_READS = ("authorization", "decision")
SHOP_READS = ("orders", "order", "refunds")
AT_RECEIVABLES = ("matched by hand", "paid otherwise", "used otherwise")
SHOP_ACTS = ("refund", "refund whole, early", "edit", "edited back", "cancel", "throw away", "back")

SEND = ("first send", "resend")
BEFORE_AND_AFTER = ("timeout", "5xx", "garbage 2xx", "truncated", "reset", "redirect")
CERTAIN = ("connect", "429", "refused for good", "401")
READ_FAULTS = ("connect", "429", "timeout", "5xx", "garbage 2xx", "truncated", "reset", "redirect")

NOTHING_DONE = tuple(f"{name}, nothing done" for name in BEFORE_AND_AFTER)
SEND_FAULTS: tuple[str, ...] = (
    "connect",
    "429",
    *NOTHING_DONE,
    *(f"{name}, committed" for name in BEFORE_AND_AFTER),
    "slow drip, committed",
    "late commit",
    "network duplicate",
    "refused for good",
    "401",  # at the gateway: certainly nothing
    "session lost, nothing done",  # at SYSPRO: a doubt
    "session lost, committed",
    "element dropped",
)
LAPSED, REST, HELD = "lapsed", "the rest is renewed", "kept by a clerk"
STORES = (
    "effects", "leases", "sagas", "orders", "refunds", "fraud_decisions", "inbox", "watermarks",
)  # fmt: skip
INSIDE = (Boundary.inside_intent, Boundary.inside_change)  # of a transaction: nobody pauses there


def applies(fault: str, code: str) -> bool:
    """Say whether a fault of a write can strike at this call at all."""
    if fault == "401":
        return code not in AT_ERP
    if fault.startswith("session lost"):
        return code in AT_ERP
    if fault == "element dropped":
        return code in ALTERED
    return True


def passes(boundary: Boundary, code: str) -> bool:
    """Say whether a call passes a boundary: only what looks first intends before it sends."""
    return boundary is not Boundary.intended or code in LOOKS_FIRST


def cells() -> list[Cell]:
    """List every cell that can be hit."""
    found: list[Cell] = []
    for code in WRITES:
        for position in SEND:
            found += [(f, code, position) for f in SEND_FAULTS if applies(f, code)]
        looks = ["look in doubt", "look to verify"]
        looks += ["look before send"] if code in LOOKS_FIRST else []
        found += [(fault, code, look) for look in looks for fault in READ_FAULTS]
        found.append(("long outage", code, "look in doubt"))
        passed = [b for b in Boundary if passes(b, code)]
        found += [("crash", code, b.value) for b in passed]
        found += [("pause", code, b.value) for b in passed if b not in INSIDE]
        found.append(("two workers", code, "lease held elsewhere"))
    found += [("closed period", code, position) for code in PARKED for position in SEND]
    found += [("index lag", code, "first send") for code in WRITES]
    found += [("slow to leave", code, "first send") for code in sorted(AT_ERP)]
    found += [(fault, "SQ", read) for read in ERP_READS for fault in READ_FAULTS]
    found += [(fault, "TS", read) for read in GATEWAY_READS for fault in READ_FAULTS]
    found += [(fault, "SF", read) for read in SHOP_READS for fault in READ_FAULTS]
    found.append(("batch between captures", "CA", "cut"))
    found += [("charged back", "GL", f"{one} refunded") for one in ("nothing", "part", "whole")]
    found += [("decided elsewhere", "RV", "case"), ("too old", "RF", "paid by hand")]
    found += [(act, "AA", "clerk") for act in AT_RECEIVABLES]
    found += [("in the shop", "SF", act) for act in SHOP_ACTS]
    found += [("commit lost", "DB", store) for store in STORES]
    found += [("killed between commits", "DB", store) for store in STORES]
    found += [("commit answered with an error", "DB", store) for store in STORES]
    found += [("stalled between commits", "DB", store) for store in STORES]
    found += [("clock skew", "worker", "life"), ("lease expired", "worker", "taken over")]
    found += [(fault, "WH", "delivery") for fault in WEBHOOK_FAULTS]
    found += [("read again", "FD", "credit notes"), ("held", "WH", "renewal")]
    found += [("store put back", "DB", how) for how in ("known", "witnessed")]
    found += [(LAPSED, "AU", REST), (LAPSED, "AU", HELD)]
    found += [("costs nothing", "SO", "sold")]
    found += [("entered anew", "SO", "by a clerk"), ("reversed by hand", "AU", "hold")]
    found += [("paid anew", "AU", where) for where in ("by the API", "in the shop")]
    found += [("two workers", "OI", "same order"), ("lost answer", "OI", "placed again")]
    return found


WEBHOOK_FAULTS = (
    "never sent",
    "delivered twice",
    "out of order",
    "crash before commit",
    "crash before ack",
    "before its order",
    "contradiction",
    "forged name",
)


def empty_cells(coverage: Coverage) -> list[Cell]:
    """List the applicable cells that nothing has hit."""
    return [cell for cell in cells() if not coverage[cell]]


def render(coverage: Coverage) -> str:
    """Draw the table: a fault per line, then each call with its hits, all positions added."""
    by_fault: dict[str, Counter[str]] = {}
    for fault, code, position in cells():
        by_fault.setdefault(fault, Counter())[code] += coverage[fault, code, position]
    width = max(len(fault) for fault in by_fault)
    return "\n".join(
        f"{fault:<{width}}  " + "  ".join(f"{code} {n:,}" for code, n in row.items())
        for fault, row in by_fault.items()
    )


# Rare calls are struck too seldom by chance: most seeds look hard at one of them.
_PLAYED = ("RV", "AA")  # only where they are played, and there above all
_FOCUSED = (*("RF", "SR", "GL", "SM") * 3, "CF", "SQ", *(w for w in WRITES if w not in _PLAYED))
LATE = ("RF", "SR", "GL", "SM", "CF", "SQ", "AA")
FOCUS_RATE = 0.7  # of the calls in focus, over every fault alike
FOCUS_STRIKES = 0.06  # crash or pause, at each boundary
BUSY_CLERKS = 0.12  # of the seeds: a clerk cancels many orders, and processes are killed meanwhile


Mixture = tuple[tuple[str, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Swarm:
    """One seed's mixture: half of the fault classes are off, the others have drawn weights."""

    rate: float  # share of calls that are faulted
    send: Mixture
    read: Mixture
    crash: float  # per boundary
    pause: float
    commit: float  # per written transaction
    kill: float  # per transaction
    stall: float  # per transaction: for longer than any lease lasts
    interleave: float  # per transaction
    race: float  # share of requests that come twice at once
    skew: bool
    closes: bool
    freezes: bool
    outage: bool
    guards: bool  # the partners refuse a second write under the same reference
    limits: bool  # the gateway refuses more than it holds
    at_shipment: bool
    calls_back: bool
    notes: bool
    period: float
    focus: str  # the call that is struck most; '' is none
    clerk_cancels: float  # of the orders that nothing else befalls, in SYSPRO
    sells: bool = False  # the shop's own people act, and its feed tells
    reviews: bool = False  # analysts decide through us
    applies: bool = False  # receipts are applied to invoices by us
    disputes: bool = False  # issuers take captures back
    batches: bool = False  # orders of two captures, and a batch between them
    ages: bool = False  # refunds are asked for when the gateway gives little back any more

    @property
    def strikes_stores(self) -> bool:
        """Say whether anything may happen before a transaction."""
        return bool(self.interleave or self.stall or self.kill)


def draw_swarm(dice: random.Random, seed: int) -> Swarm:
    """Draw the mixture of one seed; what is played in it beside says its number."""
    freezes = dice.random() < 0.5
    focus = dice.choice(_FOCUSED) if dice.random() < 0.5 else ""
    reviews = seed % 11 == 3
    applies, batches = seed % 11 == 5, seed % 11 == 8
    focus = "RV" if reviews and not focus else focus
    focus = "AA" if applies and not focus else focus
    has_busy_clerk = dice.random() < BUSY_CLERKS
    return Swarm(
        rate=dice.uniform(0.2, 0.78),
        send=_mixture(dice, SEND_FAULTS, _often(freezes, has_busy_clerk)),
        read=_mixture(dice, READ_FAULTS, {}),
        crash=_maybe(dice, 0.03),
        pause=_maybe(dice, 0.03),
        commit=_maybe(dice, 0.015),
        # Between two commits about one order there is little time: strike where there are many.
        kill=dice.uniform(0.03, 0.06) if has_busy_clerk else _maybe(dice, 0.02),
        stall=_maybe(dice, 0.02),
        interleave=_maybe(dice, 0.1),
        race=_maybe(dice, 0.6),
        skew=dice.random() < 0.5,
        closes=dice.random() < 0.3,
        freezes=freezes,
        outage=dice.random() < (0.15 if focus in LATE else 0.05),
        guards=dice.random() < 0.5,
        limits=dice.random() < 0.5,
        at_shipment=dice.random() < 0.4 or batches,
        calls_back=dice.random() < 0.3,
        notes=dice.random() < 0.3,
        period=dice.choice((20.0, 60.0)),
        focus=focus,
        clerk_cancels=0.5 if has_busy_clerk else 0.0,
        sells=seed % 11 == 1,
        reviews=reviews,
        applies=applies,
        ages=seed % 28 == 4,  # these live for days
        batches=batches,
        disputes=seed % 11 == 10,
    )


def _often(freezes: bool, has_busy_clerk: bool) -> dict[str, float]:
    """Strike with what a seed is about: a clerk has something to see where copies are made."""
    late = {"late commit": 2.0} if freezes else {}
    return late | ({"network duplicate": 2.0} if has_busy_clerk else {})


def _maybe(dice: random.Random, up_to: float) -> float:
    return dice.uniform(0, up_to) if dice.random() < 0.5 else 0.0


def _mixture(dice: random.Random, names: tuple[str, ...], always: dict[str, float]) -> Mixture:
    chosen = {name: dice.uniform(0.1, 1) for name in names if dice.random() < 0.5}
    weights = {**(chosen or {dice.choice(names): 1.0}), **always}
    return tuple(weights), tuple(weights.values())
