"""What must never be seen, written from the invariants alone (reliability reference, 3.3).

It reads the tables, their history and the truth ledgers, and knows nothing of how the product
decides; the transition table and Q are stated here a second time, on purpose. Every check of a
moment (S) is made on the history of all moments, after the play.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from include.services.effects.ports import EffectKind as K
from tests.prove.truth import Entry

if TYPE_CHECKING:
    from tests.prove.world import Call, World

Q = 300.0
SLACK = 10.0  # a send may leave this long after it was recorded
MAX_SENDS = 3
ALLOWED = {
    "intended": "intended sent done declined mismatched dead_letter",
    "sent": "done declined in_doubt intended parked rejected dead_letter",
    "in_doubt": "in_doubt sent done declined mismatched dead_letter",
    "parked": "parked in_doubt sent done declined mismatched dead_letter",
    "done": "done verified mismatched dead_letter",
    "verified": "mismatched",
    "mismatched": "verified mismatched",
    "declined": "done mismatched",
    "rejected": "done declined mismatched intended in_doubt",
    "dead_letter": "done declined mismatched intended in_doubt",
}
_RESTING = ("verified", "declined")
_NATURAL = ("sales_order_move", "custom_field", "shop_order_update", "shop_callback")
_REVIEWED = ("in_review", "review_first")


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken invariant, in words."""

    invariant: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


@dataclass(frozen=True, slots=True)
class Step:
    """One committed change of an effect."""

    seq: int
    kind: str
    key: str
    state: str
    sends: int
    reference: str
    sent_at: str
    fence: int
    current_fence: int | None
    their_key: str
    amount_minor: int

    @property
    def name(self) -> tuple[str, str]:
        return self.kind, self.key


