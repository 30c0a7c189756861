"""``tokens``: stored payments; shown by shopper, forgotten on request."""

import argparse

from include.wiring import Tieout
from tieout.commands.parts import Parsers, desks_of, say, signed


def add(parsers: Parsers) -> None:
    tokens = parsers.add_parser("tokens", help=__doc__).add_subparsers(required=True)
    forget = tokens.add_parser("forget", help="at the gateway, in SYSPRO and here")
    shown = tokens.add_parser("list")
    for parser in (forget, shown):
        parser.add_argument("--shop", required=True)
        parser.add_argument("--email", required=True)
    shown.set_defaults(run=_list)
    forget.set_defaults(run=_forget)
    signed(forget)


def _list(context: Tieout, given: argparse.Namespace) -> None:
    from include.adapters.store.payment_tokens import SqlTokenBook
    from include.services.profiles.keep_tokens import tokens_of

    book, merchant_id = SqlTokenBook(context.store), _merchant(context, given.shop)
    found = {
        token.customer_token: row
        for order, facts in book.orders_of(given.shop, given.email)
        for token in tokens_of(order, facts)
        for row in book.having(merchant_id, token.customer_token)
    }
    for row in found.values():
        card = f"{row.token.brand or '-'} ****{row.token.suffix or '?'} {row.token.expiry or '-'}"
        say(f"{row.token.customer_token}  {card}  customer {row.customer or '-'}  {row.state}")
    say(f"{len(found)} tokens")


def _forget(context: Tieout, given: argparse.Namespace) -> int:
    from tieout.care_desk import forgetter

    _merchant(context, given.shop)
    desk = desks_of(context).of(given.shop)
    found = forgetter(desk).forget(given.email, given.who)
    say(str(found))
    return 0 if found.gone == found.tokens else 1


def _merchant(context: Tieout, shop_id: str) -> str:
    """Return the shop's merchant. Raises ``Rejected``: there is no such shop."""
    return context.today.shop(shop_id).merchant_id
