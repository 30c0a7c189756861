"""Open items as people close them: several at once, all or none, each in the audit chain."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, or_, select, update

from include.adapters.store import audit
from include.adapters.store.clock import database_now
from include.adapters.store.open_items import MACHINES
from include.adapters.store.schema import open_items
from include.domain.errors import Rejected
from include.domain.people import name_of
from include.services.effects.chain import Signed

Row = Mapping[str, Any]


def resolve_items(
    engine: Engine,
    names: Sequence[str],
    *,
    who: str,
    reason: str,
    via: str,
) -> list[Row]:
    """Resolve items because a person says so; no run opens them again.

    Args:
        engine: the store.
        names: numbers (``item_id``) or whole keys.
        who: the person.
        reason: what was found, or why nothing is left to do.
        via: the door they came by, for the audit chain.

    Returns:
        The items as they were, in the order named.

    Raises:
        Rejected: one is unknown or resolved already, or there is no reason or no person. Nothing
            was resolved.
    """
    if not reason.strip() or not who.strip() or name_of(who) in MACHINES:
        raise Rejected(
            f"no reason given, or {who!r} is no person", "open items", "Say why, and who says it."
        )
    with engine.begin() as connection:
        found = list({row["item_id"]: row for row in _rows(connection, names)}.values())
        now = database_now(connection)
        changed = connection.execute(
            update(open_items)
            .where(open_items.c.item_id.in_([row["item_id"] for row in found]))
            .values(state="resolved", resolved_at=now, resolved_by=who, resolution=reason)
        ).rowcount
        if changed != len(found):
            raise AssertionError(f"{changed} of {len(found)} locked items were changed")
        entries = [
            Signed(
                "open item resolved", who, via, {"number": row["item_id"], "resolution": reason}
            ).entry(now, f"open_item|{row['item_key']}")
            for row in found
        ]
        audit.append_all(connection, entries)
    return found


def _rows(connection: Connection, names: Sequence[str]) -> list[Row]:
    """Read and lock the items named, each of them open."""
    numbers = [int(name) for name in names if _is_number(name)]
    query = select(open_items).where(
        or_(open_items.c.item_id.in_(numbers), open_items.c.item_key.in_(names))
    )
    rows = connection.execute(query.with_for_update()).mappings().all()
    by_name = {str(row["item_id"]): row for row in rows} | {row["item_key"]: row for row in rows}
    unknown = [name for name in names if _plain(name) not in by_name]
    if unknown:
        raise Rejected(
            f"there is no open item {', '.join(unknown)}; nothing was resolved",
            "open items",
            "List them first.",
        )
    found = [by_name[_plain(name)] for name in names]
    for row in found:
        if row["state"] != "open":
            raise Rejected(
                f"open item {row['item_id']} was resolved by {row['resolved_by']!r}: "
                f"{row['resolution']!r}; nothing was resolved now",
                f"open item {row['item_key']}",
                "Leave it out.",
            )
    return [dict(row) for row in found]


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 19  # as long as an item_id may be


def _plain(name: str) -> str:
    return str(int(name)) if _is_number(name) else name
