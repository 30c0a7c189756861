"""``python -m tieout.cli api-clients add|list|revoke``: who may call the API."""

import argparse
import getpass
import sys
from typing import Any

from include.adapters.store.api_clients import SqlApiClients
from include.services.api.clients import add_client
from include.services.api.ports import ANY_SHOP, Role
from include.wiring import Tieout


def add_commands(rooms: Any) -> None:
    """Add the commands to the parser of ``tieout.cli``."""
    commands = rooms.add_parser("api-clients").add_subparsers(required=True)
    add = commands.add_parser("add", help="make a client; its key is shown once")
    add.add_argument("client_id")
    add.add_argument("--shop", required=True, help=f"its shop, or {ANY_SHOP} for an operator")
    add.add_argument("--roles", nargs="+", required=True, choices=[role.value for role in Role])
    add.set_defaults(run=_add)
    commands.add_parser("list", help="clients, without secrets").set_defaults(run=_list)
    revoke = commands.add_parser("revoke", help="refuse a client from now on")
    revoke.add_argument("client_id")
    revoke.set_defaults(run=_revoke)
    for changing in (add, revoke):
        changing.add_argument("--who", default=getpass.getuser())


def _add(context: Tieout, given: argparse.Namespace) -> None:
    if given.shop != ANY_SHOP:
        context.mappings.orders.shop(given.shop)  # a shop that we do not know has no clients
    roles = frozenset(Role(word) for word in given.roles)
    clients = SqlApiClients(context.store, given.who)
    key = add_client(clients, given.client_id, given.shop, roles)
    sys.stdout.write(f"{key}\nKeep it now: it is not shown again.\n")


def _list(context: Tieout, _given: argparse.Namespace) -> None:
    clients = SqlApiClients(context.store).listing()
    for one in clients:
        state = "active" if one.is_active else "revoked"
        sys.stdout.write(f"{one.client_id:40}  {one.shop_id:20}  {state:8}  {_words(one.roles)}\n")
    sys.stdout.write(f"{len(clients)} clients\n")


def _words(roles: frozenset[Role]) -> str:
    return " ".join(role.value for role in Role if role in roles)


def _revoke(context: Tieout, given: argparse.Namespace) -> None:
    SqlApiClients(context.store, given.who).revoke(given.client_id)
    sys.stdout.write(f"{given.client_id} is revoked; replicas notice it within seconds\n")
