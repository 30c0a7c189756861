"""A plain JSON shop of our own invention: a second shape, so that no adapter fits one shop only.

Bearer token; whole minor units; instants with ``Z``; orders are addressed by their number.

| call | does |
|---|---|
| ``GET /api/v1/orders?changed_since=&after=&limit=`` | ``{orders, next}``, oldest change first |
| ``GET, PATCH /api/v1/orders/{no}`` | reads; changes ``state``, ``tags``, adds ``remark`` |
| ``GET, POST /api/v1/orders/{no}/refunds`` | lists; records ``{amount, reason, reference, user}`` |
| ``GET /api/v1/articles``, ``GET, PUT /api/v1/articles/{sku}`` | stock: ``{quantity, reference}`` |
"""

import copy
import hmac
import itertools
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from include.sandbox.ledger import Ledger
from include.sandbox.server import Handler, Request, Response, Router
from include.sandbox.shop.amounts import Priced, TaxRule, shown
from include.sandbox.shop.basket import SHOPPER_UK, Basket, fill_basket, payment_of
from include.sandbox.shop.clock import ShopClock
from include.sandbox.shop.generic_hooks import GenericHooks
from include.sandbox.shop.hooks import Courier

STATES = ("new", "paid", "held", "packing", "shipped", "closed", "cancelled", "refunded")
MOST = 200
Order = dict[str, Any]


