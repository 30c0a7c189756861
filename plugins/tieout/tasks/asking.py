"""Whoever must answer is told while the question waits, not when its time is up."""

import logging
from datetime import timedelta

from include.domain.settlement import SettlementDay
from include.services.approve_journals import ApprovalRequest
from include.wiring import tieout

log = logging.getLogger(__name__)


def tell_owner(
    day_key: str, question: ApprovalRequest, time_left: timedelta, run_id: str, asked_in: int
) -> None:
    """Send the merchant's people one message about a question of this day, by every way there is.

    ``asked_in``: the try that asked before and has no answer on record; 0 where none did.

    A mail server or chat that is down stops no question: that is logged, and the question waits.
    """
    from include.services.notify import tell_question
    from tieout.hooks.messages import chat, mail, questions_page

    day, context = SettlementDay.parse(day_key), tieout()
    is_told = tell_question(
        day,
        context.merchant(day),
        question,
        run=run_id,
        asked_in=asked_in,
        until=context.clock.now() + time_left,
        sent=context.sent_messages,
        mail=mail(),
        chat=chat(),
        link=questions_page(),
    )
    said = "its owner was told" if is_told else "its owner was told before, or cannot be told now"
    log.info("%s: %s", question.subject, said)
