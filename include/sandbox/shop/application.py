"""The shops' server: WooCommerce for acme_us_web, plain JSON for acme_uk_web, callbacks for all.

The control server plays the shopper. ``shop`` names the shop in every action:

| action | facts beside ``shop`` |
|---|---|
| ``shop_products`` | ``products``: [{sku, name, price, stock}] |
| ``shop_place_order`` | ``lines`` [{sku, quantity, price?}], ``payment`` {kind, value}, |
|  | ``freight``, ``discount``, ``coupon``, ``fees``, ``billing``, ``shipping``, ``status``, |
|  | ``customer_note`` |
| ``shop_edit_order`` | ``order``, ``lines`` (WooCommerce: [{sku or id, quantity}]), ``note`` |
| ``shop_cancel_order`` | ``order`` |
| ``shop_change_address`` | ``order``, ``shipping`` {address_1, city ...} |
| ``shop_request_refund`` | ``order``, ``amount?`` (all), ``reason`` |
| ``shop_refund`` | ``order``, ``amount``, ``reason``, ``by``, who is one of the shop's people |
| ``shop_orders`` |  |
| ``shop_webhook`` | ``topic``, ``delivery_url``, ``secret``: the shop calls it from now on |
| ``shop_drop_webhooks`` | ``times``: deliveries that get lost |
| ``shop_deliveries`` | waits up to ``seconds`` for the queue, lists what was delivered |
| ``callbacks``, ``callbacks_fail`` | see ``callbacks.py`` |

A payment reference lies in ``meta_data`` under ``_cybersource_transient_token``,
``_cybersource_tms_token`` or ``_cybersource_request_id``.
"""

import copy
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from include.sandbox.ledger import Ledger
from include.sandbox.server import App, Request, Response
from include.sandbox.shop.amounts import TaxRule
from include.sandbox.shop.callbacks import Callbacks
from include.sandbox.shop.clock import ShopClock
from include.sandbox.shop.errors import WooError
from include.sandbox.shop.generic import GenericApi, GenericShop, No
from include.sandbox.shop.hooks import Courier
from include.sandbox.shop.signature import Gate, make_key
from include.sandbox.shop.site import Site
from include.sandbox.shop.woo import WooApi

WOO_SHOP, GENERIC_SHOP = "acme_us_web", "acme_uk_web"
GENERIC_TOKEN = "sandbox-shop"  # noqa: S105  invented, like everything here
KEYS = (make_key(WOO_SHOP, "read_write"), make_key(f"{WOO_SHOP}-reader", "read"))

Facts = Mapping[str, Any]


