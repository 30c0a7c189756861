"""Which SYSPRO customer a shopper is: a pure function of shop, shopper and currency.

An account has one currency for ever, so a shopper who buys in two currencies has two accounts. With
codes of seven characters six of them tell shoppers apart (a billion values): two of 10,000 shoppers
meet with a chance of some percent. The mail address that SYSPRO shows tells so before anything is
booked (``orders/whose_customer.py``). Longer is better.
"""

import base64
import hashlib
import re

from include.domain.errors import Rejected
from include.domain.orders import Shopper
from include.domain.shops import CodeScheme, CustomerBasis, GuestPolicy, Shop


def customer_code(shop: Shop, shopper: Shopper, currency: str) -> str:
    """Return the SYSPRO customer's key; the same shopper gives the same for ever.

    Raises:
        Rejected: guests share a house account, and none is configured for the currency.
    """
    return _named(shop, shopper, currency)[0]


def customer_basis(shop: Shop, shopper: Shopper, currency: str) -> CustomerBasis:
    """Say what the shopper's key is made of; raises as ``customer_code``."""
    return _named(shop, shopper, currency)[1]


def _named(shop: Shop, shopper: Shopper, currency: str) -> tuple[str, CustomerBasis]:
    is_guest = not shopper.reference
    if is_guest and shop.guests is GuestPolicy.house_account:
        if currency not in shop.house_accounts:
            raise Rejected(
                f"shop {shop.shop_id!r} has no house account in {currency}",
                shop.where,
                f"Add the line '{currency}: <SYSPRO customer>' under house_accounts.",
            )
        return shop.house_accounts[currency], CustomerBasis.house_account
    codes = shop.customer_codes
    if codes.scheme is CodeScheme.number and re.fullmatch("[0-9A-Z]+", shopper.reference):
        # The first currency needs no mark; another's accounts are kept apart by its letters.
        mark = "" if currency == shop.currencies[0] else currency
        code = f"{codes.prefix}{mark}{shopper.reference}"
        if len(code) <= codes.max_length:
            return code, CustomerBasis.number
    identity = shopper.email.strip().casefold()
    digest = hashlib.sha256(f"{shop.shop_id}|{identity}|{currency}".encode()).digest()
    letters = base64.b32encode(digest).decode().rstrip("=")
    return codes.prefix + letters[: codes.max_length - len(codes.prefix)], CustomerBasis.mail
