"""What must have been measured of a connection before it is written through in production."""

from operator import attrgetter
from typing import TYPE_CHECKING

from include.domain.commissioning import Probe
from include.domain.merchant import Merchant
from include.wiring import Tieout

if TYPE_CHECKING:
    from tieout.hooks.cybersource import CybersourceHook
    from tieout.hooks.syspro import SysproHook


def demand_for_journals(context: Tieout, conn_id: str, erp: "SysproHook") -> None:
    """Refuse to post before SYSPRO's longest run is known. Raises ``Rejected``."""
    context.require_commissioned(conn_id, Probe.longest_run, timings=lambda: erp.timings)


def demand_for_orders(
    context: Tieout, merchant: Merchant, gateway: "CybersourceHook", erp: "SysproHook"
) -> None:
    """Refuse to work on orders before both sides are known. Raises ``Rejected``."""
    context.require_commissioned(
        merchant.cybersource_conn_id,
        Probe.search_lag,
        timings=lambda: max(gateway.timings.values(), key=attrgetter("deadline")),
    )
    context.require_commissioned(
        merchant.syspro_conn_id, Probe.repeated_order, timings=lambda: erp.timings
    )
    demand_for_journals(context, merchant.syspro_conn_id, erp)
