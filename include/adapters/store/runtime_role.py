"""What the role of the running product may do in the store: read and write rows, and no more.

The owner makes and changes tables; the role under which workers and the API run cannot, nor can it
change what the audit says. ADR 13 says what that protects against.
"""

from sqlalchemy import Connection, text

from include.adapters.store.schema import audit
from include.domain.errors import Rejected

_KEPT_BY_OWNER = "alembic_version"


def grant_runtime(connection: Connection, role: str) -> None:
    """Give an existing role of PostgreSQL what it needs, and take the rest; safe to repeat.

    Args:
        connection: to the store, migrated, as the owner of its tables and its database; in the
            transaction of the migration, so that a refusal leaves no table that nobody may use.
        role: of the containers; it must not own the tables.

    Raises:
        Rejected: it is no PostgreSQL, there is no such role, or it could undo all this.
    """
    if connection.dialect.name != "postgresql":
        raise Rejected("SQLite has no roles", "--runtime-role", "Leave it out.")
    _demand_weak(connection, role)
    quote = connection.dialect.identifier_preparer.quote
    name, database = quote(role), quote(str(connection.engine.url.database))
    for statement in (
        # A table that a session makes for itself alone would hide ours of that name.
        f"REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM PUBLIC, {name}",
        f"GRANT CONNECT ON DATABASE {database} TO {name}",
        f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {name}",
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}",
        f"REVOKE ALL ON {audit.name} FROM PUBLIC",
        f"REVOKE UPDATE, DELETE ON {audit.name} FROM {name}",
        f"REVOKE INSERT, UPDATE, DELETE ON {_KEPT_BY_OWNER} FROM {name}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}",
    ):
        connection.execute(text(statement))
    _demand_held(connection, role)


def _demand_weak(connection: Connection, role: str) -> None:
    """Refuse a role that needs no grant: a superuser, or one that is or may become the owner."""
    found = connection.execute(
        text(
            "SELECT rolsuper OR pg_has_role(rolname, current_user, 'MEMBER') AS is_strong "
            "FROM pg_roles WHERE rolname = :role"
        ),
        {"role": role},
    ).one_or_none()
    if found is None:
        do = f"CREATE ROLE {role} LOGIN PASSWORD '...', or correct the name."
        raise Rejected(f"there is no role {role!r}", "the store's PostgreSQL", do)
    if found.is_strong:
        what = f"the role {role!r} is the owner's, or a superuser: no grant holds it back"
        do = "Let migrations run as another role, which owns the tables."
        raise Rejected(what, "the store's PostgreSQL", do)


def _demand_held(connection: Connection, role: str) -> None:
    """Refuse a role that has still what was just taken from it.

    Who is not the owner of a database takes nothing away in it, and is told so by a warning alone.
    """
    asked = (
        "SELECT has_table_privilege(:role, :table, 'UPDATE, DELETE, TRUNCATE, TRIGGER'), "
        "has_database_privilege(:role, current_database(), 'CREATE, TEMPORARY') "
        "OR has_schema_privilege(:role, 'public', 'CREATE')"
    )
    found = connection.execute(text(asked), {"role": role, "table": audit.name})
    may_change, may_make = found.one()
    if may_change:
        what = f"the role {role!r} may change {audit.name} through a role it is a member of"
        do = "Take it out of that role, e.g. pg_write_all_data; then run this again."
        raise Rejected(what, "the store's PostgreSQL", do)
    if may_make:
        what = f"the role {role!r} may still make tables, and one of its own would hide ours"
        do = (
            "Let the role that migrates own the database, or have its owner take TEMPORARY and "
            "CREATE from PUBLIC; then run this again."
        )
        raise Rejected(what, "the store's PostgreSQL", do)
