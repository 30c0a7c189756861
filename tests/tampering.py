"""What a database's owner can do to the audit chain, and nobody else."""

from sqlalchemy import Connection, Engine, text, update

from include.adapters.store import audit as audit_chain
from include.adapters.store.schema import audit
from include.services.effects import chain

_OF_SQLITE = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
_OF_POSTGRES = (
    "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit'::regclass AND NOT tgisinternal"
)


def unguard(connection: Connection) -> None:
    """Drop the triggers that refuse every change."""
    is_sqlite = connection.dialect.name == "sqlite"
    for name in connection.execute(text(_OF_SQLITE if is_sqlite else _OF_POSTGRES)).scalars().all():
        connection.execute(text(f"DROP TRIGGER {name}" + ("" if is_sqlite else " ON audit")))


def write_anew(store: Engine, who: str) -> None:
    """Sign the whole chain by somebody else, each hash made anew, so that it holds again."""
    links = list(audit_chain.links(store))
    with store.begin() as connection:
        unguard(connection)
        away = "UPDATE audit SET previous_hash = 'x' || entry_no, hash = 'y' || entry_no"
        connection.execute(text(away))
        previous = chain.START
        for number, link in enumerate(links, 1):
            was = link.entry
            entry = chain.AuditEntry(was.at, who, was.what, was.subject, was.detail)
            made = chain.entry_hash(previous, entry)
            this = update(audit).where(audit.c.entry_no == number)
            connection.execute(this.values(who=who, previous_hash=previous, hash=made))
            previous = made
