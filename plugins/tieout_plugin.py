"""The only plugin: pages inside Airflow's UI, the real-time API beside them, the timetable."""

from airflow.plugins_manager import AirflowPlugin

from tieout.access_log import hide_card_numbers
from tieout.api.mounted import mounted_app
from tieout.timetable import SettlementDays
from tieout.web.app import lazy_app

hide_card_numbers()


class TieoutPlugin(AirflowPlugin):
    """Registers what Airflow must know by name."""

    name = "tieout"
    timetables = [SettlementDays]  # noqa: RUF012 - Airflow's own shape
    fastapi_apps = [  # noqa: RUF012
        {"app": lazy_app, "url_prefix": "/tieout", "name": "Tieout"},
        {"app": mounted_app, "url_prefix": "/tieout-api", "name": "Tieout API"},
    ]
    external_views = [  # noqa: RUF012
        {
            "name": "Settlements",
            "href": "/tieout/days",
            "destination": "nav",
            "url_route": "settlements",
            "nav_top_level": True,
        },
        {
            "name": "Orders",
            "href": "/tieout/orders",
            "destination": "nav",
            "url_route": "orders",
            "nav_top_level": True,
        },
        {
            "name": "Reviews",
            "href": "/tieout/reviews",
            "destination": "nav",
            "url_route": "reviews",
            "category": "browse",
        },
        {
            "name": "Refunds waiting",
            "href": "/tieout/refunds",
            "destination": "nav",
            "url_route": "refunds",
            "category": "browse",
        },
        {
            "name": "Open items",
            "href": "/tieout/open-items",
            "destination": "nav",
            "url_route": "open-items",
            "category": "browse",
        },
        {
            "name": "Balances",
            "href": "/tieout/balances",
            "destination": "nav",
            "url_route": "balances",
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
