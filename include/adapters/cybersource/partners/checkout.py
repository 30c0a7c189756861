"""The body of an authorization: who pays, how, for what, and what Decision Manager may know.

Source: Cybersource reference 2.1, 4 and 7.2, and the vendor's published samples. There is no
member for a card number.
"""

from collections.abc import Sequence
from dataclasses import replace

from include.adapters.cybersource.partners.common import amount_details, references
from include.domain.money import Money, allocate, total
from include.domain.orders import (
    QUANTITY_DIGITS,
    Address,
    LineKind,
    OrderLine,
    PaymentMethod,
    PaymentSource,
    Shopper,
)
from include.domain.payments import Authorize, Renewed

_PRODUCT_CODES = {
    LineKind.goods: "default",
    LineKind.freight: "shipping_and_handling",
    LineKind.fee: "handling",
}
_TOKEN_TYPES = ("customer", "paymentInstrument", "instrumentIdentifier")
# The vendor's own longest values (swagger of 2020-02-17); what is longer is refused.
_NAME, _STREET, _CITY, _REGION, _POSTAL, _TEXT = 60, 60, 50, 20, 10, 255
_SHIP_REGION = 2  # the codes of the United States and Canada, and others that are as short
_PURCHASE_ORDER = 25
_MOST_LINES = 999
_REAUTHORIZATION = "3"  # of what ships later than the first authorization lives


def authorization_body(it: Authorize, reference: str) -> dict[str, object]:
    """Return the body of ``POST /pts/v2/payments``."""
    body: dict[str, object] = {
        "clientReferenceInformation": references(it.code, reference),
        "processingInformation": _processing(it),
        "orderInformation": _order(it),
        **_source(it.source),
    }
    if it.shopper.ip_address:
        body["deviceInformation"] = {"ipAddress": it.shopper.ip_address}
    if it.buyer:
        body["buyerInformation"] = {"merchantCustomerId": it.buyer}
    return body


def _processing(it: Authorize) -> dict[str, object]:
    found: dict[str, object] = {
        "capture": False,
        "commerceIndicator": "internet",
    }
    if it.lines:
        found["purchaseLevel"] = "3"
    actions = []
    if it.source.keep:
        actions.append("TOKEN_CREATE")
        # A known customer gets another instrument, not a second customer.
        has_customer = bool(it.source.customer_token)
        found["actionTokenTypes"] = list(_TOKEN_TYPES[1:] if has_customer else _TOKEN_TYPES)
    if it.skip_decision:
        actions.append("DECISION_SKIP")
    if actions:
        found["actionList"] = actions
    if initiator := _initiator(it):
        found["authorizationOptions"] = {"initiator": initiator}
    return found


def _initiator(it: Authorize) -> dict[str, object]:
    """Say who is present, and what a stored card has to do with it (7.2)."""
    source = it.source
    if it.renews is not None:
        return {
            "type": "merchant",
            "storedCredentialUsed": True,
            "merchantInitiatedTransaction": _renewing(it.renews),
        }
    if source.method is PaymentMethod.stored_token:
        return {"type": "customer", "storedCredentialUsed": True}
    if source.keep:
        return {"type": "customer", "credentialStoredOnFile": True}
    return {}


def _renewing(it: Renewed) -> dict[str, object]:
    """Name what is renewed; without the network's id the service fills in what it kept itself."""
    found: dict[str, object] = {
        "reason": _REAUTHORIZATION,
        "originalAuthorizedAmount": it.authorized.decimal,  # Discover and Diners ask for it
    }
    if it.network_id:
        found["previousTransactionId"] = it.network_id
    return found


def _source(source: PaymentSource) -> dict[str, object]:
    stored: dict[str, object] = {}
    if source.customer_token:
        stored["customer"] = {"id": source.customer_token}
    if source.method is PaymentMethod.transient_token and source.transient_id:
        body: dict[str, object] = {"tokenInformation": {"jti": source.transient_id}}
        return body | ({"paymentInformation": stored} if stored else {})
    if source.method is PaymentMethod.stored_token and source.customer_token:
        if source.instrument_token:
            stored["paymentInstrument"] = {"id": source.instrument_token}
        return {"paymentInformation": stored}
    raise ValueError(f"nothing to authorize with: {source.method} without its token")


