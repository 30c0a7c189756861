"""The mappings as they rule today: each merchant's rows on its own business date.

A process outlives midnight, so the date is asked at every question and nothing is kept here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial

from include.domain.alerts import AlertRule
from include.domain.errors import Rejected
from include.domain.merchant import Merchant
from include.domain.order_rules import OrderRules
from include.domain.payment_meanings import Meaning, PaymentMeaning
from include.domain.shops import Ask, FieldMap, Shop, ShopStatus
from include.mappings.in_force import in_force
from include.mappings.tables import Mappings
from include.mappings.tables_orders import OrderTables


@dataclass(frozen=True, slots=True)
class Meanings:
    """What answers of the gateway mean, in one word; satisfies its adapter's ``ReasonTable``."""

    tables: OrderTables
    day: Callable[[], date]

    def meaning(self, operation: str, status: str, reason: str) -> Meaning:
        return self.tables.meaning(operation, status, reason, self.day())


@dataclass(frozen=True, slots=True)
class Today:
    """What is in force now. Every method raises ``Rejected`` where nothing is."""

    mappings: Mappings
    business_date: Callable[[str], date]  # by zone

    def date_of(self, merchant_id: str) -> date:
        """Return the merchant's business date; all its entries name one zone."""
        rules = self.mappings.merchants.get(merchant_id, ())
        if not rules:
            raise Rejected(
                f"merchant {merchant_id!r} is not configured",
                "merchants.yaml",
                f"Add an entry with 'merchant_id: {merchant_id}'.",
            )
        return self.business_date(rules[0].value.zone)

    def date_of_shop(self, shop_id: str) -> date:
        """Return the business date of a shop's merchant, whom all its entries name."""
        rules = self._orders.shops.get(shop_id, ())
        if not rules:
            raise Rejected(
                f"shop_id {shop_id!r} is not configured",
                "shops.yaml",
                f"Add an entry with 'shop_id: {shop_id}'.",
            )
        return self.date_of(rules[0].value.merchant_id)

    # Merchants -------------------------------------------------------------------------------

    def merchant(self, merchant_id: str) -> Merchant:
        return self.mappings.merchant(merchant_id, self.date_of(merchant_id))

    def merchants(self) -> dict[str, Merchant]:
        """Return the merchants in force, by id."""
        found = {
            name: in_force(rules, self.date_of(name))
            for name, rules in self.mappings.merchants.items()
        }
        return {name: rule.value for name, rule in found.items() if rule is not None}

    def begun_merchants(self) -> list[Merchant]:
        """Return every entry that has begun, the newest first.

        One that has ended is among them: what it left under way is still brought to its end.
        """
        begun = [
            rule
            for name, rules in self.mappings.merchants.items()
            for rule in rules
            if rule.effective_from <= self.date_of(name)
        ]
        begun.sort(key=lambda rule: rule.effective_from, reverse=True)
        return [rule.value for rule in begun]

    # Orders ----------------------------------------------------------------------------------

    def shop(self, shop_id: str) -> Shop:
        return self._orders.shop(shop_id, self.date_of_shop(shop_id))

    def shops(self) -> dict[str, Shop]:
        """Return the shops in force, by id."""
        found = {
            name: in_force(rules, self.date_of_shop(name))
            for name, rules in self._orders.shops.items()
        }
        return {name: rule.value for name, rule in found.items() if rule is not None}

    def order_rules(self, merchant_id: str) -> OrderRules:
        return self._orders.order_rules(merchant_id, self.date_of(merchant_id))

    def field_map(self, shop: Shop) -> FieldMap:
        return self._orders.field_map(shop.kind, self.date_of(shop.merchant_id))

    def shop_asks(self, shop: Shop) -> Mapping[str, Ask]:
        return self._orders.shop_asks(shop.kind, self.date_of(shop.merchant_id))

    def shop_status(self, shop: Shop, state: str) -> ShopStatus:
        return self._orders.shop_status(shop.kind, state, self.date_of(shop.merchant_id))

    def payment(self, shop: Shop, operation: str, status: str, reason: str) -> PaymentMeaning:
        """Return what an answer means, with its sentence in the language of the shop."""
        day = self.date_of(shop.merchant_id)
        return self._orders.payment(operation, status, reason, day, shop.language)

    def meanings(self, merchant_id: str) -> Meanings:
        """Return what answers to a merchant mean, for as long as the process lives."""
        return Meanings(self._orders, partial(self.date_of, merchant_id))

    def alert_rules(self) -> tuple[AlertRule, ...]:
        """Return the alert rules in force; they are of no merchant, so the day is UTC's."""
        return self._orders.alert_rules(self.business_date("UTC"))

    @property
    def _orders(self) -> OrderTables:
        return self.mappings.orders
