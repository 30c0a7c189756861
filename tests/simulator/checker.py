"""What must never be seen, written from the invariants alone (reliability reference, 3.3).

It reads the truth ledger, the committed rows and the audit trail, and knows nothing of how the
engine decides; the transition table and Q are stated here a second time, on purpose.
"""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.services.effects import chain
from include.services.effects.ports import Effect
from include.services.effects.store import Lease
from tests.simulator.remote import Entry

if TYPE_CHECKING:
    from tests.simulator.world import World

Q = 300.0
SLACK = 10.0  # a send may leave this long after it was recorded
MAX_SENDS = 3

ALLOWED = {
    "intended": "intended sent parked rejected done declined mismatched dead_letter",
    "sent": "sent done declined in_doubt intended parked rejected dead_letter",
    "in_doubt": "in_doubt sent parked rejected done declined mismatched dead_letter",
    "parked": "parked in_doubt sent rejected done declined mismatched dead_letter",
    "done": "done verified mismatched dead_letter",
    "verified": "mismatched",
    "mismatched": "verified mismatched",
    "declined": "done mismatched",
    "rejected": "rejected done declined mismatched intended in_doubt",
    "dead_letter": "done declined mismatched intended in_doubt",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken invariant, in words."""

    invariant: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


def check_transaction(world: "World") -> list[Violation]:
    """I30: no transaction is open during a call."""
    if world.shelf.store.is_in_transaction():
        return [Violation("I30 no transaction during a call", "one is open")]
    return []


def check_lease(known_fence: int, lease: Lease) -> list[Violation]:
    """I29: fences only grow."""
    if lease.fence <= known_fence:
        return [Violation("I29 fences grow", f"{lease.name}: {lease.fence} after {known_fence}")]
    return []


def check_send(world: "World", effect: Effect) -> list[Violation]:
    """I28: recorded before it leaves, the same reference always, never within Q, at most thrice."""
    found = []
    row = world.latest.get((effect.kind, effect.key))
    if row is None or row.state.value != "sent" or row.sent_at is None:
        state = "no row" if row is None else row.state.value
        found.append(Violation("I28 recorded before sent", f"{effect.key} leaves as {state}"))
    references = {call.reference for call in world.remote.calls[effect.digest]}
    if references - {effect.reference}:
        found.append(Violation("I28 one reference", f"{effect.key}: {references}"))
    doubtful = [c for c in world.remote.calls[effect.digest] if not c.is_certainly_nothing]
    if doubtful:
        gap = world.hub.seconds - doubtful[-1].at
        if gap <= Q - SLACK:
            found.append(Violation("I28 no resend within Q", f"{effect.key} after {gap:.0f} s"))
    if effect.sends > MAX_SENDS:
        found.append(Violation("I28 at most three sends", f"{effect.key}: {effect.sends}"))
    return found


def check_change(
    world: "World", before: Effect, after: Effect, lease: Lease, current_fence: int
) -> list[Violation]:
    """S: after every committed change, what the row claims is true at the other side."""
    found = []
    if lease.fence != current_fence:
        what = f"{lease.holder} wrote with fence {lease.fence}, {current_fence} is current"
        found.append(Violation("I29 writes carry the current fence", what))
    if after.state.value not in ALLOWED[before.state.value].split():
        what = f"{after.key}: {before.state.value} -> {after.state.value}"
        found.append(Violation("I27 transition table", what))
    return found + _check_truth(world, after) + _check_double(world, after)


def _check_truth(world: "World", row: Effect) -> list[Violation]:
    entries = world.remote.entries(row.reference)
    ours = [entry for entry in entries if not entry.is_second_delivery]
    on_its_way = world.remote.pending[row.digest]
    claim = row.state.value
    if claim in ("rejected", "parked", "intended") and (ours or on_its_way):
        what = f"{row.key} is {claim}, yet executed {len(ours)}, on its way {on_its_way}"
        return [Violation("I13 nothing lost from sight", what)]
    if claim in ("done", "verified") and not entries:
        return [Violation("I13 no false success", f"{row.key} is {claim}, nothing was executed")]
    if claim == "verified" and (len(entries) + on_its_way != 1 or not _is_equal(entries[0], row)):
        what = f"{row.key}: {len(entries)} executed, {on_its_way} on its way"
        return [Violation("I13 verified means exactly one, equal", what)]
    return []


def _is_equal(entry: Entry, row: Effect) -> bool:
    return entry.digest == row.digest


def _check_double(world: "World", row: Effect) -> list[Violation]:
    """I13 (S): executed at most once by us; a second delivery is the network's doing."""
    executed = world.remote.executed(row.digest)
    seconds = sum(entry.is_second_delivery for entry in world.remote.entries(row.reference))
    if executed - seconds > 1:
        return [Violation("I13 at most once", f"{row.key} was executed {executed} times")]
    return []


def check_rest(world: "World") -> list[Violation]:
    """E: faults are over and the janitors have rested."""
    found = []
    for wanted in world.wanted:
        row = world.latest.get((wanted.kind, wanted.key))
        if row is None:
            found.append(Violation("I31 nothing stuck", f"{wanted.key} was never intended"))
        elif row.state.value not in ("verified", "mismatched", "rejected", "dead_letter"):
            found.append(Violation("I31 nothing stuck", f"{row.key} rests as {row.state.value}"))
        else:
            found += _check_double(world, row)
    return found + _check_duplicates_flagged(world) + _check_letters(world) + _check_audit(world)


def _check_duplicates_flagged(world: "World") -> list[Violation]:
    """I13 (E): what the network doubled is flagged, every time; so is what it altered."""
    found = []
    for row in world.latest.values():
        entries = world.remote.entries(row.reference)
        is_wrong = len(entries) > 1 or (len(entries) == 1 and not _is_equal(entries[0], row))
        if is_wrong and row.state.value not in ("mismatched", "dead_letter"):
            what = f"{row.key} is {row.state.value} with {len(entries)} executed"
            found.append(Violation("I13 duplicates are flagged", what))
    return found


def _check_letters(world: "World") -> list[Violation]:
    """I32: each effect that needs a person has one open dead letter; nothing else has."""
    letters = Counter(letter.key for letter in world.shelf.letters("open"))
    needing = Counter(
        row.key
        for row in world.latest.values()
        if row.state.value in ("mismatched", "rejected", "dead_letter")
    )
    if letters != needing:
        return [Violation("I32 open rows are listed", f"{letters} listed, {needing} open")]
    return []


def _check_audit(world: "World") -> list[Violation]:
    """I33: one entry per change, in an unbroken chain that retells every step."""
    links = world.shelf.links()
    if not chain.verify(links).is_unbroken:
        return [Violation("I33 the chain verifies", "it is broken")]
    told: dict[str, str] = {}
    for link in links:
        words = link.entry.what.split()
        if words[1:2] == ["intended"] and len(words) == 2:
            if link.entry.subject in told:
                return [Violation("I13 one intent per key", f"{link.entry.subject}: two")]
            told[link.entry.subject] = "intended"
            continue
        before, after = words[1], words[3]
        if told.get(link.entry.subject) != before:
            return [Violation("I33 each step has its entry", f"{link.entry.subject}: {before}")]
        told[link.entry.subject] = after
    rows = {f"{row.kind.value}|{row.key}": row.state.value for row in world.latest.values()}
    if told != rows:
        return [Violation("I33 each step has its entry", "the trail ends elsewhere")]
    return []


def check_late_evidence(world: "World") -> list[Violation]:
    """E: after a second look no dead letter hides something that was executed."""
    return [
        Violation("I13 late evidence is taken", f"{row.key} is {row.state.value}, yet executed")
        for row in world.latest.values()
        if row.state.value in ("rejected", "dead_letter") and world.remote.executed(row.digest)
    ]


def check_end(world: "World") -> list[Violation]:
    """E, with a person in the loop: every effect is at the other side, exactly once or flagged."""
    found = check_rest(world)
    for row in world.latest.values():
        if not world.remote.executed(row.digest):
            found.append(
                Violation("0 lost", f"{row.key} ends as {row.state.value}, never executed")
            )
        if row.state.value in ("rejected", "dead_letter"):
            found.append(Violation("0 lost", f"{row.key} cannot be finished by a person either"))
    return found
