"""Everybody around the product: shoppers, the fraud desk, SYSPRO's clerk, who settles, who mends.

They act on the truth, and hand the product what it may see: feeds (feeds.py), webhooks, requests.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from include.domain.erp_orders import ErpDocument
from include.domain.errors import Rejected, Retryable
from include.domain.money import Money
from include.services.effects.ports import Effect
from include.services.effects.ports import EffectKind as K
from tests.prove import mending, settling
from tests.prove.fraud_desk import FraudDesk, hash_of
from tests.prove.plans import Outcome, Plan
from tests.prove.product import Kit
from tests.prove.sales_order import COMPLETE, SalesOrder
from tests.prove.truth import ANEW, Answer, Entry
from tests.simulator.hub import EPOCH

if TYPE_CHECKING:
    from tests.prove.world import World


class People(FraudDesk):
    def __init__(self, world: "World") -> None:
        self._world, self._feeds = world, world.feeds
        self.errands = 0  # what somebody will still do
        self.noticed: set[str] = set()  # second copies of sales orders that a clerk has cancelled
        self.said_no: set[str] = set()  # to refunds
        self.moved: set[str] = set()  # refunds that nobody may say no to, as they were told
        self._told_no: dict[str, tuple[int, bool]] = {}  # as it stood when that was no answer
        self.cancelled: set[str] = set()  # orders, by their shoppers, as the shop shows
        self.wishes: Counter[str] = Counter()  # minor units asked for by API, by order
        self.promised: dict[str, int] = {}  # of these, what the product said yes to
        self.paid_outside: Counter[str] = Counter()  # by refund, by a person's own hand
        self.collects: set[str] = set()  # orders unwound here that were shipped as another
        self.given_up: set[str] = set()  # orders that stay unpaid, because a person said so
        self.settling = settling.Settling(world)
        code = world.variant.translator().customer_code
        of_customer = defaultdict[str, list[Plan]](list)
        for plan in world.plans.values():
            of_customer[code(plan.order)].append(plan)
        # Who has several orders is never held: nobody could say for which of them.
        self.by_customer = {name: few[0] for name, few in of_customer.items() if len(few) == 1}

    def begin(self) -> None:
        """Let the shoppers come, and those of them who change their minds."""
        world, dice = self._world, self._world.dice
        for plan in world.plans.values():
            if plan.is_by_shop:
                self._authorize_at_the_shop(plan)
            if plan.is_polled:
                continue
            self._shop(plan, plan.at)
            if dice.random() < world.swarm.race:
                world.coverage["two workers", "OI", "same order"] += 1
                self._shop(plan, plan.at + dice.choice((0.05, 0.5, 3.0)))
            if plan.cancel_after is not None:
                self._cancel(plan, plan.at + plan.cancel_after)
        for _ in range(6 if world.swarm.focus == "GL" else 1):
            world.hub.call_at(world.storm * dice.uniform(0.3, 0.9), self.settling.cut)

    def _shop(self, plan: Plan, at: float) -> None:
        came = 0

        def work(kit: Kit) -> None:
            nonlocal came
            came += 1
            if came > 1:
                self._world.coverage["lost answer", "OI", "placed again"] += 1
            if not self._world.restored.is_passed_over(plan.order):
                kit.service.place(plan.order, "shop")

        self._world.start("checkout", at, work, is_awaited=True)

    def _authorize_at_the_shop(self, plan: Plan) -> None:
        order, world = plan.order, self._world
        entry = Entry(
            world.next_seq(), 0.0, 0.0, K.payment_authorization, f"{order.order_id}|authorize|1",
            "SHOP" + order.number, "", order.amount.minor, order.order_id,
            order.payment.request_id, {"status": "authorized"},
        )  # fmt: skip
        world.truth.entries.append(entry)
        world.truth.by_kind[entry.kind].append(entry)
        world.truth.by_their_key[entry.their_key] = entry

    def _cancel(self, plan: Plan, at: float) -> None:
        def work(kit: Kit) -> None:
            self.cancelled.add(plan.order.order_id)
            with suppress(Rejected):  # completed, or not accepted yet
                kit.service.cancel(plan.order.order_id, "shopper", "changed their mind", via="api")

        self._world.start("cancel", at, work, is_awaited=True)

    # What follows a write --------------------------------------------------------------------

    def hear(self, effect: Effect, answer: Answer) -> None:
        """A write was executed: the people at the other side begin to act on it."""
        if effect.kind is K.payment_authorization:
            order_id = effect.key.partition("|")[0]
            plan = self._world.plans[order_id]
            if plan.frees_after is not None:
                self.later(plan.frees_after, lambda: self._free(answer.their_key))
            is_held = answer.evidence["status"] in (Outcome.in_review, Outcome.review_first)
            if is_held and json.loads(effect.payload)["renews"]:
                self._review_again(plan, answer.their_key)
            elif plan.decisions and (is_held or plan.outcome is Outcome.good):
                self._review(plan, answer.their_key)
        elif effect.kind is K.sales_order:
            order = self._world.truth.sales_orders[answer.their_key]
            plan = self._world.plans[order.order_id]
            self._world.coverage["costs nothing", "SO", "sold"] += plan.order.is_free
            self._serve(plan, order)
        elif effect.kind is K.review_decision:
            entry = self._world.truth.by_their_key[answer.their_key]
            self._world.analysts.hear(effect, entry)
        elif effect.kind is K.sales_order_move:
            for order in self._world.truth.sales_orders.values():
                self.go_on(order)
                if order.is_over and order.number == answer.evidence.get("called_off"):
                    self.show_end(order)

    def _free(self, request_id: str) -> None:
        """Reverse a hold in the gateway's own pages; nobody tells the product."""
        is_free = self._world.truth.free(request_id)
        self._world.coverage["reversed by hand", "AU", "hold"] += is_free

    def go_on(self, order: SalesOrder) -> None:
        """An order that is released is shipped and invoiced after all."""
        if order.status == "1":
            waiting, order.waiting = order.waiting, []
            for work in waiting:
                self.later(600, work)

    def _serve(self, plan: Plan, order: SalesOrder) -> None:
        if plan.clerk_cancels_after is not None:
            self.later(plan.clerk_cancels_after, lambda: self._clerk_cancels(order))
        if plan.enters_anew_after is not None:
            self.later(plan.enters_anew_after, lambda: self._enter_anew(order))
        if plan.is_on_hold:
            self.later(plan.release_after, lambda: self._release(plan, order))
        for after, share in plan.invoices:
            self.later(after, lambda s=share: self._invoice(plan, order, s))

    def _clerk_cancels(self, order: SalesOrder) -> None:
        """The rest of an order that was delivered in part may be called off, too."""
        order = order.standing()
        if order.is_over:
            return
        if int(order.number) % 5:
            order.call_off()
        else:  # by its status alone
            order.status = COMPLETE
        self.show_end(order)

    def _enter_anew(self, order: SalesOrder) -> None:
        """The customer is wrong, say: a clerk enters the order once more, then cancels the first.

        Who finds it cancelled by then, or invoiced, takes the second one back.
        """
        swarm = self._world.swarm
        if swarm.focus == "SO" or "network duplicate" in swarm.send[0]:
            return  # nobody could say which of three is one too many
        truth, number = self._world.truth, ANEW + order.number[1:]
        if order.is_over or order.invoices or order.kept or number in truth.sales_orders:
            return
        other = replace(order, number=number, cursor="", waiting=[], invoices=[])
        truth.sales_orders[number] = other
        self._world.coverage["entered anew", "SO", "by a clerk"] += 1
        self._show(self._feeds.changed, other)

        def cancel() -> None:
            if order.is_over or order.invoices:
                other.call_off()
                self.show_end(other)
                return
            if order.status == "1" and other.status == "S":  # as we had released the first
                other.status = "1"
                self._show(self._feeds.changed, other)
            truth.keep_order(other, order)
            self.show_end(order)
            self.go_on(other)

        self.later(hash_of(number) % 7 * 30, cancel)

    def see_double(self, number: str) -> None:
        """A clerk may see the second copy of an order long before anybody works on its letter."""
        if int(number) % 4:
            self.later(60, lambda: self._cancel_double(number))

    def _cancel_double(self, number: str) -> None:
        truth = self._world.truth
        order, entry = truth.sales_orders[number], truth.by_their_key[number]
        others = [one for one in truth.orders_of(order.purchase_order) if one is not order]
        if others and not (entry.is_undone or order.kept):
            self.noticed.add(number)
            truth.undo(entry)
            if order.status == "1" and others[0].status == "S":  # as we had released the other
                others[0].status = "1"
                self._show(self._feeds.changed, others[0])
            truth.keep_order(others[0], order)
            self.show_end(order)
            self.go_on(others[0])

    def show_end(self, order: SalesOrder) -> None:
        """Both feeds read the same row; one of them wants it to be called cancelled."""
        self._show(self._feeds.changed, order)
        if order.is_cancelled:
            self._feeds.cancelled.append((order.cursor, order))

    def _release(self, plan: Plan, order: SalesOrder) -> None:
        plan.is_on_hold = False
        order = order.standing()
        order.status = order.status if order.is_over else "1"
        self._show(self._feeds.changed, order)
        self.go_on(order)

    def _invoice(self, plan: Plan, order: SalesOrder, share: int) -> None:
        """Invoice what was shipped; a held order waits, a cancelled one is not shipped."""
        order = order.standing()
        if order.is_over:
            return
        if order.status != "1":
            order.waiting.append(lambda: self._invoice(plan, order, share))
            return
        done = sum(minor for _, minor, _ in order.invoices)
        is_last = len(order.invoices) + 1 == len(plan.invoices)
        minor = order.amount_minor - done if is_last else order.amount_minor * share // 100
        if is_last and plan.is_discounted:
            minor = minor * 9 // 10
        is_first = not order.invoices
        if is_last:
            order.status = COMPLETE
        is_made = minor or plan.order.is_free
        if is_made or is_last:
            self._show(self._feeds.changed, order)
        if is_made:
            number = f"I{order.number}{len(order.invoices)}"
            order.invoices.append((number, minor, order.cursor))
            self._world.receivables.hear_invoice(order, number)
        if is_first:
            for number, (after, part, who) in enumerate(plan.gives_back):
                give = self._credit if who == "clerk" else self._ask_refund
                self.later(after, lambda g=give, n=number, p=part: g(plan, order, n, p))

    def _show(self, feed: list[tuple[str, SalesOrder]], order: SalesOrder) -> None:
        order.cursor = f"{self._world.next_seq():012}"
        feed.append((order.cursor, order))

    def _credit(self, plan: Plan, order: SalesOrder, number: int, share: int) -> None:
        minor = plan.order.amount.minor * share // 100
        if minor or plan.order.is_free:
            self._feeds.credit_notes.append(
                ErpDocument(
                    order.customer, f"C{order.number}{number}", "C", order.purchase_order,
                    order.number, Money(minor, "USD"), EPOCH.date(),
                    f"{self._world.next_seq():012}",
                )
            )  # fmt: skip

    def _ask_refund(self, plan: Plan, _order: SalesOrder, number: int, share: int) -> None:
        amount = Money(max(1, plan.order.amount.minor * share // 100), "USD")
        self.wishes[plan.order.order_id] += amount.minor
        answers: set[bool] = set()  # whether it was promised

        def work(kit: Kit) -> None:
            if False in answers:
                return
            for _ in range(100 if answers else 4):  # who was promised it asks until it is again
                try:
                    refund_id = kit.service.refund(
                        plan.order.order_id, amount, origin="api", origin_key=f"R{number}",
                        who="shop", reason="returned",
                    )  # fmt: skip
                except Rejected:  # nothing is captured yet, or nothing is left
                    self._world.hub.sleep(900)
                else:
                    self.promised[refund_id] = amount.minor
                    answers.add(True)
                    return
            if not answers:
                answers.add(False)

        self._world.start("refund", self._world.hub.seconds, work, is_awaited=True)

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        def run() -> None:
            self.errands -= 1
            work()

        self.errands += 1
        self._world.hub.call_at(self._world.hub.seconds + seconds, run)

    # Those who decide and mend ---------------------------------------------------------------

    def decide_refunds(self, kit: Kit) -> None:
        """Let the second person look at what is above the limit, and say no to what is not gone.

        They read a list, and what it names may have moved on before they say so.
        """
        listed = "SELECT refund_id, version, origin, state FROM refunds WHERE state IN "
        listed += "('waiting', 'approved', 'moving', 'stuck') ORDER BY 1"
        for refund_id, version, origin, state in self._world.database.rows(listed):
            asked = version, refund_id in self.moved
            if self._told_no.get(refund_id) == asked:
                continue  # it has not moved since
            try:
                self._decide_refund(kit, refund_id, origin, state)
            except Retryable:
                continue
            except Rejected:
                self._told_no[refund_id] = asked

    def _decide_refund(self, kit: Kit, refund_id: str, origin: str, state: str) -> None:
        if state != "waiting":
            if hash_of(refund_id) % 7 == 0:
                self.refuse(kit, refund_id, "asked for by mistake")
            return
        # A cancelled order must give its money back, so nobody may say no to that.
        if refund_id in self.moved:
            kit.service.approve_refund(refund_id, "boss")
        elif not self._world.restored.may_go_back(refund_id):
            self.refuse(kit, refund_id, "the gateway shows that it went back already")
        elif hash_of(refund_id) % 5 or origin == "cancellation":
            kit.service.approve_refund(refund_id, "boss")
        else:
            self.refuse(kit, refund_id, "not today")

    def refuse(self, kit: Kit, refund_id: str, why: str) -> None:
        """Say no; should the answer be lost, it may have been said all the same."""
        is_new = refund_id not in self.said_no
        self.said_no.add(refund_id)
        try:
            kit.service.refuse_refund(refund_id, "boss", why)
        except Rejected as told:
            self.said_no -= {refund_id} if is_new else set()
            if "went back already" in told.what:
                self.moved.add(refund_id)
            raise

    def work_off(self, kit: Kit) -> None:
        mending.work_off(self._world, kit)

    def settle_the_rest(self) -> None:
        """Close the last batch, so that clearing must come to nothing."""
        self.settling.cut()
