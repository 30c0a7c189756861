"""P5, P7, P8 and P9: what SYSPRO says to things that write nothing."""

from dataclasses import replace
from datetime import date
from typing import Protocol

from include.domain.erp_orders import AddSalesOrder, ErpAddress
from include.domain.errors import Rejected
from include.domain.journal import Journal
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.orders import LineKind, OrderLine, reference_of
from include.services.commissioning.findings import (
    ClosedPeriod,
    LongestAddress,
    RepeatedOrder,
    SecondLogon,
)

_SHORTEST = 1_000  # characters of an address
_FINE_ENOUGH = 64
_PAYS = 100  # minor units


class Rehearsals(Protocol):
    """SYSPRO, asked without writing; all raise ``Retryable`` and ``Rejected``: could not ask."""

    def refusal_of_order(self, order: AddSalesOrder) -> str: ...

    def refusal_of_journal(self, journal: Journal) -> tuple[str, bool]: ...

    def takes_address(self, length: int) -> tuple[int, str]: ...

    def second_logon(self) -> tuple[str, str]: ...


def trial_order(
    merchant: Merchant,
    *,
    customer: str,
    purchase_order: str,
    stock_code: str,
    unit: str,
    warehouse: str,
    on: date,
) -> AddSalesOrder:
    """Build an order of one unit at 1.00, in the company's own currency."""
    price, nothing = Money(_PAYS, merchant.base_currency), Money(0, merchant.base_currency)
    line = OrderLine(
        1, LineKind.goods, "Commissioning", 1_000_000, price, nothing, stock_code, unit
    )
    return AddSalesOrder(
        company_id=merchant.company_id,
        customer=customer,
        purchase_order=purchase_order,
        order_date=on,
        currency=merchant.base_currency,
        amount=price,
        lines=(line,),
        ship_name="Tieout Commissioning",
        ship_to=ErpAddress(("1 Market Street", "", "", "", ""), ""),
        email="",
        warehouse=warehouse,
    )


def measure_repeated_order(order: AddSalesOrder, erp: Rehearsals, name: str) -> RepeatedOrder:
    """Have an order of a PO that is taken validated, and beside it one of a PO that is not.

    Args:
        order: carries the PO of an open order of its customer.
        erp: SYSPRO.
        name: of this measurement; makes the other PO.

    Raises:
        Rejected: the fresh one is refused as well, so nothing is learnt about the PO.
    """
    words = erp.refusal_of_order(order)
    fresh = replace(order, purchase_order=reference_of(f"commissioning|P5|{name}"))
    other = erp.refusal_of_order(fresh)
    if other:
        raise Rejected(
            f"an order of a fresh PO is refused as well: {other}",
            f"SYSPRO, customer {order.customer}",
            "Name a customer, stock code and warehouse that SYSPRO would take an order for.",
        )
    return RepeatedOrder(is_refused=bool(words), words=words)


def measure_closed_period(journal: Journal, today: date, erp: Rehearsals) -> ClosedPeriod:
    """Have a journal into a closed period validated, and where that tells too little, one of today.

    Raises:
        Rejected: SYSPRO has nothing against it: the period is open. Or it refuses the one of today
            as well, so nothing is learnt about the period.
    """
    words, is_recognised = erp.refusal_of_journal(journal)
    if not words:
        day = journal.posting_date.isoformat()
        raise Rejected(f"a posting of {day} is taken", "--on", "Name a day in a closed period.")
    if not is_recognised:
        fresh = replace(journal, settlement_date=today, posting_date=today)
        other, _ = erp.refusal_of_journal(fresh)
        if other:
            do = "Name a GL code that takes postings; or open the period of today."
            raise Rejected(f"a posting of today is refused as well: {other}", "--account", do)
    return ClosedPeriod(words=words, is_recognised=is_recognised)


def measure_longest_address(erp: Rehearsals, at_most: int) -> LongestAddress:
    """Ask in ever longer addresses, then halve the gap between taken and refused.

    Args:
        erp: SYSPRO.
        at_most: characters of the longest address that is tried.

    Raises:
        Rejected: even the shortest is refused.
    """
    length, words = erp.takes_address(min(_SHORTEST, at_most))
    if words:
        do = "Mend the connection first."
        raise Rejected(f"a short question is refused: {words}", "SYSPRO", do)
    taken, refused = length, None
    while refused is None and taken < at_most - _FINE_ENOUGH:
        length, said = erp.takes_address(min(2 * taken, at_most))
        taken, refused, words = (length, None, "") if not said else (taken, length, said)
    while refused is not None and refused - taken > _FINE_ENOUGH:
        length, said = erp.takes_address((taken + refused) // 2)
        taken, refused, words = (length, refused, words) if not said else (taken, length, said)
    return LongestAddress(taken=taken, refused=refused, words=words)


def measure_second_logon(erp: Rehearsals) -> SecondLogon:
    """Log on twice with one operator."""
    first, words = erp.second_logon()
    return SecondLogon(first=first, words=words)
