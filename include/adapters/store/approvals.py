"""What people decided about journals and refunds, each about one exact content."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, Engine, select

from include.adapters.store import audit
from include.adapters.store.schema import approvals
from include.adapters.store.upsert import upsert
from include.services.approve_journals import ASKED
from include.services.effects.chain import Signed
from include.services.ports import Clock


class SqlApprovals:
    """Decisions of people, each about one exact content of one journal."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def decide(
        self,
        journal_key: str,
        digest: str,
        *,
        decision: str,
        decided_by: str,
        reason: str,
        signed: Signed | None = None,
    ) -> None:
        """Record one decision; the same person repeating it changes nothing but the time."""
        now = self._clock.now()
        row = {
            "journal_key": journal_key,
            "digest": digest,
            "decision": decision,
            "decided_by": decided_by,
            "reason": reason,
            "decided_at": now,
        }
        with self._engine.begin() as connection:
            is_repeat = _latest(connection, journal_key, digest) == (decision, decided_by)
            upsert(
                connection, approvals, [row], ["journal_key", "digest", "decision", "decided_by"]
            )
            audit.sign(connection, now, journal_key, None if is_repeat else signed)

    def latest(self, journal_key: str, digest: str) -> tuple[str, str] | None:
        """Return (decision, who) of the newest decision about exactly this content."""
        with self._engine.begin() as connection:
            return _latest(connection, journal_key, digest)

    def words_on(self, digests: Collection[str]) -> dict[str, tuple[str, str]]:
        """Return (decision, who) of the newest answer about each of these contents, by digest."""
        query = (
            select(approvals.c.digest, approvals.c.decision, approvals.c.decided_by)
            .where(approvals.c.digest.in_(digests), approvals.c.decision != ASKED)
            .order_by(approvals.c.decided_at, approvals.c.approval_id)
        )
        with self._engine.begin() as connection:
            return {row[0]: (row[1], row[2]) for row in connection.execute(query)}

    def decided_since(self, decision: str, since: datetime) -> set[tuple[str, str]]:
        """Return (key, digest) of all that was decided so, by anybody, from an instant on."""
        query = select(approvals.c.journal_key, approvals.c.digest).where(
            approvals.c.decision == decision, approvals.c.decided_at >= since
        )
        with self._engine.begin() as connection:
            return {(row[0], row[1]) for row in connection.execute(query)}


def _latest(connection: Connection, journal_key: str, digest: str) -> tuple[str, str] | None:
    query = (
        select(approvals.c.decision, approvals.c.decided_by)
        .where(approvals.c.journal_key == journal_key, approvals.c.digest == digest)
        .order_by(approvals.c.decided_at.desc(), approvals.c.approval_id.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return (row[0], row[1]) if row else None
