"""Bring the store's schema up to date: ``python -m include.adapters.store.migrate``.

``--create-database`` first makes the PostgreSQL database itself where it does not exist yet.
``--runtime-role`` lets a role that does not own the tables work on their rows, but not on the
audit's; then ``TIEOUT_STORE_URL`` is the owner's for this command alone.
"""

import argparse
import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, make_url, text

from include.adapters.store.differences import differences
from include.adapters.store.engine import open_store
from include.adapters.store.runtime_role import grant_runtime
from include.domain.errors import Rejected

_ITS_OWN = (
    "Run the version of Tieout that made the store, or name an empty database; runbook upgrade."
)


def config() -> Config:
    """Return Alembic's configuration; there is no alembic.ini to go astray."""
    found = Config()
    found.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return found


def migrate(engine: Engine, runtime_role: str = "") -> None:
    """Apply every migration that is missing. Two at once are safe: the second finds nothing.

    Args:
        engine: the store, as its owner.
        runtime_role: who is granted what is there then; see ``grant_runtime``.

    Raises:
        Rejected: another version of Tieout made the store, and this one does not know its schema,
            or would have tables otherwise than its own; or the role cannot be granted them. The
            store stays as it is.
    """
    settings = config()
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # One migration at a time; the lock ends with the transaction. 0x7469656f7574: "tieout"
            connection.execute(text("SELECT pg_advisory_xact_lock(128022122001780)"))
        settings.attributes["connection"] = connection
        try:
            command.upgrade(settings, "head")
        except CommandError as fault:
            raise Rejected(
                f"this version does not know the store's schema: {fault}",
                "table alembic_version",
                _ITS_OWN,
            ) from fault
        _demand_ours(connection)
        if runtime_role:
            grant_runtime(connection, runtime_role)


def demand_current(engine: Engine) -> str:
    """Return the schema's version; its tables are those that this version works on.

    Raises:
        Rejected: migrations are missing, or another version of Tieout made the store; it says what
            is missing or otherwise.
    """
    scripts = ScriptDirectory.from_config(config())
    wanted = scripts.get_current_head()
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
        if found == wanted:
            _demand_ours(connection)
            return str(found)
    is_known = found is None or found in {one.revision for one in scripts.walk_revisions()}
    raise Rejected(
        f"the store's schema is {found or 'not made yet'}, this version needs {wanted}",
        "table alembic_version",
        "Run python -m include.adapters.store.migrate; runbook upgrade." if is_known else _ITS_OWN,
    )


def _demand_ours(connection: Connection) -> None:
    """Raise ``Rejected`` where a table is not as the code has it, whatever version is noted."""
    if found := differences(connection):
        raise Rejected(
            f"the store was not made by the migrations of this version: it has {', '.join(found)}",
            "the store's tables",
            _ITS_OWN,
        )


def create_database(url: str) -> None:
    """Create the PostgreSQL database that ``url`` names, through the server's ``postgres``."""
    wanted = make_url(url)
    if wanted.get_backend_name() != "postgresql":
        return
    server = create_engine(wanted.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        known = connection.scalar(
            text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": wanted.database}
        )
        if not known:
            quoted = connection.dialect.identifier_preparer.quote(wanted.database or "")
            connection.execute(text(f"CREATE DATABASE {quoted}"))
    server.dispose()


def main() -> None:
    parser = _parser()
    given = parser.parse_args()
    if not given.url:
        parser.error("say which store: --url, or TIEOUT_STORE_URL in the environment")
    if given.create_database:
        create_database(given.url)
    try:
        migrate(open_store(given.url), given.runtime_role)
    except Rejected as fault:
        parser.exit(1, f"{fault}\n")


def _parser() -> argparse.ArgumentParser:
    program = "python -m include.adapters.store.migrate"
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument("--create-database", action="store_true", help="where there is none yet")
    parser.add_argument("--runtime-role", default="", help="PostgreSQL role of the containers")
    url = os.environ.get("TIEOUT_STORE_URL", "")
    parser.add_argument("--url", default=url, help="SQLAlchemy URL; default TIEOUT_STORE_URL")
    return parser


if __name__ == "__main__":
    main()
