"""Refunds that wait for a second person, as tasks call it; each may run again at any time."""

import logging

from include.adapters.store.audit_log import SqlAuditLog
from include.adapters.store.waiting_refunds import refunds_to_ask, waiting_refunds
from include.services.approve_journals import HELD
from include.services.orders import ask_refunds
from include.services.orders.ask_refunds import DecideRefunds
from include.wiring import tieout
from tieout.questions.recorded import recorded
from tieout.tasks.orders import desks
from tieout.tasks.task_log import logged

log = logging.getLogger(__name__)


def refunds_to_approve() -> list[str]:
    """Name the refunds to ask about, the oldest first; what a person holds rests until tomorrow."""
    context = tieout()
    since = context.clock.now() - ask_refunds.HOLD_RESTS
    held = context.approvals.decided_since(HELD, since)
    return refunds_to_ask(context.store, held)


def refund_question(refund_id: str) -> tuple[str, str] | None:
    """Return subject and body of the question, or None where nothing is to be decided any more."""
    context = tieout()
    found = waiting_refunds(context.store, refund_id)
    if not found:
        return None
    (one,) = found
    row = one.row
    limit = context.today.order_rules(one.merchant_id).refund_limit(row.amount.currency)
    ask_refunds.note_asked(one, context.approvals)
    asked = "%s of order %s, asked by %s: asked a second person; nothing moves meanwhile"
    log.info("refund %s, " + asked, refund_id, row.amount, one.number, row.asked_by)
    return ask_refunds.question(one, limit)


def approve_refund(refund_id: str, who: str) -> str:
    """Approve as a second person; see ``DecideRefunds.approve``."""

    def work() -> str:
        return str(_decide().approve(refund_id, who))

    return logged("approve_refund", refund_id, lambda: recorded(work), who=who, then="sweep_orders")


def refuse_refund(refund_id: str, who: str, reason: str) -> str:
    """End it; see ``DecideRefunds.refuse``."""

    def work() -> str:
        return str(_decide().refuse(refund_id, who, reason))

    return logged("refuse_refund", refund_id, lambda: recorded(work), who=who)


def hold_refund(refund_id: str, who: str, reason: str) -> str:
    """Leave it waiting; see ``DecideRefunds.hold``."""

    def work() -> str:
        return str(_decide().hold(refund_id, who, reason))

    follows = "it is asked about again while it waits"
    return logged("hold_refund", refund_id, lambda: recorded(work), who=who, then=follows)


def _decide() -> DecideRefunds:
    context = tieout()
    return DecideRefunds(desks().service, context.approvals, SqlAuditLog(context.store))
