"""What the signed callbacks tell a shop's own server; see ``translate/callbacks.py``."""

from datetime import datetime

from pydantic import BaseModel, Field

from include.domain.order_state import OrderState
from include.domain.refunds import RefundState
from tieout.api.answers import Outcome


class OrderEventData(BaseModel):
    order_id: str
    number: str = Field(description="The shop's.")
    state: OrderState
    amount: str = Field(description="Decimal text: what was ordered.")
    currency: str
    captured: str = Field(description="Decimal text: what was taken so far, maybe a part.")
    refunded: str = Field(description="Decimal text: what of it has gone back.")
    sales_order: str = Field(description="SYSPRO's, or ''.")
    invoice: str = Field(description="SYSPRO's, or ''.")
    reason: str = Field(description="Why it is called off, as its shopper may read it, or ''.")
    outcome: Outcome | None


class OrderEvent(BaseModel):
    """An order has reached a state; `order.captured` comes again when more is captured."""

    type: str = Field(description="`order.` and the state, such as `order.captured`.")
    timestamp: datetime = Field(description="When it happened.")
    shop: str
    data: OrderEventData


class RefundEventData(BaseModel):
    order_id: str
    number: str = Field(description="The shop's, of the order.")
    refund_id: str
    state: RefundState = Field(
        description="`waiting` for a second person; `refused`: nothing moves; `moved`: the "
        "money is on its way back."
    )
    amount: str = Field(description="Decimal text.")
    currency: str
    origin: str = Field(
        description="`api`, `shop`, `credit_note`, `cancellation` or `closed_short`."
    )
    reason: str = Field(description="Why it was asked for, or why it was refused.")


class RefundEvent(BaseModel):
    """A refund waits, was refused, or moved; whoever asked for it."""

    type: str = Field(description="`refund.waiting`, `refund.refused` or `refund.moved`.")
    timestamp: datetime = Field(description="When it happened.")
    shop: str
    data: RefundEventData


class ShippedEventData(BaseModel):
    order_id: str
    number: str = Field(description="The shop's.")
    sales_order: str = Field(description="SYSPRO's.")
    note: str = Field(description="SYSPRO's dispatch note; an order may have several.")
    carrier: str = Field(description="'' where SYSPRO does not say.")
    tracking: str = Field(description="'' where SYSPRO does not say, or not yet: read the order.")


class ShippedEvent(BaseModel):
    """Goods of an order have left; once a dispatch note."""

    type: str = Field(description="`order.shipped`.")
    timestamp: datetime = Field(description="When SYSPRO had shown it.")
    shop: str
    data: ShippedEventData
