"""One shop's partners in one thread: gateway, SYSPRO, shop, callback; what its sagas need."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property, partial
from typing import TypeVar

from include.adapters.store.customer_links import SqlCustomerLinks
from include.adapters.store.payment_tokens import SqlTokenBook
from include.domain.calendar import day_in
from include.domain.erp_orders import CustomerCredit, CustomerMatch, ErpDocument, ErpOrder
from include.domain.order_state import OrderState
from include.domain.payments import Authorized
from include.domain.shops import LinkCustomers, Shop, ShopKind
from include.domain.stock import StockLevel
from include.services.books.dates import PostingDates
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectKind, Partner, Timings
from include.services.orders.breaker import Asks, Breaker, GuardedPartner
from include.services.orders.ports import ShopContext
from include.services.ports import PostingPeriod
from include.services.profiles.keep_tokens import is_leaving
from include.services.translate.currencies import BaseRate, ShopRates
from include.wiring import Tieout
from tieout.desks.commissioned import demand_for_orders
from tieout.desks.order_lanes import ErpLine
from tieout.hooks.cybersource import CybersourceHook
from tieout.hooks.shop import GenericShopHook, ShopCallbackHook, WooCommerceHook
from tieout.hooks.syspro import SysproHook
from tieout.this_process import worker_name

V = TypeVar("V")
_GATEWAY = frozenset(
    kind for kind in EffectKind if kind.value.startswith(("payment_", "review_", "token_"))
)
_WEBHOOKS = frozenset(kind for kind in EffectKind if kind.value.startswith("webhook_"))
_CALLBACK = EffectKind.shop_callback
_SHOP = frozenset(kind for kind in EffectKind if kind.value.startswith("shop_")) - {_CALLBACK}


class ByKind(Mapping[EffectKind, V]):
    """A mapping whose values are made when first asked for."""

    def __init__(self, kinds: frozenset[EffectKind], make: Callable[[EffectKind], V]) -> None:
        self._kinds = kinds
        self._make = make

    def __getitem__(self, kind: EffectKind) -> V:
        if kind not in self._kinds:
            raise KeyError(kind)
        return self._make(kind)

    def __iter__(self) -> Iterator[EffectKind]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)


class ShopDesk:
    """One shop in one thread, on one business date of its merchant; its entry may have ended."""

    def __init__(
        self,
        context: Tieout,
        shop_id: str,
        line_of: Callable[[str], ErpLine],
        asks: Callable[[str], Asks],
    ) -> None:
        self.context = context
        self.day = context.today.date_of_shop(shop_id)
        self.shop: Shop = context.today.shop(shop_id)
        self.merchant = context.today.merchant(self.shop.merchant_id)
        self._line_of = line_of  # by connection of SYSPRO: its shops share one session
        self._asks = asks  # by connection of a gateway, a shop or a callback

    # Hooks -----------------------------------------------------------------------------------

    @cached_property
    def gateway(self) -> CybersourceHook:
        reasons = self.context.today.meanings(self.merchant.merchant_id)
        return CybersourceHook(self.merchant.cybersource_conn_id, reasons=reasons)

    @property
    def erp(self) -> SysproHook:
        return self.erp_line.hook

    @property
    def erp_line(self) -> ErpLine:
        return self._line_of(self.merchant.syspro_conn_id)

    @cached_property
    def shop_hook(self) -> WooCommerceHook | GenericShopHook:
        is_woo = self.shop.kind is ShopKind.woocommerce
        return WooCommerceHook(self.shop.conn_id) if is_woo else GenericShopHook(self.shop.conn_id)

    @cached_property
    def callback_hook(self) -> ShopCallbackHook:
        return ShopCallbackHook(self.shop.callback_conn_id)

    @property
    def erp_breaker(self) -> Breaker:
        return self.erp_line.breaker

    # What the sagas need ---------------------------------------------------------------------

    @property
    def callback_target(self) -> str:
        return f"{self.shop.shop_id}|callback" if self.shop.callback_conn_id else ""

    @property
    def targets(self) -> tuple[str, ...]:
        """The systems this desk reaches, as effects name them."""
        merchant = self.merchant
        found = (merchant.organization_id, merchant.company_id, self.shop.shop_id)
        return (*found, self.callback_target) if self.callback_target else found

    @cached_property
    def engine(self) -> Engine:
        """The engine of this shop's writes. Raises ``Rejected``: the site is not commissioned."""
        demand_for_orders(self.context, self.merchant, self.gateway, self.erp)
        everything = frozenset(EffectKind)
        return self.context.engine(
            ByKind(everything, self._partner),
            ByKind(everything, self._timing),
            worker=worker_name(),
        )

    def _partner(self, kind: EffectKind) -> Partner:
        if kind in _WEBHOOKS:
            return GuardedPartner(self.gateway.webhook_partners()[kind], self._gateway_asks)
        if kind in _GATEWAY:
            return GuardedPartner(self.gateway.partners[kind], self._gateway_asks)
        if kind in _SHOP:
            return GuardedPartner(self.shop_hook.partners[kind], self._asks(self.shop.conn_id))
        if kind is _CALLBACK:
            asks = self._asks(self.shop.callback_conn_id)
            return GuardedPartner(self.callback_hook.partners[kind], asks)
        return GuardedPartner(self.erp.partners[kind], self.erp_line)

    @property
    def _gateway_asks(self) -> Asks:
        return self._asks(self.merchant.cybersource_conn_id)

    def _timing(self, kind: EffectKind) -> Timings:
        if kind in _WEBHOOKS:
            return self.gateway.webhook_timings[kind]
        if kind in _GATEWAY:
            return self.gateway.timings[kind]
        if kind in _SHOP:
            return self.shop_hook.timings
        if kind is _CALLBACK:
            return self.callback_hook.timings
        return self.erp.timings_by_kind[kind]

    @cached_property
    def desk(self) -> ShopContext:
        """What the sagas need."""
        context, shop, merchant = self.context, self.shop, self.merchant
        erp = GuardedErp(self.erp, self.erp_line)
        return ShopContext(
            organization_id=merchant.organization_id,
            company_id=merchant.company_id,
            shop_target=shop.shop_id,
            owner=merchant.owner,
            warehouse=shop.warehouse,
            rules=context.today.order_rules(merchant.merchant_id),
            translator=context.translator(shop.shop_id),
            gateway=GuardedGateway(self.gateway, self._gateway_asks),
            erp=erp,
            open_receipts=erp,
            rates=ShopRates(
                shop.exchange_rates,
                merchant.base_currency,
                context.mappings.fx_rate,
                erp.base_rate,
                shop.where,
            ),
            clock=context.clock,
            told_states=shop.statuses_pushed & frozenset(OrderState),
            today=self.day,
            has_fixed_day=context.settings.business_date is not None,
            calendar=partial(day_in, merchant.zone),
            # Asked anew each time: a period may open while this desk lives.
            next_open=lambda refused: PostingDates(merchant, erp).after(refused),
            demand_open=partial(context.today.open_shop, shop.shop_id),
            tells_refunds="refunded" in shop.statuses_pushed,
            links=SqlCustomerLinks(context.store),
            links_by_mail=shop.link_customers is LinkCustomers.by_mail,
            callback_target=self.callback_target,
            token_form=shop.token_form,
            is_leaving=partial(is_leaving, SqlTokenBook(context.store)),
            payment_form=shop.payment_form,
            refund_form=shop.refund_form,
        )


