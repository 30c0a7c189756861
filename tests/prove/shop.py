"""The shop as it really is: its orders, what its own people do to them, and the feed that tells.

Played in some seeds. Of two updates of one order the product looks which is newer before it sends;
what is on its way then still arrives, whatever was sent after it. Its instants are whole seconds.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from include.domain.errors import Rejected, Retryable
from include.domain.money import Money
from include.domain.order_state import ENDED, OrderState
from include.domain.orders import Order, PaymentSource
from include.domain.shops import Ask
from include.services.effects.ports import Effect
from include.services.effects.ports import EffectKind as K
from include.services.shop.ports import Checkout, ShopOrder, ShopRefund
from tests.prove.again import Again
from tests.prove.plans import Plan
from tests.simulator.network import NoAnswer, NotSent

if TYPE_CHECKING:
    from tests.prove.product import Kit
    from tests.prove.world import World

TRASH = "trash"
STATUS = {
    "in_review": "on-hold",
    "captured": "processing",
    "completed": "completed",
    "declined": "failed",
    "cancelled": "cancelled",
}
ASKS = {
    "pending": Ask.wait,
    "processing": Ask.take,
    "on-hold": Ask.take,
    "cancelled": Ask.cancel,
    "refunded": Ask.keep,
    TRASH: Ask.discard,
}
_RANK = {
    state.value: len(OrderState) if state in ENDED else rank
    for rank, state in enumerate(OrderState)
}
_KEPT = {OrderState.declined.value: (Ask.cancel,), OrderState.cancelled.value: ()}
_OVER = (TRASH, "cancelled", "refunded", "failed")
_SURELY_HEARD = 3
_BY_HOOK = 0.3  # of the changes: the shop calls us as well


@dataclass(slots=True)
class Recorded:
    """One refund of an order in the shop."""

    refund_id: str
    minor: int
    reference: str = ""  # ours, where we have recorded it
    at: float = 0.0


@dataclass(slots=True)
class There:
    """One order as the shop has it."""

    number: str
    shown: Order
    status: str
    is_paid: bool  # it names its payment: a poll may take it
    modified_at: datetime
    before: str = ""  # its status when it was thrown away
    marks: dict[str, int] = field(default_factory=dict)  # sequence, by reference
    refunds: list[Recorded] = field(default_factory=list)
    set_by: str = "shop"  # who set its status: shop, clerk, ours
    called_off_at: float | None = None  # by its people, who did not take it back
    is_overtaken: bool = False  # an older update came in behind a newer one
    reads: int = 0  # while it was called off
    changes: int = 0

    def left(self) -> int:
        return self.shown.amount.minor - sum(one.minor for one in self.refunds)


class Shop:
    """Satisfies ``shop.ports.ShopReader``; its clerks act by dice of their own."""

    shop_id = "web"
    discarded_statuses = frozenset((TRASH,))

    def __init__(self, world: "World") -> None:
        self._world = world
        self.is_played = world.swarm.sells
        self.orders: dict[str, There] = {}
        self._sets_status: dict[tuple[str, int], bool] = {}  # by reference and send
        self._sent_late: set[str] = set()
        self._sent_at: dict[str, float] = {}
        self._changes = self._polled = 0
        self._again = Again(world)

    def begin(self) -> None:
        """Let each order be there when its shopper comes, and clerks think of it later."""
        self._again.begin()
        if not self.is_played:
            return
        for place, plan in enumerate(self._world.plans.values()):
            dice = random.Random(f"{self._world.seed} {place}")  # noqa: S311
            self._world.hub.call_at(plan.at, lambda p=plan: self._place(p))
            for after, act, share in _acts(dice):
                self._world.people.later(
                    plan.at + after, lambda p=plan, a=act, s=share: self._act(p, a, s)
                )

    def made(self, number: str) -> list[Recorded]:
        """Return the refunds that its own people have recorded with an order."""
        there = self.orders.get(number)
        return [one for one in there.refunds if not one.reference] if there else []

    # What its people do ----------------------------------------------------------------------

    def _place(self, plan: Plan) -> None:
        order, is_paid = plan.order, plan.is_polled
        status = "processing" if is_paid else "pending"
        there = There(order.number, order, status, is_paid, self._now())
        self.orders[order.number] = there
        self.changed(there)

    def _act(self, plan: Plan, act: str, share: int) -> None:
        there = self.orders[plan.order.number]
        if plan.is_polled and act == "edit" and not self._is_taken(there):
            return  # nobody had it as it was
        if act == "refund":
            self._refund(there, share)
        elif act == "edit":
            there.shown = _edited(plan.order, 100 if plan.order.is_free else share)
        elif act == "edited back":
            there.shown = plan.order
        elif act == "back":
            if there.set_by != "clerk" or not there.before:
                return
            there.status, there.before, there.called_off_at = there.before, "", None
        elif there.status != TRASH:
            there.before, there.set_by = there.status, "clerk"
            there.status = TRASH if act == "throw away" else "cancelled"
            there.called_off_at = self._world.hub.seconds
        self._world.coverage["in the shop", "SF", act] += 1
        self.changed(there)

    def _is_taken(self, there: There) -> bool:
        return bool(
            self._world.database.rows("SELECT 1 FROM orders WHERE number = ?", there.number)
        )

    def _refund(self, there: There, share: int) -> None:
        """Record a refund, at most what is left of the order; the shop cannot move the money."""
        minor = min(there.shown.amount.minor * share // 100, there.left())
        if minor > 0:
            name = f"{there.number}-{len(there.refunds)}"
            there.refunds.append(Recorded(name, minor, at=self._world.hub.seconds))
            self._refunded_whole(there)
            is_early = self._is_taken(there) and not self._has_left(there)
            if there.left() <= 0 and is_early:
                self._world.coverage["in the shop", "SF", "refund whole, early"] += 1

    def _has_left(self, there: There) -> bool:
        orders = self._world.truth.orders_of(there.shown.purchase_order)
        return any(one.invoices for one in orders)

    @staticmethod
    def _refunded_whole(there: There) -> None:
        if there.left() <= 0:
            there.status, there.called_off_at = "refunded", None  # as it does by itself

    def changed(self, there: There) -> None:
        """Note that somebody has saved an order."""
        there.modified_at, there.changes = self._now(), there.changes + 1
        self._changes += 1
        if self._world.is_calm or hash_of(f"{there.number} {there.changes}") > _BY_HOOK:
            return
        after = hash_of(f"{there.changes} {there.number}") * 900

        def work(kit: "Kit") -> None:
            try:
                kit.shop_sync.import_one(there.number)
            except Retryable:
                self._world.hub.sleep(60)
                work(kit)

        self._world.start("shop webhook", self._world.hub.seconds + after, work, is_awaited=True)

    def _now(self) -> datetime:
        return self._world.hub.now().replace(microsecond=0)

    # What we do to it ------------------------------------------------------------------------

    def hear_send(self, effect: Effect) -> None:
        """Decide what is sent from what the shop shows now, as the product's partner does."""
        if not self.is_played or effect.kind is not K.shop_order_update:
            return
        there = self.orders[_number(effect)]
        is_late = max(there.marks.values(), default=-1) > _sequence(effect)
        kept = _KEPT.get(_state(effect), (Ask.cancel, Ask.keep))
        is_called_off = ASKS.get(there.status) in kept
        partner = self._world.product.partner
        self._sent_late.update([effect.reference] if is_late else [])
        allows = partner.sets_status(is_late=is_late, is_called_off=is_called_off)
        self._sent_at[effect.reference] = self._world.hub.seconds
        self._sets_status[effect.reference, effect.sends] = allows and there.status != TRASH

    def take(self, effect: Effect, their_key: str) -> None:
        """Let a write arrive."""
        if not self.is_played or effect.kind not in (K.shop_order_update, K.shop_refund):
            return
        there = self.orders[_number(effect)]
        if effect.kind is K.shop_refund:
            there.refunds.append(Recorded(their_key, effect.amount_minor, effect.reference))
            self._refunded_whole(there)
        else:
            # Sent before a newer one, and in the network until after it: nobody can hold it back.
            is_behind = max(there.marks.values(), default=-1) > _sequence(effect)
            there.is_overtaken |= is_behind and effect.reference not in self._sent_late
            there.marks[effect.reference] = _sequence(effect)
            if self._sets_status[effect.reference, effect.sends]:
                is_final = _state(effect) in ENDED
                was_on_its_way = self._sent_at[effect.reference] < (there.called_off_at or 0.0)
                # Nobody can see any more that they did; who read it once may have died over it.
                if was_on_its_way or (is_final and there.reads < _SURELY_HEARD):
                    there.called_off_at = None
                there.status, there.set_by = STATUS[_state(effect)], "ours"
                if there.status == STATUS["declined"]:
                    self._again.hear(there)
        self.changed(there)

    def pay(self, there: There, source: PaymentSource) -> None:
        """Let a shopper pay a failed order once more."""
        there.shown = replace(there.shown, payment=source)
        there.status, there.set_by, there.is_paid = "processing", "shopper", True
        self.changed(there)

    # Reading ---------------------------------------------------------------------------------

    def has_news(self) -> bool:
        return self._changes > self._polled

    def has_ended(self, number: str) -> bool:
        """Say whether a poll would not take an order in: it is paid for no more."""
        there = self.orders.get(number)
        return there is not None and there.status in _OVER

    def start_over(self) -> None:
        """Have it read from where a store that was put back had come to: all of it, at worst."""
        self._polled = 0

    def news(self) -> int:
        return self._changes

    def poll(self, kit: "Kit", begin: datetime) -> None:
        """Poll it, and remember how far it was read where that went well."""
        seen = self._changes
        try:
            kit.shop_sync.poll(begin)
        except Retryable:  # the task is tried again
            return
        self._polled = max(seen, self._polled)

    def orders_changed_since(
        self, since: datetime, overlap: timedelta, discarded: str = ""
    ) -> Iterator[ShopOrder]:
        self._ask("orders")
        found = [
            one
            for one in self.orders.values()
            if one.modified_at > since - overlap and (one.status == TRASH) is bool(discarded)
        ]
        # A page is as it was when it was read, however long its rows are worked on.
        yield from [self._read(one) for one in sorted(found, key=lambda one: one.modified_at)]

    def order(self, order_number: str) -> ShopOrder | None:
        self._ask("order")
        there = self.orders.get(order_number)
        return self._read(there) if there else None

    def refunds(self, order_number: str) -> tuple[ShopRefund, ...]:
        self._ask("refunds")
        return tuple(
            ShopRefund("web", one.refund_id, _raw(one)) for one in self.orders[order_number].refunds
        )

    def products(self) -> Iterator[object]:
        raise NotImplementedError

    def product(self, sku: str) -> object:
        raise NotImplementedError

    def _read(self, there: There) -> ShopOrder:
        there.reads += there.called_off_at is not None
        raw = {"shown": there.shown, "is_paid": there.is_paid, "refunds": len(there.refunds)}
        number = there.number
        return ShopOrder("web", number, number, there.status, there.modified_at, raw)

    def _ask(self, question: str) -> None:
        self._world.observe_read()
        try:
            status = self._world.wire.read("SF", question)
        except (NotSent, NoAnswer) as error:
            raise Retryable(type(error).__name__, "the shop", "Nothing.") from error
        if status != 200:
            raise Retryable(f"HTTP {status}", "the shop", "Nothing.")


