"""The dead letters' shelf in the database. Each action on it is in the audit trail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Executable,
    Row,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from include.adapters.store import audit
from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.order_tables import orders, refunds
from include.adapters.store.schema import dead_letters
from include.domain.errors import Rejected
from include.services.effects.chain import Signed
from include.services.effects.dead_letters import DeadLetter

_OPEN_ONE = update(dead_letters).where(
    dead_letters.c.kind == bindparam("of_kind"),
    dead_letters.c.key == bindparam("of_key"),
    # Written out: a parameter hides from the planner that the index of the open ones will do.
    dead_letters.c.state == literal_column("'open'"),
)
_OURSELVES = "tieout"  # closes the letter of a row that was worked on in the end
_ID_LENGTH = 30  # of an order or refund: "ord_" or "ref_" and 26


def open_letter(
    connection: Connection,
    *,
    now: datetime,
    kind: str,
    key: str,
    currency: str,
    amount_minor: int | None,
    reason: str,
    next_action: str,
    owner: str,
) -> None:
    """Open a dead letter, or bring the open one up to date; its age is kept.

    The partial unique index allows one open letter per item, whoever else opens it meanwhile.
    """
    row = {
        "kind": kind,
        "key": key,
        "currency": currency,
        "amount_minor": amount_minor,
        "state": "open",
        "opened_at": now,
        "resolved_by": "",
        "resolution": "",
        "reason": reason,
        "next_action": next_action,
        "owner": owner,
    }
    connection.execute(_opening(connection.dialect.name), row)


@cache
def _opening(dialect: str) -> Executable:
    """Return the statement, built once: one costs more to put together than to run."""
    make = sqlite.insert if dialect == "sqlite" else postgresql.insert
    wanted = make(dead_letters)
    texts = {name: wanted.excluded[name] for name in ("reason", "next_action", "owner")}
    return wanted.on_conflict_do_update(
        index_elements=["kind", "key"],
        index_where=dead_letters.c.state == literal_column("'open'"),
        set_=texts,
    )


def is_open(connection: Connection, kind: str, key: str, reason: str) -> bool:
    """Say whether a letter of this item is open for this reason."""
    wanted = (
        select(dead_letters.c.dead_letter_id)
        .where(dead_letters.c.kind == kind, dead_letters.c.key == key)
        .where(dead_letters.c.reason == reason, dead_letters.c.state == "open")
    )
    return connection.execute(wanted).first() is not None


def was_resolved(connection: Connection, kind: str, key: str, reason: str) -> bool:
    """Say whether a person has resolved this item for this reason."""
    wanted = (
        select(dead_letters.c.dead_letter_id)
        .where(dead_letters.c.kind == kind, dead_letters.c.key == key)
        .where(dead_letters.c.reason == reason, dead_letters.c.state == "resolved")
        .where(dead_letters.c.resolved_by != _OURSELVES)
    )
    return connection.execute(wanted.limit(1)).first() is not None


def close_letter(
    connection: Connection, now: datetime, kind: str, key: str, who: str, resolution: str
) -> None:
    """Close the open dead letter of an item, if there is one."""
    closed = {
        "state": "resolved", "resolved_at": now, "resolved_by": who, "resolution": resolution
    }  # fmt: skip
    connection.execute(_OPEN_ONE, {"of_kind": kind, "of_key": key, **closed})


@dataclass(frozen=True, slots=True)
class SqlDeadLetters:
    """List, show and resolve dead letters."""

    engine: Engine
    clock: StoreClock = database_now

    def listing(
        self,
        state: str = "open",
        limit: int = 1000,
        *,
        shop_id: str = "",
        after: tuple[datetime, int] | None = None,
    ) -> Sequence[DeadLetter]:
        """List them, oldest first; see the port."""
        opened_at, number = dead_letters.c.opened_at, dead_letters.c.dead_letter_id
        wanted = select(dead_letters).where(dead_letters.c.state == state, *_of_shop(shop_id))
        if after is not None:
            at, last = after
            wanted = wanted.where(or_(opened_at > at, and_(opened_at == at, number > last)))
        order = (opened_at, number)
        with self.engine.begin() as connection:
            rows = connection.execute(wanted.order_by(*order).limit(limit)).all()
        return [_letter(row) for row in rows]

    def every(self, state: str = "open", kind: str = "") -> list[DeadLetter]:
        """Return all of a state, or of one kind of it, oldest first, however many they are."""
        found: list[DeadLetter] = []
        after: tuple[datetime, int] | None = None
        while page := self.listing(state, after=after):
            found += page
            after = page[-1].opened_at, page[-1].dead_letter_id
        return [one for one in found if kind in ("", one.kind)]

    def count(self) -> int:
        """Return how many are open."""
        wanted = select(func.count()).where(dead_letters.c.state == "open")
        with self.engine.begin() as connection:
            return int(connection.execute(wanted).scalar_one())

    def is_open(self, kind: str, key: str) -> bool:
        """Say whether there is an open one of exactly this item."""
        wanted = select(dead_letters.c.dead_letter_id).where(
            dead_letters.c.kind == kind, dead_letters.c.key == key, dead_letters.c.state == "open"
        )
        with self.engine.begin() as connection:
            return connection.execute(wanted.limit(1)).first() is not None

    def show(self, dead_letter_id: int, shop_id: str = "") -> DeadLetter:
        """Read one; with a shop, only if it is of its orders or refunds.

        Raises:
            Rejected: there is none with this number.
        """
        with self.engine.begin() as connection:
            return self._read(connection, dead_letter_id, shop_id)

    def resolve(
        self, dead_letter_id: int, who: str, resolution: str, *, via: str = ""
    ) -> DeadLetter:
        """Close one because ``who`` has dealt with it; audited.

        Raises:
            Rejected: unknown, or already resolved.
        """
        with self.engine.begin() as connection:
            now = self.clock(connection)
            letter = self._read(connection, dead_letter_id)
            still_open = (dead_letters.c.dead_letter_id == dead_letter_id) & (
                dead_letters.c.state == "open"
            )
            changed = connection.execute(
                update(dead_letters)
                .where(still_open)
                .values(state="resolved", resolved_at=now, resolved_by=who, resolution=resolution)
            ).rowcount
            if not changed:
                raise Rejected(
                    f"dead letter {dead_letter_id} was resolved by {letter.resolved_by!r}: "
                    f"{letter.resolution!r}",
                    f"dead letter {dead_letter_id}",
                    "Nothing is left to do.",
                )
            signed = Signed("dead letter resolved", who, via, {"resolution": resolution})
            audit.sign(connection, now, f"{letter.kind}|{letter.key}", signed)
        return self.show(dead_letter_id)

    def _read(self, connection: Connection, dead_letter_id: int, shop_id: str = "") -> DeadLetter:
        is_it = dead_letters.c.dead_letter_id == dead_letter_id
        wanted = select(dead_letters).where(is_it, *_of_shop(shop_id))
        row = connection.execute(wanted).one_or_none()
        if row is None:
            raise Rejected(
                f"there is no dead letter {dead_letter_id}", "dead letters", "List them first."
            )
        return _letter(row)


def _of_shop(shop_id: str) -> list[ColumnElement[bool]]:
    """Keys of effects begin with the order or the refund that they are of."""
    if not shop_id:
        return []
    saga = func.substr(dead_letters.c.key, 1, _ID_LENGTH)
    order = select(orders.c.order_id).where(orders.c.order_id == saga, orders.c.shop_id == shop_id)
    refund = (
        select(refunds.c.refund_id)
        .join(orders, orders.c.order_id == refunds.c.order_id)
        .where(refunds.c.refund_id == saga, orders.c.shop_id == shop_id)
    )
    return [or_(order.exists(), refund.exists())]


def _letter(row: Row) -> DeadLetter:  # type: ignore[type-arg]
    return DeadLetter(**row._mapping)
