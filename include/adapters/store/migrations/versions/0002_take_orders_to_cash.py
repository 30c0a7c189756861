"""Take orders to cash."""

import sqlalchemy as sa
from alembic import op

from include.adapters.store import schema

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _orders()
    _money()
    _shoppers()
    _doors()
    _watch()


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("purchase_order", sa.Text(), nullable=False),
        sa.Column("purchase_order_key", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("sales_order", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("refunding_minor", sa.BigInteger(), nullable=False),
        sa.Column("captured_minor", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("next_at", schema.Instant(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("accepted_at", schema.Instant(timezone=True), nullable=False),
        sa.Column("updated_at", schema.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_orders")),
        sa.UniqueConstraint(
            "merchant_id",
            "purchase_order_key",
            name=op.f("uq_orders_merchant_id_purchase_order_key"),
        ),
        sa.UniqueConstraint("shop_id", "number", name=op.f("uq_orders_shop_id_number")),
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_orders_accepted_at_order_id"), ["accepted_at", "order_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_orders_merchant_id_next_at"), ["merchant_id", "next_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_orders_merchant_id_sales_order"),
            ["merchant_id", "sales_order"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_orders_shop_id_accepted_at_order_id"),
            ["shop_id", "accepted_at", "order_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_orders_state_updated_at"), ["state", "updated_at"], unique=False
        )

    op.create_table(
        "order_events",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("event_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", schema.Instant(timezone=True), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "event_no", name=op.f("pk_order_events")),
    )


def _money() -> None:
    op.create_table(
        "payment_requests",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_payment_requests")),
    )
    with op.batch_alter_table("payment_requests", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_payment_requests_order_id"), ["order_id"], unique=False
        )

    op.create_table(
        "decisions",
        sa.Column("event_key", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("comments", sa.Text(), nullable=False),
        sa.Column("merged", sa.Text(), nullable=False),
        sa.Column("decided_at", schema.Instant(timezone=True), nullable=False),
        sa.Column("received_at", schema.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("event_key", name=op.f("pk_decisions")),
    )
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_decisions_merged_received_at"), ["merged", "received_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_decisions_request_id"), ["request_id"], unique=False)

    op.create_table(
        "refunds",
        sa.Column("refund_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("origin_key", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("rest_reason", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("next_at", schema.Instant(timezone=True), nullable=True),
        sa.Column("asked_at", schema.Instant(timezone=True), nullable=False),
        sa.Column("updated_at", schema.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("refund_id", name=op.f("pk_refunds")),
        sa.UniqueConstraint(
            "order_id", "origin", "origin_key", name=op.f("uq_refunds_order_id_origin_origin_key")
        ),
    )
    with op.batch_alter_table("refunds", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_refunds_state_next_at"), ["state", "next_at"], unique=False
        )


def _shoppers() -> None:
    op.create_table(
        "customers",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("shopper_key", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("linked_at", schema.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "shopper_key", name=op.f("pk_customers")),
    )
    with op.batch_alter_table("customers", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_customers_company_id_customer"), ["company_id", "customer"], unique=False
        )

    op.create_table(
        "customer_links",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("shopper_key", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("linked_by", sa.Text(), nullable=False),
        sa.Column("linked_at", schema.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "shop_id", "shopper_key", "currency", name=op.f("pk_customer_links")
        ),
    )
    op.create_table(
        "payment_tokens",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("customer_token", sa.Text(), nullable=False),
        sa.Column("instrument_token", sa.Text(), nullable=False),
        sa.Column("identifier_token", sa.Text(), nullable=False),
        sa.Column("suffix", sa.Text(), nullable=False),
        sa.Column("expiry", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("updated_at", schema.Instant(timezone=True), nullable=False),
        sa.Column("used_at", schema.Instant(timezone=True), nullable=False),
        sa.Column("check_at", schema.Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint(
            "merchant_id", "customer_token", "instrument_token", name=op.f("pk_payment_tokens")
        ),
    )
    with op.batch_alter_table("payment_tokens", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_payment_tokens_company_id_customer"),
            ["company_id", "customer"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_payment_tokens_merchant_id_identifier_token"),
            ["merchant_id", "identifier_token"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_payment_tokens_merchant_id_state_check_at"),
            ["merchant_id", "state", "check_at"],
            unique=False,
        )


def _doors() -> None:
    op.create_table(
        "api_clients",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("made_at", schema.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_api_clients")),
    )
    op.create_table(
        "answers",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("begun_at", schema.Instant(timezone=True), nullable=False),
        sa.Column("answered_at", schema.Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("client_id", "idempotency_key", name=op.f("pk_answers")),
    )
    op.create_table(
        "inbox",
        sa.Column("inbox_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_key", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("received_at", schema.Instant(timezone=True), nullable=False),
        sa.Column("next_at", schema.Instant(timezone=True), nullable=True),
        sa.Column("handled_at", schema.Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("inbox_id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("source", "event_key", name=op.f("uq_inbox_source_event_key")),
    )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_inbox_state_next_at"), ["state", "next_at"], unique=False
        )


def _watch() -> None:
    op.create_table(
        "alerts",
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("raised_at", schema.Instant(timezone=True), nullable=False),
        sa.Column("told_at", schema.Instant(timezone=True), nullable=True),
        sa.Column("told_count", sa.BigInteger(), nullable=False),
        sa.Column("cleared_at", schema.Instant(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("cause", name=op.f("pk_alerts")),
    )
    op.create_table(
        "compared_orders",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("night", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "order_id", name=op.f("pk_compared_orders")),
    )
    op.create_table(
        "stocked_products",
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("warehouse", sa.Text(), nullable=False),
        sa.Column("stock_key", sa.Text(), nullable=False),
        sa.Column("seen_at", schema.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "company_id", "warehouse", "stock_key", name=op.f("pk_stocked_products")
        ),
    )


def downgrade() -> None:
    op.drop_table("stocked_products")
    with op.batch_alter_table("refunds", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refunds_state_next_at"))

    op.drop_table("refunds")
    with op.batch_alter_table("payment_tokens", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payment_tokens_merchant_id_state_check_at"))
        batch_op.drop_index(batch_op.f("ix_payment_tokens_merchant_id_identifier_token"))
        batch_op.drop_index(batch_op.f("ix_payment_tokens_company_id_customer"))

    op.drop_table("payment_tokens")
    with op.batch_alter_table("payment_requests", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payment_requests_order_id"))

    op.drop_table("payment_requests")
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_orders_state_updated_at"))
        batch_op.drop_index(batch_op.f("ix_orders_shop_id_accepted_at_order_id"))
        batch_op.drop_index(batch_op.f("ix_orders_merchant_id_sales_order"))
        batch_op.drop_index(batch_op.f("ix_orders_merchant_id_next_at"))
        batch_op.drop_index(batch_op.f("ix_orders_accepted_at_order_id"))

    op.drop_table("orders")
    op.drop_table("order_events")
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inbox_state_next_at"))

    op.drop_table("inbox")
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_decisions_request_id"))
        batch_op.drop_index(batch_op.f("ix_decisions_merged_received_at"))

    op.drop_table("decisions")
    with op.batch_alter_table("customers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_customers_company_id_customer"))

    op.drop_table("customers")
    op.drop_table("customer_links")
    op.drop_table("compared_orders")
    op.drop_table("api_clients")
    op.drop_table("answers")
    op.drop_table("alerts")
