"""All shops' desks, and what goes over all of them: the sweep of orders and that of effects.

Hooks belong to one thread, as a SYSPRO session does, so each thread has its own desks. A connection
is read when its partner is first needed: a checkout does not ask SYSPRO's.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import cached_property, partial
from itertools import chain, repeat
from queue import SimpleQueue

from include.adapters.store.payment_tokens import SqlTokenBook
from include.adapters.syspro.order_reader import OrderReader
from include.domain.errors import Rejected, Retryable, Unconfigured
from include.domain.order_state import OrderFacts
from include.domain.orders import Order
from include.services.effects.janitor import Had
from include.services.orders.breaker import Asks, Breakers, Passing
from include.services.orders.order_service import OrderService
from include.services.orders.setting_back import is_set_back
from include.services.profiles.keep_tokens import keep_tokens
from include.wiring import Tieout
from tieout.desks.order_lanes import FINISHERS, ErpLine, through_lanes
from tieout.desks.shop_desk import ShopDesk
from tieout.hooks.syspro import SysproHook
from tieout.this_process import worker_name

_PAUSE_S = 1.0  # who waits for SYSPRO's operator asks for it every half second
_Faults = dict[tuple[str, str], Exception]  # by shop and targets, or by SYSPRO's connection


class Desks:
    """All shops' desks, one set per thread; breakers are the process's.

    Args:
        context: the product.
        breakers: of this process, where it has other desks; ``None``: these are the first.
        is_patient: each question to a gateway or shop is worth its wait, so no breaker stands
            before it: a shopper waits at checkout, or each item has its own verdict at night.
    """

    def __init__(
        self, context: Tieout, breakers: Breakers | None = None, *, is_patient: bool = False
    ) -> None:
        self.context = context
        self.breakers = breakers or Breakers()
        self._is_patient = is_patient
        self._threads = threading.local()

    def of(self, shop_id: str) -> ShopDesk:
        """Return a shop's desk of today: a process outlives midnight, and the rules change then.

        Raises:
            Rejected: the shop or its merchant has not begun.
        """
        known: dict[str, ShopDesk] = self._threads.__dict__.setdefault("desks", {})
        today = self.context.today.date_of_shop(shop_id)
        if shop_id not in known or known[shop_id].day != today:
            lines: dict[str, ErpLine] = self._threads.__dict__.setdefault("lines", {})
            line_of = partial(self._line, lines)
            known[shop_id] = ShopDesk(self.context, shop_id, line_of, self._asks)
        return known[shop_id]

    def _asks(self, conn_id: str) -> Asks:
        return Passing() if self._is_patient else self.breakers.of(conn_id)

    def _line(self, lines: dict[str, ErpLine], conn_id: str) -> ErpLine:
        if conn_id not in lines:
            hook = SysproHook(conn_id, leases=self.context.leases)
            lines[conn_id] = ErpLine(hook, self.breakers.of(conn_id))
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
            leases=context.leases,
            desk_of=lambda shop_id: self.of(shop_id).desk,
            engine_of=lambda shop_id: self.of(shop_id).engine,
            worker=worker_name(),
            keep_token=self._keep_token,
        )

    def _keep_token(self, order: Order, facts: OrderFacts) -> None:
        book = SqlTokenBook(self.context.store)
        keep_tokens(book, self.of(order.shop_id).merchant.company_id, order, facts)

    def shop_ids(self) -> list[str]:
        """Name the shops whose orders are followed: those that have begun, even if they ended."""
        return sorted(self.context.today.shops())

    def by_merchant(self) -> dict[str, ShopDesk]:
        """Return one desk of each merchant that has a shop: for what is the merchant's, not its."""
        found = (self.of(shop_id) for shop_id in self.shop_ids())
        return {desk.merchant.merchant_id: desk for desk in found}

    def of_merchant(self, merchant_id: str) -> ShopDesk:
        """Return a desk of one merchant, at any of its shops.

        Raises:
            Rejected: it has no shop that has begun.
        """
        found = self.by_merchant().get(merchant_id)
        if found is None:
            raise Rejected(
                f"merchant {merchant_id!r} has no shop",
                "shops.yaml",
                f"Add an entry with 'merchant_id: {merchant_id}' while orders of it are followed.",
            )
        return found

    def sweep(self, limit: int, *, in_lanes: bool = True) -> int:
        """Drive what is due, company by company, each with one SYSPRO session for all of it.

        Args:
            limit: orders and refunds of one company.
            in_lanes: bring a backlog through in lanes; not where shoppers wait for this process.

        Raises:
            ExceptionGroup: some could not be driven; the others were.
        """
        done, broken, companies = 0, list[Exception](), self._by_company()
        for desks in companies.values():
            try:
                done += self._drive_company(desks, limit, broken, in_lanes=in_lanes)
            except Exception as fault:  # noqa: BLE001 - e.g. of the logoff
                broken.append(fault)
        reached = {desk.merchant.merchant_id for desks in companies.values() for desk in desks}
        shopless = sorted(set(self.context.mappings.merchants) - reached)
        try:  # their last shop is in no file: each order is set back, and a person told
            done += self.service.sweep(shopless, limit)
        except Exception as fault:  # noqa: BLE001 - as above
            broken.append(fault)
        if broken:
            raise ExceptionGroup(f"{len(broken)} companies could not be swept whole", broken)
        return done

    def _drive_company(
        self, desks: Sequence[ShopDesk], limit: int, broken: list[Exception], *, in_lanes: bool
    ) -> int:
        """Drive one company's orders; add what went wrong to ``broken``: a logoff may fail yet."""
        first, taken, done = desks[0], 0, 0
        goes_on = first.erp_breaker.lets_through
        merchants = sorted({desk.merchant.merchant_id for desk in desks})
        with ExitStack() as stack:
            try:
                if goes_on():
                    stack.enter_context(first.erp.session())
                    taken, done, odd = self._drain(first, merchants, limit, in_lanes)
                    broken += odd
            except Exception as fault:  # noqa: BLE001 - what needs no SYSPRO is driven below
                broken.append(fault)
                if not isinstance(fault, Unconfigured):  # of that each order is told, as elsewhere
                    goes_on = _is_down
            try:
                done += self.service.sweep(merchants, limit, goes_on, orders=limit - taken)
            except Exception as fault:  # noqa: BLE001 - of one company
                broken.append(fault)
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

        def book(order: Order) -> bool:
            """Say whether it is to be finished: what was set back just now has had its turn."""
            return order.order_id not in new or not is_set_back(service.book(order).reason)

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

    def sweep_effects(self, within_s: float = 240) -> None:
        """Let the engine work on every effect of order to cash that is due: the janitor.

        Round after round, each a part of every company's, until nothing is left.

        Args:
            within_s: seconds after which no further round begins; the next run goes on.

        Raises:
            ExceptionGroup: at the end, if some could not be worked on; the others were.
        """
        ends_at = time.monotonic() + within_s
        had: Had = set()
        broken: _Faults = {}
        companies = self._by_company().values()
        for pause_s in chain([0.0], repeat(_PAUSE_S)):
            before = len(had)
            for desks in companies:
                self._sweep_company(desks, had, broken, pause_s)
            if len(had) == before or time.monotonic() >= ends_at:
                break
        if broken:
            faults = list(broken.values())
            raise ExceptionGroup(f"{len(faults)} desks could not be swept whole", faults)

    def _sweep_company(
        self, desks: Sequence[ShopDesk], had: Had, broken: _Faults, pause_s: float
    ) -> None:
        """Sweep the effects of one company's shops; add to ``broken`` what cannot be worked on.

        SYSPRO's in one session, and the others outside of it: one that hangs keeps no operator.
        ``pause_s`` is waited before that session. Where SYSPRO could not be reached in an earlier
        round, what is due at the others goes on without it.
        """
        company_id, conn_id = desks[0].merchant.company_id, desks[0].merchant.syspro_conn_id
        for desk in desks:
            others = [target for target in desk.targets if target != company_id]
            _sweep_targets(desk, others, had, broken)
        if (conn_id, "") in broken:
            return
        try:
            if set(self.context.effects.due(1 + len(had), targets=(company_id,))) - had:
                time.sleep(pause_s)
                with desks[0].erp.session():
                    for desk in desks:
                        _sweep_targets(desk, [company_id], had, broken)
        except Exception as fault:  # noqa: BLE001 - e.g. another process keeps the operator
            broken[conn_id, ""] = fault


def _sweep_targets(desk: ShopDesk, targets: Sequence[str], had: Had, broken: _Faults) -> None:
    try:
        desk.engine.sweep(targets=targets, had=had)
    except Exception as fault:  # noqa: BLE001 - one desk must not stop the rest
        broken.setdefault((desk.shop.shop_id, ",".join(targets)), fault)  # not anew each round


def _is_down() -> bool:
    """Say, where a breaker would be asked, that SYSPRO lets nothing through."""
    return False
