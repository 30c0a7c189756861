"""The only plugin: the settlement pages inside Airflow's UI and the timetable."""

from airflow.plugins_manager import AirflowPlugin

from tieout.timetable import SettlementDays
from tieout.web.app import lazy_app


class TieoutPlugin(AirflowPlugin):
    """Registers what Airflow must know by name."""

    name = "tieout"
    timetables = [SettlementDays]  # noqa: RUF012 - Airflow's own shape
    fastapi_apps = [{"app": lazy_app, "url_prefix": "/tieout", "name": "Tieout"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Settlements",
            "href": "/tieout/days",
            "destination": "nav",
            "url_route": "settlements",
            "nav_top_level": True,
        },
        {
            "name": "Open items",
            "href": "/tieout/open-items",
            "destination": "nav",
            "url_route": "open-items",
            "category": "browse",
        },
        {
            "name": "Dead letters",
            "href": "/tieout/dead-letters",
            "destination": "nav",
            "url_route": "dead-letters",
            "category": "browse",
        },
        {
            "name": "Settlement report",
            "href": "/tieout/runs/{RUN_ID}",
            "destination": "dag_run",
            "url_route": "settlement-report",
        },
    ]
