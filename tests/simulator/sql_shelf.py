"""The SQL store under the simulator: the product's own statements, on virtual time."""

from include.adapters.store import audit
from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.effects import SqlEffectStore
from include.adapters.store.engine import open_store
from include.adapters.store.order_tables import orders, refunds
from include.adapters.store.schema import audit as audit_table
from include.adapters.store.schema import dead_letters, effects, leases, metadata
from include.services.effects.boundaries import BoundaryHook
from include.services.effects.chain import Link
from include.services.effects.dead_letters import DeadLetter
from include.services.effects.store import EffectStore
from tests.simulator.hub import Hub


class SqlShelf:
    """Tables of its own at ``url``; by default a database in memory."""

    def __init__(self, hub: Hub, boundary: BoundaryHook, url: str = "sqlite://") -> None:
        self._database = open_store(url)
        metadata.create_all(
            self._database, [effects, leases, dead_letters, audit_table, orders, refunds]
        )
        self.store: EffectStore = SqlEffectStore(self._database, lambda _: hub.now(), boundary)

    def links(self) -> list[Link]:
        return list(audit.links(self._database))

    def letters(self, state: str) -> list[DeadLetter]:
        return list(SqlDeadLetters(self._database).listing(state))

    def close(self) -> None:
        self._database.dispose()
