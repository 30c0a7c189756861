"""Joins the order service with the partners of each shop: gateway, SYSPRO, shop, callbacks.

Hooks belong to one thread, as a SYSPRO session does, so each thread has its own desks. A connection
is read when its partner is first needed: a checkout does not ask SYSPRO's.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cached_property, partial
from queue import SimpleQueue
from typing import TypeVar

from include.adapters.store.payment_tokens import SqlTokenBook
from include.adapters.syspro.order_reader import OrderReader
from include.domain.erp_orders import CustomerCredit, ErpDocument, ErpOrder, StockLevel
from include.domain.errors import Rejected, Retryable
from include.domain.order_state import OrderFacts, OrderState
from include.domain.orders import Order
from include.domain.shops import Shop, ShopKind
from include.services.effects.engine import Engine
from include.services.effects.ports import EffectKind, Partner, Timings
from include.services.orders.breaker import Asks, Breaker, GuardedPartner
from include.services.orders.order_service import OrderService
from include.services.orders.ports import ShopContext
from include.services.profiles.keep_tokens import keep_tokens
from include.services.translate.currencies import BaseRate, ShopRates
from include.wiring import Tieout
from tieout.hooks.cybersource import CybersourceHook
from tieout.hooks.shop import GenericShopHook, ShopCallbackHook, WooCommerceHook
from tieout.hooks.syspro import SysproHook
from tieout.order_lanes import FINISHERS, ErpLine, through_lanes
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
    """One shop in one thread, on one business date of its merchant."""

    def __init__(self, context: Tieout, shop_id: str, line_of: Callable[[str], ErpLine]) -> None:
        self.context = context
        self.day = context.today.date_of_shop(shop_id)
        self.shop: Shop = context.today.shop(shop_id)
        self.merchant = context.today.merchant(self.shop.merchant_id)
        self._line_of = line_of  # by connection of SYSPRO: its shops share one session

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
        self.context.require_commissioned("P2", "P5", "P6")
        everything = frozenset(EffectKind)
        return self.context.engine(
            ByKind(everything, self._partner),
            ByKind(everything, self._timing),
            worker=worker_name(),
        )

    def _partner(self, kind: EffectKind) -> Partner:
        if kind in _WEBHOOKS:
            return self.gateway.webhook_partners()[kind]
        if kind in _GATEWAY:
            return self.gateway.partners[kind]
        if kind in _SHOP:
            return self.shop_hook.partners[kind]
        if kind is _CALLBACK:
            return self.callback_hook.partners[kind]
        return GuardedPartner(self.erp.partners[kind], self.erp_line)

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
            merchant_id=merchant.merchant_id,
            organization_id=merchant.organization_id,
            company_id=merchant.company_id,
            shop_target=shop.shop_id,
            owner=merchant.owner,
            warehouse=shop.warehouse,
            rules=context.today.order_rules(merchant.merchant_id),
            translator=context.translator(shop.shop_id),
            gateway=self.gateway,
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
            tells_refunds="refunded" in shop.statuses_pushed,
            callback_target=self.callback_target,
            token_form=shop.token_form,
            payment_form=shop.payment_form,
            refund_form=shop.refund_form,
        )


class GuardedErp:
    """SYSPRO's reads behind the company's breaker."""

    def __init__(self, hook: SysproHook, breaker: Asks) -> None:
        self._hook = hook
        self._breaker = breaker

    def stock(self, stock_codes: Sequence[str], warehouse: str) -> Sequence[StockLevel]:
        return self._breaker.call(lambda: self._hook.orders.stock(stock_codes, warehouse))

    def credit(self, customer: str) -> CustomerCredit:
        return self._breaker.call(lambda: self._hook.orders.credit(customer))

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

    def receipts_of(self, references: Sequence[str]) -> Sequence[ErpDocument]:
        return self._breaker.call(lambda: self._hook.orders.receipts_of(references))


class Desks:
    """All shops' desks, one set per thread; breakers are the process's."""

    def __init__(self, context: Tieout) -> None:
        self.context = context
        self._threads = threading.local()
        self._breakers = {
            rule.value.syspro_conn_id: Breaker(rule.value.syspro_conn_id, context.clock)
            for rules in context.mappings.merchants.values()
            for rule in rules
        }

    def of(self, shop_id: str) -> ShopDesk:
        """Return a shop's desk of today: a process outlives midnight, and the rules change then.

        Raises:
            Rejected: the shop, its merchant or its rules are not in force today.
        """
        known: dict[str, ShopDesk] = self._threads.__dict__.setdefault("desks", {})
        today = self.context.today.date_of_shop(shop_id)
        if shop_id not in known or known[shop_id].day != today:
            lines: dict[str, ErpLine] = self._threads.__dict__.setdefault("lines", {})
            known[shop_id] = ShopDesk(self.context, shop_id, partial(self._line, lines))
        return known[shop_id]

    def _line(self, lines: dict[str, ErpLine], conn_id: str) -> ErpLine:
        if conn_id not in lines:
            hook = SysproHook(conn_id, leases=self.context.effects)
            lines[conn_id] = ErpLine(hook, self._breakers[conn_id])
        return lines[conn_id]

    def _lane(self) -> Callable[[], None]:
        """Return what makes another thread a lane of this one: desks of its own, SYSPRO shared."""
        mine = self._threads.__dict__
        lines = mine.setdefault("lines", {})
        # Kept for the next sweep: to open a desk reads connections and mappings.
        desks: SimpleQueue[dict[str, ShopDesk]] = SimpleQueue()
        for one in mine.setdefault("lanes", [{} for _ in range(FINISHERS)]):
            desks.put(one)

        def enter() -> None:
            self._threads.__dict__.update(lines=lines, desks=desks.get())

        return enter

    @cached_property
    def service(self) -> OrderService:
        context = self.context
        return OrderService(
            orders=context.orders,
            refunds=context.refunds,
            decisions=context.fraud_decisions,
            leases=context.effects,
            desk_of=lambda shop_id: self.of(shop_id).desk,
            engine_of=lambda shop_id: self.of(shop_id).engine,
            worker=worker_name(),
            keep_token=self._keep_token,
        )

    def _keep_token(self, order: Order, facts: OrderFacts) -> None:
        book = SqlTokenBook(self.context.store)
        keep_tokens(book, self.of(order.shop_id).merchant.company_id, order, facts)

    def shop_ids(self) -> list[str]:
        """Name the shops in force today."""
        return sorted(self.context.today.shops())

    def by_merchant(self) -> dict[str, ShopDesk]:
        """Return one desk of each merchant that has a shop: for what is the merchant's, not its."""
        found = (self.of(shop_id) for shop_id in self.shop_ids())
        return {desk.merchant.merchant_id: desk for desk in found}

    def sweep(self, limit: int, *, in_lanes: bool = True) -> int:
        """Drive what is due, company by company, each with one SYSPRO session for all of it.

        Args:
            limit: orders and refunds of one company.
            in_lanes: bring a backlog through in lanes; not where shoppers wait for this process.

        Raises:
            ExceptionGroup: some could not be driven; the others were.
        """
        done, broken = 0, list[Exception]()
        for desks in self._by_company().values():
            first, taken = desks[0], 0
            goes_on = first.erp_breaker.lets_through
            merchants = sorted({desk.merchant.merchant_id for desk in desks})
            with ExitStack() as stack:
                try:
                    if goes_on():
                        stack.enter_context(first.erp.session())
                        taken, drained, odd = self._drain(first, merchants, limit, in_lanes)
                        done, broken = done + drained, [*broken, *odd]
                except Exception as fault:  # noqa: BLE001 - what needs no SYSPRO is driven below
                    broken.append(fault)
                    goes_on = _is_down
                try:
                    done += self.service.sweep(merchants, limit, goes_on, orders=limit - taken)
                except Exception as fault:  # noqa: BLE001 - of one company
                    broken.append(fault)
        if broken:
            raise ExceptionGroup(f"{len(broken)} companies could not be swept whole", broken)
        return done

    def _drain(
        self, desk: ShopDesk, merchants: Sequence[str], limit: int, in_lanes: bool
    ) -> tuple[int, int, Sequence[Exception]]:
        """Bring a backlog through; return how many were taken and done, and what went wrong."""
        waiting = self.context.orders.waiting(merchants, limit)
        new = {order.order_id: order for order, is_booked in waiting if not is_booked}
        if len(new) < 2:
            return 0, 0, ()  # its turn comes in the sweep
        self._look_ahead(desk, list(new.values()))
        if not in_lanes:
            return 0, 0, ()  # and so does theirs, one after the other
        service, goes_on = self.service, desk.erp_breaker.lets_through

        def book(order: Order) -> None:
            if order.order_id in new:
                service.book(order)

        orders = [order for order, _ in waiting]
        lanes = through_lanes(orders, book, service.carry_on, goes_on, self._lane())
        return len(waiting), *lanes

    def _look_ahead(self, desk: ShopDesk, wanted: Sequence[Order]) -> None:
        """Ask SYSPRO for many new orders and customers at once, which saves two calls an order.

        Where it cannot be asked each order is looked for by itself, when its turn comes.
        """
        reader = desk.erp.orders
        if isinstance(reader, OrderReader):
            numbers = [order.purchase_order for order in wanted]
            with suppress(Retryable, Rejected):
                customers = [code for order in wanted if (code := self._customer_of(order))]
                desk.erp_breaker.call(partial(reader.look_ahead, numbers, customers))

    def _customer_of(self, order: Order) -> str:
        """Name the order's customer in SYSPRO; ``''``: its shop has none, as its own turn says."""
        try:
            return self.of(order.shop_id).desk.translator.customer_code(order)
        except Rejected:
            return ""

    def _by_company(self) -> dict[str, list[ShopDesk]]:
        found: dict[str, list[ShopDesk]] = {}
        for shop_id in self.shop_ids():
            desk = self.of(shop_id)
            found.setdefault(desk.merchant.syspro_conn_id, []).append(desk)
        return found

    def sweep_effects(self) -> None:
        """Let the engine work on every effect of order to cash that is due: the janitor.

        Raises:
            ExceptionGroup: at the end, if some could not be worked on; the others were.
        """
        broken = list[Exception]()
        for desks in self._by_company().values():
            try:
                broken += self._sweep_company(desks)
            except Exception as fault:  # noqa: BLE001 - e.g. of the logoff
                broken.append(fault)
        if broken:
            raise ExceptionGroup(f"{len(broken)} desks could not be swept whole", broken)

    def _sweep_company(self, desks: Sequence[ShopDesk]) -> list[Exception]:
        """Sweep the effects of one company's shops; return what could not be worked on."""
        broken = list[Exception]()
        company_id, unreachable = desks[0].merchant.company_id, ""
        with ExitStack() as stack:
            try:
                if self.context.effects.due(1, targets=(company_id,)):
                    stack.enter_context(desks[0].erp.session())
            except Exception as fault:  # noqa: BLE001 - gateway and shops need no SYSPRO
                broken.append(fault)
                unreachable = company_id
            for desk in desks:
                targets = [target for target in desk.targets if target != unreachable]
                try:
                    desk.engine.sweep(targets=targets)
                except Exception as fault:  # noqa: BLE001 - one desk must not stop the rest
                    broken.append(fault)
        return broken


def _is_down() -> bool:
    """Say, where a breaker would be asked, that SYSPRO lets nothing through."""
    return False
