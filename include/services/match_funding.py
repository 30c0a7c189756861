"""Match a day's bank entries with the batches they pay; book their funding, name what is short.

Source: accounting reference, section 2. A short funding is not a fee until somebody says so.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from include.domain.expectations import Expectation, ExpectationKind, ExpectationState
from include.domain.journal import Journal, JournalKind
from include.domain.matching import Cause
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.open_items import OpenItem, item_key_of
from include.domain.settlement import LineClass, SettlementDay
from include.services.books.bank_entries import BankEntry, Funding, Funds
from include.services.books.dates import PostingDates
from include.services.books.fundings import deposit_draft, rounding_draft, take_back
from include.services.books.ports import BookMappings, JournalStore, Periods
from include.services.books.replacing import Postings, chains_of_day, store_way
from include.services.books.restate import Chain, ChainKey, Continuation, continue_chain
from include.services.books.restated_entries import STAGE as RESTATED
from include.services.books.restated_entries import item_of, restated
from include.services.matching.ports import DayFiles, Expectations, StageItems

STAGE = "fund"
ENTRIES = "bank_entries.parquet"
FUNDER = "tieout fund"
_KINDS = (JournalKind.funding, JournalKind.funding_rounding)
_AWAITED = (ExpectationState.open, ExpectationState.missing)
_HELD = "is_held"  # in the detail of an entry: a person has said no to its funding
_ENTRY = "entry"  # in the control of a journal: the key of the entry it books


@dataclass(frozen=True, slots=True)
class FundingResult:
    """What a controller is told in one line."""

    built: tuple[Journal, ...]  # new funding to book
    standing: tuple[Journal, ...]
    unexplained: int  # entries that no batch explains
    open_items: int  # short or unexplained, found on this day

    def __str__(self) -> str:
        return (
            f"{len(self.built)} deposits to book, {len(self.standing)} stand unchanged, "
            f"{self.unexplained} unexplained, {self.open_items} open items"
        )


@dataclass(frozen=True, slots=True)
class _Step:
    """How the deposits, or the roundings, of a bank entry go on."""

    entry_key: str
    way: Continuation


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
    waiting = _load(expectations, day, ExpectationKind.funding)
    unexplained = _load(expectations, day, ExpectationKind.batch)
    funds = Funds(waiting, on, merchant.base_currency)
    # What a later day has booked is booked, whatever is left of its batch by now.
    later = {e.item_key: e for e in unexplained if e.met_date is not None and e.met_date > on}
    stated = read_entries(lake.day_path(day, ENTRIES))
    found = [*_earlier(unexplained, on), *stated]
    entries = {entry.key: entry for entry in found if entry.key not in later}
    ordered = sorted(entries.values(), key=lambda e: (e.booking_date, e.key))
    fundings, left = funds.explain(ordered)
    dates = PostingDates(merchant, periods)
    known = chains_of_day(day, _KINDS, journals, postings, dates)
    gone = _gone(fundings, known, dates)
    held = {one.entry_key for one in gone if one.way.is_held}
    held |= {e.item_key for e in unexplained if e.detail.get(_HELD)}
    # What is new is stored first: a run that dies in between leaves the no where it was.
    steps = [*_journals(day, merchant, fundings, known, mappings, dates, held), *gone]
    after = _expired(funds.known.values(), on)
    after += _keep_unexplained(day, unexplained, entries.values(), {e.key for e in left}, held, on)
    count = _store_items(day, merchant, [*waiting, *unexplained], after, open_items)
    if lake.day_path(day, ENTRIES).exists():
        after += _restated(on, later.values(), stated, merchant, open_items)
    before = {(e.kind, e.item_key): e for e in (*waiting, *unexplained)}
    for step in steps:
        store_way(
            step.way,
            journals=journals,
            postings=postings,
            mapping_version=mappings.version,
            control={"roles": {}, _ENTRY: step.entry_key},
            step=STAGE,
        )
    expectations.save([e for e in after if before.get((e.kind, e.item_key)) != e])
    open_items.replace_findings(day, RESTATED, [])  # every entry is booked as it is stated now
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
    expectations: Expectations, day: SettlementDay, kind: ExpectationKind
) -> list[Expectation]:
    on = day.settlement_date
    return list(expectations.load(day.merchant_id, kind, since_until=on, met_from=on))


def read_entries(path: Path) -> list[BankEntry]:
    """Return a day's bank entries; none where no statement was read."""
    import polars as pl

    if not Path(path).exists():
        return []
    return [
        BankEntry(
            f"{row['account_id']}|{row['entry_id']}",
            str(row["entry_id"]),
            row["booking_date"],
            row["currency"],
            row["amount_minor"],
            row["reference"] or "",
            row["text"] or "",
        )
        for row in pl.read_parquet(path).iter_rows(named=True)
    ]


