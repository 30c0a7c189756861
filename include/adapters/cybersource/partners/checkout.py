"""The body of an authorization: who pays, how, for what, and what Decision Manager may know.

Source: Cybersource reference 2.1, 4 and 7.2, and the vendor's published samples. There is no
member for a card number.
"""

from include.adapters.cybersource.partners.common import references
from include.adapters.cybersource.partners.level_three import (
    PURCHASE_LEVEL,
    order_details,
    purchase_order,
)
from include.domain.orders import (
    Address,
    PayerAuthentication,
    PaymentMethod,
    PaymentSource,
    Shopper,
)
from include.domain.payments import Authorize, Renewed

_TOKEN_TYPES = ("customer", "paymentInstrument", "instrumentIdentifier")
# The vendor's own longest values (swagger of 2020-02-17); what is longer is refused.
_NAME, _STREET, _CITY, _REGION, _POSTAL, _PHONE = 60, 60, 50, 20, 10, 15
_SHIP_REGION = 2  # the codes of the United States and Canada, and others that are as short
_REAUTHORIZATION = "3"  # of what ships later than the first authorization lives


def authorization_body(it: Authorize, reference: str) -> dict[str, object]:
    """Return the body of ``POST /pts/v2/payments``."""
    body: dict[str, object] = {
        "clientReferenceInformation": references(it.code, reference),
        "processingInformation": _processing(it),
        "orderInformation": _order(it),
        **_source(it.source),
    }
    if it.source.authentication:
        body["consumerAuthenticationInformation"] = _proof(it.source.authentication)
    device = {"ipAddress": it.source.ip_address, "fingerprintSessionId": it.source.device_session}
    if any(device.values()):
        body["deviceInformation"] = {name: value for name, value in device.items() if value}
    if it.buyer:
        body["buyerInformation"] = {"merchantCustomerId": it.buyer}
    return body


def _processing(it: Authorize) -> dict[str, object]:
    proof = it.source.authentication
    found: dict[str, object] = {"capture": False}
    if proof is None or not proof.transaction_id:  # the gateway itself says what it validated
        found["commerceIndicator"] = proof.commerce_indicator if proof else "internet"
    if it.lines:
        found |= PURCHASE_LEVEL
    actions = []
    if it.source.keep:
        actions.append("TOKEN_CREATE")
        # A known customer gets another instrument, not a second customer.
        has_customer = bool(it.source.customer_token)
        found["actionTokenTypes"] = list(_TOKEN_TYPES[1:] if has_customer else _TOKEN_TYPES)
    if it.skip_decision:
        actions.append("DECISION_SKIP")
    if proof and proof.transaction_id:
        actions.append("VALIDATE_CONSUMER_AUTHENTICATION")
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


def _proof(it: PayerAuthentication) -> dict[str, object]:
    members = {
        "authenticationTransactionId": it.transaction_id,
        "cavv": it.cavv,
        "ucafAuthenticationData": it.ucaf_authentication_data,
        "ucafCollectionIndicator": it.ucaf_collection_indicator,
        "xid": it.xid,
        "directoryServerTransactionId": it.directory_server_transaction_id,
        "paSpecificationVersion": it.specification_version,
        "eciRaw": it.eci_raw,
        "paresStatus": it.pares_status,
        "veresEnrolled": it.veres_enrolled,
        "cavvAlgorithm": it.cavv_algorithm,
    }
    return {name: value for name, value in members.items() if value}


def _order(it: Authorize) -> dict[str, object]:
    named: dict[str, object] = {"invoiceDetails": {"purchaseOrderNumber": purchase_order(it.code)}}
    return (
        named
        | order_details(it.code, it.amount, it.lines)
        | {
            "billTo": _person(it.shopper.bill_to, it.shopper),
            "shipTo": _person(it.shopper.ship_to, None),
        }
    )


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
        "phoneNumber": shopper.phone[:_PHONE] if shopper else "",
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
