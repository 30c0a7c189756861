"""A local Cybersource, SYSPRO, bank and two shops over real HTTP, with faults and a truth ledger.

Everything here is invented and needs no account. It shares no code with the product, so that
neither can hide the other's mistakes. ``python -m include.sandbox`` runs it alone;
:func:`start` runs it inside a test.
"""

from datetime import date
from pathlib import Path

from include.sandbox.board import Sandbox, new_ledger
from include.sandbox.server import PortBusy

__all__ = ["PortBusy", "Sandbox", "start"]

START = date(2026, 3, 1)
DAYS = 275


def start(
    *,
    seed: int = 7,
    port: int = 0,
    host: str = "127.0.0.1",
    start: date = START,
    days: int = DAYS,
    volume: int | None = None,
    open_from: tuple[int, int] | None = None,
    ledger: Path | None = None,
    live_date: date | None = None,
) -> Sandbox:
    """Start all servers in this process and return at once; the world is made on demand.

    ``port`` is Cybersource's; SYSPRO, the bank, the control server and the shops follow. 0 takes
    free ports.
    ``volume`` is sales on an average day and merchant. ``open_from`` is the first (year, period)
    that SYSPRO takes postings in. ``live_date`` is the business date of everything that callers do
    from now on, in all systems; the world's last day unless one is given.

    Raises:
        PortBusy: one of the ports is taken.
        ValueError: the live date lies outside the world's days.
    """
    from include.sandbox import bank, cybersource, shop
    from include.sandbox.syspro import SysproApp
    from include.sandbox.world import World

    options = {} if volume is None else {"volume": volume}
    world = World(seed=seed, start=start, days=days, live_date=live_date, **options)
    rows = new_ledger(ledger)
    apps = (
        cybersource.app(world=world, ledger=rows),
        SysproApp(world, rows, open_from, live_date),
        bank.app(world=world, ledger=rows),
        shop.app(world=world, ledger=rows),
    )
    return Sandbox(world, apps, rows, host=host, port=port)
