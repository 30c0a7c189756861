"""Two local shops, WooCommerce and a plain JSON one, and a callback receiver, on one port."""

from include.sandbox.ledger import Ledger
from include.sandbox.shop.application import ShopApp
from include.sandbox.world import World


def app(*, world: World, ledger: Ledger) -> ShopApp:
    """Return the server's application; its clock shows the world's live date."""
    return ShopApp(ledger, lambda: world.live_date)


__all__ = ["ShopApp", "app"]
