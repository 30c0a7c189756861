"""Whether the store may have forgotten writes: it was restored, or a lagging replica took over.

What was written after such a copy was made would be written again, as if for the first time. A
witness outside the store, the head of the audit chain in the lake, shows when the chain has lost
its end. From then on, until a person resolves the dead letter, every write is looked for before its
first send as well. Source: reliability reference, 3.3 (nothing double) and check 30.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, bindparam, func, select

from include.adapters.lake import Lake
from include.adapters.store import audit as audit_chain
from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.schema import audit, dead_letters
from include.adapters.store.watermarks import SqlShelf
from include.domain.errors import Rejected
from include.services.effects.chain import ChainVerdict, Signed
from include.services.ports import Clock

KIND, KEY = "store", "forgotten_writes"
OWNER = "integration"
_AGAIN_S = 60.0  # so a long-lived process learns what the janitor has found
# Built once: a statement costs more to put together than to run.
_HEAD = select(audit.c.entry_no, audit.c.hash).order_by(audit.c.entry_no.desc()).limit(1)
_OPEN = select(func.count()).where(
    dead_letters.c.kind == KIND, dead_letters.c.key == KEY, dead_letters.c.state == "open"
)
_HASH = select(audit.c.hash).where(audit.c.entry_no == bindparam("of_entry"))


class StoreTrust:
    """Watches one store from one process."""

    def __init__(
        self,
        engine: Engine,
        lake: Lake,
        clock: Clock,
        store_clock: StoreClock = database_now,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Join the parts; nothing is asked yet.

        Args:
            engine: of the store.
            lake: keeps the witness.
            clock: says when it was noted, for people.
            store_clock: of what is set aside.
            seconds: of a clock that nobody sets: one set back must not put off what is asked.
        """
        self._engine = engine
        self._lake = lake
        self._clock = clock
        self._shelf = SqlShelf(engine, store_clock)
        self._seconds = seconds
        self._asked_at: float | None = None
        self._is_doubted = False

    def is_doubted(self) -> bool:
        """Say whether a write that is new to us may have been made; asked afresh once a minute."""
        now = self._seconds()
        if self._asked_at is None or now - self._asked_at >= _AGAIN_S:
            self._is_doubted, self._asked_at = self.check(), now
        return self._is_doubted

    def check(self) -> bool:
        """Hold the store against its witness; then say whether its dead letter is open."""
        seen = self.witness()
        if seen and not self._holds(seen):
            self.doubt(f"the audit chain has lost what it held on {seen['at']}")
            self._write(self._head())  # it is told once
        with self._engine.connect() as connection:
            return bool(connection.execute(_OPEN, {}).scalar())

    def witness(self) -> dict[str, Any]:
        """Return ``entry_no``, ``hash`` and ``at`` of the head that was noted; empty: none was.

        One that cannot be read is no witness for the store: it fits no head.
        """
        try:
            found = json.loads(self._lake.read_note(KIND) or b"{}")
            return found and {name: found[name] for name in ("entry_no", "hash", "at")}
        except (ValueError, TypeError, KeyError):
            return {"entry_no": None, "hash": "", "at": "a day that cannot be read"}

    def verify(self, head: str = "", since: str = "", most: int | None = None) -> ChainVerdict:
        """Recompute the audit chain; ``head``, or else the witness's, must be found in it.

        ``since`` and ``most`` are as ``audit.verify`` has them.
        """
        noted = head or str(self.witness().get("hash", ""))
        return audit_chain.verify(self._engine, noted, since=since, most=most)

    def note(self) -> None:
        """Write down, outside the store, how far its audit chain goes.

        A witness that the chain does not hold is left for ``check``: a replica took over since.
        """
        head, seen = self._head(), self.witness()  # in this order: it may take over in between
        if not seen or self._holds(seen):
            self._write(head)

    def _head(self) -> Any:
        with self._engine.connect() as connection:
            return connection.execute(_HEAD, {}).one_or_none()

    def _write(self, head: Any) -> None:
        if head is None:  # put back to before its first entry: nothing is noted, and told once
            self._lake.write_note(KIND, b"{}")
            return
        at = self._clock.now().isoformat(timespec="seconds")
        found = {"entry_no": head.entry_no, "hash": head.hash, "at": at}
        self._lake.write_note(KIND, json.dumps(found).encode())

    def doubt(self, why: str, signed: Signed | None = None) -> None:
        """Have every write looked for first, until a person resolves the dead letter.

        ``signed``: the person who doubts it, for the audit chain, in the same commit.
        """
        fault = Rejected(
            f"writes may have been forgotten: {why}",
            "the store",
            "Nothing at once: every write is looked for before it is sent. Resolve this once all "
            "that was open then is done again; runbook restore.",
        )
        self._shelf.set_aside(KIND, KEY, fault, owner=OWNER, signed=signed)

    def _holds(self, seen: dict[str, Any]) -> bool:
        of = {"of_entry": seen["entry_no"]}
        with self._engine.connect() as connection:
            return bool(connection.execute(_HASH, of).scalar() == seen["hash"])
