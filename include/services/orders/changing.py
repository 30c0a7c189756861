"""Changes what is known of an order from outside its saga: a person or a poller did it."""

from collections.abc import Callable
from contextlib import suppress

from include.domain.errors import IntegrationError
from include.domain.order_state import OrderFacts
from include.domain.order_steps import name_of
from include.services.effects.engine import Engine
from include.services.effects.schedule import is_unsent
from include.services.orders.driver import NOT_WANTED
from include.services.orders.place_order import is_wanted
from include.services.orders.sagas import Event, Saga
from include.services.orders.steps import STEPS
from include.services.orders.stores import Amend, OrderBook


class Changing:
    """The part of ``OrderService`` that all of it changes orders with."""

    __slots__ = ()
    orders: OrderBook
    engine_of: Callable[[str], Engine]

    def _change(self, order_id: str, change: Amend, told: Event) -> Saga[OrderFacts]:
        """Amend an order; what it had begun, had not sent and does not want now is withdrawn.

        At once: the janitor sends what was intended, and asks no saga. Where that cannot be done
        now the saga's own turn does it.
        """
        saga = self.orders.amend(order_id, change, told)
        step = saga.facts.open_step
        if step and not is_wanted(saga.facts, step):
            self._withdraw_unsent(order_id, step)
        return saga

    def _withdraw_unsent(self, order_id: str, *steps: str) -> None:
        """Withdraw what of these was begun and not sent; what cannot be asked for now stays."""
        for step in steps:
            kind, key = STEPS[name_of(step)].kind, f"{order_id}|{step}"
            with suppress(IntegrationError):
                engine = self.engine_of(self.orders.content(order_id).shop_id)
                effect = engine.find(kind, key)
                if effect is not None and is_unsent(effect):
                    engine.withdraw(kind, key, NOT_WANTED)
