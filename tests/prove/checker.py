"""What must never be seen, written from the invariants alone (reliability reference, 3.3).

It reads the tables, their history and the truth ledgers, and knows nothing of how the product
decides; the transition table and Q are stated here a second time, on purpose. Every check of a
moment (S) is made on the history of all moments, after the play.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from include.services.effects.ports import EffectKind as K
from tests.prove.judge import Step, Violation
from tests.prove.judge_aged import AgedJudge
from tests.prove.judge_batches import BatchJudge
from tests.prove.judge_disputes import DisputeJudge
from tests.prove.judge_free import FreeJudge
from tests.prove.judge_money import MoneyJudge
from tests.prove.judge_owed import OwedJudge
from tests.prove.judge_receivables import ReceivablesJudge
from tests.prove.judge_shop import ShopJudge
from tests.prove.truth import Entry

if TYPE_CHECKING:
    from tests.prove.notes import Call
    from tests.prove.world import World

Q = 300.0
SLACK = 10.0  # a send may leave this long after it was recorded
MAX_SENDS = 3
ALLOWED = {
    "intended": "intended sent parked rejected done declined mismatched dead_letter withdrawn",
    "sent": "sent done declined in_doubt intended parked rejected dead_letter",
    "in_doubt": "in_doubt sent parked rejected done declined mismatched dead_letter",
    "parked": "parked in_doubt sent rejected done declined mismatched dead_letter withdrawn",
    "withdrawn": "intended sent done declined mismatched",
    "done": "done verified mismatched dead_letter",
    "verified": "mismatched",
    "mismatched": "verified mismatched",
    "declined": "done mismatched",
    "rejected": "rejected done declined mismatched intended in_doubt withdrawn",
    "dead_letter": "done declined mismatched intended in_doubt withdrawn",
}
_NEEDS_A_PERSON = ("rejected", "mismatched", "dead_letter")
_RESTING = ("verified", "declined", "withdrawn")
_NATURAL = ("sales_order_move", "custom_field", "shop_order_update", "shop_callback")


class Checker(
    AgedJudge,
    BatchJudge,
    DisputeJudge,
    FreeJudge,
    MoneyJudge,
    OwedJudge,
    ReceivablesJudge,
    ShopJudge,
):
    """Judges one finished seed."""

    def run(self) -> list[Violation]:
        found = [Violation("no error leaks", words) for words in self.world.notes.errors]
        if found:
            return found
        for check in (
            self.engine, self.sends, self.once, self.money,
            partial(self.in_each_era, self.reviews), partial(self.in_each_era, self.refunds),
            self.orders, self.ledger, self.inbox, self.rest, self.owed, self.shop, self.decided,
            self.receivables, self.aged, self.batches, self.disputes, self.free,
        ):  # fmt: skip
            found += check()
            if found:
                break
        return found

    # Engine: I27 to I30 ----------------------------------------------------------------------

    def engine(self) -> Iterator[Violation]:
        before: dict[tuple[str, str], Step] = {}
        begins = ("intended", "sent")
        if self.world.restored.has_happened:  # what was forgotten is found, and taken in at once
            begins = (*begins, "done", "declined", "mismatched")
        for step in self.steps:
            last = before.get(step.name)
            if last is None and step.state not in begins:
                yield Violation("I27 transition table", f"{step.key} begins as {step.state}")
            if last is not None and step.state not in ALLOWED[last.state].split():
                yield Violation("I27 transition table", f"{step.key}: {last.state}, {step.state}")
            is_anew = last is not None and (last.state, step.state) == ("withdrawn", "intended")
            if last is not None and not is_anew and step.fence != step.current_fence:
                what = f"{step.key}: {step.fence}, {step.current_fence} is current"
                yield Violation("I29 writes carry the current fence", what)
            if step.state == "sent" and not step.sent_at:
                yield Violation("I28 recorded before sent", step.key)
            before[step.name] = step
        for row in self.history("leases"):  # which keeps the fences that shrank, and the rows gone
            yield Violation("I29 fences only grow", f"{row[2]}: {row[3]}")
        if self.world.notes.in_transaction:
            yield Violation("I30 no transaction during a call", "one was open")

    def sends(self) -> Iterator[Violation]:
        by_effect: dict[tuple[str, str], list[Call]] = defaultdict(list)
        for call in self.world.notes.calls:
            by_effect[call.kind.value, call.key].append(call)
        marks: dict[tuple[str, str], list[int]] = defaultdict(list)
        for step in self.all_steps:
            if step.state == "sent":
                marks[step.name].append(step.seq)
        for name, calls in by_effect.items():
            # The customer of two orders is the effect of one; once forgotten, of the other.
            is_shared = name[0] == K.customer and self.world.restored.has_happened
            if len({call.reference for call in calls}) > 1 and not is_shared:
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
            if len(standing) != 1 and key not in self.world.restored.by_hand:
                yield Violation("I13 duplicates are flagged", f"{kind.value} {key}")
            noticed = any(one.their_key in self.world.people.noticed for one in entries)
            noticed |= key in self.world.restored.by_hand
            if len(entries) > 1 and not noticed and not self._was_mismatched(kind, key):
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
            if kind is K.review_decision:
                yield from self._case(step)
                continue
            if kind is K.ar_application and step.state in ("done", "verified"):
                yield from self.application(step)
                continue
            carrying = self.truth.by_reference.get(step.reference, [])
            if kind is K.customer and not carrying:  # another order of the shopper made it
                carrying = [self.truth.by_their_key[step.their_key]] if step.their_key else []
            executed = [one for one in carrying if one.seq < step.seq and one.kind is kind]
            yield from self._claim(step, executed)

    def _claim(self, step: Step, executed: list[Entry]) -> Iterator[Violation]:
        claim = step.state
        if claim == "declined" and not executed and self._was_refused(step):
            return  # without a word of why, and nothing was kept of it
        if claim in ("done", "verified", "declined") and not executed:
            yield Violation("I13 no false success", f"{step.kind} {step.key} is {claim}")
        if claim in ("done", "verified") and executed and all(e.is_no for e in executed):
            yield Violation("I13 no false success", f"{step.key}: a no was taken as {claim}")
        if claim == "declined" and not any(e.is_no for e in executed):
            yield Violation("I13 no false no", f"{step.kind} {step.key}")
        if claim == "parked":  # a store that was put back claims it until it looks again
            executed = [one for one in executed if not self.was_forgotten(one.seq)]
        if claim in ("rejected", "parked", "withdrawn") and any(not e.is_second for e in executed):
            yield Violation("I13 nothing lost from sight", f"{step.key} {claim}, yet executed")
        keys = {entry.their_key for entry in executed}
        if claim == "verified" and step.their_key and step.their_key not in keys:
            yield Violation("I13 no false success", f"{step.key}: unknown {step.their_key!r}")

    def _was_refused(self, step: Step) -> bool:
        """Say whether a call of it was certainly refused, of those that are refused so."""
        calls = self.world.notes.calls
        names = (call for call in calls if call.is_certainly_nothing and call.seq < step.seq)
        is_one = any((call.kind.value, call.key) == step.name for call in names)
        return is_one and step.kind == K.payment_authorization.value

    def _case(self, step: Step) -> Iterator[Violation]:
        """A decision of ours is made where its case is decided; verified, where it says so too."""
        if step.state not in ("done", "verified"):
            return
        entries = self.truth.cases[step.key.rpartition("|")[2]]
        made = [one for one in entries if one.seq < step.seq]
        wanted = json.loads(self._payload(step))["decision"]
        if not made or (step.state == "verified" and made[-1].evidence["decision"] != wanted):
            yield Violation("I13 no false success", f"{step.key} is {step.state}")

    def _payload(self, step: Step) -> str:
        asked = "SELECT payload FROM effects WHERE kind = ? AND key = ?"
        return str(self.rows(asked, step.kind, step.key)[0][0])

    def decided(self) -> Iterator[Violation]:
        """What an analyst is told is decided, the gateway's case says."""
        for request_id, decision in self.world.analysts.certain:
            said = {one.evidence["decision"] for one in self.truth.cases[request_id]}
            if decision.value not in said:
                yield Violation("I39 what is called decided is", f"{request_id}: {said}")

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

    # Rest: I31 to I33 -----------------------------------------------------------------------------

    def rest(self) -> Iterator[Violation]:
        for step in self.effects.values():
            if step.state == "rejected" and self._is_left_behind(step.key):
                continue
            if (step.kind, step.state) == (K.ar_application, "rejected"):
                continue  # matched by hand where anything was left: judged by what is left
            if (step.kind, step.state) == (K.review_decision, "mismatched"):
                continue  # its letter is closed: what the case says stands
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
        """Each time an effect, or a no to an order, needed a person there was a dead letter."""
        needing = {
            s.name for s in self.steps if s.state in ("rejected", "mismatched", "dead_letter")
        }
        listed = set(self.rows("SELECT DISTINCT kind, key FROM dead_letters"))
        for kind in ("capture", "reversal"):
            told = "SELECT order_id FROM order_events WHERE what = ?"
            rows = self.rows(told, f"{kind} refused")
            needing |= {(f"{kind}_refused", order_id) for (order_id,) in rows}
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
        last: dict[tuple[str, str], str] = {}
        for step in self.steps:
            # One that is new may be intended and sent, or found, at once.
            known = last.get(step.name, "")
            is_both = step.state == "sent" if known == "withdrawn" else step.state != "intended"
            made[f"{step.kind}|{step.key}"] += 2 if known in ("", "withdrawn") and is_both else 1
            last[step.name] = step.state
        if told != made:
            yield Violation(
                "I33 each step has its entry", str(sorted((told - made) + (made - told))[:3])
            )


def check(world: "World") -> list[Violation]:
    return Checker(world).run()
