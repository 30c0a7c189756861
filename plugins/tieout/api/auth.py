"""Who calls and what they may do. Every route names one of these; a test walks the route table."""

import re
import time
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import Depends, Request
from fastapi.dependencies.utils import get_flat_dependant

from include.services.api.clients import is_secret_of
from include.services.api.ports import ANY_SHOP, ApiClient, ApiClients, Role
from tieout.api.addresses import sender_of
from tieout.api.limiter import Limiter
from tieout.api.problems import Problem
from tieout.api.tally import Tally
from tieout.card_in_address import place_of_card

_KEY = re.compile(r"(?i:bearer) +([a-z][a-z0-9_-]{2,39})\.([A-Za-z0-9_-]{20,100})")
_NOBODY = "nobody we know"
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


class Access:
    """Known clients, remembered for a few seconds, and their buckets."""

    def __init__(self, clients: ApiClients, limiter: Limiter, cache_s: int, tally: Tally) -> None:
        self.limiter = limiter
        self._clients, self._cache_s, self._tally = clients, cache_s, tally
        self._known: dict[str, tuple[float, ApiClient | None]] = {}

    async def client(self, header: str, address: str) -> ApiClient:
        """Return who sends this ``Authorization`` from an address.

        Raises:
            Problem: nobody we know; the answer does not say which half was wrong. It is counted.
        """
        found = _KEY.fullmatch(header)
        if found is None:
            self._tally.bad_key(_NOBODY, "no usable key", address)
            raise Problem("unauthenticated", "there is no usable API key", headers=_CHALLENGE)
        client_id, secret = found.groups()
        client = await self._load(client_id)
        if not is_secret_of(client, client_id, secret) or client is None:
            # A name that nobody has is not told: anything may be written there.
            who, reason = (client_id, "a wrong key") if client else (_NOBODY, "an unknown client")
            self._tally.bad_key(who, reason, address)
            raise Problem("unauthenticated", "this API key is not valid", headers=_CHALLENGE)
        return client

    async def _load(self, client_id: str) -> ApiClient | None:
        read_at, client = self._known.get(client_id, (0.0, None))
        now = time.monotonic()
        if client is None or now - read_at >= self._cache_s:
            client = await run_sync(self._clients.get, client_id)
            if client is not None:  # unknown names are not remembered: they would fill memory
                self._known[client_id] = (now, client)
        return client


class Needs:
    """A dependency: a known client with this role, within its rate."""

    def __init__(self, role: Role) -> None:
        self.role = role

    async def __call__(self, request: Request) -> ApiClient:
        access: Access = request.app.state.api.access
        address = sender_of(request)
        client = await access.client(request.headers.get("authorization", ""), address)
        allowance = access.limiter.spend(client.client_id)
        headers = access.limiter.headers(allowance)
        request.state.headers = headers
        if not allowance.is_allowed:
            wait = {"Retry-After": str(allowance.wait_s)}
            raise Problem("too-many", "this client sends more than it may", headers=wait)
        if self.role not in client.roles:
            raise Problem(
                "forbidden", f"client {client.client_id} lacks the role {self.role.value}"
            )
        where = place_of_card(request)
        if where:
            tally = request.app.state.api.tally
            await run_sync(tally.card_number, client.client_id, where, address)
            raise Problem("card-number-refused", f"{where} holds a card number")
        _refuse_parameters(request)
        request.state.client = client
        return client


def _refuse_parameters(request: Request) -> None:
    """A filter that is misspelt or given twice would be none: wrong, and it would look right."""
    names = [name for name, _ in request.query_params.multi_items()]
    given = set(names)
    if not given:
        return
    route = request.scope["route"]
    known = {parameter.alias for parameter in get_flat_dependant(route.dependant).query_params}
    if given - known:
        shown = ", ".join(sorted(known)) or "none"
        raise Problem("invalid", f"a query parameter is unknown; known are: {shown}")
    doubled = sorted(name for name in given if names.count(name) > 1)
    if doubled:
        fields = [(name, "it is given more than once") for name in doubled]
        raise Problem("invalid", f"{doubled[0]}: {fields[0][1]}", fields=fields)


class Open:
    """A dependency of routes without API key.

    Args:
        why: what protects them instead, or why nothing has to.
        is_signed: the sender signs the body.
    """

    def __init__(self, why: str, *, is_signed: bool = False) -> None:
        self.why, self.is_signed = why, is_signed

    async def __call__(self) -> None:
        return None


Reader = Annotated[ApiClient, Depends(Needs(Role.read))]
Writer = Annotated[ApiClient, Depends(Needs(Role.write))]
Refunder = Annotated[ApiClient, Depends(Needs(Role.refund))]
Operator = Annotated[ApiClient, Depends(Needs(Role.operate))]


def is_staff(client: ApiClient) -> bool:
    """Say whether a client may read what its shoppers may not."""
    return Role.operate in client.roles


def may_see(client: ApiClient, shop_id: str | None) -> bool:
    """Say whether what belongs to a shop may be shown; ``None`` belongs to none."""
    return client.shop_id == ANY_SHOP or (shop_id is not None and client.shop_id == shop_id)
