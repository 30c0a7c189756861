"""The local Cybersource: reporting and transaction search over HTTP, signatures checked."""

from include.sandbox.cybersource.application import CybersourceApp
from include.sandbox.ledger import Ledger
from include.sandbox.world import World


def app(*, world: World, ledger: Ledger) -> CybersourceApp:
    """Return the server's application; downloads are recorded in the truth ledger."""
    return CybersourceApp(world, ledger)


__all__ = ["CybersourceApp", "app"]
