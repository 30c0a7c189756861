"""What is answered. Shoppers and cards are never in it."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from include.domain.canonical import to_plain
from include.domain.order_state import OrderState
from include.domain.payment_meanings import MoneyEffect, PaymentMeaning, Retry
from include.domain.refunds import RefundRow, RefundState
from include.services.api.ports import OrderRecord
from include.services.effects.dead_letters import DeadLetter
from include.services.orders.payment_told import outcome_body
from include.services.orders.sagas import Saga
from include.services.orders.stores import TimelineEntry
from tieout.api.examples import OUTCOME


class Kept(BaseModel):
    """What later orders of the same shopper may be paid with: the method `stored_token`."""

    customer_token: str
    instrument_token: str = Field(description="'' is the customer's default.")
    suffix: str = Field(description="At most the last four digits, to be shown.")
    brand: str


class Payment(BaseModel):
    request_id: str
    authorized: str | None = Field(
        description="By this request: where the rest of an order was authorised anew, that rest."
    )
    expires_at: datetime | None
    kept: Kept | None = Field(description="Where `keep` was asked for, and the gateway did.")
    commerce_indicator: str = Field(
        description="How well a challenge was passed that the gateway validated, such as `vbv`."
    )


class Outcome(BaseModel):
    """What the shopper may be told of the payment, and what the shop may do next."""

    model_config = ConfigDict(json_schema_extra={"examples": [OUTCOME]})

    code: str = Field(description="A word of shopper_messages.yaml, such as `card_expired`.")
    message: str = Field(description="The sentence for the shopper, in the shop's language.")
    retry: Retry = Field(
        description="`other_card` at once; `same_card` with corrected details; `later` with the "
        "same card; `authenticate` with the same card and `payment.authentication`, once the "
        "shopper has proved who pays; `wait` for our answer. "
        "What pays a declined order next is sent to `/v1/orders/{order_id}/payment`, under an "
        "Idempotency-Key of its own."
    )
    money: MoneyEffect = Field(
        description="`nothing` is held or taken; `held`; `reverse`: held, and being released; "
        "`moved`: taken, given back or released; `unknown`."
    )


class Staff(BaseModel):
    """What no shopper may read: it names vendors' words, customers and fraud checks."""

    reason: str = Field(description="Why the order stands where it does.")
    decision: str | None = Field(description="Of the fraud review.")
    payment_status: str | None
    gateway_status: str | None = Field(description="Cybersource's own word.")
    gateway_reason: str | None = Field(description="Cybersource's own word or number.")
    checks: dict[str, str] = Field(
        description="What Decision Manager and the bank found, such as `risk score`."
    )


class Capture(BaseModel):
    number: int
    amount: str
    request_id: str
    captured_date: str
    receipt: str
    is_voided: bool


class Shipment(BaseModel):
    """A dispatch note of SYSPRO."""

    note: str
    carrier: str = Field(description="'' where SYSPRO does not say.")
    tracking: str = Field(description="'' where SYSPRO does not say, or not yet.")


class OrderAnswer(BaseModel):
    order_id: str
    number: str
    purchase_order: str
    state: OrderState = Field(
        description="`accepted`, `pending` (a partner's answer is not known yet), `in_review` (of "
        "fraud), `authorized`, `booked` (SYSPRO has it), `captured`, `completed`; or `declined` "
        "(nothing was taken), `cancelling`, `cancelled`; `stuck`: a person is looking at it."
    )
    reason: str = Field(description="Why it is called off, as its shopper may read it.")
    currency: str
    amount: str
    captured: str
    refunding: str
    outcome: Outcome | None = Field(
        description="None until a payment was made, and of a free order."
    )
    payment: Payment | None
    captures: list[Capture]
    shipments: list[Shipment] = Field(description="In the order in which they left.")
    staff: Staff | None = Field(description="Only for the role `operate`.")
    customer: str
    sales_order: str
    invoice: str
    accepted_at: datetime
    updated_at: datetime


class OrderPage(BaseModel):
    orders: list[OrderAnswer]
    next: str | None


class TimelineAnswer(BaseModel):
    at: datetime
    what: str
    who: str
    detail: dict[str, Any]


class Timeline(BaseModel):
    order_id: str
    events: list[TimelineAnswer]


class RefundAnswer(BaseModel):
    refund_id: str
    order_id: str
    state: RefundState = Field(
        description="`waiting` (for a second person), `approved`, `moving`, `moved` (on its way "
        "back), `done` (in the books, too); `refused`: nothing moves; `stuck`: a person is looking "
        "at it."
    )
    currency: str
    amount: str
    origin: str = Field(
        description="`api`, `shop`, `credit_note`, `cancellation` or `closed_short`."
    )
    asked_by: str
    approved_by: str
    reason: str
    problem: str | None = Field(description="Only for the role `operate`.")


