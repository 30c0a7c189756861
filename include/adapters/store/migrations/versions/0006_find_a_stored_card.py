"""Find a stored card by its instrument: an order names it, while its shopper waits."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NAME = "ix_payment_tokens_merchant_id_instrument_token"


def upgrade() -> None:
    op.create_index(op.f(_NAME), "payment_tokens", ["merchant_id", "instrument_token"])


def downgrade() -> None:
    op.drop_index(op.f(_NAME), "payment_tokens")
