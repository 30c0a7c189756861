"""The people of a soak: shoppers who buy, clerks and analysts who act, and what each was promised.

They know nothing of the product but its public API and its *Required Actions*; what they see of the
partners goes through the sandbox's control server.
"""

import contextlib
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from woocommerce import API

from include.domain.errors import IntegrationError
from include.domain.orders import order_id_of
from include.local.airflow_api import AirflowApi
from include.local.order_stories import COMPANIES, TEA, UK, US, People, checkout_body
from tests.sandbox.shopping import KEY, SECRET

PREFIXES = {US: "W", UK: "G"}  # of the customer PO
COFFEE = "COF-2001"
PRICES = {TEA: "19.99", COFFEE: "7.50"}
_PATIENT = 200  # times, 3 seconds apart, a clerk looks whether an order is there
_SHOPPERS = 60  # so few that some order twice
LATE_S = 8.0  # of a call that is executed after its client has gone; below every quiescence
_DEFINITE = (200, 201, 202, 400, 401, 403, 404, 409, 422)


@dataclass(slots=True)
class Bought:
    """One order, as its shopper and the people around it know it."""

    shop: str
    number: str
    by_api: bool = False
    wish: str = ""  # what the bank says to the last card: '' yes, 'declined', 'review'
    pays_again: bool = False  # its shopper has another card
    answered: int = 0  # the API's definite status; 0: none yet
    order_id: str = ""
    is_cancelled: bool = False  # somebody asked for it, in time or not
    refunds: list[str] = field(default_factory=list)  # that the API or the shop accepted
    credits: list[str] = field(default_factory=list)  # that SYSPRO posted
    is_split: bool = False  # a clerk sends it in parts

    @property
    def id(self) -> str:
        return order_id_of(self.shop, self.number)


