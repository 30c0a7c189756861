"""A person's answer outlives a database, or an API of Airflow, that is away for a moment.

Airflow hands an answer to one try of the task; the next would ask anew, and the person is gone.
"""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from airflow.sdk.exceptions import AirflowRuntimeError

from include.adapters.store.faults import is_lost_connection

log = logging.getLogger(__name__)
Said = TypeVar("Said")
PAUSES_S = (1, 2, 4, 8, 15, 30)  # a failover takes less than this minute


def recorded(record: Callable[[], Said]) -> Said:
    """Record an answer, again where the database or Airflow was lost; after a minute it is raised.

    ``record`` may be called again when it has done its work, or some of it.
    """
    for pause in PAUSES_S:
        try:
            return record()
        except Exception as fault:
            if not (is_lost_connection(fault) or isinstance(fault, AirflowRuntimeError)):
                raise
            log.warning(
                "the answer is not recorded: %s; again in %d s", type(fault).__name__, pause
            )
            time.sleep(pause)
    return record()
