"""Match a day's bank entries with the batches they pay; book their funding, name what is short.

Source: accounting reference, section 2. A short funding is not a fee until somebody says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from include.domain.expectations import Expectation, ExpectationKind, ExpectationState
from include.domain.journal import Journal
from include.domain.merchant import Merchant
from include.domain.open_items import Stage
from include.domain.settlement import SettlementDay
from include.services.books.bank_entries import BankEntry, Funds
from include.services.books.dates import PostingDates
from include.services.books.funding_items import store_items
from include.services.books.funding_steps import (
    ENTRY,
    KINDS,
    continue_fundings,
    take_back_gone,
)
from include.services.books.ports import BookMappings, JournalStore, Periods
from include.services.books.replacing import Postings, chains_of_day, store_way
from include.services.books.restated_entries import item_of, restated
from include.services.books.unexplained import HELD, earlier_entries, keep_unexplained
from include.services.day_files import ENTRIES
from include.services.matching.ports import DayFiles, Expectations, StageItems

_TAKEN_BACK_WITHIN = timedelta(days=60)  # a payout that the bank takes back names a batch as old


@dataclass(frozen=True, slots=True)
class FundingResult:
    """What a controller is told in one line."""

    built: tuple[Journal, ...]  # new funding to book
    standing: tuple[Journal, ...]
    unexplained: int  # entries that no batch explains
    open_items: int  # short or unexplained, found on this day

    def __str__(self) -> str:
        return (
            f"{len(self.built)} fundings to book, {len(self.standing)} stand unchanged, "
            f"{self.unexplained} unexplained, {self.open_items} open items"
        )


def match_funding(
    day: SettlementDay,
    merchant: Merchant,
    *,
    lake: DayFiles,
    expectations: Expectations,
    open_items: StageItems,
    journals: JournalStore,
    postings: Postings,
    mappings: BookMappings,
    periods: Periods,
) -> FundingResult:
    """Explain the bank entries of one day and build the journals that book them.

    Args:
        day: the merchant's day; the bank's booking date.
        merchant: bank accounts and the funding SLA.
        lake: holds bank_entries.parquet; a day without it has no statement.
        expectations: batches that wait for money, and entries that wait for a batch.
        open_items: receives what is short or unexplained.
        journals: receives one funding journal per explained entry.
        postings: what became of those that were approved.
        mappings: the GL template.
        periods: SYSPRO's calendar.

    Raises:
        Rejected: an account is not mapped. Nothing was stored.
    """
    on = day.settlement_date
    waiting = _load(expectations, day, ExpectationKind.funding, _TAKEN_BACK_WITHIN)
    unexplained = _load(expectations, day, ExpectationKind.batch)
    funds = Funds(waiting, on, merchant.base_currency)
    # What a later day has booked is booked, whatever is left of its batch by now.
    later = {e.item_key: e for e in unexplained if e.met_date is not None and e.met_date > on}
    stated = read_entries(lake.day_path(day, ENTRIES), on)
    found = [*earlier_entries(unexplained, on), *stated]
    entries = {entry.key: entry for entry in found if entry.key not in later}
    ordered = sorted(entries.values(), key=lambda e: (e.booking_date, e.entry_id, e.key))
    fundings, left = funds.explain(ordered)
    dates = PostingDates(merchant, periods)
    known = chains_of_day(day, KINDS, journals, postings, dates)
    gone = take_back_gone(fundings, known, dates)
    held = {one.entry_key for one in gone if one.way.is_held}
    held |= {e.item_key for e in unexplained if e.detail.get(HELD)}
    # What is new is stored first: a run that dies in between leaves the no where it was.
    steps = [*continue_fundings(day, merchant, fundings, known, mappings, dates, held), *gone]
    after = _expired(funds.known.values(), on)
    after += keep_unexplained(day, unexplained, entries.values(), {e.key for e in left}, held, on)
    count = store_items(day, merchant, [*waiting, *unexplained], after, open_items)
    if lake.day_path(day, ENTRIES).exists():
        after += _restated(on, later.values(), stated, merchant, open_items)
    before = {(e.kind, e.item_key): e for e in (*waiting, *unexplained)}
    for step in steps:
        store_way(
            step.way,
            journals=journals,
            postings=postings,
            mapping_version=mappings.version,
            control={"roles": {}, ENTRY: step.entry_key},
            step=Stage.fund,
        )
    expectations.save([e for e in after if before.get((e.kind, e.item_key)) != e])
    # Every entry is booked as it is stated now.
    open_items.replace_findings(day, Stage.statement, [])
    return FundingResult(
        tuple(step.way.new for step in steps if step.way.new),
        tuple(journal for step in steps for journal in step.way.kept),
        len(left),
        count,
    )


def _restated(
    on: date,
    later: Iterable[Expectation],
    stated: Iterable[BankEntry],
    merchant: Merchant,
    open_items: StageItems,
) -> list[Expectation]:
    """Return what the statement says now of the day's entries that a later day has booked."""
    own = [e for e in later if e.since_date == on]
    changed = restated(own, {entry.key: entry for entry in stated})
    open_items.open([item_of(*pair, merchant) for pair in changed])
    return [now for _, now in changed]


def _load(
    expectations: Expectations,
    day: SettlementDay,
    kind: ExpectationKind,
    before: timedelta = timedelta(0),
) -> list[Expectation]:
    """Return what waits, and what was met on the day, later, or so long before."""
    on = day.settlement_date
    known = expectations.load(day.merchant_id, kind, since_until=on, met_from=on - before)
    return list(known)


def read_entries(path: Path, on: date) -> list[BankEntry]:
    """Return the entries with money of the statement of ``on``; none where none was read."""
    import polars as pl

    if not Path(path).exists():
        return []
    return [
        BankEntry(
            f"{row['account_id']}|{row['entry_id']}|{row['booking_date']}",
            str(row["entry_id"]),
            on,
            row["booking_date"],
            row["currency"],
            row["amount_minor"],
            row["reference"] or "",
            row["text"] or "",
        )
        for row in pl.read_parquet(path).filter(pl.col("amount_minor") != 0).iter_rows(named=True)
    ]


def _expired(funds: Iterable[Expectation], on: date) -> list[Expectation]:
    """Call missing what should have been funded by now and was not funded at all."""
    return [
        replace(e, state=ExpectationState.missing, detail={**e.detail, "noticed": on.isoformat()})
        if e.state is ExpectationState.open and not e.parts and e.due_date < on
        else e
        for e in funds
    ]
