"""Watch disputes."""

import sqlalchemy as sa
from alembic import op

from include.adapters.store import schema

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dispute_days",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("settlement_date", sa.Date(), nullable=False),
        sa.Column("read_at", schema.Instant(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "settlement_date", name=op.f("pk_dispute_days")),
    )
    op.create_table(
        "dispute_events",
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("settlement_date", sa.Date(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("answer_by", sa.Date(), nullable=True),
        sa.Column("answered_on", sa.Date(), nullable=True),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_dispute_events")),
        sa.UniqueConstraint(
            "merchant_id",
            "settlement_date",
            "case_key",
            "currency",
            "kind",
            "source",
            "said_by",
            name="uq_dispute_events_said",
        ),
    )
    with op.batch_alter_table("dispute_events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_dispute_events_merchant_id_case_key"),
            ["merchant_id", "case_key"],
            unique=False,
        )


def downgrade() -> None:
    with op.batch_alter_table("dispute_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dispute_events_merchant_id_case_key"))
    op.drop_table("dispute_events")
    op.drop_table("dispute_days")
