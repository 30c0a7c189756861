"""What is kept no longer than it is of use, as a task calls it. Runbook: retention."""

from datetime import timedelta

from include.adapters.store.api_answers import SqlAnswers
from include.adapters.store.inbox import SqlInbox
from include.adapters.store.leases import SqlLeases
from include.services.api.answer_once import KEPT_FOR
from include.wiring import tieout
from tieout.tasks.task_log import logged


def drop_old() -> str:
    """Drop the bytes of webhooks that were dealt with, old answers of the API, lapsed leases."""

    def work() -> str:
        store, days = tieout().store, tieout().settings.inbox_days
        emptied = SqlInbox(store).empty(timedelta(days=days))
        gone, lapsed = SqlAnswers(store).purge(KEPT_FOR), SqlLeases(store).purge()
        events = f"{emptied} events older than {days} days emptied"
        answers = f"{gone} answers older than {KEPT_FOR.days} days gone"
        return f"{events}, {lapsed} leases that lapsed long ago and {answers}"

    return logged("drop_old", "", work)
