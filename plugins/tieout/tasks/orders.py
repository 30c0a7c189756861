"""Order to cash as tasks call it: one function per task, safe to run again at any time.

What each did is logged with its counts; what it could not do is a dead letter or comes again.
"""

import functools
import logging
import os
from datetime import UTC, datetime

from include.domain.errors import IntegrationError
from include.services.inbox.handle_events import HandleEvents
from include.wiring import tieout
from tieout.desks.order_desk import Desks
from tieout.desks.order_feeds import (
    FIRST_POLL,
    decision_poll,
    hear_erp,
    shop_sync,
    stock_push,
    webhook_keeper,
)
from tieout.desks.shop_desk import ShopDesk
from tieout.tasks.task_log import logged

log = logging.getLogger(__name__)
ENDED = "it takes no new orders any more; passed over"
GONE = "it has ended and cannot be polled; it is asked again"
_NICENESS = 10
_SWEEP = 500  # orders and refunds of one run; the rest a minute later


@functools.cache
def desks() -> Desks:
    """Return this process's desks."""
    return Desks(tieout())


def shop_ids() -> list[str]:
    """Name the shops whose orders are followed, ended ones too; polls are mapped over them."""
    return desks().shop_ids()


def open_shop_ids() -> list[str]:
    """Name the shops that take new orders."""
    return desks().context.today.open_shops()


def merchant_ids() -> list[str]:
    """Name the merchants that have a shop; what has one watermark a merchant is mapped over them.

    Two shops' tasks would read one feed at once, and both move its mark.
    """
    return sorted(desks().by_merchant())


def sweep_orders() -> str:
    """Drive every order and refund that is due: what the API's worker did not get to."""

    def work() -> str:
        let_shoppers_go_first()
        watch_store()
        return f"{desks().sweep(_SWEEP)} driven"

    return logged("sweep_orders", "", work)


def watch_store() -> None:
    """Notice a store that has forgotten writes, and keep its witness in the lake."""
    trust = tieout().trust
    if trust.check():
        log.warning(
            "the store may have forgotten writes: each is looked for first; runbook restore"
        )
    trust.note()


def let_shoppers_go_first() -> None:
    """Lower this process's priority: on a machine that also serves checkout a sweep can wait."""
    now = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, max(now, _NICENESS))


def handle_inbox() -> str:
    """Work on webhooks that were stored and not handled yet."""
    from include.adapters.store.faults import is_lost_connection
    from include.adapters.store.inbox import SqlInbox
    from tieout.desks.webhook_desk import handlers

    def work() -> str:
        parts = SqlInbox(tieout().store), handlers(desks()), "integration"
        return str(HandleEvents(*parts, is_passing=is_lost_connection).run())

    return logged("handle_inbox", "", work, then="sweep_orders")


def poll_shop(shop_id: str) -> str:
    """Take a shop's new and changed orders in; of one that has ended, what it changes of old ones.

    An ended shop may be switched off at any time: that is no fault of ours, and is only said.
    """

    def work() -> str:
        is_open = shop_id in open_shop_ids()
        try:
            return str(shop_sync(desks(), shop_id).poll(_begin(desks().of(shop_id))))
        except IntegrationError as fault:
            if is_open:
                raise
            log.warning("%s has ended and cannot be polled: %s", shop_id, fault)
            return GONE

    return logged("poll_shop", shop_id, work)


def keep_webhooks(shop_id: str) -> str:
    """Have the shop call us, as its connection says; without webhooks the polls find everything."""

    def work() -> str:
        desk = desks().of(shop_id)
        if shop_id not in open_shop_ids():
            return ENDED
        keeper = webhook_keeper(desk)
        if keeper is None:
            return "its own people register them"
        return str(keeper.run(tieout().business_date(desk.merchant.zone)))

    return logged("keep_webhooks", shop_id, work)


def poll_erp(merchant_id: str) -> str:
    """Hear what SYSPRO's clerks did: credit notes, cancellations, invoices, shipments."""

    def work() -> str:
        desk = desks().of_merchant(merchant_id)
        begin = _begin(desk).date().isoformat()
        refunds, orders = hear_erp(desks(), desk, begin)
        return f"refunds: {refunds}; orders: {orders}"

    return logged("poll_erp", merchant_id, work, merchant=merchant_id)


def _begin(desk: ShopDesk) -> datetime:
    """Say where a first poll starts: some days before the merchant's business date."""
    day = tieout().business_date(desk.merchant.zone) - FIRST_POLL
    return datetime.combine(day, datetime.min.time(), UTC)


def poll_decisions(merchant_id: str) -> str:
    """Hear Decision Manager's decisions: what a lost webhook would have told."""

    def work() -> str:
        desk = desks().of_merchant(merchant_id)
        waiting = tieout().orders.under_review(merchant_id)
        return str(decision_poll(desks(), desk).poll(_begin(desk), waiting))

    return logged("poll_decisions", merchant_id, work, merchant=merchant_id)


def push_stock(shop_id: str) -> str:
    """Show in the shop what SYSPRO can promise."""

    def work() -> str:
        desk = desks().of(shop_id)
        if shop_id not in open_shop_ids():
            return ENDED
        return str(stock_push(desks(), desk).push(tieout().clock, desk.day))

    return logged("push_stock", shop_id, work)


def orders_to_review() -> list[str]:
    """Name the orders that wait for a fraud decision, those about to expire first."""
    from include.adapters.store import order_screen

    return [one.order_id for one in order_screen.waiting(tieout().store)]


def review_question(order_id: str) -> tuple[str, str] | None:
    """Return subject and body of the question, or None where nothing is to be decided any more."""
    from include.adapters.store import order_screen
    from include.services.orders.ask_reviews import question

    found = order_screen.waiting(tieout().store, order_id)
    if not found:
        return None
    rules = tieout().today.order_rules(found[0].merchant_id)
    subject, body = question(found[0], rules, tieout().clock.now())
    log.info("%s of %s: an analyst is asked; nothing moves meanwhile", subject, order_id)
    return subject, body


def decide_order(order_id: str, *, is_accepted: bool, who: str, comment: str) -> str:
    """Carry an analyst's answer to the gateway's case and into the order.

    Raises:
        Rejected: it was decided meanwhile, the other way or elsewhere.
        CardNumberRefused: the comment holds one; nothing was decided, a later run asks again.
    """
    from include.domain.reviews import Decision
    from include.services.orders.decide_review import decide_review
    from tieout.questions.recorded import recorded

    decision = Decision.accept if is_accepted else Decision.reject

    def work() -> str:
        engine = desks().of(tieout().orders.content(order_id).shop_id).engine
        return str(
            decide_review(
                desks().service,
                engine,
                order_id,
                decision,
                analyst=who,
                comments=comment,
                via="airflow",
            )
        )

    return logged("decide_order", order_id, lambda: recorded(work), who=who, then="sweep_orders")
