"""Webhook subscriptions: what may be subscribed, and what is. Reads only.

A subscription is changed through the effects engine by ``partner.SubscriptionPartner``, a key made
by ``keys.KeyPartner``, a test notification asked for by ``probe.TestCallPartner``.
Source: Cybersource reference 5.1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.adapters.cybersource.answers import Json, error_words, text_of
from include.adapters.cybersource.client import JSON_TYPE, Client, demand_organization
from include.adapters.cybersource.reporting import safe_id
from include.adapters.http.status import judge
from include.adapters.http.strict_json import NotStrictJsonError, parse
from include.domain.errors import Retryable

ROOT = "/notification-subscriptions/v2"


@dataclass(frozen=True, slots=True)
class Product:
    """What an account may subscribe to; valid for that account only, so it is asked at run time."""

    product_id: str
    events: tuple[str, ...]
    encrypted: tuple[str, ...]  # of these, the ones whose payload is a JWE


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription as the gateway lists it."""

    webhook_id: str
    name: str
    status: str  # PENDING_REVIEW, BLOCKED, INACTIVE, ACTIVE, SUSPENDED
    url: str
    products: Mapping[str, tuple[str, ...]]  # events by product


class Webhooks:
    """The subscriptions of one organization."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def products(self, organization_id: str) -> Sequence[Product]:
        """List what may be subscribed; an event that is not in it would be refused."""
        path = f"{ROOT}/products/{safe_id(demand_organization(organization_id, 'products'))}"
        return tuple(_product(row) for row in self._list(path, {}, "list webhook products"))

    def subscriptions(self, organization_id: str) -> Sequence[Subscription]:
        """List the subscriptions of an organization."""
        query = {"organizationId": demand_organization(organization_id, "webhooks")}
        rows = self._list(f"{ROOT}/webhooks", query, "list webhooks")
        return tuple(_subscription(row) for row in rows)

    def _list(self, path: str, query: Mapping[str, str], what: str) -> list[Json]:
        request = self._client.request(path, query, what, accept=JSON_TYPE)
        response = self._client.send(request)
        if response.status == 404:
            return []
        if error := judge(response, request, error_words(response)):
            raise error
        try:
            rows = parse(response.body)
        except NotStrictJsonError:
            rows = None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Retryable(f"{what} was answered without a list", request.where, "Ask again.")
        return rows


def _product(row: Json) -> Product:
    listed = row.get("eventTypes")
    events = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    named = [(text_of(one, "eventName") or "", one.get("payloadEncryption")) for one in events]
    return Product(
        text_of(row, "productId") or "",
        tuple(name for name, _ in named if name),
        tuple(name for name, is_encrypted in named if name and is_encrypted is True),
    )


def _subscription(row: Json) -> Subscription:
    """Read one; older answers name one product at the top, newer ones a list."""
    listed = row.get("products")
    products: list[Json] = []
    if isinstance(listed, list):
        products = [one for one in listed if isinstance(one, dict)]
    return Subscription(
        text_of(row, "webhookId") or "",
        text_of(row, "name") or "",
        text_of(row, "status") or "",
        text_of(row, "webhookUrl") or "",
        {text_of(one, "productId") or "": _events(one) for one in products or [row]},
    )


def _events(row: Json) -> tuple[str, ...]:
    listed = row.get("eventTypes")
    return tuple(sorted(str(one) for one in listed)) if isinstance(listed, list) else ()
