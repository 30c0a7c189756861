"""The product as one seed runs it: real services and stores, two workers, a poller, a receiver."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.fraud_decisions import SqlFraudDecisions
from include.adapters.store.inbox import SqlInbox
from include.adapters.store.trust import StoreTrust
from include.adapters.store.watermarks import SqlWatermarks
from include.domain.order_rules import (
    AmountRange,
    CaptureWhen,
    OnClosedShort,
    OnShortStock,
)
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect
from include.services.effects.ports import EffectKind as K
from include.services.inbox.handle_events import HandleEvents
from include.services.orders.order_service import OrderService
from include.services.orders.ports import ShopContext
from include.services.sync.follow_orders import OrderFollower
from include.services.sync.hear_decisions import DecisionPoll
from include.services.sync.push_refunds import RefundPush
from include.services.sync.sync_shop import ShopSync
from tests.orders.partners import FakeErp, FakeGateway, desk, make_rules
from tests.prove import resting, shop
from tests.prove.aged import REFUND_DAYS, Shelf
from tests.prove.faults import CODES, LOOKS_FIRST
from tests.prove.lapses import rule_of
from tests.prove.plans import RENEWAL
from tests.prove.receiver import Receiver, read_event
from tests.simulator.hub import EPOCH
from tests.simulator.worker import Life

if TYPE_CHECKING:
    from tests.prove.world import World

MERCHANT = "acme_us"
OWNER = "orders@acme.example"
DAY = 86_400.0
PATIENCE = 30 * DAY
SHORT_ROUND, LONG_ROUND = 1800.0, 12 * 3600.0  # of a worker in the calm
_MOVED = "SELECT MAX(number) FROM history WHERE what = 'effects'"
_TOLD = (
    frozenset(("in_review", "captured", "completed", "declined", "cancelled")),
    frozenset(("completed", "declined", "cancelled")),
    frozenset[str](),
)


@dataclass(frozen=True, slots=True)
class Kit:
    """What one process joins."""

    engine: Engine
    service: OrderService
    events: HandleEvents
    decisions: DecisionPoll
    follower: OrderFollower
    refund_push: RefundPush
    shop_sync: ShopSync
    receiver: Receiver
    letters: SqlDeadLetters
    inbox: SqlInbox
    trust: StoreTrust


class _Named:
    """Notes what a life works on, so that a crash is counted at its call."""

    world: "World"

    def intend(self, effect: Effect, **more: Any) -> Effect:
        self.world.codes[self.world.hub.current] = CODES[effect.kind]
        return super().intend(effect, **more)  # type: ignore[misc,no-any-return]

    def perform(self, effect: Effect, **more: Any) -> Effect:
        self.world.codes[self.world.hub.current] = CODES[effect.kind]
        return super().perform(effect, **more)  # type: ignore[misc,no-any-return]

    def advance(self, kind: K, key: str) -> Effect:
        self.world.codes[self.world.hub.current] = CODES[kind]
        return super().advance(kind, key)  # type: ignore[misc,no-any-return]


class Product:
    """Stores shared by all lives of a seed, and the kits that the lives hold."""

    def __init__(self, world: "World") -> None:
        self._world = world
        variant = world.variant
        self.start_over()
        self.partner = variant.partner(world)
        self._engine = type("Named", (_Named, variant.engine), {"world": world})
        self._timings = {
            kind: replace(variant.timings, looks_first=code in LOOKS_FIRST)
            for kind, code in CODES.items()
        }
        self._partners = dict.fromkeys(CODES, self.partner)
        self._desk = self._make_desk()
        self._has_ended = False
        self._moved, self._moved_at = 0, 0.0
        self._known: tuple[int, dict[str, float]] = (-1, {})  # what is due, at that many changes

    def start_over(self) -> None:
        """Open the stores, as new processes do: nothing of them is in memory."""
        world, clock = self._world, self._clock
        variant, database = world.variant, world.database
        self.effects = variant.effects(database, clock, world.pass_boundary)
        self.orders = variant.orders(database, lambda _: OWNER, clock, self._seconds)
        self.refunds = variant.refunds(database, clock, self._seconds)
        self.decisions = SqlFraudDecisions(database, clock)
        self.inbox = SqlInbox(database, clock)
        self.letters = SqlDeadLetters(database, clock)
        self.watermarks = SqlWatermarks(database, clock)
        self.shelf = Shelf(database, clock)
        for part in (self.effects, self.orders, self.refunds, self.shelf):
            part.world = world  # mutants let other lives run in the middle of their work

    def _clock(self, _connection: Any) -> datetime:
        return self._world.hub.now()

    def _seconds(self) -> float:
        return self._world.hub.seconds

    def desk(self) -> ShopContext:
        """Return the desk as of the day it is."""
        today = self._world.hub.now().date()
        if today != self._desk.today:
            self._desk = replace(self._desk, today=today)
        return self._desk

    def _make_desk(self) -> ShopContext:
        world, swarm = self._world, self._world.swarm
        rules = make_rules(
            amounts={"USD": AmountRange(1, 1_000_000)},
            on_short_stock=OnShortStock.refuse,
            on_closed_short=OnClosedShort.ask if world.seed % 2 else OnClosedShort.refund,
            capture_when=CaptureWhen.shipment if swarm.at_shipment else CaptureWhen.at_once,
            on_expiry=rule_of(world.seed),
            refund_days=REFUND_DAYS if swarm.ages else 180,
        )
        return replace(
            desk(FakeErp(), FakeGateway(), rules),
            gateway=world.readers,
            erp=world.readers,
            open_receipts=world.readers,
            clock=world.hub,
            today=EPOCH.date(),
            translator=world.variant.translator(),
            told_states=_told(world),
            callback_target="web|callback" if swarm.calls_back else "",
            payment_form=("ORD", "PAY001") if swarm.notes else ("", ""),
            refund_form=("ORD", "REF001") if swarm.notes else ("", ""),
        )

    def kit(self, life: Life) -> Kit:
        """Join the parts of one process."""
        trust = self._world.restored.trust()
        is_watched = self._world.restored.is_played
        engine: Engine = self._engine(
            self.effects,
            self._partners,
            life,
            self._timings,
            worker=life.name,
            boundary=self._world.pass_boundary,
            log=self._world.hear_engine,
            looks_first=trust.is_doubted if is_watched else _is_trusted,
        )
        service = self._world.variant.service(
            self.orders,
            self.refunds,
            self.decisions,
            self.effects,
            lambda _shop: self.desk(),
            lambda _shop: engine,
            life.name,
        )
        feeds = self._world.feeds
        readers = self._world.readers
        hear, by_request = self._world.variant.hear, service.orders.by_request
        handlers = {"decision": hear(read_event, lambda _row: readers, service.decide, by_request)}
        return Kit(
            engine,
            service,
            HandleEvents(self.inbox, handlers, OWNER, tell=_nobody),
            DecisionPoll(MERCHANT, feeds, service, self.watermarks, self.shelf, OWNER),
            OrderFollower(
                MERCHANT, "A", feeds, service, lambda _shop: engine, _no_update,
                self.watermarks, self.shelf, OWNER, 0,
            ),
            self._world.variant.push(
                MERCHANT, "A", feeds, service, self.watermarks, self.shelf, OWNER
            ),
            self._shop_sync(service),
            self._world.variant.receiver(self.inbox, self._world),
            self.letters,
            self.inbox,
            trust,
        )  # fmt: skip

    def _shop_sync(self, service: OrderService) -> ShopSync:
        return self._world.variant.sync(
            self._world.shop, service, shop.translate, shop.shown, shop.paid_again,
            shop.total_of, shop.checkout_of, frozenset(), lambda _order: False,
            shop.refund_amount, shop.ASKS, self.watermarks, self.shelf, OWNER,
        )  # fmt: skip

    # Workers ---------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start two workers and the poller; they end when everything rests."""
        at = self._world.hub.seconds
        self._has_ended, self._moved = False, 0
        if self._world.act == 1:
            self._world.start("worker", at + self._world.dice.uniform(0, 60), self._help)
        self._world.start("worker", at + self._world.dice.uniform(0, 60), self._work)
        self._world.start("poller", at + self._world.dice.uniform(60, 300), self._poll)

    def _work(self, kit: Kit) -> None:
        deadline = self._world.hub.seconds + self._world.storm + PATIENCE
        while not resting.rests(self._world) and self._world.hub.seconds < deadline:
            self._round(kit)
        self._has_ended = True

    def _help(self, kit: Kit) -> None:
        """Work beside the other one while anything strikes; in the calm nothing is contested."""
        world = self._world
        while not self._has_ended:
            if not world.is_calm:
                self._round(kit)
            elif world.will_strike_again():
                world.hub.sleep(RENEWAL - world.hub.seconds)
            else:
                return

    def _round(self, kit: Kit) -> None:
        self._world.restored.watch(kit.trust)
        due, now = self._due(), self._world.hub.seconds
        is_janitor_first = self._world.seed % 8 == 0
        if is_janitor_first and due["effects"] <= now:
            kit.engine.sweep()
        if min(due["orders"], due["refunds"]) <= now:
            kit.service.sweep([MERCHANT], 100)
        if not is_janitor_first and due["effects"] <= now:
            kit.engine.sweep()
        if due["inbox"] <= now:
            kit.events.run()
        self._world.hub.sleep(self._pause(min(self._due().values())))

    def _pause(self, soonest: float) -> float:
        """As soon as something is due, at most once a period; idle rounds are skipped."""
        world = self._world
        wait = soonest - world.hub.seconds
        if world.hub.seconds < world.storm:
            wait = min(wait, 600)
        if world.is_calm:  # nobody is in a hurry: fewer, longer rounds show the same
            return max(self._calm_round(), min(wait, 86_400.0))
        is_held = wait <= 0  # due, yet not finished: another worker, or a dead one, has its lease
        return 30.0 if is_held else max(world.swarm.period, min(wait, 86_400.0))

    def _calm_round(self) -> float:
        """Wait longer once no effect has moved for a day: a person is waited for, as a rule."""
        moved, now = self._world.database.rows(_MOVED)[0][0], self._world.hub.seconds
        if moved != self._moved:
            self._moved, self._moved_at = moved, now
        return LONG_ROUND if now - self._moved_at > DAY else SHORT_ROUND

    def _due(self) -> dict[str, float]:
        changes = self._world.database.raw.total_changes
        if self._known[0] != changes:
            self._known = changes, resting.due(self._world)
        return self._known[1]

    def _poll(self, kit: Kit) -> None:
        world = self._world
        feeds, seen = world.feeds, None
        while not self._has_ended:
            now = (world.database.raw.total_changes, feeds.news(), world.shop.news())
            if now == seen:  # nothing has moved since, here or there
                world.hub.sleep_idly(self._poll_round())
                continue
            if feeds.has_news("decisions") or resting.count(
                world, "decisions", "merged = 'unmatched'"
            ):
                kit.decisions.poll(EPOCH - timedelta(days=1), [])
            if world.restored.is_taking_in():  # the shops' orders first, says the runbook
                if world.shop.has_news():
                    world.shop.poll(kit, EPOCH)
                world.hub.sleep(600)
                continue
            if feeds.has_news("orders"):
                kit.follower.poll("0")
            if self._is_read_again():
                kit.refund_push.read_again("0")
            elif feeds.has_news("credit_notes") or feeds.has_news("cancelled"):
                kit.refund_push.poll("0")
            if world.shop.has_news() or self._shop_is_read_again():
                world.shop.poll(kit, EPOCH)
            world.people.decide_refunds(kit)
            seen = now
            world.hub.sleep(self._poll_round())

    def _poll_round(self) -> float:
        world = self._world
        if not world.is_calm:
            return 600
        return 3600 if world.aged.is_played else SHORT_ROUND

    def _is_read_again(self) -> bool:
        """Now and then somebody has a feed read from its beginning: every row is known already."""
        world = self._world
        has_rows = world.feeds.credit_notes or world.feeds.cancelled
        is_again = bool(has_rows) and not world.is_calm and world.dice.random() < 0.1
        world.coverage["read again", "FD", "credit notes"] += is_again
        return is_again

    def _shop_is_read_again(self) -> bool:
        """Polls overlap: what was changed last comes again and again, and changes nothing."""
        world = self._world
        return world.shop.is_played and world.act > 1 and world.dice.random() < 0.2


def _told(world: "World") -> frozenset[str]:
    """Tell each shop what its setting says: of every state, of the ends alone, or of none."""
    if world.swarm.sells:
        return _TOLD[0]
    return _TOLD[world.seed % len(_TOLD)]


def _nobody(_event: str, **_fields: object) -> None:
    """The inbox tells its log; the simulator reads the tables."""


def _is_trusted() -> bool:
    """Ask nobody: the store of most seeds is never put back."""
    return False


def _no_update(*_what: object) -> None:
    """Shipments are not simulated: they are words to the shop, like the states told."""


__all__ = ["Kit", "Product", "Receiver", "SqlEffectStore"]
