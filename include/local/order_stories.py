"""The people around the demo's orders: shoppers, a clerk, an analyst; and what each order shows."""

from dataclasses import dataclass, field
from typing import Any

import requests

from include.domain.errors import Rejected
from include.domain.orders import order_id_of
from include.local.environment import LocalStack
from include.wiring import Tieout

US, UK = "acme_us_web", "acme_uk_web"
COMPANIES = {US: "A", UK: "B"}
TEA, SHORT = "TEA-1001", "TEA-1002"
OTHER_CARD, PROOF = "another card", "the same card and its holder's proof"
_PRICE, _TAX = "39.98", "3.30"  # of two
_HOME = {
    "name": "Ann Lee",
    "lines": ["12 Elm Street"],
    "city": "Springfield",
    "region": "IL",
    "postal_code": "62701",
    "country": "US",
}


@dataclass(slots=True)
class Story:
    """One order of the demo: what it shows, and how it must end."""

    title: str
    ends_as: str
    shop_id: str = US
    outcome: str = ""  # that the gateway will give: '' approved, declined, review, sca_required
    answer: str = ""  # the analyst's
    sku: str = TEA
    credit: str = ""  # what the clerk credits
    by_api: bool = False
    pays_with: str = ""  # after a decline: OTHER_CARD or PROOF
    number: str = field(default="", init=False)
    token: str = field(default="", init=False)  # of the first card

    @property
    def order_id(self) -> str:
        return order_id_of(self.shop_id, self.number)


class People:
    """Everybody but the product, played through the sandbox's control server and the public API."""

    def __init__(self, stack: LocalStack, key: str) -> None:
        self._control = f"{stack.sandbox_url}/control"
        self._api = stack.api_url
        self._key = key

    def control(self, action: str, /, **facts: Any) -> Any:
        """Do what a person or the calendar does."""
        answer = requests.post(f"{self._control}/{action}", json=facts, timeout=30)
        if not answer.ok:
            raise Rejected(
                f"the sandbox answered {answer.status_code}: {answer.text[:200]}",
                f"/control/{action}",
                "Read logs/sandbox.log.",
            )
        return answer.json()

    def clerk(self, shop_id: str, action: str, **facts: Any) -> Any:
        return self.control("clerk", action=action, company=COMPANIES[shop_id], **facts)

    def open_shops(self) -> None:
        """Fill the shelves and have the clerks ship and invoice whatever comes in."""
        for shop_id in (US, UK):
            goods = [
                {"sku": sku, "name": "Tea", "price": "19.99", "stock": 500} for sku in (TEA, SHORT)
            ]
            self.control("shop_products", shop=shop_id, products=goods)
            self.clerk(shop_id, "auto")
        # The shop still shows what the warehouse has run out of.
        self.clerk(UK, "stock", stock_code=SHORT, quantity="0")

    def place_in_shop(self, story: Story) -> None:
        """Check out in the shop; the product finds the order there."""
        token = self._token_of(story)
        self._into_cart(story, payment={"kind": "transient_token", "value": token})

    def _into_cart(self, story: Story, **more: Any) -> None:
        goods = [{"sku": story.sku, "quantity": 2}]
        placed = self.control("shop_place_order", shop=story.shop_id, lines=goods, **more)["order"]
        story.number = str(placed.get("number") or placed.get("no"))

    def _token_of(self, story: Story) -> str:
        return self.token(**({"outcome": story.outcome} if story.outcome else {}))

    def token(self, **asked: str) -> str:
        return str(self.control("transient_token", count=1, **asked)["tokens"][0]["jti"])

    def clear_faults(self) -> None:
        """Let every partner behave from now on."""
        requests.delete(f"{self._control}/faults", timeout=30).raise_for_status()

    def place_by_api(self, story: Story) -> dict[str, Any]:
        """Pay as a checkout does that calls the API itself; sent twice, as after a lost answer.

        The shop has the order already, unpaid; its number is the shop's.
        """
        self._into_cart(story, status="pending")
        number = story.number
        story.token = self._token_of(story)
        body = checkout_body(number, story.token, sku=story.sku)
        first = self._post("/orders", body, key=f"demo-{number}")
        again = self._post("/orders", body, key=f"demo-{number}")
        if first["order_id"] != again["order_id"] or first["order_id"] != story.order_id:
            raise Rejected("a repeat made another order", number, "This must never happen.")
        return again

    def pay_anew(self, story: Story) -> dict[str, Any]:
        """Pay a declined order under its number, as its story says."""
        token = self.token() if story.pays_with == OTHER_CARD else story.token
        payment: dict[str, Any] = {"method": "transient_token", "transient_token": token}
        if story.pays_with == PROOF:  # the checkout shows the bank's challenge, which is passed
            challenge = self.control("challenge")["authenticationTransactionId"]
            payment["authentication"] = {"transaction_id": challenge}
        path, key = f"/orders/{story.order_id}/payment", f"demo-{story.number}-2"
        return self._post(path, {"payment": payment}, key=key)

    def read(self, path: str) -> Any:
        """Read from the API as the shop's server."""
        headers = {"Authorization": f"Bearer {self._key}"}
        return _json(requests.get(self._api + path, headers=headers, timeout=60), path)

    def _post(self, path: str, body: dict[str, Any], *, key: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": f'"{key}"'}
        url = self._api + path
        found: dict[str, Any] = _json(
            requests.post(url, json=body, headers=headers, timeout=60), path
        )
        return found


def checkout_body(
    number: str,
    token: str,
    *,
    sku: str = TEA,
    name: str = "Ann Lee",
    email: str = "ann@example.com",
) -> dict[str, Any]:
    """Return two teas as a checkout sends them to the API."""
    line = {"description": "Green tea", "stock_code": sku, "net": _PRICE, "tax": _TAX}
    return {
        "number": number,
        "currency": "USD",
        "amount": "43.28",
        "shopper": {"name": name, "email": email, "bill_to": {**_HOME, "name": name}},
        "lines": [{**line, "quantity": "2"}],
        "payment": {"method": "transient_token", "transient_token": token},
    }


def make_key(context: Tieout) -> str:
    """Make the API client that is the US shop's server; return its key."""
    from include.adapters.store.api_clients import SqlApiClients
    from include.services.api.clients import add_client
    from include.services.api.ports import Role

    roles = frozenset({Role.read, Role.write, Role.refund})
    return add_client(SqlApiClients(context.store, "demo"), "demo_shop", US, roles)


def _json(answer: requests.Response, path: str) -> Any:
    if not answer.ok:
        raise Rejected(
            f"the API answered {answer.status_code}: {answer.text[:300]}",
            path,
            "Read logs/api-server.log.",
        )
    return answer.json()
