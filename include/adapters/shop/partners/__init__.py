"""Writes to shops as effects: each looks before it sends, and compares what it finds."""

from collections.abc import Mapping

from include.adapters.shop.partners.order_update import OrderUpdatePartner
from include.adapters.shop.partners.refund_record import RefundRecordPartner
from include.adapters.shop.partners.stock_level import StockLevelPartner
from include.adapters.shop.partners.webhook import WebhookPartner
from include.adapters.shop.shop_writes import ShopWrites
from include.adapters.shop.woocommerce import WooCommerce
from include.services.effects.ports import EffectKind, Partner


def partners_of(shop: ShopWrites) -> Mapping[EffectKind, Partner]:
    """Return the writes to one shop, for the effects engine."""
    partners: dict[EffectKind, Partner] = {
        EffectKind.shop_order_update: OrderUpdatePartner(shop),
        EffectKind.shop_refund: RefundRecordPartner(shop),
        EffectKind.shop_stock: StockLevelPartner(shop),
    }
    if isinstance(shop, WooCommerce):  # another shop's webhooks are registered by its own people
        partners[EffectKind.shop_webhook] = WebhookPartner(shop.webhooks)
    return partners


__all__ = [
    "OrderUpdatePartner",
    "RefundRecordPartner",
    "StockLevelPartner",
    "WebhookPartner",
    "partners_of",
]
