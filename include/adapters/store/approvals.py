"""What people decided about journals and refunds, each about one exact content."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Engine, select

from include.adapters.store import audit
from include.adapters.store.schema import approvals
from include.adapters.store.upsert import upsert
from include.services.approve_journals import ASKED
from include.services.effects.chain import Signed
from include.services.ports import Clock

_NEXT = timedelta(microseconds=1)


class _Decided(NamedTuple):
    """One decision: what was said by whom, and when."""

    said: tuple[str, str]
    at: datetime


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
        """Record one decision; the same person repeating it changes nothing but the time.

        It is the newest of its content, though the host that took the one before runs ahead.
        """
        with self._engine.begin() as connection:
            known = _latest(connection, journal_key, digest)
            now = self._clock.now()
            if known is not None:
                now = max(now, known.at + _NEXT)
            row = {
                "journal_key": journal_key,
                "digest": digest,
                "decision": decision,
                "decided_by": decided_by,
                "reason": reason,
                "decided_at": now,
            }
            is_repeat = known is not None and known.said == (decision, decided_by)
            upsert(
                connection, approvals, [row], ["journal_key", "digest", "decision", "decided_by"]
            )
            audit.sign(connection, now, journal_key, None if is_repeat else signed)

    def latest(self, journal_key: str, digest: str) -> tuple[str, str] | None:
        """Return (decision, who) of the newest decision about exactly this content."""
        with self._engine.begin() as connection:
            known = _latest(connection, journal_key, digest)
        return None if known is None else known.said

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


def _latest(connection: Connection, journal_key: str, digest: str) -> _Decided | None:
    query = (
        select(approvals.c.decision, approvals.c.decided_by, approvals.c.decided_at)
        .where(approvals.c.journal_key == journal_key, approvals.c.digest == digest)
        .order_by(approvals.c.decided_at.desc(), approvals.c.approval_id.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else _Decided((row.decision, row.decided_by), row.decided_at)
