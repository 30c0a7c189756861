"""What goes wrong only where a declined order is paid anew."""

from dataclasses import replace

from include.domain.order_state import OrderFacts
from include.domain.orders import PaymentSource
from include.domain.paying import begun_anew, sources_of
from include.services.orders.order_service import OrderService
from include.services.orders.sagas import Event, Saga
from tests.prove.world import Variant


class PaysBesideAHold(OrderService):
    """Another card is asked while the hold of the one before it stands."""

    def pay_anew(
        self, order_id: str, source: PaymentSource, who: str, *, cause: str = "", via: str = ""
    ) -> Saga[OrderFacts]:
        order = self.orders.content(order_id)

        def anew(facts: OrderFacts) -> OrderFacts:
            if source in sources_of(order, facts):
                return facts
            known = replace(begun_anew(facts, facts.attempt + 1), source=source)
            return replace(known, declined_sources=sources_of(order, facts))

        self.orders.amend(order_id, anew, Event("paid anew", {}, who, via))
        return self.advance(order_id)


AGAIN_MUTANTS = (Variant("a1 another card beside a hold", service=PaysBesideAHold),)
