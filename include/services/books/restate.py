"""Restatement: what is booked plus the new version equals what the latest files say.

Only the difference is posted, under its own key, linked to the version before. Nothing changed:
nothing is posted. Source: accounting reference, section 6.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from include.domain.journal import Journal, JournalKind, JournalLine
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.settlement import SettlementDay
from include.services.books.journal_lines import in_order
from include.services.books.ports import JournalRecord
from include.services.journal_book import UNDECIDED, JournalState

ChainKey = tuple[str, str, str]  # batch (part) or funding, currency, kind
LineKey = tuple[str, str]  # source, GL account
PostsOn = Callable[[date], date]  # from a journal's posting date to where it would post now
_BILL_VERSION = re.compile(r"-V[0-9]+$")


@dataclass(frozen=True, slots=True)
class Chain:
    """All versions of one batch, currency and kind; those that stand, and the last number."""

    records: Sequence[JournalRecord]
    replaceable: Collection[str] = ()  # keys of approved ones that may go all the same

    @property
    def standing(self) -> list[Journal]:
        return [r.journal for r in self.records if r.state is not JournalState.void]

    @property
    def decided(self) -> list[Journal]:
        """Return what stands for good: SYSPRO has it, or is about to."""
        return [r.journal for r in self.decided_records]

    @property
    def decided_records(self) -> list[JournalRecord]:
        kept = [r for r in self.records if r.state is not JournalState.void]
        return [r for r in kept if not self.may_go(r)]

    def may_go(self, record: JournalRecord) -> bool:
        """Say whether it may be replaced: nobody has decided, or SYSPRO does not have it."""
        return record.state in UNDECIDED or record.journal.key in self.replaceable

    @property
    def last_version(self) -> int:
        return max((r.journal.version for r in self.records), default=0)

    @property
    def accounts(self) -> dict[str, str]:
        """Return the account each source was booked to, the latest where it was moved."""
        return {line.source: line.gl_account for j in self.decided for line in j.lines}

    @property
    def newest(self) -> JournalRecord | None:
        """Return the record that was built last, decided or not."""
        kept = [r for r in self.records if r.state is not JournalState.void]
        return kept[-1] if kept else None


def booked(journals: Iterable[Journal]) -> dict[LineKey, tuple[int, int]]:
    """Sum what stands: (minor, base minor) by source and account."""
    found: dict[LineKey, tuple[int, int]] = {}
    for journal in journals:
        for line in journal.lines:
            key = (line.source, line.gl_account)
            minor, base = found.get(key, (0, 0))
            found[key] = (minor + line.amount.minor, base + line.base.minor)
    return found


def difference(
    wanted: Sequence[JournalLine], standing: Sequence[Journal], currency: str, base_currency: str
) -> tuple[JournalLine, ...]:
    """Return the lines that turn what stands into what is wanted; empty where they agree.

    A line that disappeared is a negative difference. Both sides balance, so the difference does.
    """
    before = booked(standing)
    after: dict[LineKey, tuple[int, int]] = {}
    for line in wanted:
        after[line.source, line.gl_account] = (line.amount.minor, line.base.minor)
    lines = []
    for key in dict.fromkeys([*after, *before]):
        (minor, base), (was_minor, was_base) = after.get(key, (0, 0)), before.get(key, (0, 0))
        if (minor, base) != (was_minor, was_base):
            lines.append(
                JournalLine(
                    key[1],
                    Money(minor - was_minor, currency),
                    Money(base - was_base, base_currency),
                    key[0],
                )
            )
    return in_order(lines)


def next_version(draft: Journal, chain: Chain) -> Journal | None:
    """Return the journal that brings the books to ``draft``, or ``None``: they are there.

    Args:
        draft: the whole of what should be booked, as if nothing were; its key is ignored.
        chain: what was built before.
    """
    standing = chain.standing
    lines = difference(draft.lines, standing, draft.currency, draft.base_currency)
    if not lines:
        return None
    version = chain.last_version + 1
    supersedes = standing[-1].key if standing else ""
    narrative = draft.narrative
    if standing:
        narrative = f"{narrative}; difference to version {standing[-1].version}"
    return replace(
        draft,
        key=journal_key(draft, version),
        version=version,
        lines=lines,
        narrative=narrative,
        supersedes=supersedes,
    )


def journal_key(journal: Journal, version: int) -> str:
    """Name a posting for ever: merchant|settlement date|batch|currency|kind|version."""
    parts = (
        journal.merchant_id,
        journal.settlement_date.isoformat(),
        journal.batch_id,
        journal.currency,
        journal.kind.value,
        str(version),
    )
    return "|".join(parts)


def first_version(
    day: SettlementDay,
    merchant: Merchant,
    kind: JournalKind,
    batch_id: str,
    posting_date: date,
    *,
    rate_millionths: int,
    lines: Sequence[JournalLine],
    narrative: str,
    details: Mapping[str, str] | None = None,
) -> Journal:
    """Return what should be booked as if nothing were: the first journal of its chain."""
    draft = Journal(
        key="draft",
        kind=kind,
        merchant_id=day.merchant_id,
        company_id=merchant.company_id,
        batch_id=batch_id,
        settlement_date=day.settlement_date,
        posting_date=posting_date,
        version=1,
        rate_millionths=rate_millionths,
        lines=in_order(lines),
        narrative=narrative,
        details=tuple(sorted((details or {}).items())),
    )
    return replace(draft, key=journal_key(draft, 1))


def _reversal(chain: Chain, posts_on: PostsOn) -> Journal | None:
    """Return the journal that takes everything back, or ``None``: nothing is booked.

    It posts where what it takes back would post today: that period may be closed by now.
    """
    standing = chain.standing
    if not any(minor or base for minor, base in booked(standing).values()):
        return None
    last = standing[-1]
    version = chain.last_version + 1
    return replace(
        last,
        key=journal_key(last, version),
        version=version,
        lines=difference((), standing, last.currency, last.base_currency),
        supersedes=last.key,
        posting_date=posts_on(last.posting_date),
        narrative=f"{last.batch_id} is no longer in the files; versions before are taken back",
    )


@dataclass(frozen=True, slots=True)
class Continuation:
    """How a chain goes on."""

    kept: Sequence[Journal]  # stand as they are
    void: Sequence[Journal]  # SYSPRO does not have them; ``new`` says what they said, corrected
    new: Journal | None
    retired: Collection[str] = ()  # keys of those ``void`` that had been approved
    is_held: bool = False  # a person had said no to one that is replaced: ``new`` waits as well

    @property
    def standing(self) -> list[Journal]:
        return [*self.kept, *([self.new] if self.new else [])]


def continue_chain(
    chain: Chain, draft: Journal | None, posts_on: PostsOn = lambda posting_date: posting_date
) -> Continuation:
    """Bring a chain to ``draft``; ``None``: there is nothing to book any more.

    What SYSPRO does not have is replaced rather than topped up, also where only its day or its
    supplier is not today's; what went on is never touched.

    Args:
        chain: what was built before.
        draft: the whole of what should be booked, as if nothing were.
        posts_on: where a journal of a date would post now; see ``dates.py``.
    """
    may_go = [r for r in chain.records if r.state is not JournalState.void and chain.may_go(r)]
    is_stale = any(_is_stale(r.journal, draft, posts_on) for r in may_go)
    if not is_stale and _next(chain, draft, posts_on) is None:
        return Continuation(chain.standing, (), None)
    gone = {r.journal.key for r in may_go}
    left = Chain(
        [replace(r, state=JournalState.void) if r.journal.key in gone else r for r in chain.records]
    )
    return Continuation(
        left.standing,
        [r.journal for r in may_go],
        _next(left, draft, posts_on),
        frozenset(r.journal.key for r in may_go if r.state not in UNDECIDED),
        any(r.state is JournalState.held for r in may_go),
    )


def _is_stale(journal: Journal, draft: Journal | None, posts_on: PostsOn) -> bool:
    if draft is not None and _details(journal) != _details(draft):
        return True
    return posts_on(journal.posting_date) != journal.posting_date


def _details(journal: Journal) -> Mapping[str, str]:
    """Return what SYSPRO is told beside the lines, without the version in a bill's number."""
    return {name: _BILL_VERSION.sub("", value) for name, value in journal.details}


def _next(chain: Chain, draft: Journal | None, posts_on: PostsOn) -> Journal | None:
    found = next_version(draft, chain) if draft is not None else _reversal(chain, posts_on)
    return _numbered(found) if found is not None else None


def _numbered(journal: Journal) -> Journal:
    """Give a later version of a bill its own number: SYSPRO knows a bill by supplier and number."""
    if journal.kind is not JournalKind.fee_invoice or journal.version == 1:
        return journal
    details = dict(journal.details)
    first = _BILL_VERSION.sub("", details["invoice"])
    details["invoice"] = f"{first}-V{journal.version}"
    return replace(journal, details=tuple(sorted(details.items())))


def chains(
    records: Iterable[JournalRecord], replaceable: Collection[str] = ()
) -> dict[ChainKey, Chain]:
    """Group a day's records by what they book."""
    found: dict[ChainKey, list[JournalRecord]] = {}
    for record in records:
        journal = record.journal
        key = (journal.batch_id, journal.currency, journal.kind.value)
        found.setdefault(key, []).append(record)
    return {
        key: Chain(sorted(some, key=lambda record: record.journal.version), replaceable)
        for key, some in found.items()
    }