class Refunds(BaseModel):
    refunds: list[RefundAnswer]


class DeadLetterAnswer(BaseModel):
    number: int
    kind: str
    key: str
    state: str
    currency: str
    amount_minor: int | None
    reason: str
    next_action: str
    owner: str
    opened_at: datetime
    resolved_at: datetime | None
    resolved_by: str
    resolution: str


class DeadLetterList(BaseModel):
    dead_letters: list[DeadLetterAnswer]
    next: str | None


class Replayed(BaseModel):
    number: int
    is_done: bool
    state: str
    detail: str
    do: str


class ReplayAnswer(BaseModel):
    replayed: list[Replayed]


class AuditAnswer(BaseModel):
    is_unbroken: bool
    entries: int
    head: str
    broken_at: int | None
    has_more: bool


class HealthAnswer(BaseModel):
    status: str


class WebhookAnswer(BaseModel):
    status: str


class FieldProblem(BaseModel):
    field: str
    problem: str


class ProblemAnswer(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    do: str
    fields: list[FieldProblem] = []


def order_body(
    record: OrderRecord, outcome: PaymentMeaning | None, *, is_staff: bool
) -> dict[str, Any]:
    """Return an order; without ``is_staff`` nothing that its shopper may not read."""
    facts = record.facts
    paid = facts.payment
    return {
        "order_id": record.order_id,
        "number": record.number,
        "purchase_order": record.purchase_order,
        "state": record.state,
        "reason": facts.stop.told if facts.stop else "",
        "currency": record.amount.currency,
        "amount": record.amount.decimal,
        "captured": record.captured.decimal,
        "refunding": record.refunding.decimal,
        "outcome": outcome_body(outcome) if outcome else None,
        "payment": None
        if paid is None
        else {
            "request_id": paid.request_id,
            "authorized": paid.authorized.decimal if paid.authorized else None,
            "expires_at": facts.expires_at,
            "kept": None
            if paid.stored is None
            else {
                "customer_token": paid.stored.customer_token,
                "instrument_token": paid.stored.instrument_token,
                "suffix": paid.stored.suffix,
                "brand": paid.stored.brand,
            },
            "commerce_indicator": paid.commerce_indicator,
        },
        "captures": [
            {
                "number": one.number,
                "amount": one.amount.decimal,
                "request_id": one.request_id,
                "captured_date": one.captured_date,
                "receipt": one.receipt,
                "is_voided": one.is_voided,
            }
            for one in facts.captures
        ],
        "shipments": [
            {"note": one.note, "carrier": one.carrier, "tracking": one.tracking}
            for one in facts.shipments
        ],
        "staff": _staff_body(record) if is_staff else None,
        "customer": facts.customer,
        "sales_order": facts.sales_order,
        "invoice": facts.invoice,
        "accepted_at": record.accepted_at,
        "updated_at": record.updated_at,
    }


def _staff_body(record: OrderRecord) -> dict[str, Any]:
    paid = record.facts.payment
    return {
        "reason": record.reason,
        "decision": record.facts.decision,
        "payment_status": paid.status if paid else None,
        "gateway_status": paid.theirs if paid else None,
        "gateway_reason": paid.reason if paid else None,
        "checks": dict(paid.checks.told()) if paid and paid.checks else {},
    }


def timeline_body(order_id: str, entries: list[TimelineEntry]) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "events": [
            {"at": one.at, "what": one.what, "who": one.who, "detail": json.loads(one.detail)}
            for one in entries
        ],
    }


def refund_body(row: RefundRow, saga: Saga[Any], *, is_staff: bool) -> dict[str, Any]:
    return {
        "refund_id": row.refund_id,
        "order_id": row.order_id,
        "state": saga.state,
        "currency": row.amount.currency,
        "amount": row.amount.decimal,
        "origin": row.origin,
        "asked_by": row.asked_by,
        "approved_by": row.approved_by,
        "reason": row.reason,
        "problem": saga.facts.problem if is_staff else None,
    }


def letter_body(letter: DeadLetter) -> dict[str, Any]:
    return {
        "number": letter.dead_letter_id,
        "kind": letter.kind,
        "key": letter.key,
        "state": letter.state,
        "currency": letter.currency,
        "amount_minor": letter.amount_minor,
        "reason": letter.reason,
        "next_action": letter.next_action,
        "owner": letter.owner,
        "opened_at": letter.opened_at,
        "resolved_at": letter.resolved_at,
        "resolved_by": letter.resolved_by,
        "resolution": letter.resolution,
    }


def write(body: Mapping[str, Any]) -> str:
    """Write an answer as JSON; ``to_plain`` refuses a float, so no amount can be one."""
    return json.dumps(to_plain(body), separators=(",", ":"), ensure_ascii=False)
