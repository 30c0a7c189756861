"""The API's answers in the database: the primary key decides which of two requests is first."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, select, text, update

from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.leases import once_insert
from include.adapters.store.order_tables import answers
from include.services.api.ports import Answer, Claim, Standing

_IN_PROGRESS = 0
_PART = 1_000  # rows of one transaction: of many days' answers it would take minutes


@dataclass(frozen=True, slots=True)
class SqlAnswers:
    """Satisfies ``api.ports.Answers``."""

    engine: Engine
    clock: StoreClock = database_now

    def claim(self, client_id: str, key: str, fingerprint: str, stale_after: timedelta) -> Claim:
        with self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                # A claim that a power cut takes away was of a request that it ended as well.
                connection.execute(text("SET LOCAL synchronous_commit TO off"))
            now = self.clock(connection)
            wanted = once_insert(connection, answers).values(
                client_id=client_id,
                idempotency_key=key,
                fingerprint=fingerprint,
                status=_IN_PROGRESS,
                body="",
                begun_at=now,
            )
            if connection.execute(wanted.on_conflict_do_nothing()).rowcount:
                return Claim(Standing.ours, begun_at=now)
            found = connection.execute(select(answers).where(_named(client_id, key))).one_or_none()
            if found is None:  # released this very moment
                return Claim(Standing.in_progress)
            return self._claim_known(connection, found, fingerprint, now, stale_after)

    @staticmethod
    def _claim_known(
        connection: Connection, found: Any, fingerprint: str, now: datetime, stale_after: timedelta
    ) -> Claim:
        if found.fingerprint != fingerprint:
            return Claim(Standing.other_content)
        if found.status != _IN_PROGRESS:
            return Claim(Standing.answered, Answer(found.status, found.body))
        if now - found.begun_at < stale_after:
            return Claim(Standing.in_progress)
        turn = _turn(found.client_id, found.idempotency_key, found.begun_at)
        taken = connection.execute(update(answers).where(turn).values(begun_at=now)).rowcount
        return Claim(Standing.ours, begun_at=now) if taken else Claim(Standing.in_progress)

    def keep(self, client_id: str, key: str, claim: Claim, answer: Answer) -> None:
        with self.engine.begin() as connection:
            connection.execute(
                update(answers)
                .where(_turn(client_id, key, claim.begun_at))
                .values(status=answer.status, body=answer.body, answered_at=self.clock(connection))
            )

    def reopen(self, client_id: str, key: str, claim: Claim, stale_after: timedelta) -> None:
        with self.engine.begin() as connection:
            turn = _turn(client_id, key, claim.begun_at)
            over = self.clock(connection) - stale_after
            connection.execute(update(answers).where(turn).values(begun_at=over))

    def release(self, client_id: str, key: str, claim: Claim) -> None:
        with self.engine.begin() as connection:
            connection.execute(delete(answers).where(_turn(client_id, key, claim.begun_at)))

    def purge(self, older_than: timedelta) -> int:
        with self.engine.begin() as connection:
            is_old = answers.c.begun_at < self.clock(connection) - older_than
        part = select(answers.c.begun_at).where(is_old).order_by(answers.c.begun_at).limit(_PART)
        last = select(func.max(part.subquery().c.begun_at)).scalar_subquery()
        wanted = delete(answers).where(answers.c.begun_at <= last)
        gone = 0
        while True:
            with self.engine.begin() as connection:
                found = connection.execute(wanted).rowcount
            gone += found
            if found < _PART:
                return gone


def _named(client_id: str, key: str) -> ColumnElement[bool]:
    return (answers.c.client_id == client_id) & (answers.c.idempotency_key == key)


def _turn(client_id: str, key: str, begun_at: datetime | None) -> ColumnElement[bool]:
    """Still in progress, and by whom began then."""
    same = (answers.c.status == _IN_PROGRESS) & (answers.c.begun_at == begun_at)
    return _named(client_id, key) & same
