"""Find in a store that has grown: what happened to a subject, what was sent when, old answers."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_INDEXES = (
    ("audit", "subject", "entry_no"),
    ("effects", "target", "sent_at"),
    ("answers", "begun_at"),
)


def upgrade() -> None:
    for table, *columns in _INDEXES:
        op.create_index(_name(table, columns), table, columns)


def downgrade() -> None:
    for table, *columns in _INDEXES:
        op.drop_index(_name(table, columns), table)


def _name(table: str, columns: list[str]) -> str:
    return op.f("_".join(("ix", table, *columns)))
