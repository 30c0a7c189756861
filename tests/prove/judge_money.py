"""Whether money, goods and books agree: I02 to I09, I11, I15 and I18 of the reference."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from include.domain.reviews import Decision
from include.services.effects.ports import EffectKind as K
from tests.prove.judge import REVIEWED, Judge, Violation
from tests.prove.truth import Entry
from tests.simulator.hub import EPOCH

_SETTLED = "SELECT order_id FROM order_events WHERE what = 'contradiction settled: accept'"


class MoneyJudge(Judge):
    """Judges what moved."""

    # Money at the gateway: I02, I03, I06 ------------------------------------------------------

    def money(self) -> Iterator[Violation]:
        voided = {entry.target for entry in self.done(K.payment_void)}
        taken: Counter[str] = Counter()
        back: Counter[str] = Counter()
        reversed_ones = self.truth.freed | {e.target for e in self.done(K.payment_reversal)}
        for entry in self.done(K.payment_capture):
            taken[entry.target] += 0 if entry.their_key in voided else entry.amount_minor
        for entry in self.done(K.payment_refund):
            back[entry.target] += entry.amount_minor
        for entry in self.done(K.payment_capture):
            given = back[entry.their_key] + entry.amount_minor * (entry.their_key in voided)
            if given > entry.amount_minor:
                what = f"{entry.key}: {given} of {entry.amount_minor} went back"
                yield Violation("I03 no more back than taken", what)
        # Who takes a second copy of a capture back by hand sees to its hold as well.
        captured = {
            entry.target for entry in self.truth.by_kind[K.payment_capture]
            if self.truth.voids_release or entry.is_undone
            or not (entry.is_no or entry.their_key in voided)
        }  # fmt: skip
        for entry in self.done(K.payment_authorization):
            if taken[entry.their_key] > entry.amount_minor:
                yield Violation("I02 no more taken than authorised", entry.key)
            is_live = entry.amount_minor and entry.their_key not in captured | reversed_ones
            # The shop's own hold of what was never ours is the shop's to release.
            if is_live and not self._is_the_shops(entry):
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
        reviewed = self._reviewed_since()
        truly, contradicted = self._truly_accepted(), self._contradicted()
        settled = {row[0] for row in self.rows(_SETTLED)}
        for call in self.calls_of(K.payment_capture):
            order_id, _, step = call.key.partition("|")
            at = begun.get((order_id, step), call.seq)
            is_reviewed = reviewed.get(order_id, at) < at
            if is_reviewed and order_id not in truly:
                yield Violation("I04 no capture that nobody accepted", call.key)
            if is_reviewed and not any(seq < at for seq in accepted[order_id]):
                yield Violation("I04 no capture without an accept", call.key)
            if contradicted.get(order_id, at) < at:
                yield Violation("I07 no capture in a contradiction", call.key)
            # Nobody but a person of ours takes a reject back: another request's accept does not.
            said_yes = accepted[order_id] if order_id in settled else []
            last_yes = max((seq for seq in said_yes if seq < at), default=0)
            if any(last_yes < seq < at for seq in rejected[order_id]):
                yield Violation("I07 no capture after a reject", call.key)
            if dict(flagged[order_id]).get(_last(flagged[order_id], at), False):
                yield Violation("I07 no capture in a contradiction", call.key)

        yield from self._each_accepted()

    def _reviewed_since(self) -> dict[str, int]:
        """When an order was first held: a part may have been captured before its renewal was."""
        found: dict[str, int] = {}
        for entry in self.truth.by_kind[K.payment_authorization]:
            if entry.evidence.get("status") in REVIEWED:
                found.setdefault(entry.order_id, entry.seq)
        return found

    def _each_accepted(self) -> Iterator[Violation]:
        """A held request is captured after an accept of its own, whatever was said of another."""
        settled = {row[0] for row in self.rows(_SETTLED)}
        accepted: dict[str, datetime] = {}
        for event in self.world.feeds.decisions:
            if event.decision is Decision.accept:
                accepted.setdefault(event.request_id, event.at)
        for entry in self.done(K.payment_capture):
            about = self.truth.by_their_key[entry.target]
            if about.evidence["status"] not in REVIEWED or entry.order_id in settled:
                continue
            at = accepted.get(entry.target)
            if at is None or at > EPOCH + timedelta(seconds=entry.at):
                yield Violation("I04 no capture of a request that nobody accepted", entry.key)

    def _contradicted(self) -> dict[str, int]:
        """When a decision against another was written down, for orders that nobody settled."""
        settled = self.rows(
            "SELECT order_id FROM order_events WHERE what LIKE 'contradiction settled: %'"
        )
        found: dict[str, int] = {}
        for row in self.history("decisions"):
            if row[5] == "contradiction" and (row[3],) not in settled:
                found.setdefault(row[3], row[0])
        return found

    def _truly_accepted(self) -> set[str]:
        """Orders that the fraud desk, or a person of ours, really said yes to."""
        settled = self.rows(_SETTLED)
        return {row[0] for row in settled} | {
            self.truth.by_their_key[event.request_id].order_id
            for event in self.world.feeds.decisions
            if event.decision is Decision.accept
        }

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
        amounts: dict[str, int] = {}
        for row in self.history("refunds"):
            if row[6] and row[4] not in ("waiting", "refused"):
                approved.setdefault(row[2], row[0])
            if row[6] and row[6] == row[7]:
                yield Violation("I05 two people", f"{row[2]} approved by {row[7]} who asked")
            amounts[row[2]] = row[5]
        yield from self._reserved()
        yield from self._given(approved, amounts)

    def _reserved(self) -> Iterator[Violation]:
        by_origin: Counter[tuple[str, str]] = Counter()
        for row in self.rows("SELECT order_id, origin_key FROM refunds WHERE state != 'refused'"):
            by_origin[row[0], row[1]] += 1
        if any(count > 1 for count in by_origin.values()):
            yield Violation("I05 each note funds one refund", str(by_origin))
        yield from self._asked()
        for row in self.history("orders"):
            if row[9] > row[8]:
                yield Violation("I03 reserved no more than captured", f"{row[2]}: {row[9]}")

    def _asked(self) -> Iterator[Violation]:
        """No more refunds than somebody really asked for."""
        feeds, plans = self.world.feeds, self.world.plans
        notes = Counter(note.purchase_order for note in feeds.credit_notes)
        refused = dict(
            self.rows("SELECT order_id, COUNT(*) FROM refunds WHERE state = 'refused' GROUP BY 1")
        )
        for order_id, origin, count in self.rows(
            "SELECT order_id, origin, COUNT(*) FROM refunds GROUP BY 1, 2"
        ):
            plan = plans[order_id]
            asked = sum(who == "api" for _, _, who in plan.gives_back)
            known = {"credit_note": notes[plan.order.purchase_order], "api": asked}
            known["shop"] = len(self.world.shop.made(plan.order.number))
            # What another refund was to give back, and was refused, a cancellation gives, too.
            known["cancellation"] = 1 + refused.get(order_id, 0)
            if count > known.get(origin, 1):
                yield Violation("I05 each note funds one refund", f"{order_id}: {count} {origin}")

    def _given(self, approved: dict[str, int], amounts: dict[str, int]) -> Iterator[Violation]:
        gave: Counter[str] = Counter()
        for kind in (K.payment_refund, K.payment_void):
            for call in self.calls_of(kind):
                refund_id = call.key.partition("|")[0]
                if approved.get(refund_id, call.seq) >= call.seq:
                    yield Violation("I05 no refund without approval", call.key)
            for entry in self.done(kind):
                gave[entry.key.partition("|")[0]] += entry.amount_minor
        for refund_id, minor in gave.items():
            if self.is_before:
                continue
            is_seen_to = refund_id not in amounts and self._is_by_hand(refund_id)
            if minor > amounts.get(refund_id, 0) and not is_seen_to:
                yield Violation("I05 no more than approved", f"{refund_id}: {minor}")

    def _is_by_hand(self, refund_id: str) -> bool:
        return any(one.startswith(refund_id) for one in self.world.restored.by_hand)

    # Orders: I08, I09, I11 -----------------------------------------------------------------------

    def orders(self) -> Iterator[Violation]:
        captured: Counter[str] = Counter()
        back: Counter[str] = Counter()
        for entry in self.done(K.payment_capture):
            captured[entry.order_id] += entry.amount_minor
        for entry in self.done(K.payment_refund, K.payment_void):
            back[entry.order_id] += entry.amount_minor
        for order_id, facts in self.rows("SELECT order_id, facts FROM refunds"):
            paid = [part for part in json.loads(facts)["parts"] if part["is_outside"]]
            back[order_id] += sum(part["amount"]["minor"] for part in paid)
        for (order_id, _), by_hand in self.world.aged.by_hand.items():
            back[order_id] += by_hand.minor
        yield from self._sold(captured - back)
        accepted = dict(self.rows("SELECT order_id, state FROM orders"))
        for order_id in self.world.plans:
            is_forgotten = self.world.restored.is_passed_over(self.world.plans[order_id].order)
            if not (order_id in accepted or is_forgotten or self._was_never_taken(order_id)):
                yield Violation("I11 nothing accepted is lost", f"{order_id} is not there")
            kept = captured[order_id] - back[order_id]
            if accepted.get(order_id) in ("cancelled", "declined") and kept:
                yield Violation("I11 what was unwound holds no money", f"{order_id}: {kept}")

        for one in self.truth.sales_orders.values():
            if accepted.get(one.order_id) == "cancelled" and not (one.kept or one.is_over):
                yield Violation(
                    "I11 what was unwound ships no more", f"{one.order_id}: {one.number}"
                )
        yield from self._stopped(accepted)
        yield from self._called_off(accepted, captured, back)

    def _is_the_shops(self, entry: Entry) -> bool:
        is_known = self.rows("SELECT 1 FROM orders WHERE order_id = ?", entry.order_id)
        is_shops = entry.reference.startswith("SHOP")
        return is_shops and not is_known and self._was_never_taken(entry.order_id)

    def _was_never_taken(self, order_id: str) -> bool:
        """Say whether the shop had called it off, or its shopper never paid, before a poll."""
        there = self.world.shop.orders.get(self.world.plans[order_id].order.number)
        is_off = there is not None and there.changes > 1  # its people were at it
        return self.world.plans[order_id].is_polled and is_off

    def _stopped(self, accepted: Mapping[str, str]) -> Iterator[Violation]:
        """A cancellation ends the order, unless its goods had left."""
        invoiced = {one.order_id for one in self.truth.sales_orders.values() if one.invoices}
        for (order_id,) in self.rows(
            "SELECT order_id FROM order_events WHERE what = 'cancel asked for'"
        ):
            ends = {"cancelled", "declined", *(["completed"] if order_id in invoiced else [])}
            if accepted.get(order_id) not in ends:
                yield Violation("I11 a cancel is not lost", f"{order_id}: {accepted[order_id]}")

    def _called_off(
        self, accepted: Mapping[str, str], captured: Counter[str], back: Counter[str]
    ) -> Iterator[Violation]:
        """What was delivered stays paid until it is credited, and nothing else does."""
        asked = "SELECT order_id, SUM(amount_minor) FROM refunds WHERE {} GROUP BY 1"
        unwound = dict(self.rows(asked.format(
            "origin IN ('cancellation', 'closed_short') AND state != 'refused'")))  # fmt: skip
        credited = dict(self.rows(asked.format(
            "origin = 'credit_note' AND state != 'refused'")))  # fmt: skip
        refused = dict(self.rows(asked.format(
            "origin != 'credit_note' AND state = 'refused'")))  # fmt: skip
        unpaid = dict(self.rows(asked.format(
            "origin = 'credit_note' AND state = 'refused'")))  # fmt: skip
        for order_id, state in accepted.items():
            orders = [o for o in self.truth.sales_orders.values() if o.order_id == order_id]
            if len(orders) > 1:  # by the network: one is called off while people work on the other
                continue
            delivered = sum(one.invoiced_minor for one in orders)
            if unwound.get(order_id, 0) > max(captured[order_id] - delivered, 0):
                yield Violation("I11 what is delivered is paid", f"{order_id} was given back")
            # What a person has refused to give back, the nightly comparison names each day.
            is_off = any(one.is_over for one in orders) and order_id not in refused
            of_the_rest = back[order_id] - min(credited.get(order_id, 0), delivered)
            # So is what a note had promised beyond that when the rest was counted, refused since.
            noted = credited.get(order_id, 0)
            named = max(delivered, noted + unpaid.get(order_id, 0)) - max(delivered, noted)
            if is_off and captured[order_id] - of_the_rest > delivered + named:
                yield Violation("I11 what is not delivered goes back", f"{order_id}: {state}")

    def _sold(self, kept: Counter[str]) -> Iterator[Violation]:
        """Each order that keeps money is one sales order; each sales order is paid."""
        sold: Counter[str] = Counter()
        for entry in self.done(K.sales_order):
            sold[entry.order_id] += 1
            plan = self.world.plans[entry.order_id]
            known = {plan.order.amount.minor}
            if plan.is_polled and self.world.restored.has_happened:  # taken anew, as it is by now
                known.add(self.world.shop.orders[plan.order.number].shown.amount.minor)
            if self.truth.sales_orders[entry.their_key].amount_minor not in known:
                yield Violation("I09 the order is what was paid", entry.key)
        paid = {e.order_id for e in self.done(K.payment_authorization)}
        for order_id in self.world.plans:
            if kept[order_id] and sold[order_id] != 1:
                what = f"{order_id}: {kept[order_id]} kept, {sold[order_id]} sold"
                yield Violation("I08 one sales order", what)
            is_owed = not self.world.plans[order_id].order.is_free
            if sold[order_id] and is_owed and order_id not in paid:
                yield Violation("I09 every order is paid", order_id)
            if sold[order_id] > 1:
                yield Violation("I10 one order per PO", order_id)

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


def _last(flags: list[tuple[int, bool]], at: int) -> int:
    return max((seq for seq, _ in flags if seq < at), default=0)
