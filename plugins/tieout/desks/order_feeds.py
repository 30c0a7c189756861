"""The pollers, joined with the hooks of each shop and merchant."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from typing import Any

from include.adapters.shop.woocommerce import WooCommerce
from include.adapters.store.payment_tokens import SqlTokenBook
from include.adapters.store.stock_list import SqlStockList
from include.adapters.store.unbooked_orders import SqlUnbookedOrders
from include.domain.erp_orders import Shipment
from include.domain.errors import Rejected
from include.domain.money import Money
from include.domain.order_state import OrderFacts
from include.domain.orders import Order, OrderLine
from include.domain.standing import progress_of
from include.domain.stock import Product, StockLevel
from include.services.orders.sagas import Saga
from include.services.profiles.whose_token import WhoseToken
from include.services.shop.ports import ShopOrder, ShopRefund
from include.services.sync.follow_orders import OrderFollower
from include.services.sync.hear_decisions import DecisionPoll
from include.services.sync.keep_webhooks import KeepWebhooks
from include.services.sync.ports import Tally
from include.services.sync.push_refunds import RefundPush
from include.services.sync.push_stock import StockPush
from include.services.sync.sync_shop import ShopSync
from tieout.desks.order_desk import Desks
from tieout.desks.shop_desk import ShopDesk

FIRST_POLL = timedelta(days=7)  # how far a first poll looks back
_OUR_REFERENCE = re.compile(r"\bTO[0-9A-F]{18}\b")


def shop_sync(desks: Desks, shop_id: str) -> ShopSync:
    """Return the poller of one shop."""
    context, desk = desks.context, desks.of(shop_id)
    translator = context.translator(shop_id)

    def translate(found: ShopOrder) -> Order:
        return translator.order(found.raw, _where(found))

    def refund_amount(order: ShopOrder, refund: ShopRefund) -> Money | None:
        """Return what is still to be moved: nothing where we, or the shop's plugin, moved it.

        WooCommerce takes a refund of nothing, too: goods came back, or their order was free.
        """
        seen = desk.shop_hook.get_conn().refund_seen(order, refund)
        is_ours = _OUR_REFERENCE.search(seen.references) is not None
        is_moved = is_ours or seen.moved_money or not seen.amount.minor
        return None if is_moved else seen.amount

    def told_of(refund: ShopRefund) -> tuple[str, str]:
        told = desk.shop_hook.get_conn().refund_told(refund)
        return told.by, told.reason

    return ShopSync(
        reader=desk.shop_hook,
        service=desks.service,
        translate=translate,
        shown=lambda found, taken: translator.shown(found.raw, taken, _where(found)),
        paid_again=lambda found, taken, tried: translator.paid_again(
            found.raw, taken, tried, _where(found)
        ),
        total_of=lambda found: translator.total(found.raw, _where(found)),
        checkout_of=lambda found: translator.checkout(found.raw, _where(found)),
        payment_methods=desk.shop.payment_methods,
        is_anothers_token=whose_token(desks).is_of_another,
        refund_amount=refund_amount,
        asks=context.today.shop_asks(desk.shop),
        watermarks=context.watermarks,
        shelf=context.shelf,
        owner=desk.merchant.owner,
        told_of=told_of,
        takes_new=shop_id in context.today.open_shops(),
        began=context.today.shop_began(shop_id),
    )


def whose_token(desks: Desks) -> WhoseToken:
    """Return who judges the stored payments that orders name."""
    book = SqlTokenBook(desks.context.store)

    def has_sisters(shop_id: str) -> bool:
        merchants = [desks.context.today.shop(one).merchant_id for one in desks.shop_ids()]
        return merchants.count(desks.context.today.shop(shop_id).merchant_id) > 1

    return WhoseToken(book, lambda shop_id: desks.of(shop_id).gateway.tokens, has_sisters)


def _where(found: ShopOrder) -> str:
    return f"shop {found.shop_id}, order {found.order_number}"


def webhook_keeper(desk: ShopDesk) -> KeepWebhooks | None:
    """Return what keeps a shop's webhooks; none where its own people register them."""
    shop = desk.shop_hook.get_conn()
    if not isinstance(shop, WooCommerce):
        return None
    return KeepWebhooks(shop.webhooks, desk.engine, desk.merchant.owner)


def refund_push(desks: Desks, desk: ShopDesk) -> RefundPush:
    """Return the poller of a merchant's credit notes and cancellations."""
    context, merchant = desks.context, desk.merchant
    return RefundPush(
        merchant_id=merchant.merchant_id,
        company_id=merchant.company_id,
        feed=desk.erp.orders,
        service=desks.service,
        watermarks=context.watermarks,
        shelf=context.shelf,
        owner=merchant.owner,
    )


def order_follower(desks: Desks, desk: ShopDesk) -> OrderFollower:
    """Return the poller of a merchant's sales orders and dispatch notes."""
    context, merchant = desks.context, desk.merchant

    def shipment_update(order: Order, saga: Saga[OrderFacts], note: Shipment) -> object | None:
        if "shipped" not in context.today.shop(order.shop_id).statuses_pushed:
            return None
        progress = progress_of(saga.state, saga.facts)
        return context.translator(order.shop_id).shipment(order, saga.facts, note, progress)

    return OrderFollower(
        merchant_id=merchant.merchant_id,
        company_id=merchant.company_id,
        feed=desk.erp.orders,
        service=desks.service,
        engine_of=lambda shop_id: desks.of(shop_id).engine,
        shipment_update=shipment_update,
        watermarks=context.watermarks,
        shelf=context.shelf,
        owner=merchant.owner,
        tolerance_minor=merchant.amount_tolerance_minor,
    )


