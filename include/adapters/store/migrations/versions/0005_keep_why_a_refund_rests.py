"""Keep why a refund rests, beside the grounds on which it was asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("refunds", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rest_reason", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("refunds", schema=None) as batch_op:
        batch_op.alter_column("rest_reason", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("refunds", schema=None) as batch_op:
        batch_op.drop_column("rest_reason")
