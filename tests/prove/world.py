"""One seed: a shop with twenty orders, its partners, the product's workers, and what strikes them.

Three acts. In the storm everybody works while faults strike. In the calm, faults stop and the
product must bring everything to rest by itself (liveness). Then a person works off what is left,
and authorisations that nobody wanted lapse.
"""

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from include.adapters.store.orders import SqlOrders
from include.adapters.store.refunds import SqlRefunds
from include.adapters.store.trust import StoreTrust
from include.domain.dispute_cases import Dispute, DisputeEvent, disputes_of
from include.services.books.journal_lines import Amounts, settlement_amounts
from include.services.effects.boundaries import Boundary
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, Timings
from include.services.effects.ports import EffectKind as K
from include.services.inbox.handle_events import Handler
from include.services.inbox.hear_decision import decision_handler
from include.services.orders.decide_review import Decided, decide_review
from include.services.orders.order_service import OrderService
from include.services.sync.push_refunds import RefundPush
from include.services.sync.sync_shop import ShopSync
from tests.orders.partners import PlainTranslator
from tests.prove import (
    aged,
    analysts,
    batches,
    disputes,
    feeds,
    lapses,
    people,
    product,
    receivables,
    resting,
    shop,
    turns,
)
from tests.prove.checker import Violation, check
from tests.prove.database import BETWEEN, Database
from tests.prove.faults import CODES, FOCUS_STRIKES, INSIDE, LATE, NATURAL, Coverage, draw_swarm
from tests.prove.notes import Call, Notes
from tests.prove.partner import Readers, SimulatedPartner
from tests.prove.plans import APPLIED_FROM, RENEWAL, FewShoppers
from tests.prove.receiver import Receiver
from tests.prove.restored import Restored
from tests.prove.truth import Answer, Truth
from tests.prove.wire import Wire
from tests.simulator.hub import Hub
from tests.simulator.worker import Crash, DatabaseGone, Life

ORDERS = 20
STORM = 2 * 3600.0
LONG_OUTAGE = 6 * 86_400.0
STALL = (100.0, 500.0)  # a lease lasts 120 s
MOST_CALLS = 20_000  # an ordinary seed makes some 400
LOOKED_AFTER = 1800.0  # a stuck order sees by itself first what became of a letter's effect
LIVELOCK = "a livelock: nothing may run for ever"
TIMINGS = Timings(
    deadline=timedelta(seconds=60),
    quiescence=timedelta(seconds=300),
    look_gap=timedelta(seconds=60),
)


@dataclass(frozen=True)
class Variant:
    """What is simulated: the product, or one broken on purpose."""

    name: str = "the product"
    engine: type[Engine] = Engine
    partner: type[SimulatedPartner] = SimulatedPartner
    timings: Timings = TIMINGS
    effects: type = product.SqlEffectStore
    orders: type[SqlOrders] = SqlOrders
    refunds: type[SqlRefunds] = SqlRefunds
    service: type[OrderService] = OrderService
    translator: type[PlainTranslator] = FewShoppers
    receiver: type[Receiver] = Receiver
    hear: Callable[..., Handler] = decision_handler
    push: type[RefundPush] = RefundPush
    sync: type[ShopSync] = ShopSync
    decide: Callable[..., Decided] = decide_review
    trust: type[StoreTrust] = StoreTrust
    books: Callable[..., Amounts] = settlement_amounts
    cases: Callable[[Iterable[DisputeEvent]], list[Dispute]] = disputes_of
    reposts_whole: bool = False
    put_back_one_in: int = 0  # seeds: their store is put back to a backup; 0: of none
    hunted_from: int = 1  # the first seed; where a rare one is met, so that hunting it costs little


