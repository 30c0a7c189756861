"""What one WooCommerce site remembers: products, customers, webhooks, ids. No HTTP here."""

import copy
import itertools
import threading
from collections.abc import Mapping
from typing import Any

from include.sandbox.ledger import Ledger
from include.sandbox.shop.amounts import TaxRule
from include.sandbox.shop.clock import ShopClock, gmt_text, local_text
from include.sandbox.shop.errors import WooError, invalid_id, invalid_param
from include.sandbox.shop.hooks import Courier, Webhook
from include.sandbox.shop.orders import Order, merge_meta

FIRST_ID = 1001
_PRODUCT: Mapping[str, Any] = {
    "name": "",
    "type": "simple",
    "status": "publish",
    "sku": "",
    "price": "",
    "regular_price": "",
    "tax_status": "taxable",
    "manage_stock": False,
    "stock_quantity": None,
    "stock_status": "instock",
    "backorders": "no",
    "variations": [],
    "parent_id": 0,
    "meta_data": [],
}


class Records:
    """The records of one shop. Who reads the records themselves holds ``lock`` meanwhile."""

    def __init__(
        self, shop_id: str, zone: str, currency: str, tax: TaxRule, clock: ShopClock, ledger: Ledger
    ) -> None:
        self.shop_id, self.zone, self.currency, self.tax = shop_id, zone, currency, tax
        self.clock, self._ledger = clock, ledger
        self.courier = Courier(ledger, f"https://{shop_id.replace('_', '-')}.example/")
        self.lock = threading.RLock()
        self.clear()

    def clear(self) -> None:
        """Return to an empty shop."""
        with self.lock:
            self._ids = itertools.count(FIRST_ID)
            self.orders: dict[int, Order] = {}
            self.notes: dict[int, list[dict[str, Any]]] = {}
            self.refunds: dict[int, list[dict[str, Any]]] = {}
            self.products: dict[int, dict[str, Any]] = {}
            self.customers: dict[int, dict[str, Any]] = {}
            self.asked: dict[int, dict[str, Any]] = {}  # what each order was priced from
            self.webhooks: dict[int, Webhook] = {}
            self._secrets: dict[int, str] = {}

    def next_id(self) -> int:
        return next(self._ids)

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return all orders, products, customers or webhooks: the records themselves."""
        with self.lock:
            return list(getattr(self, name).values())

    def one(self, name: str, number: int, kind: str) -> dict[str, Any]:
        """Return one record itself, for a change under the lock.

        Raises:
            WooError: 404.
        """
        found: dict[str, Any] | None = getattr(self, name).get(number)
        if found is None:
            raise invalid_id(kind)
        return found

    def save_product(self, given: Mapping[str, Any], number: int = 0) -> dict[str, Any]:
        """Create or update a product or variation.

        Raises:
            WooError: 404, or 400; then nothing has changed.
        """
        with self.lock:
            old = self.one("products", number, "product") if number else dict(_PRODUCT)
            product = copy.deepcopy(dict(old))
            product |= {k: v for k, v in given.items() if k in _PRODUCT and k != "meta_data"}
            if "regular_price" in given:
                product["price"] = str(given["regular_price"])
            quantity = product["stock_quantity"]
            if quantity is not None and (
                isinstance(quantity, bool) or not isinstance(quantity, int)
            ):
                raise invalid_param("stock_quantity", "stock_quantity is not of type integer.")
            if product["manage_stock"] and quantity is None:
                product["stock_quantity"] = 0
            if not product["manage_stock"]:
                product["stock_quantity"] = None  # as the shop does: it is ignored, not refused
            self._demand_new_sku(product, number)
            merge_meta(product["meta_data"], given.get("meta_data", []), self.next_id)
            product["id"] = number or self.next_id()
            product |= {} if number else self.stamps("date_created")
            self.settle_stock(product)
            self.products[product["id"]] = product
            self._show_sku(product["id"], product["sku"])
            self.record(
                f"products.{'update' if number else 'create'}",
                product["id"],
                product,
                planted(given.get("meta_data")) or str(product["sku"]),
                sku=product["sku"],
                stock_quantity=product["stock_quantity"],
            )
            self.emit(f"product.{'updated' if number else 'created'}", product)
            return copy.deepcopy(product)

    def _demand_new_sku(self, product: Mapping[str, Any], number: int) -> None:
        taken = [p["id"] for p in self.products.values() if p["sku"] == product["sku"]]
        if product["sku"] and any(found != number for found in taken):
            raise WooError("product_invalid_sku", "Invalid or duplicated SKU.", 400)

    def _show_sku(self, product_id: int, sku: str | None) -> None:
        """REST reads the SKU of an order's line from its product as it is: null once deleted."""
        lines = (line for order in self.orders.values() for line in order["line_items"])
        for line in lines:
            if line["product_id"] == product_id:
                line["sku"] = sku

    def settle_stock(self, product: dict[str, Any]) -> None:
        if product["manage_stock"]:
            is_there = product["stock_quantity"] > 0
            may_wait = product["backorders"] != "no"
            empty = "onbackorder" if may_wait else "outofstock"
            product["stock_status"] = "instock" if is_there else empty
        product |= self.stamps("date_modified")

    def stamps(self, name: str) -> dict[str, str]:
        at = self.clock.now()
        return {name: local_text(at, self.zone), f"{name}_gmt": gmt_text(at)}

    def save_webhook(self, given: Mapping[str, Any], secret: str, number: int = 0) -> Webhook:
        """Create (and ping) or update a webhook."""
        with self.lock:
            old = self.one("webhooks", number, "shop_webhook") if number else {}
            hook = {**old, **{k: given[k] for k in ("name", "status", "topic") if k in given}}
            hook["delivery_url"] = given.get("delivery_url", hook.get("delivery_url", ""))
            if not str(hook["delivery_url"]).startswith(("http://", "https://")):
                raise invalid_param("delivery_url", "Webhook delivery URL is invalid.")
            if hook.get("topic") not in TOPICS:
                raise invalid_param("topic", "Webhook topic is required and must be valid.")
            if hook.setdefault("status", "active") not in ("active", "paused", "disabled"):
                raise invalid_param("status", "status is not one of active, paused, disabled.")
            hook["id"] = number or self.next_id()
            resource, _, event = hook["topic"].partition(".")
            hook |= {"resource": resource, "event": event, **self.stamps("date_modified")}
            hook.setdefault("name", f"Webhook {hook['id']}")
            hook.setdefault("failure_count", 0)
            if hook["status"] == "active":
                hook["failure_count"] = 0
            self._secrets[hook["id"]] = str(given.get("secret") or "") or self._secrets.get(
                hook["id"], secret
            )
            kept = self.webhooks.setdefault(hook["id"], hook)
            kept.update(hook)
            if not number:
                kept |= self.stamps("date_created")
                self.courier.ping(kept)
            verb = f"webhooks.{'update' if number else 'create'}"
            self.record(verb, kept["id"], kept, topic=kept["topic"])
            return copy.deepcopy(kept)

    def delete(self, name: str, number: int, kind: str) -> dict[str, Any]:
        """Remove a webhook, product or customer for good."""
        with self.lock:
            found = self.one(name, number, kind)
            del getattr(self, name)[number]
            if name == "products":
                self._show_sku(number, None)
            self.record(f"{name}.delete", number, {"id": number})
            return copy.deepcopy(found)

    def save_customer(self, given: Mapping[str, Any], number: int = 0) -> dict[str, Any]:
        with self.lock:
            old = self.one("customers", number, "customer") if number else {}
            found = {**old, **{k: str(given[k]) for k in _NAMES if k in given}}
            if "@" not in found.get("email", ""):
                raise invalid_param("email", "Invalid email address.")
            others = [c["id"] for c in self.customers.values() if c["email"] == found["email"]]
            if any(other != number for other in others):
                text = "An account is already registered with that email address."
                raise WooError("registration-error-email-exists", text, 400)
            found["id"] = number or self.next_id()
            found.setdefault("meta_data", [])
            merge_meta(found["meta_data"], given.get("meta_data", []), self.next_id)
            found |= self.stamps("date_modified") if number else self.stamps("date_created")
            self.customers[found["id"]] = found
            self.record(f"customers.{'update' if number else 'create'}", found["id"], found)
            return copy.deepcopy(found)

    def user(self, username: str) -> int:
        """Return the id of a user, who is made where there is none."""
        with self.lock:
            known = (c["id"] for c in self.customers.values() if c.get("username") == username)
            mail = f"{username}@shop.example"
            found = (
                next(known, 0) or self.save_customer({"email": mail, "username": username})["id"]
            )
            return int(found)

    def emit(self, topic: str, payload: Mapping[str, Any]) -> None:
        """Hand an event to every active webhook of the topic."""
        second = int(self.clock.now().timestamp())
        for hook in self.webhooks.values():
            if hook["topic"] == topic and hook["status"] == "active":
                secret = self._secrets[hook["id"]]
                self.courier.deliver(hook, secret, copy.deepcopy(dict(payload)), second)

    def record(
        self, verb: str, number: int, content: object, reference: str = "", **facts: Any
    ) -> None:
        self._ledger.record(
            "shop",
            verb,
            reference or str(number),
            repr(content),
            shop=self.shop_id,
            number=str(number),
            **facts,
        )


TOPICS = frozenset(
    f"{resource}.{event}"
    for resource in ("order", "product", "customer", "coupon")
    for event in ("created", "updated", "deleted", "restored")
)
_NAMES = ("email", "first_name", "last_name", "username")


def planted(meta: object) -> str:
    """Return what the caller planted in ``meta_data`` to find its write again."""
    items = meta if isinstance(meta, list) else []
    found = [str(m.get("key", "")) for m in items if isinstance(m, Mapping)]
    return next((key for key in found if key.startswith("_tieout_")), "")