class No(Exception):
    """A refusal: status, code, text."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(code, text)
        self.status, self.code, self.text = status, code, text


class GenericShop:
    """Orders, articles and refunds of one shop; thread-safe."""

    def __init__(
        self,
        shop_id: str,
        prefix: str,
        currency: str,
        tax: TaxRule,
        token: str,
        clock: ShopClock,
        ledger: Ledger,
    ) -> None:
        self.shop_id, self.currency, self.token = shop_id, currency, token
        self._prefix, self._tax, self._clock, self._ledger = prefix, tax, clock, ledger
        self._lock = threading.RLock()
        self.hooks = GenericHooks(Courier(ledger, f"https://{shop_id}.example/"), shop_id)
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._numbers = itertools.count(5001)
            self._orders: dict[str, Order] = {}
            self._asked: dict[str, dict[str, Any]] = {}
            self._articles: dict[str, dict[str, Any]] = {}
            self.hooks.clear()

    # The shopper -----------------------------------------------------------------------------

    def place(self, facts: Mapping[str, Any]) -> Order:
        """Take an order; ``facts`` as for WooCommerce.

        Raises:
            ValueError: what is asked for does not make an order.
        """
        with self._lock:
            basket = self._basket(facts)
            kind, value = payment_of(facts)
            number = f"{self._prefix}-{next(self._numbers)}"
            buyer = {**SHOPPER_UK, **(facts.get("billing") or {})}
            now = self._now()
            order: Order = {
                "no": number,
                "state": str(facts.get("status", "paid")),
                "placed": now,
                "changed": now,
                "currency": basket.currency,
                "buyer": _person(buyer),
                "ship_to": _person({**buyer, **(facts.get("shipping") or {})}),
                **_priced(basket),
                "payment": {"kind": kind, "value": value},
                "remark": str(facts.get("customer_note", "")),
                "remarks": [],
                "tags": {},
                "refunds": [],
            }
            self._demand_state(order["state"])
            self._orders[number] = order
            self._asked[number] = dict(facts)
            amount = {"amount_minor": order["total"]["gross"], "currency": basket.currency}
            self._record("api.order.create", number, order, **amount)
            self.hooks.tell(number, order["state"])
            return copy.deepcopy(order)

    def edit(self, number: str, given: Mapping[str, Any]) -> Order:
        """Change as the shopper does: ``lines``, ``shipping``, ``status``."""
        with self._lock:
            order = self._one(number)
            if "lines" in given:
                self._asked[number] |= {"lines": given["lines"]}
                order |= _priced(self._basket(self._asked[number]))
            if "shipping" in given:
                order["ship_to"] |= _person({**SHOPPER_UK, **given["shipping"]})
            return self.change(number, {"state": given.get("status", order["state"])})

    def put_article(self, sku: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Set name, price (text) and stock of an article."""
        with self._lock:
            found = self._articles.setdefault(
                sku, {"sku": sku, "name": sku, "price": "0", "quantity": 0, "reference": ""}
            )
            quantity = given.get("quantity", found["quantity"])
            if not isinstance(quantity, int) or isinstance(quantity, bool):
                raise No(422, "bad_quantity", "quantity must be a whole number")
            known = ("name", "price", "reference")
            found |= {"quantity": quantity, **{k: str(given[k]) for k in known if k in given}}
            found["changed"] = self._now()
            reference = str(given.get("reference", "")) or sku
            self._record("api.stock", sku, found, reference, stock_quantity=quantity)
            return copy.deepcopy(found)

    # The API ---------------------------------------------------------------------------------

    def orders(self) -> list[Order]:
        with self._lock:
            return copy.deepcopy(list(self._orders.values()))

    def order(self, number: str) -> Order:
        with self._lock:
            return copy.deepcopy(self._one(number))

    def change(self, number: str, given: Mapping[str, Any]) -> Order:
        with self._lock:
            order = self._one(number)
            state, tags = given.get("state", order["state"]), given.get("tags", {})
            self._demand_state(state)
            if not isinstance(tags, Mapping):
                raise No(422, "bad_tags", "tags must be an object")
            order["state"], order["changed"] = state, self._now()
            order["tags"] |= {str(k): str(v) for k, v in tags.items()}
            if given.get("remark"):
                order["remarks"].append({"at": order["changed"], "text": str(given["remark"])})
            reference = next((k for k in tags if k.startswith("_tieout_")), number)
            self._record("api.order.update", number, order, reference, status=state)
            self.hooks.tell(number, state)
            return copy.deepcopy(order)

    def refund(self, number: str, given: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            order = self._one(number)
            amount, reference = given.get("amount"), str(given.get("reference", ""))
            left = order["total"]["gross"] - sum(r["amount"] for r in order["refunds"])
            if not isinstance(amount, int) or isinstance(amount, bool) or not 0 < amount <= left:
                raise No(422, "bad_amount", f"amount must be 1 to {left} minor units")
            refund = {
                "id": f"{number}-R{len(order['refunds']) + 1}",
                "amount": amount,
                "currency": order["currency"],
                "reason": str(given.get("reason", "")),
                "reference": reference,
                "user": str(given.get("user", "")),
                "at": self._now(),
            }
            order["refunds"].append(refund)
            order["changed"] = refund["at"]
            if amount == left:
                order["state"] = "refunded"
            self._record(
                "api.refund",
                number,
                refund,
                reference or number,
                amount_minor=amount,
                currency=order["currency"],
            )
            return copy.deepcopy(refund)

    def article(self, sku: str) -> dict[str, Any]:
        with self._lock:
            if sku not in self._articles:
                raise No(404, "no_article", f"there is no article {sku}")
            return copy.deepcopy(self._articles[sku])

    def articles(self) -> list[dict[str, Any]]:
        with self._lock:
            return copy.deepcopy(list(self._articles.values()))

    def _basket(self, facts: Mapping[str, Any]) -> Basket:
        prices = {sku: (a["name"], a["price"]) for sku, a in self._articles.items()}
        currency = str(facts.get("currency", self.currency))
        return fill_basket(facts, prices, currency, self._tax)

    def _one(self, number: str) -> Order:
        if number not in self._orders:
            raise No(404, "no_order", f"there is no order {number}")
        return self._orders[number]

    def _demand_state(self, state: object) -> None:
        if state not in STATES:
            raise No(422, "bad_state", f"state must be one of {', '.join(STATES)}")

    def _now(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def _record(
        self, verb: str, number: str, content: object, reference: str = "", **facts: Any
    ) -> None:
        self._ledger.record(
            "shop",
            verb,
            reference or number,
            repr(content),
            shop=self.shop_id,
            number=number,
            **facts,
        )


class GenericApi:
    """Adds the routes of a :class:`GenericShop` to a router."""

    def __init__(self, shop: GenericShop) -> None:
        self._shop = shop

    def add_to(self, router: Router) -> None:
        shop, base = self._shop, "/api/v1"
        no, sku = r"(?P<no>[^/]{1,60})", r"(?P<sku>.{1,60})"
        for method, path, status, work in (
            ("GET", "/orders", 200, self._changed),
            ("GET", f"/orders/{no}", 200, lambda r: shop.order(r.match["no"])),
            ("PATCH", f"/orders/{no}", 200, lambda r: shop.change(r.match["no"], _object(r))),
            ("GET", f"/orders/{no}/refunds", 200, self._refunds),
            (
                "POST",
                f"/orders/{no}/refunds",
                201,
                lambda r: shop.refund(r.match["no"], _object(r)),
            ),
            ("GET", "/articles", 200, lambda r: {"articles": shop.articles()}),
            ("GET", f"/articles/{sku}", 200, lambda r: shop.article(r.match["sku"])),
            ("PUT", f"/articles/{sku}", 200, self._put_article),
        ):
            router.add(method, base + path, self._checked(work, status))

    def _checked(self, work: Callable[[Request], object], status: int) -> Handler:
        expected = f"Bearer {self._shop.token}".encode()

        def handle(request: Request) -> Response:
            given = request.headers.get("authorization", "").encode()
            try:
                if not hmac.compare_digest(given, expected):
                    raise No(401, "no_token", "the bearer token is missing or wrong")
                return Response.of_json(work(request), status)
            except No as no:
                return Response.of_json({"error": {"code": no.code, "text": no.text}}, no.status)

        return handle

    def _changed(self, request: Request) -> object:
        """Return one page, oldest change first; ``next`` is the ``after`` of the next page."""
        since = _instant(request.query.get("changed_since", ""))
        limit = request.query.get("limit", "50")
        if not (limit.isascii() and limit.isdigit()) or not 1 <= int(limit) <= MOST:
            raise No(422, "bad_limit", f"limit must be 1 to {MOST}")
        rows = sorted(self._shop.orders(), key=lambda o: (o["changed"], o["no"]))
        rows = [o for o in rows if o["changed"] >= since]
        if after := request.query.get("after", ""):
            changed, _, number = after.partition("|")
            rows = [o for o in rows if (o["changed"], o["no"]) > (changed, number)]
        page = rows[: int(limit)]
        has_more = len(rows) > len(page)
        return {
            "orders": page,
            "next": f"{page[-1]['changed']}|{page[-1]['no']}" if has_more else None,
        }

    def _refunds(self, request: Request) -> object:
        return {"refunds": self._shop.order(request.match["no"])["refunds"]}

    def _put_article(self, request: Request) -> object:
        self._shop.article(request.match["sku"])  # 404 where there is none
        return self._shop.put_article(request.match["sku"], _object(request))


def _priced(basket: Basket) -> dict[str, Any]:
    def both(found: Priced) -> dict[str, int]:
        return {"net": shown(found.net), "vat": shown(found.tax)}

    total, off = basket.total, basket.discount
    return {
        "lines": [
            {
                "no": at,
                "sku": line.sku,
                "title": line.name,
                "qty": str(line.quantity),
                "unit_price": line.price_minor,
                **both(line.after),
            }
            for at, line in enumerate(basket.lines, 1)
        ],
        "prices_hold_vat": basket.tax.is_in_price,
        "freight": both(basket.freight),
        "fees": [{"title": name, **both(fee)} for name, fee in basket.fees],
        "discount": {"code": basket.coupon, **both(off)},
        "total": {**both(total), "gross": shown(total.gross)},
    }


def _person(given: Mapping[str, str]) -> dict[str, str]:
    return {
        "name": f"{given['first_name']} {given['last_name']}".strip(),
        "company": given["company"],
        "street": given["address_1"],
        "street2": given["address_2"],
        "town": given["city"],
        "county": given["state"],
        "postcode": given["postcode"],
        "country": given["country"],
        "mail": given["email"],
        "phone": given["phone"],
    }


def _object(request: Request) -> dict[str, Any]:
    try:
        found = request.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise No(400, "bad_json", "a JSON object is needed")
    return found


def _instant(text: str) -> str:
    if not text:
        return ""
    try:
        found: datetime | None = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise No(422, "bad_time", "changed_since must be an instant with a zone")
    return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