class ShopApp(App):
    """Two shops and a receiver on one port."""

    system = "shop"
    server_header = "SandShop"

    def __init__(self, ledger: Ledger, live_date: Callable[[], date]) -> None:
        super().__init__()
        clock = ShopClock(live_date)
        self.woo = Site(
            WOO_SHOP, "America/New_York", "USD", TaxRule(825, is_in_price=False), clock, ledger
        )
        self.generic = GenericShop(
            GENERIC_SHOP, "UK", "GBP", TaxRule(2000, is_in_price=True), GENERIC_TOKEN, clock, ledger
        )
        self.callbacks = Callbacks(ledger)
        WooApi(self.woo, Gate(KEYS)).add_to(self.router)
        GenericApi(self.generic).add_to(self.router)
        self.callbacks.add_to(self.router)
        self._actions: dict[str, Callable[[Facts], Facts]] = {
            "shop_products": self._products,
            "shop_place_order": self._place,
            "shop_edit_order": self._edit,
            "shop_cancel_order": self._cancel,
            "shop_change_address": self._change_address,
            "shop_request_refund": self._request_refund,
            "shop_refund": self._refund,
            "shop_orders": self._orders,
            "shop_webhook": self._webhook,
            "shop_drop_webhooks": self._drop,
            "shop_deliveries": self._deliveries,
            "callbacks": lambda facts: {"deliveries": self.callbacks.received(str(facts["shop"]))},
            "callbacks_fail": self.callbacks.fail,
        }

    def label(self, request: Request) -> str:
        """Method and path: the query holds signatures that differ with every call."""
        return f"{request.method} {request.path}"

    def error_text(self, text: str) -> Response:
        return WooError("internal_server_error", text, 500).response()

    def control(self, action: str, facts: Facts) -> Facts | None:
        """Play the shopper; see the table above."""
        work = self._actions.get(action)
        if work is None:
            return None
        try:
            return work(facts)
        except (WooError, No) as fault:
            raise ValueError(str(fault)) from None

    def reset(self) -> None:
        self.woo.clear()
        self.woo.courier.clear()
        self.generic.clear()
        self.callbacks.clear()

    def _is_woo(self, facts: Facts) -> bool:
        shop = str(facts.get("shop", WOO_SHOP))
        if shop not in (WOO_SHOP, GENERIC_SHOP):
            raise ValueError(f"no shop {shop!r}; there are {WOO_SHOP} and {GENERIC_SHOP}")
        return shop == WOO_SHOP

    def _products(self, facts: Facts) -> Facts:
        made: list[Facts] = []
        for item in facts["products"]:
            sku, stock = str(item["sku"]), int(item.get("stock", 0))
            name, price = str(item.get("name", sku)), str(item.get("price", "10.00"))
            if not self._is_woo(facts):
                given = {"name": name, "price": price, "quantity": stock}
                made.append(self.generic.put_article(sku, given))
                continue
            known = {p["sku"]: p["id"] for p in self.woo.rows("products")}
            given = {"sku": sku, "name": name, "regular_price": price}
            given |= {"manage_stock": True, "stock_quantity": stock}
            made.append(self.woo.save_product(given, known.get(sku, 0)))
        return {"products": made}

    def _place(self, facts: Facts) -> Facts:
        shop = self.woo if self._is_woo(facts) else self.generic
        return {"order": shop.place(facts)}

    def _edit(self, facts: Facts) -> Facts:
        if not self._is_woo(facts):
            return {"order": self.generic.edit(str(facts["order"]), facts)}
        order = int(facts["order"])
        given: dict[str, Any] = {}
        if "note" in facts:
            given["customer_note"] = str(facts["note"])
        if "lines" in facts:
            ids = {i["sku"]: i["id"] for i in self.woo.one("orders", order, "o")["line_items"]}
            given["line_items"] = [
                {"id": ids[line["sku"]], **line} if line.get("sku") in ids else line
                for line in facts["lines"]
            ]
        return {"order": self.woo.change_order(order, given)}

    def _cancel(self, facts: Facts) -> Facts:
        if self._is_woo(facts):
            order = self.woo.change_order(int(facts["order"]), {"status": "cancelled"})
            return {"order": order}
        return {"order": self.generic.change(str(facts["order"]), {"state": "cancelled"})}

    def _change_address(self, facts: Facts) -> Facts:
        if self._is_woo(facts):
            given = {"shipping": facts["shipping"]}
            return {"order": self.woo.change_order(int(facts["order"]), given)}
        return {"order": self.generic.edit(str(facts["order"]), {"shipping": facts["shipping"]})}

    def _request_refund(self, facts: Facts) -> Facts:
        """The shopper asks; the shop writes it down and moves no money."""
        amount, reason = str(facts.get("amount", "all")), str(facts.get("reason", ""))
        text = f"Refund requested: {amount}. {reason}".strip()
        if not self._is_woo(facts):
            given = {"remark": text, "tags": {"refund_requested": amount}}
            return {"order": self.generic.change(str(facts["order"]), given)}
        order = int(facts["order"])
        self.woo.add_note(order, {"note": text})
        meta = [
            {"key": "_refund_requested", "value": amount},
            {"key": "_refund_reason", "value": reason},
        ]
        return {"order": self.woo.change_order(order, {"meta_data": meta})}

    def _refund(self, facts: Facts) -> Facts:
        """One of the shop's people writes a refund down; no money moves by it."""
        given, by = {"reason": str(facts.get("reason", "")), "api_refund": False}, str(facts["by"])
        if not self._is_woo(facts):
            given |= {"amount": int(facts["amount"]), "user": by}
            return {"refund": self.generic.refund(str(facts["order"]), given)}
        given["amount"] = str(facts["amount"])
        return {"refund": self.woo.refund(int(facts["order"]), given, self.woo.user(by))}

    def _orders(self, facts: Facts) -> Facts:
        is_woo = self._is_woo(facts)
        return {
            "orders": copy.deepcopy(self.woo.rows("orders")) if is_woo else self.generic.orders()
        }

    def _webhook(self, facts: Facts) -> Facts:
        if self._is_woo(facts):
            return {"webhook": self.woo.save_webhook(facts, KEYS[0].secret)}
        return {"webhook": self.generic.hooks.add(facts)}

    def _courier(self, facts: Facts) -> Courier:
        return self.woo.courier if self._is_woo(facts) else self.generic.hooks.courier

    def _drop(self, facts: Facts) -> Facts:
        self._courier(facts).drop(int(facts.get("times", 1)))
        return {"times": int(facts.get("times", 1))}

    def _deliveries(self, facts: Facts) -> Facts:
        courier = self._courier(facts)
        is_done = courier.wait(min(int(facts.get("seconds", 5)), 30))
        return {"deliveries": list(courier.sent), "is_done": is_done}
