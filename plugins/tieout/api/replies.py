"""Answers that are kept, and answers that are written at once."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from include.services.api.answer_once import (
    KeyInProgress,
    KeyReused,
    answer_once,
    fingerprint_of,
)
from include.services.api.ports import Answer, ApiClient, OrderRecord
from tieout.api.answers import order_body, write
from tieout.api.auth import is_staff, may_see
from tieout.api.problems import Problem
from tieout.api.runtime import Api

Work = Callable[[], Answer]


def reply(body: Mapping[str, Any], status: int = 200) -> Response:
    return Response(write(body), status, media_type="application/json")


def done(status: int, body: Mapping[str, Any]) -> Answer:
    return Answer(status, write(body))


def once(
    api: Api, request: Request, client: ApiClient, key: str, plain: object, work: Work
) -> Response:
    """Do the work under the client's key and answer; a repeat is given the kept answer.

    A refusal is not kept: it is of the moment, such as a refund before its capture, and the same
    request may be right an hour later. Nothing was done, so the key is free again.
    """
    here = request.url.path.removeprefix(request.scope.get("root_path", ""))  # as behind any mount
    fingerprint = fingerprint_of(request.method, here, plain)
    try:
        answer = answer_once(api.parts.answers, client.client_id, key, fingerprint, work)
    except KeyInProgress as fault:
        raise Problem("in-progress", fault.what, fault.do, headers={"Retry-After": "1"}) from None
    except KeyReused as fault:
        raise Problem("key-reused", fault.what, fault.do) from None
    return _response(request, answer)


def _response(request: Request, answer: Answer) -> Response:
    found = json.loads(answer.body)
    name, key = ("read_refund", "refund_id") if "refund_id" in found else ("read_order", "order_id")
    # Not ``url_for``: under a mount it asks the outer router, which knows none of our names.
    path = request.app.url_path_for(name, **{key: found[key]})
    location = f"{request.scope.get('root_path', '')}{path}"
    return Response(
        answer.body, answer.status, {"Location": location}, media_type="application/json"
    )


def shown(api: Api, client: ApiClient, record: OrderRecord) -> dict[str, Any]:
    """Return an order as this client may see it."""
    outcome = api.parts.payment_of(record.shop_id, record.facts)
    return order_body(record, outcome, is_staff=is_staff(client))


def own_order(api: Api, client: ApiClient, order_id: str) -> OrderRecord:
    """Return an order of the client's shop; another shop's is not there.

    Raises:
        Problem: it is not there.
    """
    record = api.parts.views.get(order_id) if _is_name(order_id, "ord_") else None
    if record is None or not may_see(client, record.shop_id):
        raise Problem("not-found", "there is no such order", "List the orders.")
    return record


def _is_name(text: str, prefix: str) -> bool:
    rest = text.removeprefix(prefix)
    return text.startswith(prefix) and len(rest) == 26 and rest.isascii() and rest.isalnum()


def is_refund_id(text: str) -> bool:
    return _is_name(text, "ref_")
