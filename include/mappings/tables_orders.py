"""The tables of order to cash in force: what the saga, the adapters and the alarms ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from include.domain.alerts import AlertKind, AlertRule
from include.domain.errors import Rejected
from include.domain.order_rules import OrderRules
from include.domain.order_state import Ending
from include.domain.payment_meanings import Meaning, MoneyEffect, PaymentMeaning, Retry
from include.domain.shops import Ask, FieldMap, Shop, ShopKind, ShopStatus, ShopStatuses
from include.mappings.in_force import InForce, begun, demand_begun, in_force
from include.mappings.payment_words import ANY, REASON_CODE

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class MeaningRule:
    """One row: what a status or a reason means."""

    meaning: Meaning
    money: MoneyEffect
    tell: str
    retry: Retry
    by_reason: bool = False


@dataclass(frozen=True, slots=True)
class PaymentTable:
    """The rows of one operation."""

    statuses: Mapping[str, MeaningRule]
    reasons: Mapping[str, MeaningRule]


_NOT_KNOWN = MeaningRule(Meaning.look, MoneyEffect.unknown, "unknown", Retry.wait)
_NO_ROWS = PaymentTable({}, {})
Dated = Mapping[str, Sequence[InForce[Value]]]


@dataclass(frozen=True, slots=True, eq=False)
class OrderTables:
    """What a shop's order is read, judged, written and told by. Read-only.

    Every question takes the day, in the merchant's calendar. An order is taken by the rules of its
    day, and each later step by those of the step's own day: what a step has fixed (a sales order, a
    purchase order, when an authorisation lapses) stays, whatever a later entry says.

    The latest entry that has begun answers, even one that has ended: an end must strand no order.
    Who may take a *new* order asks ``Today.open_shop``. Only an alert ends with its entry.
    """

    shops: Dated[Shop]
    fields: Dated[FieldMap]  # by shop kind
    payments: Dated[PaymentTable]  # by operation
    messages: Dated[Mapping[str, str]]  # by language
    endings: Dated[Mapping[Ending, str]]  # by language
    statuses: Dated[ShopStatuses]  # by shop kind
    rules: Dated[OrderRules]  # by merchant
    alerts: Dated[AlertRule]  # by kind

    def shop(self, shop_id: str, on: date) -> Shop:
        """Return a shop.

        Raises:
            Rejected: there is none.
        """
        return demand_begun(self.shops, shop_id, on, "shop_id", "shops.yaml")

    def field_map(self, kind: ShopKind, on: date) -> FieldMap:
        """Return how orders of a kind of shop are read.

        Raises:
            Rejected: nothing says so.
        """
        return demand_begun(self.fields, kind.value, on, "shop_kind", "shop_fields.yaml")

    def order_rules(self, merchant_id: str, on: date) -> OrderRules:
        """Return a merchant's rules.

        Raises:
            Rejected: there are none.
        """
        return demand_begun(self.rules, merchant_id, on, "merchant_id", "order_rules.yaml")

    def shop_status(self, kind: ShopKind, state: str, on: date) -> ShopStatus:
        """Return what a shop is told of a state, or of ``shipped``.

        Raises:
            Rejected: nothing says so.
        """
        found = demand_begun(self.statuses, kind.value, on, "shop_kind", "order_statuses.yaml").told
        if state not in found:
            raise Rejected(
                f"a {kind.value} shop has no word for {state!r}",
                "order_statuses.yaml",
                f"Add the line '{state}: {{status: ...}}' under statuses of {kind.value}.",
            )
        return found[state]

    def shop_asks(self, kind: ShopKind, on: date) -> Mapping[str, Ask]:
        """Return what each status of a shop's own asks of us; one that is missing asks nothing.

        Raises:
            Rejected: nothing says so.
        """
        return demand_begun(self.statuses, kind.value, on, "shop_kind", "order_statuses.yaml").asks

    def alert(self, kind: AlertKind, on: date) -> AlertRule | None:
        """Return whom to tell of a kind, or nobody where no entry is in force."""
        found = in_force(self.alerts.get(kind.value, ()), on)
        return found.value if found else None

    def alert_rules(self, on: date) -> tuple[AlertRule, ...]:
        """Return every alert rule in force."""
        found = (self.alert(kind, on) for kind in AlertKind)
        return tuple(rule for rule in found if rule is not None)

    def meaning(self, operation: str, status: str, reason: str, on: date) -> Meaning:
        """Return what an answer means in one word; see ``payment``."""
        return self._row(operation, status, reason, on).meaning

    def payment(
        self, operation: str, status: str, reason: str, on: date, language: str
    ) -> PaymentMeaning:
        """Return what an answer means; one that no row names is ``look``, never a guess.

        Args:
            operation: authorization, capture, refund, credit, reversal, void or decision.
            status: the vendor's; ``""`` for a search row of which only a number is known.
            reason: the vendor's word or three-digit code; ``""`` where there is none.
            on: the day.
            language: of the sentence.

        Raises:
            Rejected: the code has no sentence in that language on the day.
        """
        row = self._row(operation, status, reason, on)
        known = demand_begun(self.messages, language, on, "language", "shopper_messages.yaml")
        if row.tell not in known:
            raise Rejected(
                f"{row.tell!r} has no sentence in {language!r} on {on}",
                "shopper_messages.yaml",
                f"Add the line '{row.tell}: <sentence>' under messages of {language}.",
            )
        return PaymentMeaning(row.meaning, row.money, row.tell, known[row.tell], row.retry)

    def ending(self, ending: Ending, products: Sequence[str], on: date, language: str) -> str:
        """Return what a shopper may read of why we ended an order: a clause without a full stop.

        Raises:
            Rejected: the language has none.
        """
        known = demand_begun(self.endings, language, on, "language", "shopper_messages.yaml")
        return known[ending].replace("{products}", ", ".join(products))

    def _row(self, operation: str, status: str, reason: str, on: date) -> MeaningRule:
        own, shared = self._payments(operation, on), self._payments(ANY, on)
        found = own.statuses.get(status)
        if found is None and status:
            return _NOT_KNOWN
        if found is not None and (not found.by_reason or not reason):
            return found
        table = self._payments(REASON_CODE, on) if reason.isdecimal() else own
        return table.reasons.get(reason) or shared.reasons.get(reason) or _NOT_KNOWN

    def _payments(self, operation: str, on: date) -> PaymentTable:
        found = begun(self.payments.get(operation, ()), on)
        return found.value if found else _NO_ROWS
