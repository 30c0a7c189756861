"""The business rules between the steps of an order, as a merchant's table says them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from include.domain.errors import Rejected
from include.domain.money import Money


class OnShortStock(StrEnum):
    back_order = "back_order"  # all of it waits
    splits = "split"  # what there is goes now, the rest waits
    refuse = "refuse"


class OnCredit(StrEnum):
    """What to do with an order of a customer beyond the limit, or on hold."""

    hold = "hold"  # the sales order goes into suspense
    refuse = "refuse"
    accept = "accept"


class OnClosedShort(StrEnum):
    """What to do with money for goods that SYSPRO has invoiced less of, and will not ship."""

    ask = "ask"  # a refund waits for a person, whatever its amount
    refund = "refund"  # at once, within the limit


class CaptureWhen(StrEnum):
    at_once = "at_once"
    shipment = "shipment"


class OnExpiry(StrEnum):
    """What to do with an authorisation about to lapse."""

    capture = "capture"
    renew = "renew"
    release = "release"


@dataclass(frozen=True, slots=True)
class AmountRange:
    """The least and the most one order may come to; minor units."""

    least_minor: int
    most_minor: int


@dataclass(frozen=True, slots=True)
class OrderRules:
    """The rules of one merchant in force on a day."""

    merchant_id: str
    amounts: Mapping[str, AmountRange] = field(hash=False)  # by currency
    ship_to: tuple[str, ...]  # ISO 3166-1 alpha-2; () is everywhere
    on_short_stock: OnShortStock
    on_credit_exceeded: OnCredit
    on_customer_on_hold: OnCredit
    on_credit_unknown: OnCredit  # no rate into the limit's currency, or SYSPRO does not say all
    on_closed_short: OnClosedShort
    capture_when: CaptureWhen
    authorization_days: int
    authorization_days_by_brand: Mapping[str, int] = field(hash=False)
    on_expiry: OnExpiry
    expiry_lead_hours: int
    review_alarm_hours: int
    max_lines: int
    max_quantity: int
    refund_limit_minor: Mapping[str, int] = field(hash=False)  # by currency; see refund_limit
    refund_days: int
    reverse_partial: bool
    where: str  # "order_rules.yaml:8"

    def check_amount(self, amount: Money, where: str) -> None:
        """Let an order's total pass. The least is of what is paid: a free order has none.

        Raises:
            Rejected: the currency has no limits, or the total is outside them.
        """
        limits = self.amounts.get(amount.currency)
        if limits is None:
            raise Rejected(
                f"{self.merchant_id} takes no orders in {amount.currency}",
                where,
                f"Order in {', '.join(sorted(self.amounts))}, or add the currency to amounts "
                f"({self.where}).",
            )
        least = Money(limits.least_minor, amount.currency)
        most = Money(limits.most_minor, amount.currency)
        if 0 != amount.minor < least.minor:
            raise Rejected(f"{amount} is less than {least}", where, "Order for more.")
        if amount.minor > most.minor:
            do = f"Split the order, or raise the limit ({self.where})."
            raise Rejected(f"{amount} is more than {most}", where, do)

    def check_country(self, country: str, where: str) -> None:
        """Let a destination pass.

        Raises:
            Rejected: nothing is shipped there.
        """
        if self.ship_to and country not in self.ship_to:
            raise Rejected(
                f"nothing is shipped to {country!r}",
                where,
                f"Ship to {', '.join(self.ship_to)}, or add the country ({self.where}).",
            )

    def authorization_expires_at(self, authorized_at: datetime, brand: str = "") -> datetime:
        """Return when an authorisation stops being worth anything."""
        days = self.authorization_days_by_brand.get(brand, self.authorization_days)
        return authorized_at + timedelta(days=days)

    def expiry_due_at(self, expires_at: datetime) -> datetime:
        """Return when ``on_expiry`` is due, before an authorisation lapses."""
        return expires_at - timedelta(hours=self.expiry_lead_hours)

    def review_alarm_at(self, expires_at: datetime) -> datetime:
        """Return when an authorisation still under review is reported."""
        return expires_at - timedelta(hours=self.review_alarm_hours)

    def refund_limit(self, currency: str) -> Money | None:
        """Return what one order may give back without a second person; ``None``: nothing."""
        limit = self.refund_limit_minor.get(currency)
        return None if limit is None else Money(limit, currency)

    def gives_back_since(self, on: date) -> date:
        """Return the earliest day whose captures the gateway gives back on a day."""
        return on - timedelta(days=self.refund_days)
