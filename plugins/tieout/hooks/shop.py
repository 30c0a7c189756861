"""Shops as Airflow sees them: ``woocommerce``, ``generic_shop`` and ``shop_callback`` connections.

The work is done in ``include/adapters/shop``; here are the connections, the masking of secrets and
the Test button.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from airflow.sdk import BaseHook

from include.adapters.http.transport import HttpTransport
from include.adapters.http.wire import Transport
from include.adapters.shop.callbacks import CallbackPartner, transport_for
from include.adapters.shop.generic_shop import GenericShop
from include.adapters.shop.partners import partners_of
from include.adapters.shop.settings import CallbackSettings, S, ShopSettings, settings_from
from include.adapters.shop.woocommerce import WooCommerce
from include.domain.errors import IntegrationError
from include.services.effects.ports import EffectKind, Partner, Timings
from include.services.shop.ports import ShopOrder, ShopProduct, ShopRefund
from tieout.hooks.connections import connection_of
from tieout.hooks.masking import hide, hide_proxy

_SECRET_FIELDS = ("webhook_secret", "old_webhook_secret", "old_secret")


class _FromConnection(BaseHook):
    """Reads a connection into settings, once; secrets are masked first."""

    def _read(self, conn_id: str, kind: type[S]) -> S:
        found = connection_of(conn_id)
        extra = found.extra_dejson
        hide(found.password or "", *(str(extra.get(name) or "") for name in _SECRET_FIELDS))
        hide_proxy(extra)
        host = found.host or ""
        if host and "://" not in host and found.schema:
            host = f"{found.schema}://{host}"
        return settings_from(
            kind, conn_id, host, found.port, found.login or "", found.password or "", extra
        )


class _ShopHook(_FromConnection):
    """One shop; satisfies ``services.shop.ports.ShopReader``.

    Nothing is opened, and no connection is read, before the first call.
    """

    adapter: type[WooCommerce] | type[GenericShop]

    def __init__(self, conn_id: str, transport: Transport | None = None) -> None:
        super().__init__()
        self._conn_id = conn_id
        self._transport = transport
        self._shop: WooCommerce | GenericShop | None = None

    def get_conn(self) -> WooCommerce | GenericShop:
        """Return the adapter of the connection, joined at the first call.

        Raises:
            Rejected: a field of the connection is missing or unusable.
        """
        if self._shop is None:
            settings = self._read(self._conn_id, ShopSettings)
            transport = self._transport or HttpTransport(
                settings.allow_plain_http, settings.ca_bundle, proxy=settings.tunnel
            )
            self._shop = self.adapter(settings, transport)
        return self._shop

    @property
    def shop_id(self) -> str:
        return self.get_conn().shop_id

    @property
    def partners(self) -> Mapping[EffectKind, Partner]:
        """The writes, for the effects engine."""
        return partners_of(self.get_conn())

    @property
    def timings(self) -> Timings:
        """What the effects engine waits for with this shop."""
        return self.get_conn().settings.timings

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """What may have signed a webhook of this shop, the newest first."""
        return self.get_conn().settings.webhook_secrets

    @property
    def discarded_statuses(self) -> frozenset[str]:
        """Statuses of orders that somebody threw away."""
        return self.get_conn().discarded_statuses

    def orders_changed_since(
        self, since: datetime, overlap: timedelta, discarded: str = ""
    ) -> Iterator[ShopOrder]:
        """Yield changed orders, oldest change first; see the port."""
        return self.get_conn().orders_changed_since(since, overlap, discarded)

    def order(self, order_number: str) -> ShopOrder | None:
        """Return one order, ``None`` where the shop has none."""
        return self.get_conn().order(order_number)

    def refunds(self, order_number: str) -> tuple[ShopRefund, ...]:
        """Return all refunds recorded with an order."""
        return self.get_conn().refunds(order_number)

    def products(self) -> Iterator[ShopProduct]:
        """Yield every product and variation."""
        return self.get_conn().products()

    def product(self, sku: str) -> ShopProduct | None:
        """Return the product of a SKU, ``None`` where the shop has none."""
        return self.get_conn().product(sku)

    def test_connection(self) -> tuple[bool, str]:
        """List one order; say in words what is wrong: address, key or secret."""
        try:
            return True, self.get_conn().check()
        except IntegrationError as fault:
            return False, str(fault)


class WooCommerceHook(_ShopHook):
    """A WooCommerce site.

    Args:
        woocommerce_conn_id: an Airflow connection of type ``woocommerce``.
        transport: replaces the wire in tests.
    """

    conn_name_attr = "woocommerce_conn_id"
    default_conn_name = "woocommerce_default"
    conn_type = "woocommerce"
    hook_name = "WooCommerce"
    adapter = WooCommerce

    def __init__(
        self, woocommerce_conn_id: str = default_conn_name, transport: Transport | None = None
    ) -> None:
        super().__init__(woocommerce_conn_id, transport)


class GenericShopHook(_ShopHook):
    """A shop with a plain JSON API, by its declared shape.

    Args:
        generic_shop_conn_id: an Airflow connection of type ``generic_shop``.
        transport: replaces the wire in tests.
    """

    conn_name_attr = "generic_shop_conn_id"
    default_conn_name = "generic_shop_default"
    conn_type = "generic_shop"
    hook_name = "JSON shop"
    adapter = GenericShop

    def __init__(
        self, generic_shop_conn_id: str = default_conn_name, transport: Transport | None = None
    ) -> None:
        super().__init__(generic_shop_conn_id, transport)


class ShopCallbackHook(_FromConnection):
    """Events for a shop's own server, signed by Standard Webhooks.

    Args:
        shop_callback_conn_id: an Airflow connection of type ``shop_callback``.
        transport: replaces the wire in tests.
    """

    conn_name_attr = "shop_callback_conn_id"
    default_conn_name = "shop_callback_default"
    conn_type = "shop_callback"
    hook_name = "Shop callback"

    def __init__(
        self, shop_callback_conn_id: str = default_conn_name, transport: Transport | None = None
    ) -> None:
        super().__init__()
        self.shop_callback_conn_id = shop_callback_conn_id
        self._transport = transport
        self._partner: CallbackPartner | None = None

    def get_conn(self) -> CallbackPartner:
        """Return the partner of the connection, joined at the first call.

        Raises:
            Rejected: a field of the connection is missing or unusable.
        """
        if self._partner is None:
            settings = self._read(self.shop_callback_conn_id, CallbackSettings)
            self._partner = CallbackPartner(settings, self._transport or transport_for(settings))
        return self._partner

    @property
    def partners(self) -> Mapping[EffectKind, Partner]:
        """The write, for the effects engine."""
        return {EffectKind.shop_callback: self.get_conn()}

    @property
    def timings(self) -> Timings:
        """What the effects engine waits for with this receiver."""
        return self.get_conn().settings.timings

    def test_connection(self) -> tuple[bool, str]:
        """Check address and secret; nothing is sent."""
        try:
            return True, self.get_conn().check()
        except IntegrationError as fault:
            return False, str(fault)
