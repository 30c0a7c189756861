"""Which mapping files there are, and the shape of each."""

from include.mappings.schema import (
    ChargebackReasonsEntry,
    Entry,
    FeeCodesEntry,
    FeeScheduleEntry,
    FxRatesEntry,
    GlTemplateEntry,
    MerchantEntry,
)
from include.mappings.schema_orders import (
    AlertEntry,
    OrderRulesEntry,
    OrderStatusesEntry,
    PaymentStatusesEntry,
    ShopperMessagesEntry,
)
from include.mappings.schema_shops import ShopEntry, ShopFieldsEntry

# File name -> (the one key it holds, the shape of an entry).
FILES: dict[str, tuple[str, type[Entry]]] = {
    "merchants.yaml": ("merchants", MerchantEntry),
    "gl_templates.yaml": ("gl_templates", GlTemplateEntry),
    "fee_codes.yaml": ("fee_codes", FeeCodesEntry),
    "fee_schedules.yaml": ("fee_schedules", FeeScheduleEntry),
    "chargeback_reasons.yaml": ("chargeback_reasons", ChargebackReasonsEntry),
    "fx_rates.yaml": ("fx_rates", FxRatesEntry),
    "shops.yaml": ("shops", ShopEntry),
    "shop_fields.yaml": ("shop_fields", ShopFieldsEntry),
    "payment_statuses.yaml": ("payment_statuses", PaymentStatusesEntry),
    "shopper_messages.yaml": ("shopper_messages", ShopperMessagesEntry),
    "order_statuses.yaml": ("order_statuses", OrderStatusesEntry),
    "order_rules.yaml": ("order_rules", OrderRulesEntry),
    "alerts.yaml": ("alerts", AlertEntry),
}
