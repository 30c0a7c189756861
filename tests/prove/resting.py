"""Where a seed's product stands: what is due when, and whether it rests or waits for a person."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.simulator.hub import EPOCH

if TYPE_CHECKING:
    from tests.prove.world import World

_NAIVE_EPOCH = EPOCH.replace(tzinfo=None)
_UNFINISHED = "('intended', 'sent', 'in_doubt', 'parked', 'done')"
_ENDED = "('completed', 'declined', 'cancelled')"
_DUE = (  # one look: when the next of each is due
    "SELECT (SELECT MIN(COALESCE(next_at, '')) FROM effects WHERE state IN "  # noqa: S608
    + _UNFINISHED
    + "), (SELECT MIN(next_at) FROM orders), (SELECT MIN(next_at) FROM refunds), "
    "(SELECT MIN(next_at) FROM inbox WHERE state = 'received')"
)
# The row says stuck until it is driven; the facts know that a person has settled it, and the effect
# of its open step that it has moved on. Whether it is due says nothing: it looks again by itself.
_HAS_MOVED_ON = (
    "json_extract(facts, '$.open_step') != '' AND NOT EXISTS (SELECT 1 FROM effects "
    "WHERE effects.state IN ('rejected', 'mismatched', 'dead_letter') "
    "AND (effects.key = {key} || '|' || json_extract(facts, '$.open_step'){shared}))"
)
# The customer of two orders of one shopper is one effect: the other order waits for it.
_SHARED = (
    " OR json_extract(facts, '$.open_step') LIKE 'customer|%' AND effects.kind = 'customer' "
    "AND effects.reference = json_extract(facts, '$.customer')"
)
_UNRESTED = (  # one look: what of each has not come to rest
    "SELECT EXISTS (SELECT 1 FROM effects WHERE state IN "  # noqa: S608
    + _UNFINISHED
    + ") OR EXISTS (SELECT 1 FROM inbox WHERE state = 'received') OR EXISTS (SELECT 1 FROM refunds "
    "WHERE state NOT IN ('done', 'refused', 'stuck') OR state = 'stuck' AND "
    + _HAS_MOVED_ON.format(key="refund_id", shared="")
    + ") OR EXISTS (SELECT 1 FROM orders WHERE state NOT IN "
)
_IS_SETTLED = (
    "state = 'stuck' AND (json_extract(facts, '$.problem') = '' "
    "AND NOT json_extract(facts, '$.is_contradicted') OR "
    + _HAS_MOVED_ON.format(key="order_id", shared=_SHARED)
    + ")"
)


def due(world: "World") -> dict[str, float]:
    """Say when the next of each kind is due, as the hub counts."""
    found = map(_seconds, world.database.rows(_DUE)[0])
    return dict(zip(("effects", "orders", "refunds", "inbox"), found, strict=True))


def rests(world: "World") -> bool:
    """Say whether the product has nothing more to do by itself."""
    if world.notes.errors:
        return True
    is_early = world.act == 1 and world.hub.seconds < world.storm
    if world.busy or world.people.errands or is_early:
        return False
    waits = "" if world.act == 3 else ", 'booked', 'in_review'"
    resting = _ENDED.replace(")", f", 'stuck'{waits})")
    if world.database.rows(f"{_UNRESTED}{resting} OR {_IS_SETTLED})")[0][0]:
        return False
    # Invoiced once more, and due for it: what waits for a person looks again for ever.
    now = (EPOCH + timedelta(seconds=world.hub.seconds)).replace(tzinfo=None).isoformat(" ")
    if count(world, "orders", f"state = 'completed' AND next_at <= '{now}'"):
        return False
    return not any(world.pending.values()) and not (
        world.feeds.has_any_news() or world.shop.has_news()
    )


def waits_for_a_person(world: "World") -> bool:
    """Say whether something is left that no clock brings on."""
    undecided = "state = 'stuck' OR (state = 'in_review' AND next_at IS NULL)"
    return bool(count(world, "dead_letters", "state = 'open'") + count(world, "orders", undecided))


def count(world: "World", table: str, condition: str) -> int:
    """Count the rows of a table for which a condition holds."""
    found = world.database.rows(f"SELECT COUNT(*) FROM {table} WHERE {condition}")  # noqa: S608
    return int(found[0][0])


def _seconds(found: str | None) -> float:
    """Read an instant of the database as the hub counts; none is never, '' is at once."""
    if found is None:
        return float("inf")
    if found == "":
        return 0.0
    return (datetime.fromisoformat(found) - _NAIVE_EPOCH).total_seconds()