class Town:
    """Everybody, each in a thread of their own, until ``close``."""

    def __init__(
        self, people: People, api_urls: list[str], key: str, shop_url: str, seed: int
    ) -> None:
        self.bought: list[Bought] = []
        self.said: list[str] = []  # what kept somebody from doing what they wanted
        self._people, self._apis, self._key = people, api_urls, key
        self._staff = API(shop_url, KEY, SECRET, timeout=30)  # in the admin of the US shop
        self._chance = random.Random(seed)  # noqa: S311 - a game of dice
        self._is_open = threading.Event()
        self._lock = threading.Lock()

    def open(self, airflow: AirflowApi, orders_per_minute: float) -> None:
        """Fill the shelves; shoppers, clerks and analysts begin."""
        goods = [{"sku": s, "name": s, "price": p, "stock": 9000} for s, p in PRICES.items()]
        for shop in COMPANIES:
            self._people.control("shop_products", shop=shop, products=goods)
            self._people.clerk(shop, "auto", delay_s=20)
            for sku in PRICES:
                self._people.clerk(shop, "stock", stock_code=sku, quantity="100000")
        self._is_open.set()
        self._every(60 / orders_per_minute, self._buy)
        self._every(240 / orders_per_minute, self._change_mind)
        self._every(2, lambda: self._analyse(airflow), for_good=True)

    def close_shop(self) -> None:
        """Nobody buys or changes their mind any more; analysts go on answering."""
        self._is_open.clear()

    def _every(self, seconds: float, work: Callable[[], None], *, for_good: bool = False) -> None:
        def run() -> None:
            while for_good or self._is_open.is_set():
                try:
                    work()
                except (requests.RequestException, IntegrationError) as odd:
                    self.said.append(f"{type(odd).__name__}: {odd}"[:200])
                with self._lock:
                    pause = seconds * self._chance.uniform(0.5, 1.5)
                time.sleep(pause)

        threading.Thread(target=run, daemon=True).start()

    def _buy(self) -> None:
        with self._lock:
            shop = self._chance.choices((US, UK), (2, 1))[0]
            by_api = shop == US and self._chance.random() < 0.5
            wish = self._chance.choices(("", "declined", "review"), (8, 1, 2))[0]
            who = self._chance.randrange(_SHOPPERS)
            count = self._chance.randint(1, 4)
            is_split = not by_api and not wish and self._chance.random() < 0.25
            pays_again = shop == US and wish == "declined" and self._chance.random() < 0.7
        asked = {"outcome": wish} if wish else {}
        token = self._people.token(**asked)
        billing = {"first_name": "Ann", "last_name": f"Lee {who}", "email": f"s{who}@example.com"}
        lines = [{"sku": TEA, "quantity": 2}] if by_api else [
            {"sku": TEA, "quantity": count}, {"sku": COFFEE, "quantity": 1}
        ]  # fmt: skip
        paid: dict[str, Any] = {"payment": {"kind": "transient_token", "value": token}}
        more = {"status": "pending"} if by_api else paid
        order = self._people.control(
            "shop_place_order", shop=shop, lines=lines, billing=billing, **more
        )
        placed = order["order"]
        number = str(placed.get("number") or placed.get("no"))
        one = Bought(shop, number, by_api, wish, is_split=is_split, pays_again=pays_again)
        self.bought.append(one)
        if by_api:
            threading.Thread(target=self._check_out, args=(one, who, token), daemon=True).start()
        elif is_split:
            threading.Thread(target=self._send_in_parts, args=(one,), daemon=True).start()
        elif pays_again:
            threading.Thread(target=self._press_pay, args=(one,), daemon=True).start()

    def _check_out(self, one: Bought, who: int, token: str) -> None:
        """Ask until the answer is definite, as a shop's server does: under one key."""
        body = checkout_body(one.number, token, name=f"Ann Lee {who}", email=f"s{who}@example.com")
        status, told = self._post("/orders", body, f"soak-{one.number}")
        one.answered, one.order_id = status, str(told.get("order_id", ""))
        if not one.pays_again:
            return
        for _ in range(_PATIENT):  # a first answer that is not known yet is asked for again
            if told.get("state") == "declined":
                break
            time.sleep(3)
            status, told = self._post("/orders", body, f"soak-{one.number}")
        card = {"method": "transient_token", "transient_token": self._people.token()}
        path, key = f"/orders/{one.order_id}/payment", f"again-{one.number}"
        status, _ = self._post(path, {"payment": card}, key)
        if status in (200, 202):
            one.wish = ""

    def _press_pay(self, one: Bought) -> None:
        """Pay with another card where the shop shows that the first one failed."""
        path, name = f"orders/{one.number}", "_cybersource_transient_token"
        card = self._people.token()
        changed = {"status": "processing", "meta_data": [{"key": name, "value": card}]}
        for _ in range(_PATIENT):
            with contextlib.suppress(requests.RequestException):
                shown = _read(self._staff, path)
                if card in [meta["value"] for meta in shown["meta_data"]]:
                    one.wish = ""
                    return
                if shown["status"] == "failed":
                    self._staff.put(path, changed)
                elif shown["status"] == "cancelled":
                    return
            time.sleep(3)

    def _post(self, path: str, body: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": f'"{key}"'}
        while True:
            with self._lock:
                base = self._chance.choice(self._apis)
            try:
                answer = requests.post(base + path, json=body, headers=headers, timeout=40)
            except requests.RequestException:
                time.sleep(1)
                continue
            if answer.status_code in _DEFINITE and "in progress" not in answer.text:
                return answer.status_code, answer.json()
            time.sleep(1)

    def _change_mind(self) -> None:
        """Cancel or refund in the shop, cancel or credit in SYSPRO, or refund by the API."""
        with self._lock:
            if not self.bought:
                return
            one = self._chance.choice(self.bought[-30:])
            ends = () if one.is_split else (self._cancel_in_shop, self._cancel_in_erp)
            what = self._chance.choice((*ends, self._credit, self._credit, self._refund,
                                        self._refund_in_shop))  # fmt: skip
        if not one.is_cancelled and not one.refunds and not one.credits:
            what(one)

    def _cancel_in_shop(self, one: Bought) -> None:
        self._cancelled(one, "shop_cancel_order", shop=one.shop, order=one.number)

    def _cancel_in_erp(self, one: Bought) -> None:
        self._cancelled(one, "clerk", action="cancel", company=COMPANIES[one.shop],
                        customer_po=self.purchase_order(one))  # fmt: skip

    def _cancelled(self, one: Bought, control: str, **facts: str) -> None:
        """Ask for an order's end; where somebody refuses, nobody has asked for it."""
        try:
            self._people.control(control, **facts)
        except requests.RequestException:
            one.is_cancelled = True  # it may be
            raise
        one.is_cancelled = True

    def _credit(self, one: Bought) -> None:
        """Raises ``Rejected`` where nothing is invoiced yet: then nothing is credited."""
        with self._lock:
            amount = self._chance.choice(("1.00", "5.25"))
        self._people.clerk(one.shop, "credit", customer_po=self.purchase_order(one),
                           amount=amount, reason="BROKEN")  # fmt: skip
        one.credits.append(amount)

    def _refund(self, one: Bought) -> None:
        if one.shop != US or not one.order_id:
            return
        if self._people.read(f"/orders/{one.order_id}")["state"] != "completed":
            return  # a clerk would have to lower the sales order, says the letter of an early one
        body = {"amount": "2.50", "reason": "late"}
        status, _ = self._post(f"/orders/{one.order_id}/refunds", body, f"r-{one.number}")
        if status == 202:
            one.refunds.append("2.50")

    def _refund_in_shop(self, one: Bought) -> None:
        """Record a refund in the shop's admin, which leaves the money to us; see that it stands."""
        if one.shop != US:
            return
        path, asked = f"orders/{one.number}", {"amount": "1.75", "reason": "dented"}
        if _read(self._staff, path)["status"] != "completed":
            return
        with contextlib.suppress(requests.RequestException):
            if self._staff.post(f"{path}/refunds", {**asked, "api_refund": False}).ok:
                one.refunds.append("1.75")
                return
        time.sleep(LATE_S + 1)  # the answer was lost, or comes late
        one.refunds += ["1.75" for row in _read(self._staff, path)["refunds"]
                        if row["reason"] == asked["reason"]]  # fmt: skip

    def _send_in_parts(self, one: Bought) -> None:
        """Invoice the first line as soon as there is a sales order, and the rest later."""
        code = self.purchase_order(one)
        for lines, rest_s in ((("1",), 25), ((), 0)):
            for _ in range(_PATIENT):
                with contextlib.suppress(IntegrationError, requests.RequestException):
                    more = {"lines": lines} if lines else {}
                    self._people.clerk(one.shop, "invoice", customer_po=code, **more)
                    break
                time.sleep(3)
            time.sleep(rest_s)

    @staticmethod
    def purchase_order(one: Bought) -> str:
        """Return the customer PO under which SYSPRO has it, as the clerk reads it."""
        return f"{PREFIXES[one.shop]}{one.number}"

    def _analyse(self, airflow: AirflowApi) -> None:
        for question in airflow.questions():
            with self._lock:
                word = self._chance.choice(("Accept", "Reject"))
            if question["task_instance"]["dag_id"] == "review_orders":
                airflow.answer(question, word)


def _read(staff: API, path: str) -> dict[str, Any]:
    """Look until the shop answers: calls are spoiled for its own people, too."""
    while True:
        with contextlib.suppress(requests.RequestException, ValueError):
            answer = staff.get(path)
            if answer.ok:
                found: dict[str, Any] = answer.json()
                return found
        time.sleep(1)
