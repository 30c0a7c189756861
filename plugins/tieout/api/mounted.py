"""The API under Airflow's API server. Cheap to import: every component imports the plugin."""

from typing import Any

_app: Any = None


async def mounted_app(scope: Any, receive: Any, send: Any) -> None:
    """Build the application on its first request.

    No lifespan reaches a mounted application, so its threads start with the first request. They
    sweep no sagas here unless ``TIEOUT_API_WORKER=on``: the DAGs do.
    """
    global _app
    if _app is None:
        from tieout.api.app import LazyApp

        _app = LazyApp(runs_alone=False)
    await _app(scope, receive, send)
