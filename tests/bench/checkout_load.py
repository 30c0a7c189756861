"""One contender of the checkout bench, in a process of its own: a job in, its times out, as JSON.

``api`` sends orders to the product as a shop's server does. ``bare`` is the script without safety:
the same gateway call with the same HTTP client, signing and body, and nothing kept.
"""

import http.client
import json
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import structlog

from include.domain.errors import IntegrationError
from include.services.effects.departure import departing
from tests.bench.order_world import SHOP, order_body
from tests.bench.paced import timed

Work = Callable[[int], object]


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    job = json.load(sys.stdin)
    work = _bare(job) if job["kind"] == "bare" else _api(job)
    found = timed(len(job["tokens"]), job["threads"], job["rate"], work)
    sys.stdout.write(json.dumps(asdict(found)) + "\n")


def _api(job: Mapping[str, Any]) -> Work:
    mine, ports = threading.local(), job["ports"]

    def place(number: int) -> object:
        port = ports[number % len(ports)]
        known: dict[int, http.client.HTTPConnection] = mine.__dict__.setdefault("known", {})
        if port not in known:
            known[port] = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        name = job["numbers"][number] if "numbers" in job else f"{job['prefix']}{number}"
        body = json.dumps(order_body(name, job["tokens"][number], number % 500))
        headers = {
            "Authorization": f"Bearer {job['key']}",
            "Content-Type": "application/json",
            "Idempotency-Key": f'"{name}"',
        }
        known[port].request("POST", "/v1/orders", body, headers)
        answer = known[port].getresponse()
        said = json.loads(answer.read())
        return [name, answer.status, said.get("state", "")]

    return place


def _bare(job: Mapping[str, Any]) -> Work:
    """Sign and send; the body is the product's own, built anew for each call as a script would."""
    from include.adapters.cybersource.partners.checkout import authorization_body
    from include.domain.payments import Authorize
    from include.wiring import tieout
    from tieout.api.orders_in import read_order
    from tieout.api.schema import PlaceOrder
    from tieout.hooks.cybersource import CybersourceHook

    terms = tieout().today.shop(SHOP)
    client = CybersourceHook("cybersource_acme_us").get_conn()
    limits = client.settings.authorizations

    def pay(number: int) -> object:
        name = f"{job['prefix']}{number}"
        asked = PlaceOrder.model_validate(order_body(name, job["tokens"][number], number % 500))
        order = read_order(asked, SHOP, terms)
        wanted = Authorize(
            order.order_id, 1, client.settings.organization_id, order.purchase_order,
            order.amount, order.payment, order.shopper, order.lines,
            buyer=order.buyer,
        )  # fmt: skip
        body = authorization_body(wanted, f"BARE-{name}")
        path = "/pts/v2/payments"
        try:
            with departing(lambda: None):  # nothing is put on record
                answer = client.send(client.write("POST", path, "bare", name, body, limits))
        except IntegrationError as fault:
            return [name, 0, type(fault).__name__]
        return [name, answer.status, json.loads(answer.body or b"{}").get("status", "")]

    return pay


if __name__ == "__main__":
    main()
