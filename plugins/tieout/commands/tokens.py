"""``tokens``: stored payments; shown by shopper, forgotten on request."""

import argparse

from include.services.effects.chain import signer
from include.wiring import Tieout
from tieout.commands.parts import Parsers, command, desks_of, group, mail_address, say


def add(parsers: Parsers) -> None:
    tokens = group(parsers, "tokens", "stored payments of a shopper")
    shown = command(tokens, "list", "those that are kept", _list)
    forget = command(
        tokens, "forget", "delete them at the gateway, in SYSPRO and here", _forget, is_signed=True
    )
    for parser in (shown, forget):
        parser.add_argument("--shop", required=True)
        parser.add_argument("--email", required=True, type=mail_address)


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
    from tieout.desks.care_desk import forgetter

    _merchant(context, given.shop)
    desk = desks_of(context).of(given.shop)
    found = forgetter(desk).forget(given.email, signer("cli", given.who))
    say(str(found))
    return 0 if found.is_whole else 1


def _merchant(context: Tieout, shop_id: str) -> str:
    """Return the shop's merchant. Raises ``Rejected``: there is no such shop."""
    return context.today.shop(shop_id).merchant_id
