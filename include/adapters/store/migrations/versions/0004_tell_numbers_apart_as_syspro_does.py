"""Tell order numbers apart as SYSPRO does: its look for a customer PO does not see letter case."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ORDERS = sa.table(
    "orders",
    sa.column("order_id", sa.Text()),
    sa.column("purchase_order", sa.Text()),
    sa.column("purchase_order_key", sa.Text()),
)


def upgrade() -> None:
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("purchase_order_key", sa.Text(), nullable=False, server_default="")
        )
    _fold()
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.alter_column("purchase_order_key", server_default=None)
        batch_op.drop_constraint(batch_op.f("uq_orders_merchant_id_purchase_order"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_orders_merchant_id_purchase_order_key"),
            ["merchant_id", "purchase_order_key"],
        )


def _fold() -> None:
    """Fold what is there as Python does; a database folds by its own collation."""
    connection = op.get_bind()
    change = (
        sa.update(_ORDERS)
        .where(_ORDERS.c.order_id == sa.bindparam("of_order"))
        .values(purchase_order_key=sa.bindparam("folded"))
    )
    there = connection.execute(sa.select(_ORDERS.c.order_id, _ORDERS.c.purchase_order)).all()
    rows = [{"of_order": row[0], "folded": row[1].casefold()} for row in there]
    if rows:
        connection.execute(change, rows)


def downgrade() -> None:
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("uq_orders_merchant_id_purchase_order_key"), type_="unique"
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_orders_merchant_id_purchase_order"), ["merchant_id", "purchase_order"]
        )
        batch_op.drop_column("purchase_order_key")
