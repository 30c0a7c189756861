"""What people do, for the hash chain, where no other row is written beside it."""

from dataclasses import dataclass

from sqlalchemy import Engine

from include.adapters.store import audit
from include.adapters.store.clock import StoreClock, database_now
from include.services.effects.chain import detail_of


@dataclass(frozen=True, slots=True)
class SqlAuditLog:
    """Satisfies ``profiles.ports.AuditLog``."""

    engine: Engine
    clock: StoreClock = database_now

    def note(self, who: str, what: str, subject: str, **detail: object) -> None:
        with self.engine.begin() as connection:
            now = self.clock(connection)
            audit.append(connection, now, who, what, subject, detail_of(**detail))
