"""Whose goods are sold although SYSPRO has no sales order of them."""

from dataclasses import replace

from include.adapters.store.engine import open_store
from include.adapters.store.orders import SqlOrders
from include.adapters.store.unbooked_orders import SqlUnbookedOrders
from include.domain.order_state import OrderFacts, OrderState, Stop
from include.domain.orders import order_id_of
from include.domain.payments import Authorized, PaymentStatus
from tests.orders.conftest import make_order

PAID = OrderFacts(payment=Authorized("7" * 22, PaymentStatus.authorized, "AUTHORIZED"))
DECLINED = replace(PAID, payment=Authorized("7" * 22, PaymentStatus.declined, "DECLINED"))
# What is known of it, how it stands, and whether its goods are sold unknown to SYSPRO.
ORDERS = (
    (OrderFacts(), OrderState.accepted, True),
    (OrderFacts(open_step="authorize|1"), OrderState.pending, True),
    (PAID, OrderState.in_review, True),
    (PAID, OrderState.authorized, True),
    (replace(PAID, problem="no such customer"), OrderState.stuck, True),
    (replace(PAID, sales_order="815"), OrderState.booked, False),
    (replace(PAID, sales_order="816", problem="the bank is away"), OrderState.stuck, False),
    (DECLINED, OrderState.declined, False),
    (replace(PAID, stop=Stop("ann", "too late")), OrderState.cancelling, False),
    (replace(PAID, stop=Stop("ann", "too late")), OrderState.cancelled, False),
)


def test_an_open_order_is_unbooked_until_it_has_a_sales_order(migrated_url: str) -> None:
    store = open_store(migrated_url)
    orders, wanted = SqlOrders(store, lambda _: "owner"), set[str]()
    for number, (facts, state, is_unbooked) in enumerate(ORDERS):
        order = make_order(number=f"u{number}")
        saga, _ = orders.accept(order, OrderFacts(), OrderState.accepted, "shop")
        orders.save(replace(saga, facts=facts, state=state), [])
        wanted |= {order.number} if is_unbooked else set()
    other = replace(make_order(number="x1"), shop_id="other", order_id=order_id_of("other", "x1"))
    orders.accept(other, OrderFacts(), OrderState.accepted, "shop")
    unbooked = SqlUnbookedOrders(store)
    assert {one.number for one in unbooked.of(["web"])} == wanted
    assert {one.number for one in unbooked.of(["web", "other"])} == wanted | {"x1"}
    assert unbooked.of([]) == []