class World:
    """Everything of one seed. ``run`` plays it; ``violations`` says what went wrong."""

    def __init__(self, seed: int, variant: Variant) -> None:
        self.seed = seed
        self.variant = variant
        self.dice = random.Random(seed)  # noqa: S311  reproducible on purpose
        self.hub = Hub()
        self.swarm = draw_swarm(self.dice, seed)
        plans = turns.draw_plans(self.dice, seed, ORDERS, self.swarm)
        self.plans = {plan.order.order_id: plan for plan in plans}
        self.truth = Truth(self.plans, self.swarm.guards, self.swarm.limits, seed % 3 == 0)
        self.coverage = Coverage()
        self.calls = 0
        self.faulted = 0
        self.is_calm = False
        self.act = 1
        self.violations: list[Violation] = []
        self.notes = Notes()
        self.freezes: list[tuple[float, float]] = []
        self.pending: Counter[str] = Counter()  # commits on their way, by digest
        self.codes: dict[object, str] = defaultdict(lambda: "AU")  # what a life works on
        self.busy = 0  # people and senders who have not ended yet
        self._sequence = 0
        self._outage = (0.0, 0.0)
        # What comes late in an order's life, and is sent again later still, needs a longer storm.
        self.calm_at = STORM * (4 if self.swarm.focus in LATE else 1)
        self.storm = self.calm_at
        self._lives = 0
        self._plan_conditions()
        self.strikes_again = seed % 2 == 0 and self.swarm.at_shipment
        self.restored = Restored(self)
        self.database = Database(self)
        self.wire = Wire(self, self.dice)
        self.readers = Readers(self)
        self.product = product.Product(self)
        self.feeds = feeds.Feeds(self)
        self.people = people.People(self)
        self.shop = shop.Shop(self)
        self.analysts = analysts.Analysts(self)
        self.receivables = receivables.Receivables(self)
        self.batches = batches.Batches(self)
        self.disputes = disputes.Disputes(self)
        self.aged = aged.Aged(self)
        self.lapses = lapses.Lapses(self)
        if self.aged.is_played:
            self.truth.gives_back_s = aged.GIVES_BACK_S

    def next_seq(self) -> int:
        """Number what happens at the other sides, after every change of ours so far."""
        self._sequence = max(self._sequence, self.database.last_change() * BETWEEN) + 1
        return self._sequence

    # The play --------------------------------------------------------------------------------

    def run(self) -> None:
        """Play all three acts, then judge."""
        self.people.begin()
        self.shop.begin()
        self.disputes.begin()
        self.product.begin()
        self.restored.begin()
        self.hub.call_at(self.calm_at, self._calm_down)  # an outage outlasts it
        if self.strikes_again:
            self.hub.call_at(RENEWAL, self._storm_again)
        self._play()
        self.act = 2
        self.product.begin()
        self._play()
        self.act = 3
        for round_no in range(12):  # mending one thing may uncover the next
            at = self.hub.seconds + (LOOKED_AFTER if round_no else 0.0)
            self.start("controller", at, self.people.work_off, is_awaited=True)
            self.product.begin()
            self._play()
            if not resting.waits_for_a_person(self):
                break
        for _ in range(3):  # a refund may still follow the last batch but one
            self.people.settle_the_rest()
            self.product.begin()
            self._play()
        self.violations += check(self)

    def _play(self) -> None:
        self.hub.run(self._goes_on)

    def _goes_on(self) -> bool:
        if self.calls > MOST_CALLS and not self.notes.errors:
            self.notes.errors.append(LIVELOCK)
        return not self.notes.errors

    def _calm_down(self) -> None:
        self.is_calm = True

    def will_strike_again(self) -> bool:
        """Say whether a second storm is still to come."""
        return self.strikes_again and self.act == 1 and self.hub.seconds < RENEWAL

    def _storm_again(self) -> None:
        """Strike once more where authorisations are made anew, days after."""
        if self.act == 1:
            self.is_calm = False
            self.hub.call_at(self.hub.seconds + STORM, self._calm_down)

    def _plan_conditions(self) -> None:
        if self.swarm.closes:
            begin = self.dice.uniform(-600, 1200) + (APPLIED_FROM if self.swarm.applies else 0.0)
            self.truth.closed = (begin, begin + self.dice.uniform(300, 5000))
        if self.swarm.outage:
            begin = self.dice.uniform(300, 1200)
            self._outage = (begin, begin + LONG_OUTAGE)
            self.storm = begin + LONG_OUTAGE

    def fingerprint(self) -> str:
        """Digest of the final state: every table, and the truth."""
        parts = [
            repr(self.database.rows(f"SELECT * FROM {table} ORDER BY 1, 2"))  # noqa: S608
            for table in ("effects", "orders", "refunds", "inbox", "decisions", "audit")
        ]
        parts.append(repr(self.truth.entries))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    # Lives -----------------------------------------------------------------------------------

    def start(
        self,
        name: str,
        at: float,
        work: Callable[[product.Kit], None],
        *,
        is_awaited: bool = False,
    ) -> None:
        """Start a process; it ends when its work does, and is started again where it crashes."""
        self._lives += 1
        skew = self.dice.uniform(-600, 600) if self.swarm.skew else 0.0
        self.coverage["clock skew", "worker", "life"] += bool(skew)
        life = Life(self, f"{name} {self._lives}", skew)  # type: ignore[arg-type]
        self.busy += is_awaited
        self.restored.note(life, name, work)

        def live() -> None:
            try:
                self.restored.stand_by()
                work(self.product.kit(life))
                self.busy -= is_awaited
                return
            except (Crash, DatabaseGone):
                pass
            except ExceptionGroup as group:  # of a sweep
                if group.split(DatabaseGone)[1] is not None:
                    self.notes.errors.append(repr(group.exceptions))
            except Exception as error:  # noqa: BLE001  anything else is a finding
                if not life.is_dead:  # of a process that was stopped nobody hears anything
                    self.notes.errors.append(repr(error))
            self.busy -= is_awaited
            again = self.hub.seconds + self.dice.uniform(60, 300)
            self.start(name, again, work, is_awaited=is_awaited)

        self.hub.start(at, life, live)

    # What strikes a life ---------------------------------------------------------------------

    def pass_boundary(self, boundary: Boundary) -> None:
        """Crash or pause the life that passes by, as the seed has drawn."""
        life = self.hub.current
        if self.is_calm or not isinstance(life, Life):
            return
        swarm, code = self.swarm, self.codes[life]
        in_focus = code == swarm.focus
        crash = FOCUS_STRIKES if in_focus else swarm.crash
        if crash and self.dice.random() < crash:
            self.coverage["crash", code, boundary.value] += 1
            life.die()
        pause = FOCUS_STRIKES if in_focus else swarm.pause
        if pause and boundary not in INSIDE and self.dice.random() < pause:
            self.coverage["pause", code, boundary.value] += 1
            # Half a request lies in a socket: it arrives within the remote's own limits.
            longest = 180 if boundary is Boundary.half_sent else 900
            seconds = self.dice.uniform(1, longest)
            self.hub.sleep(seconds)
            if int(seconds * 1000) % 2:  # half of them with their host, whose clock stands still
                life.stand_still(seconds)

    def interleave(self) -> None:
        """Let another life run before this transaction, now and then."""
        if self.is_calm or not self.swarm.interleave or not isinstance(self.hub.current, Life):
            return
        if self.dice.random() < self.swarm.interleave:
            self.hub.sleep(self.dice.uniform(0, 2))

    def stalls_process(self) -> bool:
        """Say whether the process sees nothing of the world for minutes, then goes on as before."""
        if self.is_calm or not self.swarm.stall or not isinstance(self.hub.current, Life):
            return False
        return self.dice.random() < self.swarm.stall

    def stall(self) -> None:
        self.hub.sleep(self.dice.uniform(*STALL))

    def strikes_process(self) -> bool:
        """Say whether the process is killed before its next transaction, whatever it does."""
        if self.is_calm or not self.swarm.kill or not isinstance(self.hub.current, Life):
            return False
        return self.dice.random() < self.swarm.kill

    def strikes_commit(self) -> bool:
        if self.is_calm or not self.swarm.commit or not isinstance(self.hub.current, Life):
            return False
        return self.dice.random() < self.swarm.commit

    def is_down(self) -> bool:
        return self._outage[0] <= self.hub.seconds < self._outage[1]

    def index_knows_until(self) -> float:
        now = self.hub.seconds
        return min((begin for begin, end in self.freezes if begin <= now < end), default=now)

    # What happens at the other sides ---------------------------------------------------------

    def note_send(self, effect: Effect, fault: str) -> Call:
        call = Call(
            self.next_seq(),
            self.hub.seconds,
            effect.kind,
            effect.key,
            effect.reference,
            effect.digest,
            effect.sends,
            effect.amount_minor,
            fault in ("connect", "429", "401", "refused for good"),
        )
        self.notes.calls.append(call)
        self.shop.hear_send(effect)
        return call

    def execute(self, effect: Effect, lag: float, **how: bool) -> Answer:
        is_application = effect.kind is K.ar_application
        if is_application and not self.receivables.has_left(effect):
            return Answer("refused")
        seq = self.next_seq()
        answer = self.truth.execute(effect, seq, self.hub.seconds, lag, **how)
        if answer.word == "yes":
            self.shop.take(effect, answer.their_key)
            self.batches.hear(effect)
            self.lapses.hear(effect)
            self.disputes.hear(effect, answer.their_key)
            if is_application:
                self.receivables.take(effect, seq)
        if answer.word in ("yes", "no") and not how.get("is_second"):
            self.people.hear(effect, answer)
        if answer.word == "yes" and how.get("is_second") and effect.kind is K.sales_order:
            self.people.see_double(answer.their_key)
        return answer

    def is_under_way(self, effect: Effect) -> bool:
        """Say whether this write was executed or still may be: only a first copy is altered."""
        if CODES[effect.kind] in NATURAL:
            return True
        return bool(self.pending[effect.digest] or self.truth.by_reference.get(effect.reference))

    # What the checker is shown ---------------------------------------------------------------

    def observe_call(self, effect: Effect) -> None:
        self.codes[self.hub.current] = CODES[effect.kind]
        self.notes.in_transaction += self.database.is_open

    def observe_send(self, effect: Effect) -> None:
        self.observe_call(effect)

    def observe_read(self) -> None:
        self.notes.in_transaction += self.database.is_open

    def hear_engine(self, event: str, **_fields: object) -> None:
        if event == "effect_taken_over":
            self.coverage["lease expired", "worker", "taken over"] += 1
        elif event == "effect_held_elsewhere":
            code = CODES[K(str(_fields["kind"]))]
            self.coverage["two workers", code, "lease held elsewhere"] += 1

    def is_held(self, customer: str) -> bool:
        plan = self.people.by_customer.get(customer)
        return plan is not None and plan.is_on_hold
