"""A step of a settlement day as a task: a key in, the log and the day told, the key out.

What it did is logged with the seconds it took and the step that follows; a ``Rejected`` is kept
with the day, so that the page and the report can say why.
"""

import functools
from collections.abc import Callable

from include.domain.errors import Rejected
from include.domain.merchant import Merchant
from include.domain.settlement import SettlementDay
from include.wiring import Tieout, tieout
from tieout.retry import decisive, faults_of
from tieout.tasks.steps import BLOCKED, NEXT, missing_before, not_ended
from tieout.tasks.task_log import logged
from tieout.tasks.turn import day_of_run, leave


class DayNotProven(Rejected):
    """The report is written; the day's own trouble is already on record."""


Step = Callable[[Tieout, SettlementDay, Merchant], str]
LAST = "report"  # its end is the run's, whether or not the day is proven


def day_step(work: Step) -> Callable[[str], str]:
    """Wrap a step: parse the key, tell the log, keep with the day how it ended.

    A step that needs one which has not ended is refused, and the day is blocked at that one.
    No step works while another run has the day: both would write how far it has come, and one would
    book what the other has not checked.
    """
    name = work.__name__

    @functools.wraps(work)
    def run(day_key: str) -> str:
        day, context = SettlementDay.parse(day_key), tieout()

        def recorded() -> str:
            demand_ended(context, day, name)
            try:
                state = work(context, day, context.merchant(day))
            except DayNotProven:
                raise
            except Exception as error:
                _keep_refusal(context, day, name, error)
                raise
            if state:
                context.days.record(day, state)
            return state or "the day's state stays"

        def alone() -> str:
            with day_of_run(context, day):
                return recorded()

        follows = NEXT.get(name, "nothing")
        try:
            logged(name, day_key, alone, merchant=day.merchant_id, then=follows)
        except DayNotProven:
            leave(context, day)
            raise
        if name == LAST:
            leave(context, day)
        return day_key

    return run


def demand_ended(context: Tieout, day: SettlementDay, step: str) -> None:
    """Let a step begin only once each that it needs has ended; else the day is blocked at that one.

    Raises:
        Rejected: one has not.
    """
    known = context.days.get(day)
    if missing := missing_before(step, known):
        refusal = not_ended(missing, step, day)
        if known is None or known.state != BLOCKED:  # what stopped it there says more
            context.days.record(day, BLOCKED, reason=f"{missing}: {refusal}")
        raise refusal


def _keep_refusal(context: Tieout, day: SettlementDay, at: str, error: Exception) -> None:
    if isinstance(decisive(error), Rejected):
        why = "; ".join(str(one) for one in faults_of(error))
        context.days.record(day, BLOCKED, reason=f"{at}: {why}")
