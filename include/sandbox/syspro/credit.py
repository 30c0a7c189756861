"""A customer's credit: balance, orders outstanding, limit and holds.

A limit of zero means that none is checked; credit status 9 is a hold by hand, as the reference has
it. Source: SYSPRO reference, section 4.2; which sums are compared is inferred.
"""

from decimal import Decimal

from include.sandbox.syspro.books import CENT, Books, as_decimal
from include.sandbox.syspro.tables import Row

STOPPED = "9"


def balance(books: Books, customer: Row) -> Decimal:
    """Return what a customer owes, in the customer's currency; credits count against it."""
    row = books.tables.get("ArCustomerBal", Customer=str(customer["Customer"]))
    return as_decimal((row or {}).get("CurrentBalance1"))


def add_to_balance(books: Books, customer: Row, change: Decimal) -> None:
    key = str(customer["Customer"])
    row = books.tables.get("ArCustomerBal", Customer=key)
    if row is None:
        row = books.tables.add("ArCustomerBal", {"Customer": key, "CurrentBalance1": Decimal(0)})
    total = as_decimal(row["CurrentBalance1"]) + change
    books.tables.change("ArCustomerBal", row, {"CurrentBalance1": total})


def is_enough(books: Books, customer: Row, order_value: Decimal) -> bool:
    """Say whether an order of this value stays within the limit."""
    if customer.get("CreditStatus") == STOPPED:
        return False
    limit = as_decimal(customer.get("CreditLimit"))
    if not limit:
        return True
    owed = balance(books, customer) + as_decimal(customer.get("OutstOrdVal")) + order_value
    rate = books.rate(str(customer.get("Currency") or books.base_currency)) or Decimal(1)
    return (owed * rate).quantize(CENT) <= limit


def is_on_hold(customer: Row) -> bool:
    return customer.get("CustomerOnHold") == "Y"
