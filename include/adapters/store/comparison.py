"""Our side of the nightly comparison; satisfies ``comparing.ports.Ledger``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, and_, or_, select

from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.effect_keys import begins
from include.adapters.store.effect_rows import effect_of, select_effects
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.order_tables import orders, payment_requests, refunds
from include.adapters.store.schema import dead_letters, effects
from include.domain.canonical import from_json
from include.domain.money import Money
from include.domain.order_state import OrderFacts
from include.domain.refunds import RefundFacts
from include.services.comparing.ports import KnownRequest
from include.services.effects.ports import Effect, EffectKind
from include.services.effects.states import EXECUTED


@dataclass(frozen=True, slots=True)
class SqlLedger:
    """Reads effects, orders and refunds by what the other sides call them."""

    engine: Engine
    clock: StoreClock = database_now

    def now(self) -> datetime:
        with self.engine.begin() as connection:
            return self.clock(connection)

    def effect_by_reference(self, target: str, reference: str) -> Effect | None:
        return SqlEffectStore(self.engine, self.clock).holder(target, reference)

    def effects_of(self, order_id: str, kind: EffectKind) -> Sequence[Effect]:
        given_back = select(refunds.c.refund_id).where(refunds.c.order_id == order_id)
        with self.engine.begin() as connection:
            owners = [order_id, *connection.execute(given_back).scalars()]
            of_a_copy = and_(begins("copy"), effects.c.payload.contains(f'"{order_id}"'))
            wanted = (
                select_effects()
                .where(effects.c.kind == kind.value, or_(of_a_copy, *map(begins, owners)))
                .order_by(effects.c.intended_at, effects.c.key)
            )
            return [effect_of(row) for row in connection.execute(wanted)]

    def request(self, request_id: str) -> KnownRequest | None:
        wanted = (
            select(orders.c.order_id, orders.c.facts)
            .join(payment_requests, payment_requests.c.order_id == orders.c.order_id)
            .where(payment_requests.c.request_id == request_id)
        )
        with self.engine.begin() as connection:
            found = connection.execute(wanted).one_or_none()
            if found is None:
                return None
            given_back = connection.execute(
                select(refunds.c.facts).where(refunds.c.order_id == found.order_id)
            ).scalars()
            amounts = _amounts(from_json(OrderFacts, found.facts))
            for text in given_back:
                for part in from_json(RefundFacts, text).parts:
                    amounts[part.request_id] = part.amount
        return KnownRequest(found.order_id, amounts.get(request_id))

    def order_of(self, effect: Effect) -> str:
        first = effect.key.partition("|")[0]
        if first.startswith("ord_"):
            return first
        wanted = select(refunds.c.order_id).where(refunds.c.refund_id == first)
        with self.engine.begin() as connection:
            return connection.scalar(wanted) or ""

    def sent_between(
        self, target: str, kinds: Sequence[EffectKind], since: datetime, until: datetime
    ) -> Sequence[Effect]:
        wanted = (
            select_effects()
            .where(
                effects.c.target == target,
                effects.c.kind.in_([kind.value for kind in kinds]),
                effects.c.state.in_([state.value for state in EXECUTED]),
                effects.c.sent_at >= since,
                effects.c.sent_at < until,
            )
            .order_by(effects.c.sent_at, effects.c.key)
        )
        with self.engine.begin() as connection:
            return [effect_of(row) for row in connection.execute(wanted)]

    def open_letters(self, kinds: Sequence[str]) -> set[tuple[str, str]]:
        wanted = select(dead_letters.c.kind, dead_letters.c.key).where(
            dead_letters.c.state == "open", dead_letters.c.kind.in_(list(kinds))
        )
        with self.engine.begin() as connection:
            return {(row.kind, row.key) for row in connection.execute(wanted)}


def _amounts(facts: OrderFacts) -> dict[str, Money | None]:
    """What an order's requests hold or moved, by request id."""
    found = {
        one.request_id: one.authorized for one in (facts.payment, facts.replaced) if one is not None
    }
    return {**found, **{one.request_id: one.amount for one in facts.captures}}
