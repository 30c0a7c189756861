"""The local bank, the acquirer's file server and a chat webhook that remembers."""

from include.sandbox.bank.application import BankApp
from include.sandbox.ledger import Ledger
from include.sandbox.world import World


def app(*, world: World, ledger: Ledger) -> BankApp:
    """Return the server's application; chat messages are recorded in the truth ledger."""
    return BankApp(world, ledger)


__all__ = ["BankApp", "app"]