class Checker:
    """Judges one finished seed."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.truth = world.truth
        self.rows = world.database.rows

    def run(self) -> list[Violation]:
        found = [Violation("no error leaks", words) for words in self.world.notes.errors]
        if found:
            return found
        for check in (
            self.engine, self.sends, self.once, self.money, self.reviews, self.refunds,
            self.orders, self.ledger, self.inbox, self.rest,
        ):  # fmt: skip
            found += check()
            if found:
                break
        return found

    # What was committed, and what is true ----------------------------------------------------

    def history(self, table: str) -> list[Any]:
        return self.rows("SELECT * FROM history WHERE what = ? ORDER BY seq", table)

    @cached_property
    def steps(self) -> list[Step]:
        return [Step(row[0], *row[2:12]) for row in self.history("effects")]

    @cached_property
    def effects(self) -> dict[tuple[str, str], Step]:
        return {step.name: step for step in self.steps}

    def done(self, *kinds: K) -> Iterator[Entry]:
        """What stands at the other sides: executed, not refused, not taken back by a person."""
        for kind in kinds:
            for entry in self.truth.by_kind[kind]:
                if not entry.is_no and not entry.is_undone:
                    yield entry

    def calls_of(self, kind: K) -> "list[Call]":
        return [call for call in self.world.notes.calls if call.kind is kind]

    # Engine: I27 to I30 ----------------------------------------------------------------------

    def engine(self) -> Iterator[Violation]:
        before: dict[tuple[str, str], Step] = {}
        for step in self.steps:
            last = before.get(step.name)
            if last is None and step.state not in ("intended", "sent"):
                yield Violation("I27 transition table", f"{step.key} begins as {step.state}")
            if last is not None and step.state not in ALLOWED[last.state].split():
                yield Violation("I27 transition table", f"{step.key}: {last.state}, {step.state}")
            if last is not None and step.fence != step.current_fence:
                what = f"{step.key}: {step.fence}, {step.current_fence} is current"
                yield Violation("I29 writes carry the current fence", what)
            if step.state == "sent" and not step.sent_at:
                yield Violation("I28 recorded before sent", step.key)
            before[step.name] = step
        fences: dict[str, int] = {}
        for row in self.history("leases"):
            if row[3] < fences.get(row[2], 0):
                yield Violation("I29 fences only grow", f"{row[2]}: {row[3]}")
            fences[row[2]] = row[3]
        if self.world.notes.in_transaction:
            yield Violation("I30 no transaction during a call", "one was open")

    def sends(self) -> Iterator[Violation]:
        by_effect: dict[tuple[str, str], list[Call]] = defaultdict(list)
        for call in self.world.notes.calls:
            by_effect[call.kind.value, call.key].append(call)
        marks: dict[tuple[str, str], list[int]] = defaultdict(list)
        for step in self.steps:
            if step.state == "sent":
                marks[step.name].append(step.seq)
        for name, calls in by_effect.items():
            if len({call.reference for call in calls}) > 1:
                yield Violation("I28 one reference", name[1])
            doubt: Call | None = None
            for number, call in enumerate(calls):
                if sum(seq < call.seq for seq in marks[name]) < number + 1:
                    yield Violation("I28 recorded before sent", f"{name[1]}: send {number + 1}")
                if doubt is not None and call.at - doubt.at <= Q - SLACK:
                    yield Violation("I28 no resend within Q", f"{name}: {call.at - doubt.at:.0f} s")
                if call.sends > MAX_SENDS:
                    yield Violation("I28 at most three sends", name[1])
                doubt = doubt if call.is_certainly_nothing else call

    # Once: I01, I10, I13, I18 ----------------------------------------------------------------

    def once(self) -> Iterator[Violation]:
        by_effect: dict[tuple[K, str], list[Entry]] = defaultdict(list)
        for entry in self.truth.entries:
            if not entry.is_no and entry.kind.value not in _NATURAL:
                by_effect[entry.kind, entry.key].append(entry)
        for (kind, key), entries in by_effect.items():
            if sum(not one.is_second for one in entries) > 1:
                yield Violation("I01 once", f"{kind.value} {key} was done {len(entries)} times")
            standing = [one for one in entries if not one.is_undone]
            if len(standing) != 1:
                yield Violation("I13 duplicates are flagged", f"{kind.value} {key}")
            if len(entries) > 1 and not self._was_mismatched(kind, key):
                yield Violation("I10 duplicates are flagged", f"{kind.value} {key} by the network")
        yield from self._claims(by_effect)

    def _was_mismatched(self, kind: K, key: str) -> bool:
        return any(s.state == "mismatched" for s in self.steps if s.name == (kind.value, key))

    def _claims(self, by_effect: dict[tuple[K, str], list[Entry]]) -> Iterator[Violation]:
        """No false success, nothing lost from sight: at every step what a row claims is true."""
        for step in self.steps:
            kind = K(step.kind)
            if kind.value in _NATURAL:
                continue
            executed = [
                one for one in self.truth.by_reference.get(step.reference, ())
                if one.seq < step.seq and one.kind is kind
            ]  # fmt: skip
            claim = step.state
            if claim in ("done", "verified", "declined") and not executed:
                yield Violation("I13 no false success", f"{step.kind} {step.key} is {claim}")
            if claim in ("done", "verified") and executed and all(e.is_no for e in executed):
                yield Violation("I13 no false success", f"{step.key}: a no was taken as {claim}")
            if claim == "declined" and not any(e.is_no for e in executed):
                yield Violation("I13 no false no", f"{step.kind} {step.key}")
            if claim in ("rejected", "parked") and any(not e.is_second for e in executed):
                yield Violation("I13 nothing lost from sight", f"{step.key} {claim}, yet executed")
            keys = {entry.their_key for entry in executed}
            if claim == "verified" and step.their_key and step.their_key not in keys:
                yield Violation("I13 no false success", f"{step.key}: unknown {step.their_key!r}")

    # Money at the gateway: I02, I03, I06 ------------------------------------------------------

    def money(self) -> Iterator[Violation]:
        voided = {entry.target for entry in self.done(K.payment_void)}
        taken: Counter[str] = Counter()
        back: Counter[str] = Counter()
        reversed_ones = {entry.target for entry in self.done(K.payment_reversal)}
        for entry in self.done(K.payment_capture):
            taken[entry.target] += 0 if entry.their_key in voided else entry.amount_minor
        for entry in self.done(K.payment_refund):
            back[entry.target] += entry.amount_minor
        for entry in self.done(K.payment_capture):
            given = back[entry.their_key] + entry.amount_minor * (entry.their_key in voided)
            if given > entry.amount_minor:
                what = f"{entry.key}: {given} of {entry.amount_minor} went back"
                yield Violation("I03 no more back than taken", what)
        captured = {entry.target for entry in self.done(K.payment_capture)}
        for entry in self.done(K.payment_authorization):
            if taken[entry.their_key] > entry.amount_minor:
                yield Violation("I02 no more taken than authorised", entry.key)
            is_live = entry.amount_minor and entry.their_key not in captured | reversed_ones
            if is_live:
                yield Violation("I06 no authorisation is left alone", entry.key)

    # Reviews: I04, I07 ------------------------------------------------------------------------

    def reviews(self) -> Iterator[Violation]:
        """A capture is judged by what was known when its step was begun; after that it runs."""
        begun: dict[tuple[str, str], int] = {}
        flagged: dict[str, list[tuple[int, bool]]] = defaultdict(list)
        for row in self.history("orders"):
            if row[5]:
                begun.setdefault((row[2], row[5]), row[0])
            flagged[row[2]].append((row[0], bool(row[7])))
        accepted, rejected = self._decided()
        reviewed = {
            entry.order_id
            for entry in self.truth.by_kind[K.payment_authorization]
            if entry.evidence.get("status") in _REVIEWED
        }
        for call in self.calls_of(K.payment_capture):
            order_id, _, step = call.key.partition("|")
            at = begun.get((order_id, step), call.seq)
            if order_id in reviewed and not any(seq < at for seq in accepted[order_id]):
                yield Violation("I04 no capture without an accept", call.key)
            last_yes = max((seq for seq in accepted[order_id] if seq < at), default=0)
            if any(last_yes < seq < at for seq in rejected[order_id]):
                yield Violation("I07 no capture after a reject", call.key)
            if dict(flagged[order_id]).get(_last(flagged[order_id], at), False):
                yield Violation("I07 no capture in a contradiction", call.key)

    def _decided(self) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
        """When the order itself learned of accepts and rejects, a person's included."""
        accepted: dict[str, list[int]] = defaultdict(list)
        rejected: dict[str, list[int]] = defaultdict(list)
        last: dict[str, tuple[str, int]] = {}
        for row in self.history("orders"):
            now = (row[6] or "", row[7])
            if last.get(row[2]) != now:
                where = {"accept": accepted, "reject": rejected}.get(now[0])
                if where is not None and not row[7]:
                    where[row[2]].append(row[0])
                last[row[2]] = now
        return accepted, rejected

    # Refunds: I05 ------------------------------------------------------------------------------

    def refunds(self) -> Iterator[Violation]:
        approved: dict[str, int] = {}
        by_origin: Counter[tuple[str, str]] = Counter()
        amounts: dict[str, int] = {}
        for row in self.history("refunds"):
            if row[6] and row[4] not in ("waiting", "refused"):
                approved.setdefault(row[2], row[0])
            if row[6] and row[6] == row[7]:
                yield Violation("I05 two people", f"{row[2]} approved by {row[7]} who asked")
            amounts[row[2]] = row[5]
        for row in self.rows("SELECT order_id, origin_key FROM refunds WHERE state != 'refused'"):
            by_origin[row[0], row[1]] += 1
        if any(count > 1 for count in by_origin.values()):
            yield Violation("I05 each note funds one refund", str(by_origin))
        gave: Counter[str] = Counter()
        for kind in (K.payment_refund, K.payment_void):
            for call in self.calls_of(kind):
                refund_id = call.key.partition("|")[0]
                if approved.get(refund_id, call.seq) >= call.seq:
                    yield Violation("I05 no refund without approval", call.key)
            for entry in self.done(kind):
                gave[entry.key.partition("|")[0]] += entry.amount_minor
        for refund_id, minor in gave.items():
            if minor > amounts[refund_id]:
                yield Violation("I05 no more than approved", f"{refund_id}: {minor}")
        for row in self.history("orders"):
            if row[9] > row[8]:
                yield Violation("I03 reserved no more than captured", f"{row[2]}: {row[9]}")

    # Orders: I08, I09, I11 -----------------------------------------------------------------------

    def orders(self) -> Iterator[Violation]:
        captured: Counter[str] = Counter()
        back: Counter[str] = Counter()
        sold: Counter[str] = Counter()
        for entry in self.done(K.payment_capture):
            captured[entry.order_id] += entry.amount_minor
        for entry in self.done(K.payment_refund, K.payment_void):
            back[entry.order_id] += entry.amount_minor
        for entry in self.done(K.sales_order):
            sold[entry.order_id] += 1
            if self.truth.sales_orders[entry.their_key].amount_minor != (
                self.world.plans[entry.order_id].order.amount.minor
            ):
                yield Violation("I09 the order is what was paid", entry.key)
        paid = {e.order_id for e in self.done(K.payment_authorization)}
        accepted = dict(self.rows("SELECT order_id, state FROM orders"))
        for order_id in self.world.plans:
            if order_id not in accepted:
                yield Violation("I11 nothing accepted is lost", f"{order_id} is not there")
            kept = captured[order_id] - back[order_id]
            if kept and sold[order_id] != 1:
                yield Violation("I08 one sales order", f"{order_id}: {kept} kept, {sold[order_id]}")
            if sold[order_id] and order_id not in paid:
                yield Violation("I09 every order is paid", order_id)
            if sold[order_id] > 1:
                yield Violation("I10 one order per PO", order_id)
            if accepted.get(order_id) in ("cancelled", "declined") and kept:
                yield Violation("I11 what was unwound holds no money", f"{order_id}: {kept}")

    # Ledger: I13, I15, I18 ------------------------------------------------------------------------

    def ledger(self) -> Iterator[Violation]:
        booked: Counter[str] = Counter()
        cleared = 0
        for entry in self.done(K.ar_receipt):
            booked[entry.order_id or entry.key] += entry.amount_minor
        for entry in self.done(K.gl_journal):
            minor = entry.evidence["cleared"]
            cleared += minor if isinstance(minor, int) else 0
        moved: Counter[str] = Counter()
        for entry in self.done(K.payment_capture):
            moved[entry.order_id] += entry.amount_minor
        for entry in self.done(K.payment_refund, K.payment_void):
            moved[entry.order_id] -= entry.amount_minor
        by_order = self._by_order(booked)
        for order_id, minor in moved.items():
            if by_order[order_id] != minor:
                what = f"{order_id}: {by_order[order_id]} booked, {minor} moved"
                yield Violation("I18 receipts are what moved", what)
        batched = sum(net for _, net in self.world.notes.batches)
        if cleared != -batched:
            yield Violation("I15 clearing comes to nothing", f"{cleared} cleared of {batched}")
        if batched != sum(moved.values()):
            yield Violation("I15 clearing comes to nothing", f"{batched} of {sum(moved.values())}")

    def _by_order(self, booked: Counter[str]) -> Counter[str]:
        """A refund's own receipt carries the refund's id."""
        order_of = dict(self.rows("SELECT refund_id, order_id FROM refunds"))
        found: Counter[str] = Counter()
        for name, minor in booked.items():
            first = name.partition("|")[0]
            found[order_of.get(first, first)] += minor
        return found

    # Inbox: I23, I24 -----------------------------------------------------------------------------

    def inbox(self) -> Iterator[Violation]:
        bodies = self.rows("SELECT body, state FROM inbox")
        events: Counter[str] = Counter()
        for body, state in bodies:
            said = json.loads(body)
            events[said["key"]] += 1
            is_moot = self.truth.by_their_key[said["request_id"]].is_undone
            if state != "handled" and not is_moot:
                yield Violation("I24 each event is handled", f"{body!r} is {state}")
        for key in self.world.notes.acknowledged:
            if not events[key]:
                yield Violation("I23 no 2xx before the commit", key)
        for key, count in events.items():
            if count > 1:
                yield Violation("I24 each event once", f"{key}: {count} rows")

    # Rest: I31 to I33 ------------------------------------------------------------------------------

    def rest(self) -> Iterator[Violation]:
        for step in self.effects.values():
            if step.state == "rejected" and self._is_left_behind(step.key):
                continue
            if step.state not in _RESTING:
                yield Violation("I31 nothing stuck", f"{step.kind} {step.key} is {step.state}")
        ended = "SELECT order_id, state, reason FROM orders WHERE state NOT IN "
        for row in self.rows(ended + "('completed', 'declined', 'cancelled')"):
            yield Violation("I31 nothing stuck", f"order {row[0]} is {row[1]}: {row[2]}")
        for row in self.rows("SELECT refund_id, state FROM refunds WHERE state != 'done'"):
            if row[1] != "refused":
                yield Violation("I31 nothing stuck", f"refund {row[0]} is {row[1]}")
        for row in self.rows("SELECT kind, key FROM dead_letters WHERE state = 'open'"):
            yield Violation("I32 open rows are listed", f"{row[0]} {row[1]} is open for nothing")
        yield from self._letters()
        yield from self._audit()

    def _is_left_behind(self, key: str) -> bool:
        order_id, _, step = key.partition("|")
        asked = "SELECT 1 FROM order_events WHERE order_id = ? AND what = ?"
        return bool(self.rows(asked, order_id, f"{step} left behind"))

    def _letters(self) -> Iterator[Violation]:
        """Each time an effect needed a person there was a dead letter, and its amount."""
        needing = {s.name for s in self.steps if s.state in ("rejected", "mismatched", "dead_letter")}
        listed = set(self.rows("SELECT DISTINCT kind, key FROM dead_letters"))
        if needing - listed:
            yield Violation("I32 open rows are listed", f"not {sorted(needing - listed)[:2]}")

    def _audit(self) -> Iterator[Violation]:
        """One entry per change, retelling every step; the hash chain holds."""
        told: Counter[str] = Counter()
        previous = ""
        for subject, what, before, after in self.rows(
            "SELECT subject, what, previous_hash, hash FROM audit ORDER BY entry_no"
        ):
            if before != previous:
                yield Violation("I33 the chain verifies", subject)
            previous = after
            told[subject] += what.startswith("effect ")
        made: Counter[str] = Counter()
        for step in self.steps:
            made[f"{step.kind}|{step.key}"] += 1
        for step in {s.name: s for s in reversed(self.steps)}.values():
            made[f"{step.kind}|{step.key}"] += step.state == "sent"  # intended and sent at once
        if told != made:
            yield Violation("I33 each step has its entry", str(sorted((told - made) + (made - told))[:3]))


def _last(flags: list[tuple[int, bool]], at: int) -> int:
    return max((seq for seq, _ in flags if seq < at), default=0)


def check(world: "World") -> list[Violation]:
    return Checker(world).run()