# What they will do --------------------------------------------------------------------------------


def _acts(dice: random.Random) -> list[tuple[float, str, int]]:
    """Draw what is done to one order: seconds after it came, what, and per cent."""
    draw, first = dice.random(), dice.uniform(0, 9000)
    again = first + dice.uniform(1, 2500)
    if draw < 0.12:
        return [(first, "refund", dice.choice((30, 100)))]
    if draw < 0.20:
        return [(first, "refund", 60), (again, "refund", 60)]
    if draw < 0.30:
        found = [(first, "edit", dice.choice((90, 100, 120)))]
        return [*found, (again, "edited back", 0)] if dice.random() < 0.5 else found
    if draw < 0.55:
        found = [(first / 2, dice.choice(("cancel", "throw away")), 0)]
        return [*found, (again, "back", 0)] if dice.random() < 0.3 else found
    return []


def _edited(order: Order, share: int) -> Order:
    """Change the total, or the quantity alone."""
    (line,) = order.lines
    if share == 100:
        return replace(order, lines=(replace(line, quantity_millionths=3_000_000),))
    net = Money(max(1, order.amount.minor * share // 100) + 1, "USD")
    return replace(order, amount=net, lines=(replace(line, net=net),))


def _number(effect: Effect) -> str:
    return str(json.loads(effect.payload)["order"])


def _state(effect: Effect) -> str:
    return str(json.loads(effect.payload)["state"])


def _sequence(effect: Effect) -> int:
    """Rank it as the product's translator does: all of a later payment is newer."""
    later = json.loads(effect.payload)["payment"] - 1
    return _RANK[_state(effect)] + (len(OrderState) + 1) * int(later)


# What the mapping of a shop is to the product ---------------------------------------------------


def shown(found: ShopOrder, _taken: Order) -> Order:
    return _whole(found)


def paid_again(found: ShopOrder, _taken: Order, _tried: Sequence[PaymentSource]) -> Order:
    return _whole(found)


def translate(found: ShopOrder) -> Order:
    return _whole(found)


def _whole(found: ShopOrder) -> Order:
    order = found.raw["shown"]
    if not isinstance(order, Order):
        raise Rejected("no order", "the shop", "Nothing.")
    return order


def total_of(found: ShopOrder) -> Money:
    return _whole(found).amount


def checkout_of(found: ShopOrder) -> Checkout:
    is_free = _whole(found).is_free
    method, is_named = ("", False) if is_free else ("card", bool(found.raw["is_paid"]))
    return Checkout(method, is_named, is_free=is_free, placed_on=None)


def refund_amount(_found: ShopOrder, refund: ShopRefund) -> Money | None:
    """Return what the shop has recorded and not moved; nothing of what we have recorded there."""
    return None if refund.raw["reference"] else Money(refund.raw["minor"], "USD")


def _raw(one: Recorded) -> dict[str, object]:
    return {"minor": one.minor, "reference": one.reference}


def hash_of(text: str) -> float:
    """Draw from 0 to 1 by nothing but the text."""
    return random.Random(text).random()  # noqa: S311