def _order(it: Authorize) -> dict[str, object]:
    found: dict[str, object] = {
        "amountDetails": amount_details(it.amount) | _totals(it.lines, it.amount.currency),
        "billTo": _person(it.shopper.bill_to, it.shopper),
        "shipTo": _person(it.shopper.ship_to, None),
        # Its end, should it be too long: the orders of a shop all begin alike.
        "invoiceDetails": {"purchaseOrderNumber": it.code[-_PURCHASE_ORDER:]},
    }
    if it.lines:
        found["lineItems"] = [_line(line) for line in _items(it.lines)]
    return found


def _totals(lines: Sequence[OrderLine], currency: str) -> dict[str, object]:
    """Tax, freight and discounts of the order; a line of its own cannot be negative."""
    tax = total((line.tax for line in lines), currency)
    freight = total((one.net for one in lines if one.kind is LineKind.freight), currency)
    discount = -total((one.net for one in lines if one.kind is LineKind.discount), currency)
    sums = {"taxAmount": tax, "freightAmount": freight, "discountAmount": discount}
    return {name: money.decimal for name, money in sums.items() if money.minor > 0}


def _items(lines: Sequence[OrderLine]) -> list[OrderLine]:
    """Level III lines, none negative: the tax of a discount is taken off the others' tax.

    An issuer that adds the lines' tax up must come to ``taxAmount``.
    """
    sold, off = [], 0
    for line in lines[:_MOST_LINES]:
        if line.kind is LineKind.discount or line.net.minor < 0:
            off -= line.tax.minor
        else:
            sold.append(line)
    taxes = [max(line.tax.minor, 0) for line in sold]
    if not 0 < off <= sum(taxes):
        return sold
    parts = allocate(Money(off, sold[0].tax.currency), taxes)
    return [replace(line, tax=line.tax - part) for line, part in zip(sold, parts, strict=True)]


def _line(line: OrderLine) -> dict[str, object]:
    """One line; a count that is not whole, or does not divide the net, is one piece of it all."""
    count, rest = divmod(line.quantity_millionths, 10**QUANTITY_DIGITS)
    if rest or count < 1 or line.net.minor % count:
        count = 1
    found: dict[str, object] = {
        "productCode": _PRODUCT_CODES[line.kind],
        "productName": line.description[:_TEXT],
        "productSku": (line.stock_code or line.kind.value)[:_TEXT],
        "quantity": count,
        "unitPrice": Money(line.net.minor // count, line.net.currency).decimal,
        "totalAmount": line.net.decimal,
        "unitOfMeasure": line.unit[:12],
        "amountIncludesTax": False,
    }
    if line.tax.minor > 0:
        found["taxAmount"] = line.tax.decimal
    return found


def _person(address: Address, shopper: Shopper | None) -> dict[str, object]:
    first, _, last = address.name.strip().rpartition(" ")
    lines = [*address.lines, "", ""]
    members = {
        "firstName": (first or last)[:_NAME],
        "lastName": last[:_NAME],
        "address1": lines[0][:_STREET],
        "address2": ", ".join(line for line in lines[1:] if line)[:_STREET],
        "locality": address.city[:_CITY],
        "administrativeArea": _region(address, is_paying=shopper is not None),
        "postalCode": address.postal_code[:_POSTAL],
        "country": address.country,
        "email": shopper.email if shopper else "",
        "phoneNumber": shopper.phone[:15] if shopper else "",
    }
    found: dict[str, object] = {name: value for name, value in members.items() if value}
    if address.company:
        company = address.company[:_NAME]
        found["company"] = {"name": company} if shopper else company
    return found


def _region(address: Address, *, is_paying: bool) -> str:
    """Return state or province; half the name of one is none, so a long one is left out."""
    region = address.region.removeprefix(f"{address.country}-")  # DE-BY, as ISO 3166-2 has it
    if is_paying:
        return region[:_REGION]
    return region if len(region) == _SHIP_REGION else ""