def hear_erp(desks: Desks, desk: ShopDesk, begin: str) -> tuple[Tally, Tally]:
    """Hear in one session what SYSPRO's clerks did with a merchant's orders, then tell its shops.

    Args:
        desks: of this process.
        desk: any of the merchant's.
        begin: a first poll's cursor.

    Returns:
        What became of credit notes and cancellations, and of sales orders and dispatch notes.
    """
    return _hear(desks, desk, lambda feed: feed.poll(begin))


def hear_erp_again(desks: Desks, desk: ShopDesk, begin: str) -> tuple[Tally, Tally]:
    """Do as ``hear_erp`` does, from this cursor on, whatever the watermarks say."""
    return _hear(desks, desk, lambda feed: feed.read_again(begin))


def _hear(
    desks: Desks, desk: ShopDesk, read: Callable[[RefundPush | OrderFollower], Tally]
) -> tuple[Tally, Tally]:
    refunds, orders = refund_push(desks, desk), order_follower(desks, desk)
    with desk.erp.session():
        found = (read(refunds), read(orders))
    orders.tell()
    return found


def decision_poll(desks: Desks, desk: ShopDesk) -> DecisionPoll:
    """Return the poller of a merchant's fraud decisions."""
    feed: Any = _DecisionFeed(desk)
    context, merchant = desks.context, desk.merchant
    return DecisionPoll(
        merchant.merchant_id, feed, desks.service, context.watermarks, context.shelf, merchant.owner
    )


class _DecisionFeed:
    """The hook under the port's names."""

    def __init__(self, desk: ShopDesk) -> None:
        self._hook = desk.gateway

    def decisions_since(self, cursor: datetime) -> Any:
        return self._hook.decisions(cursor)

    def decided(self, request_ids: Any) -> Any:
        return self._hook.decided(request_ids)


def stock_push(desks: Desks, desk: ShopDesk) -> StockPush:
    """Return what pushes a warehouse's levels into one shop."""
    return StockPush(
        shop_id=desk.shop.shop_id,
        company_id=desk.merchant.company_id,
        warehouse=desk.shop.warehouse,
        sold_in=desks.context.today.field_map(desk.shop).sold_in,
        feed=_StockFeed(desk),
        shop=desk.shop_hook,
        engine=desk.engine,
        watermarks=desks.context.watermarks,
        stocked=SqlStockList(desks.context.store),
        unbooked=_unbooked(desks, desk),
        owner=desk.merchant.owner,
    )


def _unbooked(desks: Desks, desk: ShopDesk) -> Callable[[], Sequence[OrderLine]]:
    """Return what lists goods sold from a shop's warehouse, by it or others, and not booked yet."""
    here = (desk.merchant.company_id, desk.shop.warehouse)
    sharing = [
        shop_id
        for shop_id in desks.shop_ids()
        if (desks.of(shop_id).merchant.company_id, desks.of(shop_id).shop.warehouse) == here
    ]

    def goods() -> list[OrderLine]:
        found: list[OrderLine] = []
        translators = {shop_id: desks.context.translator(shop_id) for shop_id in sharing}
        for order in SqlUnbookedOrders(desks.context.store).of(sharing):
            with suppress(Rejected):  # no sales order can be made of it: a person will cancel it
                found += translators[order.shop_id].goods(order)
        return found

    return goods


def unsold(desks: Desks) -> Callable[[Order], Sequence[str]]:
    """Return what names an order's stock codes that the warehouse of its shop does not have.

    SYSPRO is not asked: it is what the stock feed has shown, where that is whole and fresh.
    """
    stocked = SqlStockList(desks.context.store)

    def absent(order: Order) -> Sequence[str]:
        desk = desks.service.desk_of(order.shop_id)
        codes = dict.fromkeys(line.stock_code for line in desk.translator.goods(order))
        return stocked.absent(desk.company_id, desk.warehouse, tuple(codes))

    return absent


class _StockFeed:
    """SYSPRO's stock by the hook: a push can wait, and no breaker spares it a question."""

    def __init__(self, desk: ShopDesk) -> None:
        self._erp = desk.erp

    def session(self) -> AbstractContextManager[None]:
        return self._erp.session()

    def stock_levels(
        self, warehouse: str, cursor: str, limit: int
    ) -> tuple[Sequence[StockLevel], str]:
        return self._erp.orders.stock_levels(warehouse, cursor, limit)

    def kits(self) -> Sequence[str]:
        return self._erp.orders.kits()

    def products(self, stock_codes: Sequence[str]) -> Mapping[str, Product]:
        return self._erp.orders.products(stock_codes)

    def stock(self, stock_codes: Sequence[str], warehouse: str) -> Sequence[StockLevel]:
        return self._erp.orders.stock(stock_codes, warehouse)
