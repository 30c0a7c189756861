"""The longest texts that the payment calls take: ``maxLength`` of the vendor's swagger, 2020-02-17.

Every call that has a member gives it the same length. Members that the service itself makes, and
those of trades that no shop here has (travel, lodging), are left out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from include.sandbox.cybersource.payments.reading import Problem

_PERSON = {
    **dict.fromkeys(("firstName", "lastName", "company", "address1", "address2"), 60),
    **dict.fromkeys(("locality", "district"), 50),
    "country": 2,
    "phoneNumber": 15,
    "postalCode": 10,
}
LONGEST: Mapping[str, Mapping[str, int]] = {
    "buyerInformation": {"merchantCustomerId": 100, "vatRegistrationNumber": 20},
    "deviceInformation": {"hostName": 60, "ipAddress": 48, "userAgent": 40},
    "processingInformation": {"commerceIndicator": 20, "paymentSolution": 12, "purchaseLevel": 1},
    "orderInformation.amountDetails": {
        "currency": 3,
        "discountAmount": 15,
        "dutyAmount": 15,
        "freightAmount": 13,
        "taxAmount": 12,
        "totalAmount": 19,
    },
    "orderInformation.billTo": {**_PERSON, "administrativeArea": 20, "email": 255},
    # The newer clients send the payer's company as an object.
    "orderInformation.billTo.company": {"name": 60},
    "orderInformation.shipTo": {**_PERSON, "administrativeArea": 2, "buildingNumber": 15},
    "orderInformation.invoiceDetails": {
        "purchaseContactName": 36,
        "purchaseOrderDate": 10,
        "purchaseOrderNumber": 25,
        "vatInvoiceReferenceNumber": 15,
    },
    "orderInformation.lineItems": {
        "commodityCode": 15,
        "discountAmount": 13,
        "productCode": 255,
        "productName": 255,
        "productSku": 255,
        "taxAmount": 15,
        "taxRate": 7,
        "totalAmount": 13,
        "unitOfMeasure": 12,
        "unitPrice": 15,
    },
}


def check_lengths(body: Mapping[str, Any]) -> None:
    """Refuse texts that are too long, all of them at once.

    Raises:
        Problem: ``INVALID_DATA``, with the path of each.
    """
    wrong = [
        f"{path}.{name}"
        for path, longest in LONGEST.items()
        for found in _objects(body, path)
        for name, most in longest.items()
        if isinstance(text := found.get(name), str) and len(text) > most
    ]
    if wrong:
        raise Problem("INVALID_DATA", *dict.fromkeys(wrong))


def _objects(body: Mapping[str, Any], path: str) -> Iterator[Mapping[str, Any]]:
    """Yield the object at a dotted path, or each of the list there; another shape is not ours."""
    found: Any = body
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    for one in found if isinstance(found, list) else [found]:
        if isinstance(one, dict):
            yield one