class GuardedGateway:
    """The gateway's reads behind the merchant's breaker."""

    def __init__(self, hook: CybersourceHook, asks: Asks) -> None:
        self._hook = hook
        self._asks = asks

    def authorization(self, request_id: str) -> Authorized | None:
        return self._asks.call(lambda: self._hook.authorization(request_id))


class GuardedErp:
    """SYSPRO's reads behind the company's breaker."""

    def __init__(self, hook: SysproHook, breaker: Asks) -> None:
        self._hook = hook
        self._breaker = breaker

    def stock(self, stock_codes: Sequence[str], warehouse: str) -> Sequence[StockLevel]:
        return self._breaker.call(lambda: self._hook.orders.stock(stock_codes, warehouse))

    def credit(self, customer: str) -> CustomerCredit:
        return self._breaker.call(lambda: self._hook.orders.credit(customer))

    def existing(self, customers: Sequence[str]) -> set[str]:
        return self._breaker.call(lambda: self._hook.orders.existing(customers))

    def customers(self, email: str) -> Sequence[CustomerMatch]:
        return self._breaker.call(lambda: self._hook.orders.customers(email))

    def base_rate(self, currency: str) -> BaseRate:
        return self._breaker.call(lambda: self._hook.orders.base_rate(currency))

    def order(
        self, *, purchase_order: str = "", sales_order: str = "", customer: str = ""
    ) -> ErpOrder | None:
        return self._breaker.call(
            lambda: self._hook.orders.order(
                purchase_order=purchase_order, sales_order=sales_order, customer=customer
            )
        )

    def documents_of(self, purchase_order: str, customer: str) -> Sequence[ErpDocument]:
        return self._breaker.call(lambda: self._hook.orders.documents_of(purchase_order, customer))

    def applies_receipts(self) -> bool:
        return self._hook.orders.applies_receipts()

    def posting_period(self, company_id: str, posting_date: date) -> PostingPeriod:
        """Satisfy ``books.ports.Periods`` for receipts: AR's periods are its own."""
        return self._breaker.call(lambda: self._hook.orders.receipt_period(posting_date))

    def receipts_of(self, references: Sequence[str]) -> Sequence[ErpDocument]:
        return self._breaker.call(lambda: self._hook.orders.receipts_of(references))
