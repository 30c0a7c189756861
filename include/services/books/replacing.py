"""Which journals of a chain may be replaced: what is undecided, refused, or has nowhere to post.

An approved journal is not touched again, unless SYSPRO has certainly not got it and never will:
it refused it, or its period is closed and today's policy names another day. Such a journal is
retired first, so that nobody can send it; its successor has to be approved anew.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from include.domain.errors import Retryable
from include.domain.journal import Journal, JournalKind
from include.domain.settlement import SettlementDay
from include.services.books.dates import PostingDates
from include.services.books.ports import JournalRecord, JournalStore
from include.services.books.restate import Chain, ChainKey, Continuation, PostsOn, chains
from include.services.journal_book import WAITING


class Postings(Protocol):
    """What became of journals that were approved."""

    def is_refused(self, journal: Journal) -> bool:
        """Say whether SYSPRO refused it and nobody has dealt with that yet."""
        ...

    def is_unsent(self, journal: Journal) -> bool:
        """Say whether it certainly is not in SYSPRO, and nobody refused it."""
        ...

    def is_retired(self, journal: Journal) -> bool: ...

    def retire(self, journal: Journal) -> bool:
        """See to it that nobody sends it; ``False``: it went on meanwhile."""
        ...


class Voids(Protocol):
    """The journal book, as far as a journal in it can be voided."""

    def void(self, journal: Journal, *, is_retired: bool = False) -> bool: ...


def chains_of_day(
    day: SettlementDay,
    kinds: Collection[JournalKind],
    journals: JournalStore,
    postings: Postings,
    dates: PostingDates,
) -> dict[ChainKey, Chain]:
    """Return what was built of these kinds, after voiding what a run that died has retired."""
    records = _records(day, kinds, journals)
    if void_retired(records, journals, postings):
        records = _records(day, kinds, journals)
    return chains(records, replaceable(records, postings, dates.posts_on))


def void_retired(records: Iterable[JournalRecord], journals: Voids, postings: Postings) -> bool:
    """Void what a run that died has retired; say whether there was any."""
    waiting = [record.journal for record in records if record.state in WAITING]
    retired = [journal for journal in waiting if postings.is_retired(journal)]
    for journal in retired:
        journals.void(journal, is_retired=True)
    return bool(retired)


def _records(
    day: SettlementDay, kinds: Collection[JournalKind], journals: JournalStore
) -> list[JournalRecord]:
    return [record for record in journals.versions(day) if record.journal.kind in kinds]


def replaceable(
    records: Iterable[JournalRecord], postings: Postings, posts_on: PostsOn
) -> frozenset[str]:
    """Return the keys of approved journals that may be replaced all the same.

    ``posts_on``: where a journal of a date would post now.
    """
    waiting = [record.journal for record in records if record.state in WAITING]
    return frozenset(
        journal.key
        for journal in waiting
        if postings.is_refused(journal)
        or (posts_on(journal.posting_date) != journal.posting_date and postings.is_unsent(journal))
    )


def store_way(
    way: Continuation,
    *,
    journals: JournalStore,
    postings: Postings,
    mapping_version: str,
    control: Mapping[str, Any],
    step: str,
) -> None:
    """Retire and void what is replaced, then keep what is new.

    Raises:
        Retryable: a journal to be replaced went on this very moment.
    """
    for journal in way.void:
        is_retired = journal.key in way.retired and postings.retire(journal)
        if not journals.void(journal, is_retired=is_retired):
            raise Retryable(
                f"journal {journal.key} was approved or sent while it was being replaced",
                step,
                "Run the step again: it will build the difference instead.",
            )
    if way.new is not None:
        journals.add(way.new, mapping_version, control, is_held=way.is_held)
