"""Keep the audit as it is: no entry is changed, deleted or emptied away.

Of mistakes and of whoever may only write rows; the table's owner can drop the triggers. ADR 13.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_WORDS = "the audit chain is only ever appended to"
_DEEDS = ("UPDATE", "DELETE")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for deed in _DEEDS:
            op.execute(
                f"CREATE TRIGGER audit_refuses_{deed.lower()} BEFORE {deed} ON audit "
                f"BEGIN SELECT RAISE(ABORT, '{_WORDS}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_WORDS}' USING ERRCODE = 'insufficient_privilege'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_refuses_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
    )
    # A session that replays what a replica sent (session_replication_role) is no exception.
    op.execute("ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_refuses_changes")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for deed in _DEEDS:
            op.execute(f"DROP TRIGGER audit_refuses_{deed.lower()}")
        return
    op.execute("DROP TRIGGER audit_refuses_changes ON audit")
    op.execute("DROP FUNCTION refuse_audit_change()")
