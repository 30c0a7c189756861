"""Whether the lines of a capture or refund go on to the processor.

Lines are never refused: the vendor validates little, executes the call, and says ``N`` where they
would break the processor's batch, the account may send none, or ``purchaseLevel`` is not 3.
Source: developer.cybersource.com, Level II/III guide, "Data Processing", read 2026-11-27. What
breaks a batch is the processor's secret; here it is lines and taxes that do not add up.
"""

from typing import Any

from include.sandbox.cybersource.payments.reading import Problem, minor, part

_ORDER = "orderInformation"
_MOST_LINES = 999


def transmission(body: dict[str, Any], amount: int, currency: str, *, is_enabled: bool) -> str:
    """Return ``level3TransmissionStatus``: Y or N; ``""`` for a call without any lines.

    Args:
        body: of the call.
        amount: minor units that are captured or refunded.
        currency: of the amount.
        is_enabled: for the account.
    """
    lines = part(body, f"{_ORDER}.lineItems")
    if not lines:
        return ""
    is_asked = part(body, "processingInformation.purchaseLevel") == "3"
    return "Y" if is_enabled and is_asked and _adds_up(body, lines, amount, currency) else "N"


def _adds_up(body: dict[str, Any], lines: Any, amount: int, currency: str) -> bool:
    if not isinstance(lines, list) or len(lines) > _MOST_LINES:
        return False
    try:
        net = sum(_of(line, "totalAmount", currency) for line in lines)
        tax = sum(_of(line, "taxAmount", currency) for line in lines)
        priced = all(_is_priced(line, currency) for line in lines)
        details = part(body, f"{_ORDER}.amountDetails")
        told_tax = _of(details, "taxAmount", currency)
        discount = _of(details, "discountAmount", currency)
    except Problem:
        return False
    # "This value must be true if the sum of all lineItems[].taxAmount values > 0."
    taxable = part(body, f"{_ORDER}.invoiceDetails.taxable") is True
    return priced and net + tax - discount == amount and tax == told_tax and taxable == (tax > 0)


def _of(found: Any, member: str, currency: str) -> int:
    if not isinstance(found, dict):
        raise Problem("INVALID_DATA", _ORDER)
    return minor(found, member, currency) if member in found else 0


def _is_priced(line: Any, currency: str) -> bool:
    """Say whether a line names what it sells, and unit price times quantity is its total."""
    quantity = line.get("quantity", 1)
    if not isinstance(quantity, int) or not line.get("productName"):
        return False
    return _of(line, "unitPrice", currency) * quantity == _of(line, "totalAmount", currency)
