"""API clients in the database; of a secret only its hash."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, select, update

from include.adapters.store import audit
from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.leases import once_insert
from include.adapters.store.order_tables import api_clients
from include.domain.errors import Rejected
from include.services.api.ports import ApiClient, Role
from include.services.effects.chain import detail_of


@dataclass(frozen=True, slots=True)
class SqlApiClients:
    """Satisfies ``api.ports.ApiClients``. Every change is in the audit trail."""

    engine: Engine
    who: str = "tieout"  # changes them
    clock: StoreClock = database_now

    def get(self, client_id: str) -> ApiClient | None:
        wanted = select(api_clients).where(api_clients.c.client_id == client_id)
        with self.engine.begin() as connection:
            row = connection.execute(wanted).one_or_none()
        return _client(row) if row else None

    def add(self, client: ApiClient) -> None:
        roles = " ".join(sorted(client.roles))
        with self.engine.begin() as connection:
            now = self.clock(connection)
            wanted = once_insert(connection, api_clients).values(
                client_id=client.client_id,
                shop_id=client.shop_id,
                secret_hash=client.secret_hash,
                roles=roles,
                is_active=client.is_active,
                made_at=now,
            )
            if not connection.execute(wanted.on_conflict_do_nothing()).rowcount:
                raise Rejected(
                    "there is a client of this name",
                    f"API client {client.client_id!r}",
                    "Choose another; a name is never used again, not even after a revocation.",
                )
            detail = detail_of(shop=client.shop_id, roles=roles)
            subject = f"api_client|{client.client_id}"
            audit.append(connection, now, self.who, "API client added", subject, detail)

    def revoke(self, client_id: str) -> None:
        with self.engine.begin() as connection:
            changed = connection.execute(
                update(api_clients)
                .where(api_clients.c.client_id == client_id)
                .values(is_active=False)
            ).rowcount
            if not changed:
                raise Rejected(
                    "there is no such client", f"API client {client_id!r}", "List them first."
                )
            now, subject = self.clock(connection), f"api_client|{client_id}"
            audit.append(connection, now, self.who, "API client revoked", subject, detail_of())

    def listing(self) -> Sequence[ApiClient]:
        with self.engine.begin() as connection:
            rows = connection.execute(select(api_clients).order_by(api_clients.c.client_id)).all()
        return [_client(row) for row in rows]


def _client(row: Any) -> ApiClient:
    known = {role.value: role for role in Role}
    roles = frozenset(known[word] for word in row.roles.split() if word in known)
    return ApiClient(row.client_id, row.shop_id, roles, row.secret_hash, row.is_active)
