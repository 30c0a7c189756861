"""The REST API v3 of a WooCommerce site: routes, authentication, JSON."""

from collections.abc import Callable, Mapping
from typing import Any

from include.sandbox.server import Handler, Request, Response, Router
from include.sandbox.shop.errors import WooError, invalid_param
from include.sandbox.shop.listing import JSON, Query, list_orders, list_plain
from include.sandbox.shop.signature import ApiKey, Gate
from include.sandbox.shop.site import Site

BASE = "/wp-json/wc/v3"
_ID = r"(?P<id>\d{1,12})"
Answer = Callable[[Request, ApiKey], Response]


class WooApi:
    """Adds its routes to a router; every call is authenticated."""

    def __init__(self, site: Site, gate: Gate) -> None:
        self._site, self._gate = site, gate

    def add_to(self, router: Router) -> None:
        site = self._site
        for method, path, answer in (
            ("GET", "/orders", self._orders),
            ("POST", "/orders", self._create_order),
            ("GET", f"/orders/{_ID}", self._order),
            ("PUT", f"/orders/{_ID}", lambda r, k: _ok(site.change_order(_id(r), _body(r)))),
            ("POST", f"/orders/{_ID}", lambda r, k: _ok(site.change_order(_id(r), _body(r)))),
            ("DELETE", f"/orders/{_ID}", self._delete_order),
            ("GET", f"/orders/{_ID}/notes", self._notes),
            ("POST", f"/orders/{_ID}/notes", lambda r, k: _made(site.add_note(_id(r), _body(r)))),
            ("GET", f"/orders/{_ID}/refunds", self._refunds),
            ("POST", f"/orders/{_ID}/refunds", lambda r, k: _made(site.refund(_id(r), _body(r)))),
            ("GET", "/products", self._products),
            ("POST", "/products", lambda r, k: _made(site.save_product(_body(r)))),
            ("POST", "/products/batch", self._batch),
            ("GET", f"/products/{_ID}", lambda r, k: self._one("products", r, "product")),
            ("PUT", f"/products/{_ID}", lambda r, k: _ok(site.save_product(_body(r), _id(r)))),
            ("GET", f"/products/{_ID}/variations", self._variations),
            ("PUT", f"/products/{_ID}/variations/(?P<part>\\d+)", self._save_variation),
            ("GET", f"/products/{_ID}/variations/(?P<part>\\d+)", self._variation),
            ("GET", "/customers", self._customers),
            ("POST", "/customers", lambda r, k: _made(site.save_customer(_body(r)))),
            ("GET", f"/customers/{_ID}", lambda r, k: self._one("customers", r, "customer")),
            ("PUT", f"/customers/{_ID}", lambda r, k: _ok(site.save_customer(_body(r), _id(r)))),
            ("GET", "/webhooks", self._webhooks),
            ("POST", "/webhooks", lambda r, k: _made(site.save_webhook(_body(r), k.secret))),
            ("GET", f"/webhooks/{_ID}", lambda r, k: self._one("webhooks", r, "shop_webhook")),
            ("PUT", f"/webhooks/{_ID}", self._save_webhook),
            ("DELETE", f"/webhooks/{_ID}", self._delete_webhook),
        ):
            router.add(method, BASE + path, self._checked(answer))
        router.add("GET", "/wp-json/?", self._index)

    def _checked(self, answer: Answer) -> Handler:
        def handle(request: Request) -> Response:
            try:
                key = self._gate.check(request)
                with self._site.lock:  # until the answer is written: no record changes meanwhile
                    return answer(request, key)
            except WooError as fault:
                return fault.response()

        return handle

    def _index(self, request: Request) -> Response:
        return _ok({"name": self._site.shop_id, "namespaces": ["wc/v3"], "routes": {}})

    # Orders ----------------------------------------------------------------------------------

    def _orders(self, request: Request, key: ApiKey) -> Response:
        return list_orders(Query(request), self._site.rows("orders"), self._site.zone)

    def _order(self, request: Request, key: ApiKey) -> Response:
        return self._one("orders", request, "shop_order")

    def _create_order(self, request: Request, key: ApiKey) -> Response:
        given = _body(request)
        items = given.get("line_items", [])
        if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
            raise invalid_param("line_items", "line_items is not of type array.")
        paid = "processing" if given.get("set_paid") else "pending"
        known = ("billing", "shipping", "customer_id", "currency", "customer_note", "meta_data")
        facts = {
            **{name: given[name] for name in known if name in given},
            "lines": [self._site.line_of(item) for item in items],
            "status": given.get("status", paid),
        }
        try:
            return _made(self._site.place(facts))
        except ValueError as fault:
            raise invalid_param("line_items", str(fault)) from None

    def _delete_order(self, request: Request, key: ApiKey) -> Response:
        is_final = Query(request).text("force") in ("true", "1")
        return _ok(self._site.delete_order(_id(request), is_final=is_final))

    def _notes(self, request: Request, key: ApiKey) -> Response:
        self._one("orders", request, "shop_order")
        kind = Query(request).choice("type", "any", "any", "customer", "internal")
        rows = list(self._site.notes.get(_id(request), []))
        if kind != "any":
            rows = [row for row in rows if row["customer_note"] is (kind == "customer")]
        return _ok(rows[::-1])  # newest first

    def _refunds(self, request: Request, key: ApiKey) -> Response:
        self._one("orders", request, "shop_order")
        return list_plain(Query(request), self._site.refunds.get(_id(request), []))

    # Products --------------------------------------------------------------------------------

    def _products(self, request: Request, key: ApiKey) -> Response:
        rows = [row for row in self._site.rows("products") if not row["parent_id"]]
        skus = Query(request).words("sku")
        if skus:  # asked by SKU, variations answer too
            rows = self._site.rows("products")
        return list_plain(Query(request), rows, "status", "stock_status", "type")

    def _batch(self, request: Request, key: ApiKey) -> Response:
        """Answer each item by itself: a batch is 200 whatever became of its parts."""
        given = _body(request)
        if sum(len(given.get(name, [])) for name in ("create", "update", "delete")) > 100:
            raise WooError(
                "woocommerce_rest_request_entity_too_large",
                "Unable to accept more than 100 items for this request.",
                413,
            )
        site = self._site
        work: dict[str, Callable[[Any], Mapping[str, Any]]] = {
            "create": site.save_product,
            "update": lambda item: site.save_product(item, int(item.get("id", 0)) or -1),
            "delete": lambda number: site.delete("products", int(number), "product"),
        }
        return _ok(
            {
                name: [_attempt(work[name], item) for item in given[name]]
                for name in work
                if name in given
            }
        )

    def _variations(self, request: Request, key: ApiKey) -> Response:
        self._one("products", request, "product")
        parent = _id(request)
        rows = [row for row in self._site.rows("products") if row["parent_id"] == parent]
        return list_plain(Query(request), rows, "stock_status")

    def _variation(self, request: Request, key: ApiKey) -> Response:
        return _ok(self._demand_variation(request))

    def _save_variation(self, request: Request, key: ApiKey) -> Response:
        self._demand_variation(request)
        return _ok(self._site.save_product(_body(request), int(request.match["part"])))

    def _demand_variation(self, request: Request) -> Mapping[str, Any]:
        found = self._site.one("products", int(request.match["part"]), "product_variation")
        if found["parent_id"] != _id(request):
            raise WooError("woocommerce_rest_product_variation_invalid_id", "Invalid ID.", 404)
        return dict(found)

    # Customers and webhooks ------------------------------------------------------------------

    def _customers(self, request: Request, key: ApiKey) -> Response:
        return list_plain(Query(request), self._site.rows("customers"), "email")

    def _webhooks(self, request: Request, key: ApiKey) -> Response:
        return list_plain(Query(request), self._site.rows("webhooks"), "status")

    def _save_webhook(self, request: Request, key: ApiKey) -> Response:
        return _ok(self._site.save_webhook(_body(request), key.secret, _id(request)))

    def _delete_webhook(self, request: Request, key: ApiKey) -> Response:
        if Query(request).text("force") not in ("true", "1"):
            text = "Webhooks do not support trashing."
            raise WooError("woocommerce_rest_trash_not_supported", text, 501)
        return _ok(self._site.delete("webhooks", _id(request), "shop_webhook"))

    def _one(self, name: str, request: Request, kind: str) -> Response:
        return _ok(self._site.one(name, _id(request), kind))


def _attempt(work: Callable[[Any], Mapping[str, Any]], item: Any) -> Mapping[str, Any]:
    try:
        return work(item)
    except WooError as fault:
        error = {"code": fault.code, "message": fault.message, "data": {"status": fault.status}}
        return {"id": item.get("id", 0) if isinstance(item, Mapping) else item, "error": error}


def _id(request: Request) -> int:
    return int(request.match["id"])


def _body(request: Request) -> dict[str, Any]:
    try:
        found = request.json() or {}
    except ValueError:
        raise WooError("rest_invalid_json", "Invalid JSON body passed.", 400) from None
    if not isinstance(found, dict):
        raise WooError("rest_invalid_json", "Invalid JSON body passed.", 400)
    return found


def _ok(value: object) -> Response:
    return Response.of_json(value, 200, JSON)


def _made(value: object) -> Response:
    return Response.of_json(value, 201, JSON)
