"""Pages for the controller and the clerk, behind Airflow's own login.

Airflow does not protect what plugins mount: every route here depends on ``get_user`` and on
the right to read the settlement DAG.
"""

from typing import Any

_app: Any = None


async def lazy_app(scope: Any, receive: Any, send: Any) -> None:
    """Build the application on its first request: every component imports this module."""
    global _app
    if _app is None:
        from tieout.web.pages import build_app

        _app = build_app()
    await _app(scope, receive, send)
