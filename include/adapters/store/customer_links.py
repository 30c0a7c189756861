"""Which SYSPRO customer a shop's shopper is; every link is in the audit trail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, delete, select

from include.adapters.store import audit
from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.leases import once_insert
from include.adapters.store.order_tables import customer_links
from include.adapters.store.upsert import upsert
from include.domain.errors import Rejected
from include.services.effects.chain import detail_of

_c = customer_links.c


@dataclass(frozen=True, slots=True)
class CustomerLink:
    """One row; the mail address behind a key is not kept."""

    shop_id: str
    shopper_key: str
    currency: str
    customer: str  # '' is our own code
    linked_by: str
    linked_at: datetime


@dataclass(frozen=True, slots=True)
class SqlCustomerLinks:
    """Satisfies ``orders.ports.CustomerLinks`` on SQLite and PostgreSQL."""

    engine: Engine
    who: str = "tieout"  # changes them
    clock: StoreClock = database_now

    def find(self, shop_id: str, shopper_keys: Sequence[str], currency: str) -> str | None:
        wanted = select(_c.shopper_key, _c.customer).where(
            _c.shop_id == shop_id, _c.shopper_key.in_(shopper_keys), _c.currency == currency
        )
        with self.engine.begin() as connection:
            found = {row.shopper_key: str(row.customer) for row in connection.execute(wanted)}
        return next((found[key] for key in shopper_keys if key in found), None)

    def keep(self, shop_id: str, shopper_key: str, currency: str, customer: str) -> str:
        with self.engine.begin() as connection:
            now = self.clock(connection)
            row = self._row(shop_id, shopper_key, currency, customer, now)
            wanted = once_insert(connection, customer_links).values(row).on_conflict_do_nothing()
            if connection.execute(wanted).rowcount:
                self._sign(connection, now, row, "customer linked by mail")
                return customer
            stands = select(_c.customer).where(_this(shop_id, shopper_key, currency))
            return str(connection.execute(stands).scalar_one())

    def link(self, shop_id: str, shopper_key: str, currency: str, customer: str) -> None:
        """Say which customer a shopper is, instead of what was said before; '' is our own code."""
        with self.engine.begin() as connection:
            now = self.clock(connection)
            row = self._row(shop_id, shopper_key, currency, customer, now)
            upsert(connection, customer_links, [row], ["shop_id", "shopper_key", "currency"])
            self._sign(connection, now, row, "customer linked")

    def unlink(self, shop_id: str, shopper_key: str, currency: str) -> None:
        """Take a link back. Raises ``Rejected``: there is none."""
        with self.engine.begin() as connection:
            this = _this(shop_id, shopper_key, currency)
            stands = connection.execute(select(_c.customer).where(this)).scalar_one_or_none()
            if stands is None:
                what = f"the shopper is not linked in {currency}"
                raise Rejected(what, f"shop {shop_id!r}", "List the links first.")
            connection.execute(delete(customer_links).where(this))
            now = self.clock(connection)
            row = self._row(shop_id, shopper_key, currency, str(stands), now)
            self._sign(connection, now, row, "customer unlinked")

    def listing(self, shop_id: str = "") -> Sequence[CustomerLink]:
        """Return the links of a shop; ``''``: of all shops."""
        wanted = select(customer_links).order_by(_c.shop_id, _c.customer, _c.shopper_key)
        if shop_id:
            wanted = wanted.where(_c.shop_id == shop_id)
        with self.engine.begin() as connection:
            return [CustomerLink(*row) for row in connection.execute(wanted)]

    def _row(
        self, shop_id: str, shopper_key: str, currency: str, customer: str, now: datetime
    ) -> dict[str, object]:
        return {
            "shop_id": shop_id,
            "shopper_key": shopper_key,
            "currency": currency,
            "customer": customer,
            "linked_by": self.who,
            "linked_at": now,
        }

    def _sign(
        self, connection: Connection, now: datetime, row: dict[str, object], what: str
    ) -> None:
        subject = f"shopper|{row['shop_id']}|{row['shopper_key']}"
        detail = detail_of(currency=row["currency"], customer=row["customer"])
        audit.append(connection, now, self.who, what, subject, detail)


def _this(shop_id: str, shopper_key: str, currency: str) -> ColumnElement[bool]:
    return (_c.shop_id == shop_id) & (_c.shopper_key == shopper_key) & (_c.currency == currency)
