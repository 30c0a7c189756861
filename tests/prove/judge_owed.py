"""Whether everybody has what is theirs: the seller's goods are charged, credit notes are paid out.

Asked of what people did and of what moved; our tables say only which refund was for which note.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property

from include.domain.reviews import Decision
from include.services.effects.ports import EffectKind as K
from tests.prove.judge import REVIEWED, Judge, Violation
from tests.prove.sales_order import SalesOrder
from tests.prove.shop import TRASH
from tests.simulator.hub import EPOCH


class OwedJudge(Judge):
    """Judges what was owed, and whether it was paid: I05 and I09, from the other side."""

    def owed(self) -> Iterator[Violation]:
        yield from self._charged()
        yield from self._promised()
        yield from self._no_more_than_owed()
        for key in self.world.lapses.charged:
            yield Violation("I04 no capture of what a clerk holds", key)

    # What moved ------------------------------------------------------------------------------

    @cached_property
    def _captured(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for entry in self.done(K.payment_capture):
            found[entry.order_id] += entry.amount_minor
        return found

    @cached_property
    def _by_refund(self) -> Counter[str]:
        """Sum by refund what went back: at the gateway, or by a person's own hand."""
        found = Counter(self.world.people.paid_outside)
        for entry in self.done(K.payment_refund, K.payment_void):
            found[entry.key.partition("|")[0]] += entry.amount_minor
        return found

    @cached_property
    def _refunds(self) -> list[tuple[str, str, str, str, str]]:
        asked = "SELECT refund_id, order_id, origin, origin_key, state FROM refunds"
        return self.rows(asked)

    @cached_property
    def _orders(self) -> dict[str, list[SalesOrder]]:
        found: dict[str, list[SalesOrder]] = defaultdict(list)
        for one in self.truth.sales_orders.values():
            if not one.kept:
                found[one.order_id].append(one)
        return found

    def _delivered(self, order_id: str) -> int:
        return sum(one.invoiced_minor for one in self._orders[order_id])

    # What is ours ----------------------------------------------------------------------------

    def _charged(self) -> Iterator[Violation]:
        """Goods that left are charged, up to what a hold was for, unless a person let them go.

        What the fraud desk did not accept is charged to nobody, whoever has shipped it; where it
        said nothing while the hold was there, somebody was told. So they were of a rest whose hold
        was gone: to give it up when its capture is refused, after it has left, is too late.
        """
        people, captured = self.world.people, self._captured
        held, undecided = self._held_and_undecided()
        letters = "SELECT DISTINCT key FROM dead_letters WHERE kind = 'shipped_unpaid'"
        told = {key for (key,) in self.rows(letters)}
        for order_id in self.world.plans:
            if order_id in people.collects or Decision.reject in self._decided_on[order_id]:
                continue
            is_given_up = order_id in people.given_up and not captured[order_id]
            owed = min(self._delivered(order_id), held[order_id])
            if captured[order_id] >= owed or is_given_up or order_id in self._told_of_rest:
                continue
            what = f"{order_id}: {captured[order_id]} of {owed}"
            if order_id not in undecided:
                yield Violation("I09 what is delivered is charged", what)
            elif order_id not in told:
                yield Violation("I09 what is charged to nobody is told", what)

    @cached_property
    def _told_of_rest(self) -> set[str]:
        """Orders of which a person was told that a part may stay uncaptured, in time to act.

        That is the order's own letter; or one of a step that it waited for, for days: a capture
        that nobody answered, or a receipt. The alert of holds that lapse counts such an order. So
        is an authorisation that is there twice, until its hold has lapsed: that is told as well.
        """
        kinds = "('rest_unpaid', 'payment_capture', 'ar_receipt')"
        found = self.rows(f"SELECT DISTINCT key FROM dead_letters WHERE kind IN {kinds}")  # noqa: S608
        asked = "SELECT key FROM dead_letters WHERE kind = "
        twice = self.rows(asked + "'payment_authorization'")
        lapsed = {key for (key,) in self.rows(asked + "'shipped_unpaid'")}
        waited = {key.partition("|")[0] for (key,) in twice} & lapsed
        return {key.partition("|")[0] for (key,) in found} | waited

    @cached_property
    def _decided_on(self) -> defaultdict[str, set[Decision]]:
        """What was decided of each order while there was something to decide."""
        decided = defaultdict[str, set[Decision]](set)
        gone = {
            entry.target: EPOCH + timedelta(seconds=entry.at)
            for entry in self.done(K.payment_reversal)
        }
        for event in self.world.feeds.decisions:
            about = self.truth.by_their_key[event.request_id]
            is_late = event.at > gone.get(event.request_id, event.at)
            if event.decision is Decision.reject or not (about.is_undone or is_late):
                decided[about.order_id].add(event.decision)
        return decided

    def _held_and_undecided(self) -> tuple[Counter[str], set[str]]:
        """Return the most that was held of each order, and those that nobody decided."""
        held, undecided = Counter[str](), set[str]()
        for entry in self.done(K.payment_authorization):
            held[entry.order_id] = max(held[entry.order_id], entry.amount_minor)
            if entry.evidence["status"] in REVIEWED and not self._decided_on[entry.order_id]:
                undecided.add(entry.order_id)
        return held, undecided

    # What is theirs --------------------------------------------------------------------------

    def _promised(self) -> Iterator[Violation]:
        """Each credit note, and each refund said yes to, gives back just what it says."""
        people = self.world.people
        by_note = {
            (order_id, key): (refund_id, state)
            for refund_id, order_id, origin, key, state in self._refunds
            if origin == "credit_note"
        }
        aside = {
            key for (key,) in self.rows("SELECT key FROM dead_letters WHERE kind = 'credit_note'")
        }
        of_order = {plan.order.purchase_order: name for name, plan in self.world.plans.items()}
        for note in self.world.feeds.credit_notes:
            if not note.amount.minor:  # of an order that was free
                continue
            order_id = of_order[note.purchase_order]
            found = by_note.get((order_id, note.invoice))
            if found is not None:
                yield from self._paid(*found, note.amount.minor)
                continue
            if (order_id, note.invoice) in self.world.aged.by_hand:
                continue
            # What a person later said no to was still reserved when the note was looked at.
            gone = self._back[order_id] + self._kept_back[order_id]
            left = self._captured[order_id] - gone
            if left <= 0 and self._is_taken_back(order_id):
                continue
            if f"A|{note.invoice}" not in aside or left >= note.amount.minor:
                yield Violation(
                    "I05 each note is paid", f"{note.invoice} of {order_id}, {left} left"
                )
        yield from self._of_the_shop()
        states = {refund_id: state for refund_id, *_, state in self._refunds}
        for refund_id, minor in people.promised.items():
            yield from self._paid(refund_id, states.get(refund_id, "gone"), minor)

    def _is_taken_back(self, order_id: str) -> bool:
        """Say whether a restored store forgot an order, and a person took all of it back."""
        is_forgotten = not self.rows("SELECT 1 FROM orders WHERE order_id = ?", order_id)
        by_hand = self.world.restored.by_hand
        return is_forgotten and any(one.startswith(f"{order_id}|") for one in by_hand)

    def _of_the_shop(self) -> Iterator[Violation]:
        """Each refund that the shop's people made goes back, or a person was told that it cannot.

        It cannot where less than it is left, or nothing was captured to the end. Of an order that
        the shop shows as called off everything goes back anyhow: its refunds are not asked for.
        """
        known = {
            (order_id, key): (refund_id, state)
            for refund_id, order_id, origin, key, state in self._refunds
            if origin == "shop"
        }
        aside = {
            key for (key,) in self.rows("SELECT key FROM dead_letters WHERE kind = 'shop_order'")
        }
        for order_id, plan in self.world.plans.items():
            for one in self.world.shop.made(plan.order.number):
                found = known.get((order_id, one.refund_id))
                if found is not None:
                    yield from self._paid(*found, one.minor)
                    continue
                if (order_id, one.refund_id) in self.world.aged.by_hand:
                    continue
                left = self._captured[order_id] - self._back[order_id] - self._kept_back[order_id]
                is_off = self.world.shop.orders[plan.order.number].status in ("cancelled", TRASH)
                is_all_back = is_off and self._captured[order_id] <= self._back[order_id]
                is_told = f"web|{plan.order.number}" in aside or not self._captured[order_id]
                is_told |= is_all_back
                if left >= one.minor or not is_told:
                    what = f"{one.refund_id} of {order_id}, {left} left"
                    yield Violation("I38 each refund of the shop is paid", what)

    @cached_property
    def _kept_back(self) -> Counter[str]:
        """Sum, by order, the refunds that a person said no to."""
        found: Counter[str] = Counter()
        wanted = "SELECT refund_id, order_id, amount_minor FROM refunds WHERE state = 'refused'"
        for refund_id, order_id, minor in self.rows(wanted):
            if refund_id in self.world.people.said_no:
                found[order_id] += minor
        return found

    def _paid(self, refund_id: str, state: str, minor: int) -> Iterator[Violation]:
        is_refused = state == "refused" and refund_id in self.world.people.said_no
        if self._by_refund[refund_id] != (0 if is_refused else minor):
            what = f"{refund_id}, {state}: {self._by_refund[refund_id]} of {minor}"
            yield Violation("I05 each note is paid", what)

    @cached_property
    def _back(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for refund_id, order_id, *_ in self._refunds:
            found[order_id] += self._by_refund[refund_id]
        for (order_id, _), paid in self.world.aged.by_hand.items():
            found[order_id] += paid.minor
        return found

    def _no_more_than_owed(self) -> Iterator[Violation]:
        """Money goes back for a note, for a wish, or for what is not delivered any more."""
        notes: Counter[str] = Counter()
        for note in self.world.feeds.credit_notes:
            notes[note.purchase_order] += note.amount.minor
        for order_id, plan in self.world.plans.items():
            if order_id in self.world.people.collects:
                continue
            orders = self._orders[order_id]
            is_off = all(one.is_over for one in orders)
            rest = max(self._captured[order_id] - self._delivered(order_id), 0) if is_off else 0
            owed = notes[plan.order.purchase_order] + self.world.people.wishes[order_id] + rest
            owed += sum(one.minor for one in self.world.shop.made(plan.order.number))
            if self._back[order_id] > owed:
                what = f"{order_id}: {self._back[order_id]} went back, {owed} was owed"
                yield Violation("I05 no more back than was owed", what)
