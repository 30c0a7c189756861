"""``customers``: which SYSPRO customer a shop's shopper is, where a person says so."""

import argparse

from include.adapters.store.customer_links import SqlCustomerLinks
from include.domain.errors import Rejected
from include.domain.people import id_key, mail_key
from include.services.effects.chain import signer
from include.wiring import Tieout
from tieout.commands.parts import Parsers, command, desks_of, group, say


def add(parsers: Parsers) -> None:
    customers = group(parsers, "customers", "which SYSPRO customer a shopper is")
    link = command(
        customers,
        "link",
        "have a shopper's next orders booked to a customer",
        _link,
        is_signed=True,
    )
    which = link.add_mutually_exclusive_group(required=True)
    which.add_argument("--customer", help="as SYSPRO shows it, e.g. 0000042")
    which.add_argument(
        "--own", action="store_true", help="our own code, whatever mail address it has there"
    )
    link.add_argument("--currency", help="with --own; a customer has one of its own")
    unlink = command(customers, "unlink", "take a link back", _unlink, is_signed=True)
    unlink.add_argument("--currency", required=True)
    for parser in (link, unlink):
        parser.add_argument("--shop", required=True)
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--email", help="the shopper's, kept as a digest")
        who.add_argument("--reference", help="the shop's own id of the shopper; it goes first")
    shown = command(customers, "list", "the links, by a digest of the mail address", _list)
    shown.add_argument("--shop", default="", help="default: all")
    shown.add_argument("--email", help="of one shopper alone")


def _link(context: Tieout, given: argparse.Namespace) -> None:
    customer = given.customer or ""
    currency = _currency_of(context, given.shop, customer) if customer else given.currency
    currencies = context.today.shop(given.shop).currencies
    if currency not in currencies:
        raise Rejected(
            f"shop {given.shop!r} sells nothing in {currency or 'no currency'}",
            f"customer {customer}" if customer else "--currency",
            f"Name a customer, or with --own a currency, of {', '.join(currencies)}.",
        )
    _links(context, given).link(given.shop, _key(given), currency, customer)
    to = f"customer {customer}" if customer else "a customer of its own code"
    say(
        f"The shopper's orders in {currency} go to {to} from now on; those that SYSPRO has stay "
        "where they are."
    )


def _currency_of(context: Tieout, shop_id: str, customer: str) -> str:
    """Return the customer's currency. Raises ``Rejected``: SYSPRO does not have it."""
    desk = desks_of(context).of(shop_id)
    found = desk.erp.orders.credit(customer)
    if not found.exists:
        where = f"company {desk.merchant.company_id}"
        raise Rejected(f"there is no customer {customer!r}", where, "Write it as SYSPRO shows it.")
    return found.currency


def _unlink(context: Tieout, given: argparse.Namespace) -> None:
    context.today.shop(given.shop)
    _links(context, given).unlink(given.shop, _key(given), given.currency)
    say("The link is gone; what SYSPRO has stays where it is.")


def _list(context: Tieout, given: argparse.Namespace) -> None:
    links = SqlCustomerLinks(context.store).listing(given.shop)
    if given.shop and not links:
        context.today.shop(given.shop)
    if given.email:
        links = [one for one in links if one.shopper_key == mail_key(given.email)]
    for one in links:
        shopper = one.shopper_key[:24]
        say(
            f"{one.shop_id:20}  {shopper:24}  {one.currency}  {one.customer or 'its own':15}  "
            f"{one.linked_by}  {one.linked_at:%Y-%m-%d %H:%M}"
        )
    say(f"{len(links)} links")


def _key(given: argparse.Namespace) -> str:
    return mail_key(given.email) if given.email else id_key(given.reference)


def _links(context: Tieout, given: argparse.Namespace) -> SqlCustomerLinks:
    return SqlCustomerLinks(context.store, signer("cli", given.who))
