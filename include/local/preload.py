"""Import the slow libraries once, in the process that task processes are forked from.

Without this every task pays some six seconds for Great Expectations. Put on the path of every
component as ``airflow_local_settings``; it acts in the scheduler and the Celery worker alone.
"""

import logging
import sys


def preload() -> None:
    """Import what tasks need if this process forks tasks; do nothing elsewhere."""
    if sys.argv[1:2] != ["scheduler"] and sys.argv[1:3] != ["celery", "worker"]:
        return
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations  # noqa: F401
    import pandas  # noqa: F401
