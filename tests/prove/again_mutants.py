"""What goes wrong only where a declined order is paid anew."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from include.adapters.store.orders import SqlOrders
from include.domain.order_state import OrderFacts
from include.domain.orders import PaymentSource
from include.domain.paying import begun_anew, is_declined, sources_of
from include.services.orders.order_service import OrderService
from include.services.orders.sagas import Event, Saga
from tests.prove.world import Variant


class PaysBesideAHold(OrderService):
    """Another card is asked while the hold of the one before it stands."""

    def pay_anew(
        self, order_id: str, source: PaymentSource, who: str, *, via: str = ""
    ) -> Saga[OrderFacts]:
        order = self.orders.content(order_id)

        def anew(facts: OrderFacts) -> OrderFacts:
            if source in sources_of(order, facts):
                return facts
            known = replace(begun_anew(facts, facts.attempt + 1), source=source)
            return replace(known, declined_sources=sources_of(order, facts))

        self.orders.amend(order_id, anew, Event("paid anew", {}, who, via))
        return self.advance(order_id)


class LaterPaymentsAreForgotten(SqlOrders):
    """A store that was put back tells a decline without looking for a later payment."""

    def _read(self, connection: Connection, key: str) -> Saga[OrderFacts]:
        return self._without_looking(super()._read(connection, key))

    def save(self, saga: Saga[OrderFacts], events: list[Event], **more: Any) -> Saga[OrderFacts]:
        return super().save(self._without_looking(saga), events, **more)

    @staticmethod
    def _without_looking(saga: Saga[OrderFacts]) -> Saga[OrderFacts]:
        facts = saga.facts
        step = f"authorize|{facts.attempt + 1}"
        if not is_declined(facts) or step in facts.steps_sought:
            return saga
        return replace(saga, facts=replace(facts, steps_sought=(*facts.steps_sought, step)))


AGAIN_MUTANTS = (
    Variant("a1 another card beside a hold", service=PaysBesideAHold),
    Variant("a2 a later payment is forgotten", orders=LaterPaymentsAreForgotten, put_back_one_in=1),
)
