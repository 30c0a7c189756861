"""Orders: place, pay, read, list, cancel, capture, decide."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import AwareDatetime

from include.domain.card_numbers import CardNumberRefused
from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.domain.order_state import ENDED_BY_SELLER, OrderState
from include.domain.orders import Order, PaymentMethod, PaymentSource
from include.domain.paying import is_tried, was_declined
from include.domain.reviews import Decision
from include.services.api.answer_once import key_reused
from include.services.api.ports import (
    ANY_SHOP,
    Answer,
    ApiClient,
    OrderFilter,
    OrderRecord,
    ShopTerms,
)
from include.services.orders.decide_review import decide_review
from tieout.api.addresses import sender_of
from tieout.api.answers import timeline_body, write
from tieout.api.auth import Operator, Reader, Writer, is_staff
from tieout.api.cursor import Cursor, read_cursor
from tieout.api.orders_in import read_amount, read_order, read_payment
from tieout.api.problems import Problem, of_family
from tieout.api.reading import ApiNow, Asked, IdempotencyKey, body_of
from tieout.api.replies import done, once, own_order, reply, shown
from tieout.api.runtime import Api
from tieout.api.schema import CancelOrder, CaptureOrder, DecideOrder, PayOrder, PlaceOrder
from tieout.cursor import cursor_of

router = APIRouter(prefix="/v1", tags=["orders"])
_OPEN = (OrderState.accepted, OrderState.pending)


@router.post("/orders")
def place_order(
    request: Request,
    client: Writer,
    key: IdempotencyKey,
    asked: Annotated[Asked[PlaceOrder], Depends(body_of(PlaceOrder))],
    api: ApiNow,
) -> Response:
    """Take an order and authorise its payment; one of 0, paid by the method none, has none.

    201: the payment is decided, see ``state``. 200: the order was there already. 202: the outcome
    is not known yet; tell the shopper "pending" and read the order at ``Location``, or send the
    same again: a repeat tells how it ended. A number is used once: one with other content is a 409.
    A declined order is paid with another card at ``/v1/orders/{order_id}/payment``.
    """
    with _refusing_cards(request, client, api):
        order = read_order(asked.content, client.shop_id, _shop(api, client))
    return once(api, request, client, key, asked.plain, lambda: _place(api, client, order))


@router.post("/orders/{order_id}/payment")
def pay_order(
    request: Request,
    order_id: str,
    client: Writer,
    key: IdempotencyKey,
    asked: Annotated[Asked[PayOrder], Depends(body_of(PayOrder))],
    api: ApiNow,
) -> Response:
    """Pay a declined order with another card, or once more with the same stored one.

    200: the payment is decided, see ``state``. 202: the outcome is not known yet, as when an order
    is placed. 409: the order is not declined (what the bank holds of it is given back first, and
    ``state`` is *cancelling* while that has no answer), was rejected by the fraud review, was
    cancelled since its decline, ten payments of it were declined, the merchant's rules refuse it by
    now, or the authorisation pays for another order. A transient token or an authorisation of the
    shop pays once: sent again, under whatever key, the answer is how the order stands.
    """
    record, cause = own_order(api, client, order_id), f"api {client.client_id} {key}"
    with _refusing_cards(request, client, api):
        source = read_payment(asked.content.payment)
    return once(
        api, request, client, key, asked.plain, lambda: _pay(api, client, record, source, cause)
    )


@contextmanager
def _refusing_cards(request: Request, client: ApiClient, api: Api) -> Iterator[None]:
    try:
        yield
    except CardNumberRefused as fault:
        api.tally.card_number(client.client_id, fault.what, sender_of(request))
        raise Problem("card-number-refused", fault.what, fault.do) from None


def _shop(api: Api, client: ApiClient) -> ShopTerms:
    try:
        return api.parts.shop(client.shop_id)
    except Rejected as fault:  # configured for a client, and no longer for us
        raise Problem("conflict", fault.what, fault.do) from None


def _place(api: Api, client: ApiClient, order: Order) -> Answer:
    is_new = True
    is_known = api.parts.views.get(order.order_id) is not None  # judged when it came first
    try:
        if not is_known:
            _demand_own(api, order)
            _demand_sold(api, order)
        _, is_new = api.parts.service().place(order, client.client_id)
    except (Retryable, OutcomeUnknown):
        # Accepted, but a partner cannot be asked now: the sweeper goes on with it.
        if api.parts.views.get(order.order_id) is None:
            raise
    except Rejected as fault:
        if api.parts.service().orders.find(order.merchant_id, order.purchase_order) is not None:
            raise  # its number is there with other content, or in other letter case
        raise of_family(fault, "refused-by-rules") from None
    return _paid(api, client, order, 201 if is_new else 200)


def _pay(
    api: Api, client: ApiClient, known: OrderRecord, source: PaymentSource, cause: str
) -> Answer:
    service = api.parts.service()
    taken = service.orders.content(known.order_id)
    order = replace(taken, payment=source)
    if cause not in known.facts.payments_asked:
        is_payable = was_declined(known.facts)
        if is_payable or not is_tried(taken, known.facts, source):  # it may be, in a moment
            _demand_own(api, order)
        if is_payable:
            _demand_sold(api, order)
    try:
        service.pay_anew(known.order_id, source, client.client_id, cause=cause, via="api")
    except (Retryable, OutcomeUnknown):
        # Taken, but a partner cannot be asked now: the sweeper goes on with it.
        record = api.parts.views.get(known.order_id)
        if record is None or cause not in record.facts.payments_asked:
            raise
    return _paid(api, client, order, 200)


def _paid(api: Api, client: ApiClient, order: Order, status: int) -> Answer:
    """Answer with the order as it stands, once its payment is decided; else that it is not yet."""
    api.wake()
    record = api.parts.views.get(order.order_id)
    if record is None:
        raise Retryable("the order cannot be read", f"order {order.number}", "Send it again.")
    is_paid = record.facts.payment is not None or record.facts.is_free
    is_decided = record.state not in _OPEN and is_paid
    if not is_decided and record.state not in (OrderState.cancelled, OrderState.declined):
        return Answer(202, write(shown(api, client, record)), is_final=False)
    return done(status, shown(api, client, record))


def _demand_own(api: Api, order: Order) -> None:
    if order.payment.customer_token and api.parts.is_anothers_token(order):
        field, text = "payment.customer_token", "it is kept for another shopper"
        raise Problem("refused-by-rules", f"{field}: {text}", fields=[(field, text)])


def _demand_sold(api: Api, order: Order) -> None:
    """Refuse what SYSPRO is known not to have, before the card is asked for.

    What the shop has authorised already is taken, and ended with its hold given back.
    """
    if order.payment.method is PaymentMethod.authorized:
        return
    codes = set(api.parts.unsold(order))
    text = "it is not stocked in the shop's warehouse"
    if found := [
        (f"lines[{place}].stock_code", text)
        for place, line in enumerate(order.lines)
        if line.stock_code in codes
    ]:
        do = (
            "Sell what is stocked; a new product is known a quarter of an hour after SYSPRO has it."
        )
        raise Problem("refused-by-rules", f"{found[0][0]}: {text}", do, fields=found[:50])


@router.get("/orders/{order_id}", name="read_order")
def read_one_order(order_id: str, client: Reader, api: ApiNow) -> Response:
    """Read one order as it stands."""
    return reply(shown(api, client, own_order(api, client, order_id)))


@router.get("/orders")
def list_orders(
    client: Reader,
    api: ApiNow,
    state: Annotated[OrderState | None, Query()] = None,
    number: Annotated[str, Query(pattern=r"^[0-9A-Za-z._/#-]{0,30}$")] = "",
    accepted_from: Annotated[AwareDatetime | None, Query()] = None,
    accepted_until: Annotated[AwareDatetime | None, Query()] = None,
    updated_from: Annotated[AwareDatetime | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Cursor = "",
) -> Response:
    """List the shop's orders, newest first.

    To hear of every change, name as `updated_from` the instant at which your last list began,
    less a minute: what changes while you read the pages comes again, and is missed by no list.
    """
    wanted = OrderFilter(
        shop_id="" if client.shop_id == ANY_SHOP else client.shop_id,
        state=state or "",
        number=number,
        accepted_from=_instant(accepted_from, "accepted_from"),
        accepted_until=_instant(accepted_until, "accepted_until"),
        updated_from=_instant(updated_from, "updated_from"),
    )
    found = api.parts.views.listing(wanted, limit, read_cursor(cursor))
    last = found[-1] if len(found) == limit else None
    following = cursor_of(last.accepted_at, last.order_id) if last else None
    return reply({"orders": [shown(api, client, one) for one in found], "next": following})


def _instant(given: datetime | None, field: str) -> datetime | None:
    try:
        found = given.astimezone(UTC) if given else None
    except OverflowError:
        found = datetime.min.replace(tzinfo=UTC)
    if found is not None and not 2000 <= found.year <= 2200:
        raise Problem("invalid", f"{field} is out of range", fields=[(field, "out of range")])
    return found


@router.get("/orders/{order_id}/timeline")
def read_timeline(order_id: str, client: Operator, api: ApiNow) -> Response:
    """Read what happened to an order, in order, in the words of all systems: not for shoppers."""
    record = own_order(api, client, order_id)
    entries = api.parts.service().orders.timeline(record.order_id)
    return reply(timeline_body(record.order_id, list(entries)))


@router.post("/orders/{order_id}/cancel")
def cancel_order(
    order_id: str,
    client: Writer,
    asked: Annotated[Asked[CancelOrder], Depends(body_of(CancelOrder))],
    api: ApiNow,
) -> Response:
    """Have an order unwound; safe to repeat. The order shows when it is done.

    Refused once it is invoiced: a refund then gives the money back. A declined order stays
    *declined*, and takes no more payments. An order that was cancelled and
    turns out to be invoiced goes on, which its timeline shows.
    """
    record, why = own_order(api, client, order_id), asked.content.reason
    told = ENDED_BY_SELLER if is_staff(client) else why  # a shop's words are for its shopper too
    api.parts.service().cancel(record.order_id, client.client_id, why, told=told, via="api")
    return _accepted(api, client, order_id)


@router.post("/orders/{order_id}/captures")
def capture_order(
    request: Request,
    order_id: str,
    client: Writer,
    key: IdempotencyKey,
    asked: Annotated[Asked[CaptureOrder], Depends(body_of(CaptureOrder))],
    api: ApiNow,
) -> Response:
    """Ask for a capture, of a part or of all that is left. The order shows when it is made."""
    record = own_order(api, client, order_id)
    text = asked.content.amount
    amount = read_amount(text, record.amount.currency, "amount") if text is not None else None

    def capture() -> Answer:
        cause = f"api {client.client_id} {key}"
        api.parts.service().capture(record.order_id, amount, client.client_id, cause, via="api")
        found = own_order(api, client, order_id)
        wanted = {one.cause: one.amount for one in found.facts.requested_captures}
        if amount is not None and wanted.get(cause, amount) != amount:
            raise key_reused()  # by a request whose answer is gone
        api.wake()
        return done(202, shown(api, client, found))

    return once(api, request, client, key, asked.plain, capture)


@router.post("/orders/{order_id}/decision")
def decide_order(
    order_id: str,
    client: Operator,
    asked: Annotated[Asked[DecideOrder], Depends(body_of(DecideOrder))],
    api: ApiNow,
) -> Response:
    """Decide an order under review, as an analyst; the decision is carried to the gateway.

    Of two decisions against each other it says which one holds.
    """
    record, service = own_order(api, client, order_id), api.parts.service()
    decision, facts = Decision(asked.content.decision), record.facts
    if facts.is_contradicted:
        service.settle_contradiction(
            record.order_id, decision, client.client_id, why=asked.content.comment, via="api"
        )
    elif facts.decision is decision:
        return reply(shown(api, client, record))  # a repeat
    else:
        decide_review(
            service,
            service.engine_of(record.shop_id),
            record.order_id,
            decision,
            analyst=client.client_id,
            comments=asked.content.comment,
            via="api",
        )
    return _accepted(api, client, order_id)


def _accepted(api: Api, client: ApiClient, order_id: str) -> Response:
    api.wake()
    return reply(shown(api, client, own_order(api, client, order_id)), 202)
