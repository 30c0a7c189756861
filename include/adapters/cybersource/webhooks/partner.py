"""A subscription as it shall be: created, changed, switched, deleted through the effects engine.

The payload is a wish, not a step, so that a repeat finds it fulfilled. Our name for it is planted
as the subscription's name and finds it again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from include.adapters.cybersource.answers import error_words
from include.adapters.cybersource.client import Client
from include.adapters.cybersource.partners.common import command_of, difference
from include.adapters.cybersource.reporting import safe_id
from include.adapters.cybersource.webhooks.admin import ROOT, Subscription, Webhooks
from include.adapters.http.status import judge
from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.services.effects.ports import Difference, Effect, Found, Receipt

# The default gives up after three minutes (F6): a day of attempts, and held while we are away.
_RETRY_POLICY = {
    "algorithm": "ARITHMETIC",
    "firstRetry": 1,
    "interval": 5,
    "numberOfRetries": 10,
    "deactivateFlag": True,
    "repeatSequenceCount": 3,
    "repeatSequenceWaitTime": 60,
}
# Between a wish and the state that fulfils it lies the vendor's review of the address.
_AS_ACTIVE = ("ACTIVE", "PENDING_REVIEW", "SUSPENDED")


class Wish(StrEnum):
    """What a subscription shall be."""

    active = "active"
    inactive = "inactive"
    absent = "absent"


@dataclass(frozen=True, slots=True)
class SetSubscription:
    """The subscription of this name shall look like this."""

    organization_id: str
    name: str  # planted; one subscription per name
    url: str
    health_url: str
    products: Mapping[str, tuple[str, ...]]  # events by product, from ``Webhooks.products``
    wish: Wish


class SubscriptionPartner:
    """Satisfies ``Partner`` for a kind of its own (``webhook_subscription``)."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._webhooks = Webhooks(client)

    def look(self, effect: Effect) -> tuple[Found, ...]:
        """Found means: it is as wished. Two of one name are a duplicate."""
        it = command_of(SetSubscription, effect)
        named = self._named(it)
        if it.wish is Wish.absent:
            return () if named else (Found(it.name, {"status": "ABSENT"}),)
        return tuple(
            Found(one.webhook_id, {"status": one.status, "url": one.url})
            for one in named
            if not _differs(it, one)
        )

    def send(self, effect: Effect) -> Receipt:
        """Make the changes that are due; after the first one nothing is certain any more."""
        it = command_of(SetSubscription, effect)
        has_written = False
        try:
            for method, place, body in self._due(it):
                self._call(method, place, effect, body)
                has_written = True
        except (Rejected, Retryable) as fault:
            if not has_written:
                raise
            do = "It was changed in part: look, then the rest is sent."
            raise OutcomeUnknown(fault.what, fault.where, do) from None
        return Receipt(it.name, {"wish": it.wish.value})

    def _due(self, it: SetSubscription) -> Iterator[tuple[str, str, Mapping[str, object] | None]]:
        """Yield each call that is still due, asking again after a creation."""
        named = self._named(it)
        if it.wish is Wish.absent:
            yield from (("DELETE", f"/{safe_id(one.webhook_id)}", None) for one in named)
            return
        if not named:
            self._refuse_unknown_events(it)
            yield "POST", "", _body(it, is_new=True)
            named = self._named(it)
        for one in named[:1]:
            place = f"/{safe_id(one.webhook_id)}"
            if one.url != it.url or dict(one.products) != _sorted(it.products):
                yield "PATCH", place, _body(it, is_new=False)
            if not _is_in_state(it.wish, one.status):
                wanted = "ACTIVE" if it.wish is Wish.active else "INACTIVE"
                yield "PUT", f"{place}/status", {"status": wanted}

    def compare(self, effect: Effect, found: Found) -> tuple[Difference, ...]:
        """A look returns only what is as wished; the address is compared once more."""
        it = command_of(SetSubscription, effect)
        return difference("address", it.url, found.facts.get("url"))

    def _named(self, it: SetSubscription) -> list[Subscription]:
        listed = self._webhooks.subscriptions(it.organization_id)
        return [one for one in listed if one.name == it.name]

    def _refuse_unknown_events(self, it: SetSubscription) -> None:
        known = {one.product_id: one.events for one in self._webhooks.products(it.organization_id)}
        for product, events in it.products.items():
            for event in events:
                if event not in known.get(product, ()):
                    raise Rejected(
                        f"{product} {event} may not be subscribed by {it.organization_id}",
                        "webhook subscription",
                        "Choose from the products the account lists, or ask the vendor for it.",
                    )

    def _call(
        self, method: str, place: str, effect: Effect, body: Mapping[str, object] | None
    ) -> None:
        path = f"{ROOT}/webhooks{place}"
        request = self._client.write(method, path, f"{method} a webhook", effect.reference, body)
        response = self._client.send(request)
        if response.status == 404 and method == "DELETE":
            return
        if error := judge(response, request, error_words(response)):
            raise error


def _sorted(products: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(sorted(events)) for name, events in products.items()}


def _differs(it: SetSubscription, one: Subscription) -> bool:
    return (
        one.url != it.url
        or dict(one.products) != _sorted(it.products)
        or not _is_in_state(it.wish, one.status)
    )


def _is_in_state(wish: Wish, status: str) -> bool:
    return status in _AS_ACTIVE if wish is Wish.active else status == "INACTIVE"


def _body(it: SetSubscription, *, is_new: bool) -> dict[str, object]:
    body: dict[str, object] = {
        "name": it.name,
        "description": "Fraud decisions, payments and tokens for Tieout",
        "organizationId": it.organization_id,
        "products": [
            {"productId": product, "eventTypes": list(events)}
            for product, events in sorted(it.products.items())
        ],
        "webhookUrl": it.url,
        "healthCheckUrl": it.health_url,
        "notificationScope": "SELF",
    }
    if is_new:
        body["retryPolicy"] = _RETRY_POLICY
        body["securityPolicy"] = {"securityType": "KEY", "proxyType": "external"}
    return body
