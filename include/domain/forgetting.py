"""What is left of an order once its shopper is forgotten: all but the person.

Goods, amounts, tokens' names and countries stay, which the books and the tax need; the digest of
each payload stays that of what was sent, and proves it where somebody else has kept the words.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from include.domain.canonical import from_json, to_json
from include.domain.erp_orders import AddCustomer, AddSalesOrder, ErpAddress
from include.domain.order_state import OrderFacts
from include.domain.orders import Address, Order, PaymentSource, Shopper
from include.domain.payments import Authorize

GONE = "forgotten"
_NOWHERE = ErpAddress(("", "", "", "", ""), "")


def without_person(order: Order) -> Order:
    """Return an order that names nobody. A repeat changes nothing."""
    payment = _from_nowhere(order.payment)
    return replace(order, shopper=_nobody(order.shopper), payment=payment, note="")


def facts_without_person(facts: OrderFacts) -> OrderFacts:
    """Return the facts of such an order: its later payments tell no device."""
    source = _from_nowhere(facts.source) if facts.source else None
    declined = tuple(map(_from_nowhere, facts.declined_sources))
    return replace(facts, source=source, declined_sources=declined)


def _from_nowhere(source: PaymentSource) -> PaymentSource:
    return replace(source, ip_address="", device_session="", authentication=None)


def _nobody(shopper: Shopper) -> Shopper:
    return Shopper(GONE, "", _somewhere(shopper.bill_to), _somewhere(shopper.ship_to))


def _somewhere(address: Address) -> Address:
    return Address(GONE, (), "", address.country, region=address.region)


def _authorization(payload: str) -> Authorize:
    sent = from_json(Authorize, payload)
    source = _from_nowhere(sent.source)
    return replace(sent, shopper=_nobody(sent.shopper), source=source, buyer="")


def _customer(payload: str) -> AddCustomer:
    sent = from_json(AddCustomer, payload)
    return replace(
        sent,
        name=GONE,
        short_name=GONE,
        email="",
        phone="",
        sold_to=_NOWHERE,
        ship_to=_NOWHERE,
        user_field="",
    )


def _sales_order(payload: str) -> AddSalesOrder:
    sent = from_json(AddSalesOrder, payload)
    return replace(
        sent,
        ship_name=GONE,
        ship_to=_NOWHERE,
        email="",
        shipping_instructions="",
        special_instructions="",
    )


# Whose payload names a person, by the kind of its effect; a test looks for others.
_PERSONAL: Mapping[str, Callable[[str], object]] = {
    "payment_authorization": _authorization,
    "customer": _customer,
    "sales_order": _sales_order,
}
PERSONAL = tuple(_PERSONAL)


def payload_without_person(kind: str, payload: str) -> str:
    """Return what was sent, without its person; of a kind in ``PERSONAL``."""
    return to_json(_PERSONAL[kind](payload))
