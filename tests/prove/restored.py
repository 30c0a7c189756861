"""A store that is put back to a backup while its partners keep what was done: runbook restore.

Everything is stopped, the store forgets what was written since the backup, and after ten minutes
all starts again. Either a person doubts the store first, or its witness in the lake shows it. Then
everybody comes once more who had an answer that the store no longer knows of.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.trust import KIND, StoreTrust
from include.domain.orders import Order
from include.services.effects.ports import EffectKind as K
from tests.prove.plans import RENEWAL
from tests.simulator.worker import Life

if TYPE_CHECKING:
    from tests.prove.product import Kit
    from tests.prove.world import World

WAIT = 600.0  # until the gateway's search shows all that was done
PATIENCE = 2 * 86_400.0  # of whoever lets SYSPRO's feeds be read again
LATEST = 4 * 3600.0
_LOST = ((1, 60), (60, 900), (900, 7200))  # seconds
_COMES_AGAIN = ("checkout", "pays anew", "cancel", "refund", "settlement")


class Lake(dict[str, bytes]):
    """Keeps notes, like the lake, where no backup of the store reaches."""

    def read_note(self, name: str) -> bytes | None:
        return self.get(name)

    def write_note(self, name: str, content: bytes) -> None:
        self[name] = content


@dataclass(frozen=True, slots=True)
class Errand:
    """What somebody did, and does again should it be forgotten."""

    name: str
    work: "Callable[[Kit], None]"


class Restored:
    """The backup of one seed, and how it is put back; most variants have none."""

    def __init__(self, world: "World") -> None:
        self._world = world
        # Dice of its own, so that every other draw of a seed stays as it is.
        dice = random.Random(f"restored {world.seed}")  # noqa: S311  reproducible on purpose
        one_in = world.variant.put_back_one_in
        self.is_played = bool(one_in) and world.seed % one_in == 0
        self.at = dice.uniform(600, min(world.calm_at, LATEST))
        self._lost_s = min(dice.uniform(*dice.choice(_LOST)), self.at)
        self._is_known = dice.random() < 0.5  # to a person, who then says so at once
        if world.strikes_again and dice.random() < 0.5:  # while authorisations are made anew
            self.at = RENEWAL + dice.uniform(600, LATEST / 2)
        self._dice = dice
        self._lake = Lake()
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._lives: list[Life] = []
        self._errands: list[Errand] = []
        self._until = 0.0
        self._placed: set[str] = set()  # orders that must be here again
        self.found: set[tuple[str, str]] = set()  # by the nightly comparison
        self.seen_to: set[str] = set()  # requests at the gateway that nobody knew of
        self.by_hand: set[str] = set()  # effects that nobody knew of, seen to by a person
        self._saved: set[str] = set()  # orders of the shop, for a poll to read them once more
        self.forgotten = (0, 0)  # of the history, after the first and up to the second

    @property
    def has_happened(self) -> bool:
        return bool(self._until)

    def begin(self) -> None:
        """Arrange for the backup and for its return."""
        if self.is_played:
            self._world.hub.call_at(self.at - self._lost_s, self._back_up)
            self._world.hub.call_at(self.at, self._put_back)

    def trust(self) -> StoreTrust:
        """Return how one process watches the store."""
        world = self._world
        return world.variant.trust(
            world.database,
            self._lake,
            world.hub,
            lambda _connection: world.hub.now(),  # type: ignore[arg-type]
            lambda: world.hub.seconds,
        )

    def note(self, life: Life, name: str, work: "Callable[[Kit], None]") -> None:
        """Remember who lives, and what somebody came for."""
        if self.is_played:
            self._lives.append(life)
            if name in _COMES_AGAIN:
                self._errands.append(Errand(name, work))

    def stand_by(self) -> None:
        """Let whoever comes while everything is stopped wait."""
        if self._world.hub.seconds < self._until:
            self._world.hub.sleep(self._until - self._world.hub.seconds + self._dice.uniform(1, 60))

    def watch(self, trust: StoreTrust) -> None:
        """Do what ``orders`` does each minute."""
        if self.is_played:
            trust.check()
            trust.note()

    def is_taking_in(self) -> bool:
        """Say whether the shops' orders are not where they were; SYSPRO's are read after them."""
        world = self._world
        if not self._until or world.hub.seconds > self._until + PATIENCE:
            return False
        here = dict(world.database.rows("SELECT order_id, state FROM orders"))
        behind = ("accepted", "pending", "in_review", "authorized", "cancelling")
        return any(here.get(one, behind[0]) in behind for one in self._placed)

    # What others see -------------------------------------------------------------------------

    def is_passed_over(self, order: Order) -> bool:
        """Say whether nobody takes an order in again: it was called off, and is forgotten."""
        world, order_id = self._world, order.order_id
        is_shops = world.plans[order_id].is_polled
        is_off = world.shop.has_ended(order.number) if is_shops else False
        if not self._until or not (is_off or order_id in world.people.cancelled):
            return False
        return world.product.orders.find(order.merchant_id, order.purchase_order) is None

    def may_go_back(self, refund_id: str) -> bool:
        """Say whether the gateway's page shows this refund already, or that much is left."""
        if not self._until:
            return True
        row, truth = self._world.product.refunds.row(refund_id), self._world.truth
        back = [one for one in truth.by_kind[K.payment_refund] + truth.by_kind[K.payment_void]
                if one.order_id == row.order_id and not (one.is_no or one.is_undone)]  # fmt: skip
        if any(one.key.startswith(f"{refund_id}|") for one in back):
            return True
        taken = sum(
            one.amount_minor
            for one in truth.by_kind[K.payment_capture]
            if one.order_id == row.order_id and not (one.is_no or one.is_undone)
        )
        return taken - sum(one.amount_minor for one in back) >= row.amount.minor

    def saves_in_shop(self) -> bool:
        """Have what goes on in the shop and is declined here saved there once more, as a person."""
        world = self._world
        asked = "SELECT number FROM orders WHERE state = 'declined'"
        numbers = [number for (number,) in world.database.rows(asked)]
        declined = [world.shop.orders[one] for one in numbers if one in world.shop.orders]
        paid = [one for one in declined if (one.status, one.set_by) == ("processing", "shopper")]
        found = [one for one in paid if one.number not in self._saved]
        for there in found:
            world.shop.changed(there)
        self._saved |= {one.number for one in found}
        return bool(found)

    # The day of the loss ---------------------------------------------------------------------

    def _back_up(self) -> None:
        self._rows = self._world.database.copy()
        self.forgotten = (self._world.database.last_change(), 0)

    def _put_back(self) -> None:
        world = self._world
        if not self._is_known:  # what less than a minute has lost the witness cannot show
            self.trust().note()
        for life in self._lives:
            life.is_dead = True
        self.forgotten = (self.forgotten[0], world.database.last_change())
        world.database.put_back(self._rows)
        world.product.start_over()
        world.shop.start_over()
        kept = {key for (key,) in world.database.rows("SELECT event_key FROM inbox")}
        world.notes.acknowledged = [one for one in world.notes.acknowledged if one in kept]
        world.coverage["store put back", "DB", "known" if self._is_known else "witnessed"] += 1
        people = world.people  # who was promised what nobody knows of now may hear a no instead
        known = {key for (key,) in world.database.rows("SELECT refund_id FROM refunds")}
        known |= {one.key.partition("|")[0] for one in world.truth.entries}
        people.promised = {key: it for key, it in people.promised.items() if key in known}
        self._until = world.hub.seconds + WAIT
        world.hub.call_at(self._until, self._start_again)

    def _start_again(self) -> None:
        """Doubt first, where a person knows; then everybody who was there comes once more."""
        world = self._world
        self._placed = {
            one
            for one, plan in world.plans.items()
            if plan.at < self.at and not self.is_passed_over(plan.order)
        }
        if self._is_known:
            self.trust().doubt("failed over to a replica")
        for place, one in enumerate(self._errands[:]):
            after = 60.0 * _COMES_AGAIN.index(one.name) + place
            world.start(one.name, self._until + after, one.work, is_awaited=True)
        for order_id in sorted(self._placed):  # a poll passes over what has left: a person does not
            plan = world.plans[order_id]
            if plan.is_polled and world.shop.orders[plan.order.number].status == "completed":
                self._take_in(plan.order)

    def _take_in(self, order: Order) -> None:
        def work(kit: "Kit") -> None:
            kit.service.place(order, "shop poller")

        self._world.start("person at the shop", self._until, work, is_awaited=True)


def is_the_last(kit: "Kit") -> bool:
    """Say whether nothing but the doubt itself is left to be looked at."""
    letters: SqlDeadLetters = kit.letters
    ours = (KIND, "gateway_unknown", "erp_unpaid")
    return all(one.kind in ours for one in letters.listing())
