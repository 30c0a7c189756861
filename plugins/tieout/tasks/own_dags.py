"""The watch over our own DAGs, apart from other tasks: no fault in their code silences it."""

from tieout.desks.dag_watch import dag_alerts
from tieout.tasks.task_log import logged


def watch_dags() -> str:
    """Tell people which DAGs fail, and what makes them all fail."""
    return logged("watch_dags", "", lambda: str(dag_alerts().run()))