def _earlier(unexplained: Iterable[Expectation], on: date) -> list[BankEntry]:
    """Return entries of earlier days that nothing had explained when the run of ``on`` begins."""
    return [
        BankEntry(
            e.item_key,
            e.detail["entry_id"],
            e.since_date,
            e.currency,
            e.amount_minor,
            e.detail["reference"],
            e.detail["text"],
        )
        for e in unexplained
        if e.since_date < on
        and (e.state in _AWAITED or (e.state is ExpectationState.met and e.met_date == on))
    ]


def _gone(
    fundings: Sequence[Funding], known: Mapping[ChainKey, Chain], dates: PostingDates
) -> list[_Step]:
    """Return how vanished fundings are taken back."""
    named = {(funding.name, funding.entry.currency) for funding in fundings}
    return [
        _Step(_entry_key_of(known, *key), way)
        for key in sorted({key[:2] for key in known} - named)
        for way in take_back(*_both(known, *key), dates.posts_on)
    ]


def _entry_key_of(known: Mapping[ChainKey, Chain], name: str, currency: str) -> str:
    """Return the key of the entry that a funding books, as it was kept with its journals."""
    records = [r for chain in _both(known, name, currency) for r in chain.records]
    return str(records[0].control[_ENTRY])


def _journals(
    day: SettlementDay,
    merchant: Merchant,
    fundings: Sequence[Funding],
    known: Mapping[ChainKey, Chain],
    mappings: BookMappings,
    dates: PostingDates,
    held: Collection[str],
) -> list[_Step]:
    """Return how the funding journals of the day go on; those of ``held`` entries wait.

    A batch that is restated gives the funding of its entry another name, or leaves the entry
    without any for a while. A person's no is about the money, so it goes with the entry.
    """
    found: list[_Step] = []
    for funding in fundings:
        when = dates.of(funding.entry.booking_date)
        template = mappings.gl_template(merchant.gl_template, when.posts_on)
        deposit, rounding = _both(known, funding.name, funding.entry.currency)
        draft = deposit_draft(day, merchant, funding, deposit, template, when)
        way = continue_chain(deposit, draft, dates.posts_on)
        rest = rounding_draft(day, merchant, funding, rounding, way.standing, template, when)
        ways = [way, continue_chain(rounding, rest, dates.posts_on)]
        if funding.entry.key in held:
            ways = [replace(each, is_held=True) for each in ways]
        found += [_Step(funding.entry.key, each) for each in ways]
    return found


def _both(known: Mapping[ChainKey, Chain], name: str, currency: str) -> tuple[Chain, Chain]:
    """Return the deposits and the roundings of a funding, empty where there are none."""
    one, two = (known.get((name, currency, kind.value), Chain(())) for kind in _KINDS)
    return one, two


def _expired(funds: Iterable[Expectation], on: date) -> list[Expectation]:
    """Call missing what should have been funded by now and was not funded at all."""
    return [
        replace(e, state=ExpectationState.missing, detail={**e.detail, "noticed": on.isoformat()})
        if e.state is ExpectationState.open and not e.parts and e.due_date < on
        else e
        for e in funds
    ]


def _keep_unexplained(
    day: SettlementDay,
    unexplained: Sequence[Expectation],
    entries: Iterable[BankEntry],
    left: Collection[str],
    held: Collection[str],
    on: date,
) -> list[Expectation]:
    """Keep entries that nothing explains, and meet those that a batch explains now."""
    before = {e.item_key: e for e in unexplained}
    after: dict[str, Expectation] = {}
    for entry in entries:
        if entry.key in left:
            after[entry.key] = _unexplained(day, entry, is_held=entry.key in held)
        elif entry.key in before:
            known = before[entry.key]
            after[entry.key] = replace(
                known,
                state=ExpectationState.met,
                met_by="a batch",
                met_date=on,
                # Its journal is held from now on, until a person says yes.
                detail={name: value for name, value in known.detail.items() if name != _HELD},
            )
    for key, e in before.items():
        if key not in after and e.since_date == on and e.state in _AWAITED:
            after[key] = replace(e, state=ExpectationState.withdrawn)  # restated away
    return list(after.values())


def _unexplained(day: SettlementDay, entry: BankEntry, *, is_held: bool) -> Expectation:
    detail: dict[str, Any] = {"entry_id": entry.entry_id, "reference": entry.reference}
    return Expectation(
        day.merchant_id,
        ExpectationKind.batch,
        entry.key,
        entry.currency,
        entry.minor,
        entry.booking_date,
        entry.booking_date,
        detail={**detail, "text": entry.text, **({_HELD: True} if is_held else {})},
    )


