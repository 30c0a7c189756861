"""Make ready once what every task needs, in the process that forks task processes.

``$AIRFLOW_HOME/config/airflow_local_settings.py`` calls ``preload``: Airflow imports that file at
the start of every component. Importing Great Expectations costs seconds, building its suites a
tenth of one and checking the mappings a thirtieth; a forked task then inherits all for free. Our
own modules take each task another 0.15 s. Polars stays out: it starts threads as it is imported,
and a fork would take their locks along without them.
"""

import logging
import sys
from collections.abc import Sequence
from importlib import import_module

from include.domain.errors import Rejected

_FORKING = (["scheduler"], ["celery", "worker"], ["standalone"])
# What brings most of our modules along, and no Polars.
_OURS = (
    "include.wiring",
    "include.adapters.syspro.adapter",
    "include.adapters.cybersource.webhooks.partner",
    "include.adapters.shop.partners.webhook",
    "include.adapters.layouts.reading.rows",
    "include.adapters.store.comparison",
    "include.adapters.store.refunds",
    "include.adapters.store.reports",
    "include.adapters.webhook_verifiers",
    "include.services.build_journals",
    "include.services.classify_lines",
    "include.services.comparing.compare_systems",
    "include.services.disputes.watch",
    "include.services.match_funding",
    "include.services.match_lines",
)
_log = logging.getLogger(__name__)


def preload(arguments: Sequence[str] | None = None) -> bool:
    """Make the gate and the mappings ready where tasks are forked; say whether that was done."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not any(words[: len(component)] == component for component in _FORKING):
        return False
    from include.adapters.quality.runner import GxGate
    from include.mappings.load import load_mappings

    GxGate.prepare()
    import_ours()
    try:
        load_mappings()
    except Rejected as error:  # somebody mends a file: each task reads it anew and says so itself
        _log.warning("The mappings are not in order; tasks that need them will fail. %s", error)
    return True


def import_ours() -> None:
    """Import what most tasks need of ours."""
    for name in _OURS:
        import_module(name)
