"""The mappings as they rule today: each merchant's rows on its own business date.

There are two questions. What *follows* an order (sagas, refunds, feeds, webhooks, alerts, pages,
the API's cancel, capture and refund) asks ``shop``, ``merchant`` and the like: the latest entry
that has begun, for the end of an entry must strand no order. What takes *new* orders, or has a shop
bring some, asks ``open_shop``: there everything must be in force.

A process outlives midnight, so the date is asked at every question and nothing is kept here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from include.domain.alerts import AlertRule
from include.domain.errors import Rejected
from include.domain.merchant import Merchant
from include.domain.order_rules import OrderRules
from include.domain.order_state import Ending
from include.domain.payment_meanings import Meaning, PaymentMeaning
from include.domain.shops import Ask, FieldMap, Shop, ShopStatus
from include.mappings.in_force import InForce, begun, demand_begun, in_force
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
    """What rules now. Every method raises ``Rejected`` where nothing has begun."""

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
        day, known = self.date_of(merchant_id), self.mappings.merchants
        return demand_begun(known, merchant_id, day, "merchant_id", "merchants.yaml")

    def merchants(self) -> dict[str, Merchant]:
        """Return the merchants that have begun, in force or ended, by id."""
        found = {
            name: begun(rules, self.date_of(name))
            for name, rules in self.mappings.merchants.items()
        }
        return {name: rule.value for name, rule in found.items() if rule is not None}

    def begun_merchants(self) -> list[Merchant]:
        """Return every entry that has begun, earlier ones of a merchant too, the newest first.

        What an earlier one left under way, maybe at another connection, is brought to its end.
        """
        there = [
            rule
            for name, rules in self.mappings.merchants.items()
            for rule in rules
            if rule.effective_from <= self.date_of(name)
        ]
        there.sort(key=lambda rule: rule.effective_from, reverse=True)
        return [rule.value for rule in there]

    # Orders ----------------------------------------------------------------------------------

    def shop(self, shop_id: str) -> Shop:
        return self._orders.shop(shop_id, self.date_of_shop(shop_id))

    def shop_began(self, shop_id: str) -> date:
        """Return the first day of a shop's first entry."""
        return min(rule.effective_from for rule in self._orders.shops[shop_id])

    def shops(self) -> dict[str, Shop]:
        """Return the shops that have begun, as their merchants have, in force or ended, by id."""
        found = {
            name: begun(rules, self.date_of_shop(name))
            for name, rules in self._orders.shops.items()
        }
        merchants = self.merchants()
        return {
            name: rule.value
            for name, rule in found.items()
            if rule is not None and rule.value.merchant_id in merchants
        }

    def open_shop(self, shop_id: str) -> Shop:
        """Return a shop that may bring new orders.

        Raises:
            Rejected: its entry, its merchant's, or that of a table by which its orders are taken
                has ended.
        """
        shop, tables = self.shop(shop_id), self._orders
        merchant_id, kind = shop.merchant_id, shop.kind.value
        day = self.date_of(merchant_id)
        needed: tuple[tuple[str, Sequence[InForce[Any]]], ...] = (
            (f"shop {shop_id!r}", tables.shops[shop_id]),
            (f"merchant {merchant_id!r}", self.mappings.merchants[merchant_id]),
            (f"the order rules of {merchant_id!r}", tables.rules.get(merchant_id, ())),
            (f"the shop fields of {kind!r}", tables.fields.get(kind, ())),
            (f"the order statuses of {kind!r}", tables.statuses.get(kind, ())),
        )
        for name, rules in needed:
            if in_force(rules, day) is None:
                latest = begun(rules, day)
                ended = f" since {latest.effective_to}" if latest else ""
                raise Rejected(
                    f"shop {shop_id!r} takes no new orders: {name} is not in force{ended}",
                    latest.where if latest else "include/mappings",
                    "Add an entry from today on if it shall; what it took before goes on anyway.",
                )
        return shop

    def open_shops(self) -> list[str]:
        """Name the shops that may bring new orders."""
        return sorted(filter(self._is_open, self.shops()))

    def _is_open(self, shop_id: str) -> bool:
        try:
            self.open_shop(shop_id)
        except Rejected:
            return False
        return True

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

    def ending(self, shop: Shop, ending: Ending, products: Sequence[str]) -> str:
        """Return why we ended an order, in the language of the shop."""
        return self._orders.ending(ending, products, self.date_of(shop.merchant_id), shop.language)

    def meanings(self, merchant_id: str) -> Meanings:
        """Return what answers to a merchant mean, for as long as the process lives."""
        return Meanings(self._orders, partial(self.date_of, merchant_id))

    def alert_rules(self) -> tuple[AlertRule, ...]:
        """Return the alert rules in force; they are of no merchant, so the day is UTC's."""
        return self._orders.alert_rules(self.business_date("UTC"))

    @property
    def _orders(self) -> OrderTables:
        return self.mappings.orders