def _store_items(
    day: SettlementDay,
    merchant: Merchant,
    before: Sequence[Expectation],
    after: Sequence[Expectation],
    open_items: StageItems,
) -> int:
    """Open what is short or unexplained, resolve what is not any more.

    What is open already is read back, not inferred from ``before``: *build* may have changed what
    is expected of an earlier day's batch since, and each balance in transit must have its item.
    """
    was = {i.item_key: i for e in before if (i := _item(e, merchant))}
    now = {i.item_key: i for e in after if (i := _item(e, merchant))}
    own = [i for i in now.values() if i.settlement_date == day.settlement_date]
    gone = [k for k, i in was.items() if k not in now and i.settlement_date != day.settlement_date]
    others = [i for i in now.values() if i not in own]
    on, listed = day.settlement_date, open_items.of_stage(day.merchant_id, STAGE)
    gone += [i.item_key for i in listed if i.item_key not in now and i.settlement_date < on]
    open_items.replace_findings(day, STAGE, own)
    open_items.open(others)
    open_items.resolve(sorted(set(gone)), resolved_by=FUNDER, resolution=f"explained by {day}")
    return len(own)


def _item(expectation: Expectation, merchant: Merchant) -> OpenItem | None:
    """Return the open item of a batch or an entry, dated the bank day on which it showed."""
    if expectation.state not in _AWAITED:
        return None
    if expectation.kind is ExpectationKind.batch:
        cause, noticed = Cause.unexplained_funding, expectation.since_date
        why = (
            f"Bank entry {expectation.detail['entry_id']} of {expectation.since_date} over "
            f"{Money(expectation.amount_minor, expectation.currency)} names no batch that waits "
            f"for it (reference {expectation.detail['reference']!r})."
        )
        do = "Say what it is for; until then it is not booked."
    else:
        found = _shortage(expectation, merchant)
        if found is None:
            return None
        cause, noticed, why, do = found
    arose = SettlementDay(expectation.merchant_id, noticed)
    return OpenItem(
        item_key=item_key_of(arose, cause, expectation.item_key),
        merchant_id=expectation.merchant_id,
        settlement_date=noticed,
        stage=STAGE,
        cause=cause,
        currency=expectation.currency,
        amount_minor=expectation.amount_minor,
        source="",
        document_id="",
        explanation=why,
        next_action=do,
        owner=merchant.owner,
    )


def _shortage(expectation: Expectation, merchant: Merchant) -> tuple[Cause, date, str, str] | None:
    """Say what is wrong with the funding of a batch, and on which bank day it showed."""
    detail, rest = expectation.detail, Money(expectation.amount_minor, expectation.currency)
    batch, net = detail["batch_id"], Money(int(detail["full"]), expectation.currency)
    if expectation.state is ExpectationState.missing and not expectation.parts:
        noticed = date.fromisoformat(detail["noticed"])
        due = expectation.due_date
        why = f"Short funding, {batch}: nothing of {net} has arrived; it was due by {due}."
        return Cause.short_funding, noticed, why, "Ask the acquirer where the funding is."
    if not expectation.parts or rest.minor == 0:
        return None
    noticed = date.fromisoformat(max(expectation.parts))
    arrived = net - rest
    hidden = unreported_classes(merchant)
    if hidden:
        why = (
            f"Unreported by source, {batch}: net {net}, the bank received {arrived}, {rest} is "
            f"left. This processor does not report {', '.join(hidden)}."
        )
        return Cause.unreported_by_source, noticed, why, "Ask the acquirer what it netted."
    if rest.minor < 0:
        why = f"Batch {batch}: net {net}, but the bank received {arrived}; {-rest} is too much."
        return Cause.unexplained_funding, noticed, why, "Ask the acquirer what the rest is for."
    why = f"Short funding, {batch}: net {net}, the bank received {arrived}, {rest} is missing."
    return Cause.short_funding, noticed, why, "Ask the acquirer for the difference."


def unreported_classes(merchant: Merchant) -> tuple[str, ...]:
    """Return the classes every acquirer nets that no source of the merchant reports.

    Adjustments and reserves are agreements that most merchants do not have; their absence
    explains nothing.
    """
    supplied = {line_class for source in merchant.sources for line_class in source.supplies}
    always = (LineClass.fee, LineClass.chargeback)
    return tuple(c.value for c in always if c not in supplied) if merchant.sources else ()
