"""Open orders that SYSPRO has no sales order of yet: their goods are sold, and it does not know."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, select

from include.adapters.store.order_tables import orders
from include.adapters.store.transactions import reading
from include.domain.canonical import from_json
from include.domain.order_state import ENDED, OrderState
from include.domain.orders import Order

# What is being cancelled goes back on the shelf. The rest are few, and the state has an index.
_SOLD = [one.value for one in OrderState if one not in (*ENDED, OrderState.cancelling)]


@dataclass(frozen=True, slots=True)
class SqlUnbookedOrders:
    """Reads them on SQLite and PostgreSQL."""

    engine: Engine

    def of(self, shop_ids: Sequence[str]) -> list[Order]:
        """Return the orders of some shops, as accepted, in no order."""
        wanted = select(orders.c.content).where(
            orders.c.state.in_(_SOLD),
            orders.c.sales_order == "",
            orders.c.shop_id.in_(shop_ids),
        )
        with reading(self.engine) as connection:
            return [from_json(Order, text) for text in connection.scalars(wanted)]
