"""Make Great Expectations ready once, in the process that forks task processes.

``$AIRFLOW_HOME/config/airflow_local_settings.py`` calls ``preload``: Airflow imports that file at
the start of every component. The import costs seconds and building the suites a tenth of one; a
forked task then inherits both for free.
"""

import logging
import os
import sys
from collections.abc import Sequence

_FORKING = (["scheduler"], ["celery", "worker"], ["standalone"])


def quiet() -> None:
    """Switch off what Great Expectations would send home or write into every task log."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    logging.getLogger("posthog").setLevel(logging.CRITICAL)


def preload(arguments: Sequence[str] | None = None) -> bool:
    """Make the gate ready where task processes are forked; say whether that was done."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not any(words[: len(component)] == component for component in _FORKING):
        return False
    quiet()
    from include.adapters.quality.runner import GxGate

    GxGate.prepare()
    return True
