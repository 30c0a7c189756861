"""API clients: how a secret is made, kept and compared. The secret itself is shown once."""

import hashlib
import hmac
import re
import secrets

from include.domain.errors import Rejected
from include.services.api.ports import ANY_SHOP, ApiClient, ApiClients, Role

CLIENT_ID = re.compile(r"[a-z][a-z0-9_-]{2,39}")
_NOBODY = "0" * 64


def hash_secret(client_id: str, secret: str) -> str:
    """Hash a secret of 256 random bits; the client's name keys it, so equal secrets differ."""
    return hmac.new(client_id.encode(), secret.encode(), hashlib.sha256).hexdigest()


def is_secret_of(client: ApiClient | None, client_id: str, secret: str) -> bool:
    """Compare in constant time; an unknown client costs as much as a known one."""
    kept = client.secret_hash if client else _NOBODY
    is_equal = hmac.compare_digest(kept, hash_secret(client_id, secret))
    return is_equal and client is not None and client.is_active


def add_client(clients: ApiClients, client_id: str, shop_id: str, roles: frozenset[Role]) -> str:
    """Keep a new client and return the key it calls with: ``client_id.secret``.

    Raises:
        Rejected: the name is not usable or taken, there is no role, or a shop's role without one.
    """
    where = f"API client {client_id!r}"
    if CLIENT_ID.fullmatch(client_id) is None:
        raise Rejected(
            "this is no name of a client", where, "3 to 40 of a-z, 0-9, _ and -, a letter first."
        )
    if not roles:
        raise Rejected("it has no role", where, f"Name some of {', '.join(Role)}.")
    if shop_id == ANY_SHOP and roles & {Role.write, Role.refund}:
        raise Rejected(
            "a client of every shop cannot write", where, "Name its shop, or read and operate only."
        )
    secret = secrets.token_urlsafe(32)
    clients.add(ApiClient(client_id, shop_id, roles, hash_secret(client_id, secret)))
    return f"{client_id}.{secret}"
