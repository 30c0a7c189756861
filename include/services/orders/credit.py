"""Whether a customer may owe an order too: limit, balance and order compared in one currency.

SYSPRO keeps a limit in the company's currency or the customer's, and what is owed in the
customer's. What is not known, an amount or a rate, is not taken for zero: the merchant's rule says
what to do then.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from include.domain.erp_orders import CustomerCredit
from include.domain.errors import Rejected
from include.domain.money import Money, total
from include.domain.order_rules import OnCredit, OrderRules
from include.services.orders.ports import Rates


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found, and why; both go into the order's story."""

    verdict: str  # good, exceeded, on_hold, unknown
    why: str = ""

    def rule(self, rules: OrderRules) -> OnCredit:
        """Return what the merchant wants done about it."""
        return {
            "exceeded": rules.on_credit_exceeded,
            "on_hold": rules.on_customer_on_hold,
            "unknown": rules.on_credit_unknown,
        }.get(self.verdict, OnCredit.accept)


def judge(order: Money, found: CustomerCredit, rates: Rates, on: date) -> Judged:
    """Weigh an order against what SYSPRO says of its customer.

    Args:
        order: what it comes to, tax included.
        found: the account of a customer that exists.
        rates: of the shop.
        on: the merchant's business date: the day of the rate.

    Raises:
        Retryable: SYSPRO could not be asked for its rate.
    """
    if found.is_on_hold:
        return Judged("on_hold")
    limit = found.credit_limit
    if limit is None:
        return Judged("unknown", "SYSPRO does not say its limit")
    if not limit.minor:
        return Judged("good")  # SYSPRO's zero is no limit
    if found.balance is None or found.outstanding_orders is None:
        what = "balance" if found.balance is None else "outstanding orders"
        return Judged("unknown", f"SYSPRO does not say its {what}, and there is a limit of {limit}")
    owed = (found.balance, found.outstanding_orders, order)
    try:
        together = _in_one_currency(owed, limit.currency, rates, on)
    except Rejected as fault:
        return Judged("unknown", str(fault))
    if together.minor > limit.minor:
        return Judged("exceeded", f"{together} with this order, the limit is {limit}")
    return Judged("good")


def _in_one_currency(amounts: tuple[Money, ...], currency: str, rates: Rates, on: date) -> Money:
    """Add up each currency, then convert its sum: one rounding each."""
    by_currency: dict[str, list[Money]] = defaultdict(list)
    for amount in amounts:
        by_currency[amount.currency].append(amount)
    sums = (total(found, name) for name, found in by_currency.items())
    return total((rates.convert(one, currency, on) for one in sums), currency)
