"""What was measured at each connection; a later measurement takes the place of an earlier one."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, insert, select

from include.adapters.store import audit
from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.schema import commissioning_facts
from include.domain.canonical import plain_json
from include.domain.commissioning import Fact, Need, Probe
from include.services.effects.chain import Signed

_t = commissioning_facts.c


@dataclass(frozen=True, slots=True)
class SqlCommissioning:
    """The facts of all connections, every one that was ever recorded."""

    engine: Engine
    clock: StoreClock = database_now

    def record(self, fact: Fact, *, via: str) -> None:
        """Keep a fact, signed in the same commit by whoever records it."""
        found = plain_json(dict(fact.found))
        row = {
            "probe": fact.probe.value,
            "connection": fact.connection,
            "found": found,
            "measured_at": fact.measured_at,
            "who": fact.who,
        }
        detail = {"found": found, "measured_at": fact.measured_at.isoformat()}
        with self.engine.begin() as connection:
            now = self.clock(connection)
            connection.execute(insert(commissioning_facts), {**row, "recorded_at": now})
            subject = f"commissioning|{fact.connection}|{fact.probe.value}"
            audit.sign(connection, now, subject, Signed("fact recorded", fact.who, via, detail))

    def latest(self, need: Need) -> Fact | None:
        """Return the newest measurement; ``None``: nobody has measured it there."""
        query = (
            select(commissioning_facts)
            .where(_t.probe == need.probe.value, _t.connection == need.connection)
            .order_by(_t.measured_at.desc(), _t.fact_id.desc())
            .limit(1)
        )
        with self.engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _fact(row)

    def listing(self) -> list[Fact]:
        """Return the newest of each probe and connection, by connection and probe."""
        query = select(commissioning_facts).order_by(_t.measured_at, _t.fact_id)
        with self.engine.connect() as connection:
            facts = [_fact(row) for row in connection.execute(query)]
        newest = {(fact.connection, fact.probe): fact for fact in facts}
        order = list(Probe)
        return [newest[key] for key in sorted(newest, key=lambda it: (it[0], order.index(it[1])))]


def _fact(row: Any) -> Fact:
    return Fact(Probe(row.probe), row.connection, json.loads(row.found), row.measured_at, row.who)
