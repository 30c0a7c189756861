"""The orders of one WooCommerce site, and every change of them."""

import copy
from collections.abc import Mapping
from typing import Any

from include.sandbox.shop.amounts import decimal_text, minor_of
from include.sandbox.shop.basket import SHOPPER, Basket, fill_basket, payment_of
from include.sandbox.shop.errors import WooError, invalid_param
from include.sandbox.shop.orders import (
    STATUSES,
    Order,
    apply_changes,
    merge_meta,
    new_order,
    plant_payment,
    price_order,
    refund_of,
    set_status,
    touch,
)
from include.sandbox.shop.records import Records, planted

HOLDS_STOCK = frozenset({"processing", "on-hold", "completed"})
GIVES_BACK = frozenset({"cancelled", "failed", "pending", "trash"})
_GIVEN = ("customer_note", "payment_method", "payment_method_title", "transaction_id", "meta_data")


class Site(Records):
    """One shop. A refused call changes nothing."""

    def place(self, facts: Mapping[str, Any]) -> Order:
        """Let a shopper order; see ``basket.fill_basket`` for ``facts``.

        Raises:
            ValueError, WooError: what is asked for does not make an order.
        """
        with self.lock:
            status = str(facts.get("status", "processing"))
            _demand_status(status)
            basket, asked = self._basket(facts)
            kind, value = payment_of(facts)
            billing = {**SHOPPER, **(facts.get("billing") or {})}
            order = new_order(
                basket, self.next_id, self._product_ids(), billing, facts.get("shipping") or {}
            )
            apply_changes(order, {k: facts[k] for k in _GIVEN if k in facts}, self.next_id)
            order["customer_id"] = int(facts.get("customer_id", 0))
            plant_payment(order, kind, value, self.next_id)
            order["id"] = self.next_id()
            order["number"] = str(order["id"])
            order["order_key"] = f"wc_order_{self.shop_id}{order['id']}"
            self.orders[order["id"]] = order
            self.asked[order["id"]] = asked
            self._finish(order, status, "created", facts.get("meta_data"))
            return copy.deepcopy(order)

    def change_order(self, number: int, given: Mapping[str, Any]) -> Order:
        """Update an order as ``PUT`` does.

        Raises:
            WooError: 404, or 400 for a member that does not fit; then nothing has changed.
        """
        with self.lock:
            order = self.one("orders", number, "shop_order")
            status = given.get("status", order["status"])
            if given.get("set_paid") and order["status"] in ("pending", "failed"):
                status = "processing"
            _demand_status(status)
            changed = copy.deepcopy(order)
            apply_changes(changed, given, self.next_id)
            if "line_items" in given:
                self._edit_lines(changed, given["line_items"])
            order.update(changed)
            left = self._left_minor(order)
            if status == "refunded" and order["status"] != "refunded" and left > 0:
                # As WooCommerce does: the status makes a refund of all that is left.
                rest = {"amount": decimal_text(left, order["currency"]), "api_refund": False}
                self._add_refund(order, {**rest, "reason": "Order fully refunded."})
            self._finish(order, status, "updated", given.get("meta_data"))
            return copy.deepcopy(order)

    def delete_order(self, number: int, *, is_final: bool) -> Order:
        """Move an order to the trash, or remove it for good.

        Raises:
            WooError: 404, or 410 for an order that is in the trash already.
        """
        with self.lock:
            order = self.one("orders", number, "shop_order")
            before = copy.deepcopy(order)
            if is_final:
                del self.orders[number]
                self.record("orders.delete", number, {"id": number})
            elif order["status"] == "trash":
                text = "The order has already been deleted."
                raise WooError("woocommerce_rest_already_trashed", text, 410)
            else:
                self._finish(order, "trash", "")
            self.emit("order.deleted", {"id": number})
            return before

    def add_note(self, number: int, given: Mapping[str, Any]) -> dict[str, Any]:
        with self.lock:
            self.one("orders", number, "shop_order")
            text = given.get("note")
            if not isinstance(text, str) or not text:
                raise invalid_param("note", "note is required.")
            note = {
                "id": self.next_id(),
                "author": "system" if not given.get("added_by_user") else "shop",
                **self.stamps("date_created"),
                "note": text,
                "customer_note": bool(given.get("customer_note", False)),
            }
            self.notes.setdefault(number, []).append(note)
            self.record("orders.note", number, note, note=text)
            return copy.deepcopy(note)

    def refund(self, number: int, given: Mapping[str, Any], by: int = 1) -> dict[str, Any]:
        """Record a refund of a user; refunding all of it makes the order ``refunded``."""
        with self.lock:
            order = self.one("orders", number, "shop_order")
            refund = self._add_refund(order, given, by)
            is_all = not self._left_minor(order)
            self._finish(order, "refunded" if is_all else order["status"], "updated")
            return copy.deepcopy(refund)

    def _left_minor(self, order: Order) -> int:
        """Say how much of an order is not refunded yet."""
        currency = order["currency"]
        made = [minor_of(r["amount"], currency) for r in self.refunds.get(order["id"], [])]
        return minor_of(order["total"], currency) - sum(made)

    def _add_refund(self, order: Order, given: Mapping[str, Any], by: int = 1) -> dict[str, Any]:
        number, currency = order["id"], order["currency"]
        refund = refund_of(order, self._left_minor(order), given, self.next_id)
        refund |= {"refunded_by": by, **self.stamps("date_created")}
        self.refunds.setdefault(number, []).append(refund)
        minor = minor_of(refund["amount"], currency)
        order["refunds"].append(
            {
                "id": refund["id"],
                "reason": refund["reason"],
                "total": decimal_text(-minor, currency),
            }
        )
        reference = planted(given.get("meta_data")) or order["number"]
        self.record(
            "orders.refund", number, refund, reference, amount_minor=minor, currency=currency
        )
        return refund

    def _basket(self, facts: Mapping[str, Any]) -> tuple[Basket, dict[str, Any]]:
        """Price what is asked for; also return it with every line's name and price filled in."""
        prices = {p["sku"]: (p["name"], p["price"]) for p in self.products.values() if p["sku"]}
        currency = str(facts.get("currency", self.currency))
        basket = fill_basket(facts, prices, currency, self.tax)
        lines = [
            {
                "sku": line.sku,
                "name": line.name,
                "quantity": line.quantity,
                "price": decimal_text(line.price_minor, currency),
            }
            for line in basket.lines
        ]
        return basket, {**facts, "lines": lines}

    def _product_ids(self) -> dict[str, int]:
        return {p["sku"]: int(p["id"]) for p in self.products.values() if p["sku"]}

    def _edit_lines(self, order: Order, items: object) -> None:
        """Price the order anew with other quantities; a quantity of 0 takes a line out."""
        if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
            raise invalid_param("line_items", "line_items is not of type array.")
        asked = copy.deepcopy(self.asked[order["id"]])
        places = {item["id"]: at for at, item in enumerate(order["line_items"])}
        for item in items:
            quantity = item.get("quantity", 1)
            if not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < 0:
                raise invalid_param("line_items", "quantity is not of type integer.")
            if item.get("id") in places:
                asked["lines"][places[item["id"]]]["quantity"] = quantity
            else:
                asked["lines"].append(self.line_of(item))
        asked["lines"] = [line for line in asked["lines"] if line["quantity"]]
        try:
            basket, asked = self._basket(asked)
        except ValueError as fault:
            raise invalid_param("line_items", str(fault)) from None
        price_order(order, basket, self.next_id, self._product_ids())
        self.asked[order["id"]] = asked

    def line_of(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Turn a line of the API (product_id or sku) into one of a basket."""
        wanted = item.get("product_id"), item.get("sku")
        found = next(
            (p for p in self.products.values() if p["id"] == wanted[0] or p["sku"] == wanted[1]),
            None,
        )
        if found is None:
            text = "Product ID provided is invalid or a required parameter is missing."
            raise WooError("woocommerce_rest_required_product_reference", text, 400)
        return {
            "sku": found["sku"],
            "name": found["name"],
            "price": found["price"],
            "quantity": item.get("quantity", 1),
        }

    def _finish(self, order: Order, status: object, event: str, meta: object = None) -> None:
        """Take a status, move stock, stamp, record and tell."""
        at = self.clock.now()
        set_status(order, status, at, self.zone)
        self._move_stock(order)
        touch(order, at, self.zone)
        self.record(
            f"orders.{'create' if event == 'created' else 'update' if event else 'trash'}",
            order["id"],
            order,
            planted(meta) or order["number"],
            status=str(status),
            amount_minor=minor_of(order["total"], order["currency"]),
            currency=order["currency"],
        )
        if event:
            self.emit(f"order.{event}", order)

    def _move_stock(self, order: Order) -> None:
        """Take goods out of stock once the order counts, and put them back when it does not."""
        taken = next((m for m in order["meta_data"] if m["key"] == "_order_stock_reduced"), None)
        if order["status"] in HOLDS_STOCK and taken is None:
            sign = -1
            merge_meta(
                order["meta_data"], [{"key": "_order_stock_reduced", "value": "yes"}], self.next_id
            )
        elif order["status"] in GIVES_BACK and taken is not None:
            sign = 1
            order["meta_data"].remove(taken)
        else:
            return
        for line in order["line_items"]:
            product = self.products.get(line["product_id"])
            if product is not None and product["manage_stock"]:
                product["stock_quantity"] += sign * line["quantity"]
                self.settle_stock(product)


def _demand_status(status: object) -> None:
    if status not in STATUSES:
        raise invalid_param("status", f"status is not one of {', '.join(STATUSES)}.")
