"""How every task tells its log: what it was about, how it ended, in which time, what is next."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowRuntimeError, AirflowTaskTimeout

from include.adapters.store.api_alerts import SqlAlarms
from include.domain.card_numbers import CardNumberRefused
from include.services.effects.chain import signer
from include.wiring import tieout
from tieout import metrics
from tieout.retry import what_follows

log = logging.getLogger(__name__)
Outcome = TypeVar("Outcome")


def logged(
    name: str,
    about: str,
    work: Callable[[], Outcome],
    *,
    words: Callable[[Outcome], str] = str,
    merchant: str = "",
    who: str = "",
    then: str = "nothing",
    after_a_fault: str = "",
) -> Outcome:
    """Do a task's work and return its outcome; a card number that it refuses rings the alarm.

    Args:
        name: what is called, mostly the task; also the metric's ``step``.
        about: the reference: a settlement day, shop, merchant, order or refund; '' for all.
        work: does it and returns the outcome.
        words: says the outcome in one line.
        merchant: whose time it is, for the metric; '' where it is nobody's alone.
        who: whose words it carries; '' where it is nobody's.
        then: what follows when it is done.
        after_a_fault: what follows a fault; '' where the task ends with it.
    """
    call, began = f"{name} {about}".rstrip(), time.monotonic()
    log.info("%s begins", call)
    try:
        outcome = work()
    except (Exception, AirflowTaskTimeout) as fault:
        spent, follows = time.monotonic() - began, after_a_fault or _follows(fault)
        log.warning("%s failed after %.1f s: %s; next: %s", call, spent, _words(fault), follows)
        if isinstance(fault, CardNumberRefused):
            whose = signer("airflow", who) if who else call
            SqlAlarms(tieout().store).card_number(whose, fault.what)
        raise
    seconds = time.monotonic() - began
    metrics.timing("seconds", seconds, step=name, merchant=merchant)
    log.info("%s done in %.1f s: %s; next: %s", call, seconds, words(outcome), then)
    return outcome


def _follows(fault: BaseException) -> str:
    try:
        context = get_current_context()
    except RuntimeError:  # called by a test or from a shell: no task, so no further try
        return what_follows(fault, 1, 0)
    task = context["ti"]
    try:
        return what_follows(fault, task.try_number, task.max_tries, context)
    except (AirflowRuntimeError, OSError, EOFError):  # Airflow does not say what it has kept
        return what_follows(fault, task.try_number, task.max_tries)


def _words(fault: BaseException) -> str:
    """Name the family, as runbooks do; of a group, what is in it."""
    if isinstance(fault, BaseExceptionGroup):
        return f"{fault.message}: " + "; ".join(_words(one) for one in fault.exceptions)
    return f"{type(fault).__name__}: {fault}"
