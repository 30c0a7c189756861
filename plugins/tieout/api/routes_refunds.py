"""Refunds: asked for under a key, approved by a second person above the merchant's limit."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from include.domain.errors import Rejected
from include.domain.refunds import RefundRow
from include.services.api.answer_once import key_reused
from include.services.api.ports import Answer, ApiClient
from tieout.api.answers import refund_body
from tieout.api.auth import Reader, Refunder, is_staff, may_see
from tieout.api.orders_in import read_amount
from tieout.api.problems import Problem
from tieout.api.reading import ApiNow, Asked, IdempotencyKey, body_of
from tieout.api.replies import done, is_refund_id, once, own_order, reply
from tieout.api.runtime import Api
from tieout.api.schema import AskRefund

router = APIRouter(prefix="/v1", tags=["refunds"])


@router.post("/orders/{order_id}/refunds")
def ask_refund(
    request: Request,
    order_id: str,
    client: Refunder,
    key: IdempotencyKey,
    asked: Annotated[Asked[AskRefund], Depends(body_of(AskRefund))],
    api: ApiNow,
) -> Response:
    """Give money back: never more than was captured. The refund shows when it has moved.

    All of it, before SYSPRO has invoiced anything, calls the order off as a cancel does.
    """
    record = own_order(api, client, order_id)
    amount = read_amount(asked.content.amount, record.amount.currency, "amount")

    def refund() -> Answer:
        service = api.parts.service()
        refund_id = service.refund(
            record.order_id,
            amount,
            origin="api",
            origin_key=f"{client.client_id} {key}",
            who=client.client_id,
            reason=asked.content.reason,
            via="api",
        )
        row = service.refunds.row(refund_id)
        if row.amount != amount:  # of the key's first request, whose answer is gone
            raise key_reused()
        api.wake()
        return done(
            202,
            refund_body(
                row,
                service.refunds.get(refund_id),
                is_staff=is_staff(client),
            ),
        )

    return once(api, request, client, key, asked.plain, refund)


@router.get("/orders/{order_id}/refunds")
def list_refunds(order_id: str, client: Reader, api: ApiNow) -> Response:
    """List an order's refunds, the oldest first."""
    record = own_order(api, client, order_id)
    pairs = api.parts.service().refunds.of_order(record.order_id)
    may = is_staff(client)
    return reply({"refunds": [refund_body(row, saga, is_staff=may) for row, saga in pairs]})


@router.get("/refunds/{refund_id}", name="read_refund")
def read_refund(refund_id: str, client: Reader, api: ApiNow) -> Response:
    """Read one refund."""
    row = _own_refund(api, client, refund_id)
    saga = api.parts.service().refunds.get(refund_id)
    return reply(refund_body(row, saga, is_staff=is_staff(client)))


@router.post("/refunds/{refund_id}/approve")
def approve_refund(refund_id: str, client: Refunder, api: ApiNow) -> Response:
    """Approve another client's refund above the limit; nobody approves their own."""
    _own_refund(api, client, refund_id)
    refunds = api.parts.service().refunds
    row = refunds.row(refund_id)
    if row.approved_by != client.client_id:  # else a repeat
        api.parts.service().approve_refund(refund_id, client.client_id)
        api.wake()
    saga = refunds.get(refund_id)
    return reply(refund_body(refunds.row(refund_id), saga, is_staff=is_staff(client)), 202)


def _own_refund(api: Api, client: ApiClient, refund_id: str) -> RefundRow:
    absent = Problem("not-found", "there is no such refund", "List the order's refunds.")
    if not is_refund_id(refund_id):
        raise absent
    try:
        row = api.parts.service().refunds.row(refund_id)
    except Rejected:
        raise absent from None
    if not may_see(client, api.parts.views.shops_of([row.order_id]).get(row.order_id)):
        raise absent
    return row
