"""``api-clients``: who may call the API, for which shop, and in which roles."""

import argparse

from include.adapters.store.api_clients import SqlApiClients
from include.services.api.clients import add_client
from include.services.api.ports import ANY_SHOP, Role
from include.wiring import Tieout
from tieout.commands.parts import Parsers, command, group, say


def add(parsers: Parsers) -> None:
    clients = group(parsers, "api-clients", "who may call the API, for which shop, in which roles")
    new = command(clients, "add", "make a client; its key is shown once", _add, is_signed=True)
    new.add_argument("client_id")
    new.add_argument("--shop", required=True, help=f"its shop, or {ANY_SHOP} for an operator")
    new.add_argument("--roles", nargs="+", required=True, choices=[role.value for role in Role])
    command(clients, "list", "clients, without secrets", _list)
    revoke = command(clients, "revoke", "refuse a client from now on", _revoke, is_signed=True)
    revoke.add_argument("client_id")


def _add(context: Tieout, given: argparse.Namespace) -> None:
    if given.shop != ANY_SHOP:
        context.today.shop(given.shop)  # a shop that we do not know has no clients
    roles = frozenset(Role(word) for word in given.roles)
    clients = SqlApiClients(context.store, f"cli:{given.who}")
    key = add_client(clients, given.client_id, given.shop, roles)
    say(f"{key}\nKeep it now: it is not shown again.")


def _list(context: Tieout, _given: argparse.Namespace) -> None:
    clients = SqlApiClients(context.store).listing()
    for one in clients:
        state = "active" if one.is_active else "revoked"
        say(f"{one.client_id:40}  {one.shop_id:20}  {state:8}  {_words(one.roles)}")
    say(f"{len(clients)} clients")


def _words(roles: frozenset[Role]) -> str:
    return " ".join(role.value for role in Role if role in roles)


def _revoke(context: Tieout, given: argparse.Namespace) -> None:
    SqlApiClients(context.store, f"cli:{given.who}").revoke(given.client_id)
    say(f"{given.client_id} is revoked; replicas notice it within seconds")
