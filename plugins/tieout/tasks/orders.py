"""Order to cash as tasks call it: one function per task, safe to run again at any time.

What each did is logged with its counts; what it could not do is a dead letter or comes again.
"""

import functools
import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

from include.domain.errors import IntegrationError, OutcomeUnknown, Rejected, Retryable
from include.services.inbox.handle_events import HandleEvents
from include.wiring import tieout
from tieout import metrics
from tieout.order_desk import Desks, ShopDesk
from tieout.order_feeds import (
    FIRST_POLL,
    decision_poll,
    order_follower,
    refund_push,
    shop_sync,
    stock_push,
    webhook_keeper,
)
from tieout.retry import decisive

log = logging.getLogger(__name__)
_NICENESS = 10
_SWEEP = 500  # orders and refunds of one run; the rest a minute later


@functools.cache
def desks() -> Desks:
    """Return this process's desks."""
    return Desks(tieout())


def timed(name: str, work: Callable[[], object]) -> str:
    began = time.monotonic()
    log.info("%s begins", name)
    try:
        found = str(work())
    except (IntegrationError, ExceptionGroup) as fault:
        spent = time.monotonic() - began
        log.warning("%s failed after %.1f s, %s: %s", name, spent, what_follows(fault), fault)
        raise
    seconds = time.monotonic() - began
    metrics.timing("seconds", seconds, step=name.partition(" ")[0], merchant="")
    log.info("%s done in %.1f s: %s", name, seconds, found)
    return found


def what_follows(fault: BaseException) -> str:
    """Say what ``FamilyRetryPolicy`` makes of a fault, for whoever reads the log."""
    fault = decisive(fault)
    if isinstance(fault, Rejected):
        return "and fails again until someone acts"
    if isinstance(fault, OutcomeUnknown):
        return "the outcome is unknown; the next try looks before it sends"
    if isinstance(fault, Retryable):
        return "nothing happened; it is tried again"
    return "which is no fault of the outside; it is tried twice more"


def shop_ids() -> list[str]:
    """Name the shops; tasks are mapped over them."""
    return desks().shop_ids()


def sweep_orders() -> str:
    """Drive every order and refund that is due: what the API's worker did not get to."""
    let_shoppers_go_first()
    watch_store()
    return timed("sweep_orders", lambda: f"{desks().sweep(_SWEEP)} driven")


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
    from include.adapters.store.inbox import SqlInbox
    from tieout.webhook_desk import handlers

    handling = HandleEvents(SqlInbox(tieout().store), handlers(desks()), "integration")
    return timed("handle_inbox", handling.run)


def poll_shop(shop_id: str) -> str:
    """Take a shop's new and changed orders in."""
    begin = _begin(desks().of(shop_id))
    return timed(f"poll_shop {shop_id}", lambda: shop_sync(desks(), shop_id).poll(begin))


def keep_webhooks(shop_id: str) -> str:
    """Have the shop call us, as its connection says; without webhooks the polls find everything."""
    desk = desks().of(shop_id)
    keeper = webhook_keeper(desk)
    if keeper is None:
        return "its own people register them"
    today = tieout().business_date(desk.merchant.zone)
    return timed(f"keep_webhooks {shop_id}", lambda: keeper.run(today))


def poll_erp(shop_id: str) -> str:
    """Hear what SYSPRO's clerks did: credit notes, cancellations, invoices, shipments."""
    desk = desks().of(shop_id)
    begin = _begin(desk).date().isoformat()

    def work() -> str:
        with desk.erp.session():
            refunds = refund_push(desks(), desk).poll(begin)
            orders = order_follower(desks(), desk).poll(begin)
        return f"refunds: {refunds}; orders: {orders}"

    return timed(f"poll_erp {shop_id}", work)


def _begin(desk: ShopDesk) -> datetime:
    """Say where a first poll starts: some days before the merchant's business date."""
    day = tieout().business_date(desk.merchant.zone) - FIRST_POLL
    return datetime.combine(day, datetime.min.time(), UTC)


def poll_decisions(shop_id: str) -> str:
    """Hear Decision Manager's decisions: what a lost webhook would have told."""
    desk, context = desks().of(shop_id), tieout()
    waiting = context.orders.under_review(desk.merchant.merchant_id)
    begin = _begin(desk)
    poll = decision_poll(desks(), desk)
    return timed(f"poll_decisions {shop_id}", lambda: poll.poll(begin, waiting))


def push_stock(shop_id: str) -> str:
    """Show in the shop what SYSPRO can promise."""
    desk = desks().of(shop_id)

    def work() -> str:
        with desk.erp.session():
            return str(stock_push(desks(), desk).push(tieout().clock.now()))

    return timed(f"push_stock {shop_id}", work)


def orders_to_review() -> list[str]:
    """Name the orders that wait for a fraud decision, those about to expire first."""
    from include.adapters.store import order_screen

    return [one.order_id for one in order_screen.waiting(tieout().store)]


def review_question(order_id: str) -> tuple[str, str] | None:
    """Return subject and body of the question, or None where nothing is to be decided any more."""
    from include.adapters.store import order_screen
    from include.services.ask_reviews import question

    found = order_screen.waiting(tieout().store, order_id)
    if not found:
        return None
    rules = tieout().today.order_rules(found[0].merchant_id)
    return question(found[0], rules, tieout().clock.now())


def decide_order(order_id: str, *, is_accepted: bool, who: str, comment: str) -> str:
    """Carry an analyst's answer to the gateway's case and into the order.

    Raises:
        Rejected: it was decided meanwhile, the other way or elsewhere.
    """
    from include.domain.reviews import Decision
    from include.services.orders.decide_review import decide_review

    shop_id = tieout().orders.content(order_id).shop_id
    decision = Decision.accept if is_accepted else Decision.reject

    def work() -> object:
        engine = desks().of(shop_id).engine
        return decide_review(
            desks().service, engine, order_id, decision, analyst=who, comments=comment
        )

    return timed(f"decide_order {order_id}", work)
