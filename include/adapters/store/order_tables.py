"""Order to cash's own tables: orders, refunds, reviews, the inbox. See ``schema`` for the manner.

No column can hold a card number: payments are tokens, request ids and last four digits.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
)

from include.adapters.store.schema import Instant, Serial, metadata, required_text

orders = Table(
    "orders",
    metadata,
    required_text("order_id", primary_key=True),  # a pure function of shop and number
    required_text("shop_id"),
    required_text("number"),
    required_text("merchant_id"),
    required_text("purchase_order"),  # the gateway's code and SYSPRO's customer PO
    required_text("purchase_order_key"),  # casefolded: SYSPRO's look for it does not see case
    required_text("currency"),
    Column("amount_minor", BigInteger, nullable=False),
    required_text("sales_order"),  # SYSPRO's; '' until it is there
    required_text("content"),  # JSON of domain.orders.Order, as accepted, or without its person
    required_text("state"),  # domain.order_state.OrderState
    required_text("facts"),  # JSON of domain.order_state.OrderFacts
    Column("refunding_minor", BigInteger, nullable=False),  # refunds asked for and not refused
    Column("captured_minor", BigInteger, nullable=False),  # a refund can never pass it
    Column("version", Integer, nullable=False),  # of this row; a change names the one it read
    Column("next_at", Instant),  # not before; null: nothing to do until something happens
    required_text("reason"),
    Column("accepted_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("shop_id", "number"),
    UniqueConstraint("merchant_id", "purchase_order_key"),
    Index(None, "merchant_id", "next_at"),
    Index(None, "merchant_id", "sales_order"),
    Index(None, "state", "updated_at"),
    Index(None, "shop_id", "accepted_at", "order_id"),
    Index(None, "accepted_at", "order_id"),
)

order_events = Table(
    "order_events",
    metadata,
    required_text("order_id", primary_key=True),
    Column("event_no", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    required_text("what"),
    required_text("detail"),
    required_text("who"),
)

answers = Table(
    "answers",  # the API's, by idempotency key: a repeat gets the same one
    metadata,
    required_text("client_id", primary_key=True),
    required_text("idempotency_key", primary_key=True),
    required_text("fingerprint"),  # SHA-256 of method, path and canonical body
    Column("status", Integer, nullable=False),  # 0: still in progress
    required_text("body"),
    Column("begun_at", Instant, nullable=False),
    Column("answered_at", Instant),
    Index(None, "begun_at"),
)

refunds = Table(
    "refunds",
    metadata,
    required_text("refund_id", primary_key=True),  # a pure function of order and origin
    required_text("order_id"),
    required_text("origin"),  # credit_note, cancellation, shop, api, dispute
    required_text("origin_key"),  # what asked for it, e.g. the credit note
    required_text("currency"),
    Column("amount_minor", BigInteger, nullable=False),
    required_text("state"),  # domain.refunds.RefundState
    required_text("facts"),  # JSON of domain.refunds.RefundFacts
    required_text("asked_by"),
    required_text("approved_by"),
    required_text("reason"),  # why it was asked for, or refused
    required_text("rest_reason"),  # why it goes no further now
    Column("version", Integer, nullable=False),
    Column("next_at", Instant),
    Column("asked_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("order_id", "origin", "origin_key"),
    Index(None, "state", "next_at"),
)

decisions = Table(
    "decisions",
    metadata,
    required_text("event_key", primary_key=True),
    required_text("request_id"),  # of the authorisation
    required_text("order_id"),  # '' while no order is known
    required_text("decision"),
    required_text("origin"),
    required_text("reviewer"),
    required_text("comments"),
    required_text("merged"),  # news, known, contradiction, unmatched
    Column("decided_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Index(None, "request_id"),
    Index(None, "merged", "received_at"),
)

payment_requests = Table(
    "payment_requests",  # which order a gateway request belongs to
    metadata,
    required_text("request_id", primary_key=True),
    required_text("order_id"),
    required_text("what"),  # authorization, capture, refund, reversal, void
    Index(None, "order_id"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("inbox_id", Serial, primary_key=True),
    required_text("source"),  # cybersource, woocommerce, ...: with the account, e.g. shop id
    required_text("event_key"),
    required_text("event_type"),
    Column("body", LargeBinary, nullable=False),  # as it came; empty once it is emptied
    required_text("state"),  # received, handled, unhandled, failed, emptied
    required_text("reason"),
    Column("tries", Integer, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("next_at", Instant),  # of the next try; of one that is over: since when
    Column("handled_at", Instant),
    UniqueConstraint("source", "event_key"),
    Index(None, "state", "next_at"),
)

customers = Table(
    "customers",
    metadata,
    required_text("shop_id", primary_key=True),
    required_text("shopper_key", primary_key=True),  # the shop's id, or a digest of the mail
    required_text("company_id"),
    required_text("customer"),  # SYSPRO's
    Column("linked_at", Instant, nullable=False),
    Index(None, "company_id", "customer"),
)

customer_links = Table(
    "customer_links",  # by a person, or the shop's rule; an account has one currency
    metadata,
    required_text("shop_id", primary_key=True),
    required_text("shopper_key", primary_key=True),  # as in ``customers``
    required_text("currency", primary_key=True),
    required_text("customer"),  # SYSPRO's; '': our own code, whatever mail address it has there
    required_text("linked_by"),
    Column("linked_at", Instant, nullable=False),
)

payment_tokens = Table(
    "payment_tokens",
    metadata,
    required_text("merchant_id", primary_key=True),
    required_text("customer_token", primary_key=True),
    required_text("instrument_token", primary_key=True),
    required_text("identifier_token"),
    required_text("suffix"),
    required_text("expiry"),
    required_text("brand"),
    required_text("company_id"),
    required_text("customer"),  # SYSPRO's; '' while none is linked
    required_text("state"),  # active, closed, replaced, deleting, deleted
    Column("updated_at", Instant, nullable=False),
    Column("used_at", Instant, nullable=False),  # by the newest order that we know of
    Column("check_at", Instant),  # not before; null: not until an order uses it again
    Index(None, "merchant_id", "state", "check_at"),
    Index(None, "company_id", "customer"),
    Index(None, "merchant_id", "identifier_token"),
    Index(None, "merchant_id", "instrument_token"),
)

compared_orders = Table(
    "compared_orders",  # of a comparison that has not ended: its next try passes them over
    metadata,
    required_text("merchant_id", primary_key=True),
    required_text("order_id", primary_key=True),
    required_text("night"),  # the end of the days that are compared
    Column("version", Integer, nullable=False),  # of the order's row, as it was compared
)

stocked_products = Table(
    "stocked_products",  # what the stock feed has shown of a warehouse
    metadata,
    required_text("company_id", primary_key=True),
    required_text("warehouse", primary_key=True),
    required_text("stock_key", primary_key=True),  # the stock code, casefolded
    Column("seen_at", Instant, nullable=False),
)

api_clients = Table(
    "api_clients",
    metadata,
    required_text("client_id", primary_key=True),
    required_text("shop_id"),  # what it may see and do is this shop's
    required_text("secret_hash"),
    required_text("roles"),  # words with a blank between: read write refund operate
    Column("is_active", Boolean, nullable=False),
    Column("made_at", Instant, nullable=False),
)

alerts = Table(
    "alerts",  # one row per cause; it repeats only as its rule says
    metadata,
    required_text("cause", primary_key=True),
    required_text("rule"),
    required_text("state"),  # raised, cleared
    required_text("words"),
    Column("count", BigInteger, nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("told_at", Instant),
    Column("told_count", BigInteger, nullable=False),  # what people were told; 0: nothing yet
    Column("cleared_at", Instant),
)
