"""Which SYSPRO customer an order is booked to: by a link, by our own code, or by mail."""

import re

from include.domain.erp_orders import CustomerCredit
from include.domain.errors import Rejected
from include.domain.orders import Order
from include.domain.people import mail_key, shopper_keys
from include.domain.shops import CustomerBasis
from include.services.orders.ports import ShopContext

_LINK = "tieout.cli customers link"


def account_of(order: Order, desk: ShopContext, known: str) -> tuple[CustomerCredit, str]:
    """Return the customer's account, and how the shopper came to it; ``''``: by our own code.

    Args:
        order: to be booked.
        desk: of its shop.
        known: the customer that was chosen before; ``''``: none.

    Raises:
        Retryable: SYSPRO could not be asked.
        Rejected: a person must link the shopper; the message says to whom it may be.
    """
    if known:
        return desk.erp.credit(known), ""
    linked = desk.links.find(order.shop_id, shopper_keys(order.shopper), order.currency)
    if linked:
        return _demand_there(order, desk.erp.credit(linked)), "linked"
    found = desk.erp.credit(desk.translator.customer_code(order))
    if linked is not None:  # a person has said that it is this one
        return found, ""
    basis = desk.translator.customer_basis(order)
    if found.exists:
        if basis is CustomerBasis.mail:
            _demand_same_mail(order, found)
        return found, ""
    if desk.links_by_mail and basis is not CustomerBasis.house_account:
        customer = _by_mail(order, desk)
        if customer:
            return _demand_there(order, desk.erp.credit(customer)), "linked by mail"
    return found, ""


def _by_mail(order: Order, desk: ShopContext) -> str:
    """Link the shopper to the one customer of the mail address; ``''``: there is none."""
    email = order.shopper.email
    shown = desk.erp.customers(email) if email.strip() else ()
    found = [
        one.customer
        for one in shown
        if one.currency == order.currency and _has_mail(one.email, email)
    ]
    if len(found) > 1:
        raise Rejected(
            f"{len(found)} customers have the shopper's mail address: {', '.join(found)}",
            f"order {order.number}",
            f"Say which one it is, or --own for a new one: {_LINK}.",
        )
    if not found:
        return ""
    return desk.links.keep(order.shop_id, mail_key(email), order.currency, found[0])


def _demand_there(order: Order, found: CustomerCredit) -> CustomerCredit:
    if not found.exists:
        raise Rejected(
            f"the shopper is linked to customer {found.customer}, which SYSPRO does not have",
            f"order {order.number}",
            f"Link another one ({_LINK}), or unlink it.",
        )
    return found


def _demand_same_mail(order: Order, found: CustomerCredit) -> None:
    """Refuse a customer that is another shopper's: two digests may meet in one short code."""
    if found.email.strip() and not _has_mail(found.email, order.shopper.email):
        raise Rejected(
            f"customer {found.customer} has another mail address in SYSPRO than the shopper",
            f"order {order.number}",
            "If it is the same person all the same, link it with --own; if two shoppers meet in "
            f"one code, link a customer of the shopper's own: {_LINK}.",
        )


def _has_mail(theirs: str, ours: str) -> bool:
    """Say whether SYSPRO's field, which may hold several addresses, holds the shopper's."""
    return ours.strip().casefold() in re.split(r"[;,\s]+", theirs.casefold())
