"""Journals in the database: every version ever built, and where each stands."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Engine, Select, case, or_, select, update
from sqlalchemy.exc import IntegrityError

from include.adapters.store import audit
from include.adapters.store.schema import journals
from include.domain.errors import Rejected
from include.domain.journal import Journal, JournalKind
from include.domain.settlement import SettlementDay
from include.services.books.ports import JournalRecord
from include.services.effects.chain import Signed
from include.services.journal_book import IN_LEDGER, UNDECIDED, WAITING, BookedJournal, JournalState
from include.services.ports import Clock

_CHUNK = 500  # names of one query
# A bill or funding may refer to what the settlement booked, so that goes first.
_ORDER = case(
    {kind.value: place for place, kind in enumerate(JournalKind)}, value=journals.c.kind, else_=9
)


class SqlJournals:
    """The journal book. Content is never changed: a key has one payload for ever."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    # Building ---------------------------------------------------------------------------------

    def versions(self, day: SettlementDay) -> list[JournalRecord]:
        """Return all journals of a day, void ones too."""
        return self._records(_of_day(day))

    def add(
        self,
        journal: Journal,
        mapping_version: str,
        control: Mapping[str, Any],
        *,
        is_held: bool = False,
        signed: Signed | None = None,
    ) -> None:
        """Keep a new journal as ``built``, or as ``held``; the same content again changes nothing.

        ``signed``: that a person wants it; in the same commit.

        Raises:
            Rejected: the key is taken by other content.
        """
        row = {
            "journal_key": journal.key,
            "merchant_id": journal.merchant_id,
            "company_id": journal.company_id,
            "settlement_date": journal.settlement_date,
            "batch_id": journal.batch_id,
            "currency": journal.currency,
            "kind": journal.kind.value,
            "version": journal.version,
            "posting_date": journal.posting_date,
            "reference": journal.reference,
            "payload": journal.to_payload(),
            "digest": journal.digest,
            "state": (JournalState.held if is_held else JournalState.built).value,
            "supersedes": journal.supersedes,
            "mapping_version": mapping_version,
            "control": json.dumps(control, sort_keys=True, separators=(",", ":")),
            "their_key": "",
            "built_at": self._clock.now(),
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(journals.insert(), row)
                audit.sign(connection, self._clock.now(), journal.key, signed)
        except IntegrityError:
            self._require_same(journal)
            if signed is not None:
                self.sign(journal, signed)

    def sign(self, journal: Journal, signed: Signed) -> None:
        """Sign that a person wants what is there already, because somebody was before them."""
        with self._engine.begin() as connection:
            audit.sign(connection, self._clock.now(), journal.key, signed)

    def _require_same(self, journal: Journal) -> None:
        query = select(journals.c.digest).where(journals.c.journal_key == journal.key)
        with self._engine.begin() as connection:
            known = connection.execute(query).scalar_one_or_none()
        if known != journal.digest:
            raise Rejected(
                f"journal {journal.key} exists with digest {known}, not {journal.digest}",
                "journals",
                "Two runs built this day at once; run build again.",
            )

    def void(self, journal: Journal, *, is_retired: bool = False) -> bool:
        """Void a journal nobody has approved; ``False``: it went on meanwhile and stands.

        ``is_retired``: nobody can send it any more, so an approved or parked one goes as well.
        """
        states = [*UNDECIDED]
        states += [JournalState.approved, JournalState.parked] if is_retired else []
        statement = (
            update(journals)
            .where(
                journals.c.journal_key == journal.key,
                journals.c.digest == journal.digest,
                journals.c.state.in_([state.value for state in states]),
            )
            .values(state=JournalState.void.value)
        )
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount == 1

    # Write-offs -------------------------------------------------------------------------------

    def write_offs_of(self, merchant_id: str, cases: Collection[str]) -> list[JournalRecord]:
        """Return every version of the cases' write-offs, void ones too, oldest first."""
        found: list[JournalRecord] = []
        ordered = sorted(cases)
        for start in range(0, len(ordered), _CHUNK):
            names = journals.c.batch_id.in_(ordered[start : start + _CHUNK])
            found += self._records(_write_offs(merchant_id).where(names))
        return found

    def write_offs_in(
        self, merchant_id: str, states: Collection[JournalState]
    ) -> list[JournalRecord]:
        """Return the merchant's write-offs that stand in one of the states, oldest first."""
        wanted = [state.value for state in states]
        return self._records(_write_offs(merchant_id).where(journals.c.state.in_(wanted)))

    # The steps after building -----------------------------------------------------------------

    def of_day(self, day: SettlementDay) -> list[BookedJournal]:
        """Return the day's journals that are not void, in the order they are to be posted."""
        return self._booked(_of_day(day).where(journals.c.state != JournalState.void.value))

    def standing(self, merchant_id: str, until: date) -> list[tuple[Journal, JournalState]]:
        """Return a merchant's journals that are not void, settled or posted up to a day."""
        query = select(journals.c.payload, journals.c.state).where(
            journals.c.merchant_id == merchant_id,
            journals.c.state != JournalState.void.value,
            or_(journals.c.settlement_date <= until, journals.c.posting_date <= until),
        )
        with self._engine.begin() as connection:
            rows = connection.execute(query).all()
        return [(Journal.from_payload(row.payload), JournalState(row.state)) for row in rows]

    def unfinished(self) -> list[BookedJournal]:
        """Return what is approved or parked, of any day."""
        waiting = [state.value for state in WAITING]
        query = select(journals).where(journals.c.state.in_(waiting))
        return self._booked(
            query.order_by(
                journals.c.settlement_date, _ORDER, journals.c.batch_id, journals.c.version
            )
        )

    def move(self, journal: Journal, state: JournalState, their_key: str = "") -> None:
        """Set the state of exactly this content.

        Raises:
            Rejected: the journal was rebuilt meanwhile; its digest is another.
        """
        values: dict[str, Any] = {"state": state.value}
        if their_key:
            values["their_key"] = their_key
        if state in IN_LEDGER:
            values["posted_at"] = case(
                (journals.c.posted_at.is_(None), self._clock.now()), else_=journals.c.posted_at
            )
        statement = (
            update(journals)
            .where(
                journals.c.journal_key == journal.key,
                journals.c.digest == journal.digest,
                journals.c.state != JournalState.void.value,
            )
            .values(values)
        )
        with self._engine.begin() as connection:
            if connection.execute(statement).rowcount != 1:
                raise Rejected(
                    f"journal {journal.key} with digest {journal.digest} does not stand any more",
                    "journals",
                    "It was built anew; decide about the new version.",
                )

    def _records(self, query: Select[Any]) -> list[JournalRecord]:
        with self._engine.begin() as connection:
            rows = connection.execute(query).mappings().all()
        return [
            JournalRecord(
                Journal.from_payload(row["payload"]),
                JournalState(row["state"]),
                row["mapping_version"],
                json.loads(row["control"]),
            )
            for row in rows
        ]

    def _booked(self, query: Select[Any]) -> list[BookedJournal]:
        with self._engine.begin() as connection:
            rows: Sequence[Mapping[Any, Any]] = connection.execute(query).mappings().all()
        return [
            BookedJournal(
                Journal.from_payload(row["payload"]), JournalState(row["state"]), row["their_key"]
            )
            for row in rows
        ]


def _write_offs(merchant_id: str) -> Select[Any]:
    return (
        select(journals)
        .where(
            journals.c.merchant_id == merchant_id,
            journals.c.kind == JournalKind.dispute_lost.value,
        )
        .order_by(
            journals.c.settlement_date, journals.c.batch_id, journals.c.currency, journals.c.version
        )
    )


def _of_day(day: SettlementDay) -> Select[Any]:
    return (
        select(journals)
        .where(
            journals.c.merchant_id == day.merchant_id,
            journals.c.settlement_date == day.settlement_date,
        )
        .order_by(_ORDER, journals.c.batch_id, journals.c.currency, journals.c.version)
    )
