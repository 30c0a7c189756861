"""What is kept no longer than it is of use, as a task calls it. Runbook: retention."""

from datetime import timedelta

from include.adapters.store.inbox import SqlInbox
from include.wiring import tieout
from tieout.tasks.task_log import logged


def empty_inbox() -> str:
    """Drop the bytes of webhooks that were dealt with long ago."""

    def work() -> str:
        days = tieout().settings.inbox_days
        emptied = SqlInbox(tieout().store).empty(timedelta(days=days))
        return f"{emptied} events older than {days} days emptied"

    return logged("empty_inbox", "", work)
