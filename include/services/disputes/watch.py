"""Find by itself what a person would forget: chargebacks whose deadline nears or has passed.

A run first keeps what its day says, then judges every open dispute of the merchant at the end of
the newest day read, so that running an old day again calls nothing back. Dates, not the clock,
decide: the same days give the same items and the same journals, whichever runs first or again.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from include.domain.dispute_cases import Dispute, disputes_of
from include.domain.dispute_deadlines import Standing, standing
from include.domain.journal import Journal
from include.domain.merchant import Merchant
from include.domain.open_items import OpenItem, Stage
from include.domain.settlement import Coverage, Knowledge, LineClass, SettlementDay
from include.services.books.dates import PostingDates, closed_words
from include.services.books.parked import parked_item
from include.services.books.ports import Periods
from include.services.books.replacing import Postings, replaceable, void_retired
from include.services.books.restate import Chain
from include.services.day_files import LINES
from include.services.disputes.items import CAUSES, item_key, item_of
from include.services.disputes.ports import (
    DisputeMappings,
    DisputeStore,
    StageItems,
    WriteOffBook,
)
from include.services.disputes.read_day import read_disputes
from include.services.disputes.write_offs import (
    ChainKey,
    WriteOffContext,
    booked_rate,
    bring_to,
    chains_of,
    found_by,
    is_decided,
    key_of,
    wanted_minor,
    without_replaceable,
    written_off_minor,
)
from include.services.journal_book import UNDECIDED, WAITING
from include.services.matching.history import History
from include.services.matching.ports import DayFiles

_CLASSES = (LineClass.chargeback, LineClass.chargeback_reversal)


@dataclass(frozen=True, slots=True)
class WatchResult:
    """What a controller is told in one line."""

    built: tuple[Journal, ...] = ()  # write-offs, and what takes one back
    due_soon: int = 0
    passed: int = 0
    unknown: int = 0
    unread: str = ""  # why this day could not be read; '' where it was

    def __str__(self) -> str:
        built = ", ".join(f"{one.key} of {one.debit_total}" for one in self.built) or "no journal"
        return (
            f"built {built}; {self.due_soon} due soon, {self.passed} past their deadline, "
            f"{self.unknown} without one" + (f"; not read: {self.unread}" if self.unread else "")
        )


def watch_disputes(
    day: SettlementDay,
    merchant: Merchant,
    *,
    coverage: Collection[Coverage],
    lake: DayFiles,
    disputes: DisputeStore,
    journals: WriteOffBook,
    open_items: StageItems,
    mappings: DisputeMappings,
    postings: Postings,
    periods: Periods,
) -> WatchResult:
    """Read one day's disputes, then judge all that are open.

    Args:
        day: the merchant's settlement date; classified and built.
        merchant: as configured on that date.
        coverage: what the day's sources said; a day that awaits its disputes is not read.
        lake: holds the day's lines.parquet.
        disputes: what every day said.
        journals: receives write-offs as ``built``; nothing here approves or posts.
        open_items: receives what is due soon, past its deadline, or undated.
        mappings: accounts, and the words of reason codes.
        postings: what became of write-offs that were approved.
        periods: SYSPRO's calendar.

    Raises:
        Rejected: an account is not mapped.
        Retryable: a journal to be replaced was approved this very moment.
    """
    unread = _why_unread(coverage)
    touched: set[str] = set()
    if not unread:
        events = read_disputes(day, lake.day_path(day, LINES), merchant.zone, History(lake, day))
        touched = disputes.read_day(day, events)
    on = disputes.latest_day(merchant.merchant_id)
    if on is None:
        return WatchResult(unread=unread)
    unposted = journals.write_offs_in(merchant.merchant_id, (*UNDECIDED, *WAITING))
    touched |= {record.journal.batch_id for record in unposted}
    found = disputes_of(disputes.events(merchant.merchant_id, touched))
    names = {dispute.case_key for dispute in found} | touched
    records = journals.write_offs_of(merchant.merchant_id, names)
    if void_retired(records, journals, postings):
        records = journals.write_offs_of(merchant.merchant_id, names)
    dates = PostingDates(merchant, periods)
    chains = chains_of(records, replaceable(records, postings, dates.moved))
    when = dates.of(on)
    context = WriteOffContext(
        merchant,
        journals,
        disputes,
        mappings,
        when.posts_on,
        when.words,
        dates.moved,
        postings.retire,
    )
    gaps = _gaps(merchant.merchant_id, found, on, disputes)
    judge = _Judge(context, chains, gaps, on, dates)
    for dispute in [*found, *_vanished(merchant.merchant_id, chains, found)]:
        judge.take(dispute, mappings)
    open_items.replace_stage(
        merchant.merchant_id,
        Stage.disputes,
        judge.items,
        f"answered, given back or decided by {on}",
    )
    return judge.result(unread)


class _Judge:
    """Takes disputes one by one; gathers what is to be said and what was built."""

    def __init__(
        self,
        context: WriteOffContext,
        chains: dict[ChainKey, Chain],
        gaps: dict[str, date],
        on: date,
        dates: PostingDates,
    ) -> None:
        self._context, self._chains, self._gaps, self._on = context, chains, gaps, on
        self._dates = dates
        self._counts = dict.fromkeys(CAUSES, 0)
        self.items: list[OpenItem] = []
        self.built: list[Journal] = []

    def take(self, dispute: Dispute, mappings: DisputeMappings) -> None:
        merchant = self._context.merchant
        warn_days = merchant.disputes.warn_days
        where = standing(dispute, self._on, warn_days)
        chain = self._chains.get(key_of(dispute), Chain(()))
        obstacle = self._obstacle(dispute, where, chain)
        if not obstacle and self._write_off(dispute, where, chain):
            chain = without_replaceable(chain)
        if where in CAUSES and not is_decided(chain):
            self._counts[where] += 1
            self.items.append(item_of(dispute, where, merchant, mappings, obstacle))
        self.items += self._parked(chain)

    def _parked(self, chain: Chain) -> Iterator[OpenItem]:
        """Yield what was approved and waits for its period: nobody else tells of it."""
        for journal in (r.journal for r in chain.records if r.state in WAITING):
            period = self._dates.period_to_wait_for(journal.posting_date)
            if period is not None:
                yield parked_item(self._context.merchant, journal, period, Stage.disputes)

    def _obstacle(self, dispute: Dispute, where: Standing, chain: Chain) -> str:
        """Say why a lapsed dispute cannot be written off yet; '' where nothing is in the way."""
        if where is not Standing.passed or written_off_minor(chain):
            return ""
        gap = self._gaps.get(dispute.settlement_date.isoformat())
        if gap is not None:
            return f"{gap} was not reconciled, and what is missing may give it back."
        if booked_rate(dispute, self._context.journals) is None:
            return f"the chargeback of {dispute.settlement_date} is not in the ledger."
        return ""

    def _write_off(self, dispute: Dispute, where: Standing, chain: Chain) -> bool:
        """Bring the write-off to what it should be; say whether a journal was built."""
        minor, context = wanted_minor(dispute, where, chain), self._context
        if minor == written_off_minor(chain):
            waits = self._to_replace(chain)
            if waits is None:
                return False
            posts_on = context.moves(waits.posting_date)
            is_moved = posts_on != waits.posting_date
            words = closed_words(waits.posting_date) if is_moved else ""
            context = replace(context, posts_on=posts_on, words=words)
        newest = chain.newest
        rate = newest.journal.rate_millionths if newest else None
        rate = rate or booked_rate(dispute, self._context.journals)
        warn_days = self._context.merchant.disputes.warn_days
        item = item_key(dispute, Standing.passed, warn_days)
        new = bring_to(
            context,
            dispute,
            minor,
            chain,
            rate_millionths=rate or 0,
            why=_why(where, minor, written_off_minor(chain)),
            control={"found by": found_by(chain), "item": item},
        )
        if new is not None:
            self.built.append(new)
        return new is not None

    def _to_replace(self, chain: Chain) -> Journal | None:
        """Return what may go and would post on another day now, or was refused."""
        for record in chain.records:
            journal = record.journal
            if journal.key in chain.replaceable:
                return journal
            on = journal.posting_date
            if record.state in UNDECIDED and self._context.moves(on) != on:
                return journal
        return None

    def result(self, unread: str) -> WatchResult:
        return WatchResult(
            tuple(self.built),
            self._counts[Standing.due_soon],
            self._counts[Standing.passed],
            self._counts[Standing.unknown],
            unread,
        )


def _why(where: Standing, minor: int, before: int) -> str:
    if where is Standing.passed:
        return "lapsed: not contested in time"
    if minor:  # a person gave it up
        return "lost" if minor == before else "was given back in part"
    return {
        Standing.closed: "was given back; write-off reversed",
        Standing.answered: "was contested; write-off reversed",
    }.get(where, "may still be contested; write-off reversed")


def _why_unread(coverage: Collection[Coverage]) -> str:
    """A day without its dispute report may hold the very reversal that is looked for."""
    if not coverage:
        return "the day was never classified"
    awaited = [
        c.source for c in coverage if c.line_class in _CLASSES and c.knowledge is Knowledge.awaited
    ]
    return f"{awaited[0]} has not come yet" if awaited else ""


def _gaps(
    merchant_id: str, found: Sequence[Dispute], on: date, disputes: DisputeStore
) -> dict[str, date]:
    """Return, by chargeback date, the first day since that nobody has read."""
    since = min((one.settlement_date for one in found), default=on)
    read = disputes.days_read(merchant_id, since)
    gaps: dict[str, date] = {}
    missing: date | None = None
    for back in range((on - since).days + 1):
        day = on - timedelta(days=back)
        missing = day if day not in read else missing
        if missing is not None:
            gaps[day.isoformat()] = missing
    return gaps


def _vanished(
    merchant_id: str, chains: dict[ChainKey, Chain], found: Sequence[Dispute]
) -> list[Dispute]:
    """Return chargebacks that were written off and are in no file any more, as given back whole."""
    known = {key_of(dispute) for dispute in found}
    return [
        Dispute(merchant_id, case, currency, date.fromisoformat(on), 0, "", "", None)
        for case, currency, on in sorted(chains)
        if (case, currency, on) not in known
    ]
