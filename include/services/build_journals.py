"""Build a day's journals: per batch and currency, conserved, only what is not booked yet.

Everything is worked out and proven first; only then is anything stored. Building again finds the
books where they should be and builds nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from include.domain.expectations import Expectation, ExpectationKind
from include.domain.journal import Journal, JournalKind
from include.domain.merchant import Merchant
from include.domain.open_items import Stage
from include.domain.settlement import LineClass, SettlementDay
from include.services.books.awaited_funding import FundingStore, funding_expectation, funding_key
from include.services.books.conservation import Proof, check_day, opposing_minor
from include.services.books.dates import PostingDates
from include.services.books.drafts import Basis, basis_of, invoice_draft, settlement_draft
from include.services.books.drafts import sums_by_role as by_role
from include.services.books.journal_lines import NET
from include.services.books.parked import parked_item
from include.services.books.ports import BookMappings, JournalStore, Periods
from include.services.books.replacing import Postings, chains_of_day, store_way
from include.services.books.restate import Chain, ChainKey, Continuation, continue_chain
from include.services.books.sums import BatchSums, DaySums, sum_day
from include.services.day_files import EXPLAINED, LINES
from include.services.disputes.given_back import held_of_disputes
from include.services.disputes.ports import CaseEvents
from include.services.journal_book import IN_LEDGER
from include.services.matching.ports import DayFiles, ItemStore
from include.services.ports import PostingPeriod

_KINDS = (JournalKind.settlement, JournalKind.fee_invoice)
_BATCH = "batch"  # in the control of a journal: the whole batch, of which it may book one month


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a controller is told in one line."""

    built: tuple[Journal, ...]  # new: the whole of a batch, or the difference to what stands
    standing: tuple[Journal, ...]  # built before, and still right
    parked: tuple[str, ...]  # keys of journals that wait for their period to open

    def __str__(self) -> str:
        parked = f", {len(self.parked)} wait for their period" if self.parked else ""
        return f"{len(self.built)} journals built, {len(self.standing)} stand unchanged{parked}"


@dataclass(frozen=True, slots=True)
class _Step:
    """How one chain goes on, and what is kept with its new journal."""

    batch_id: str  # without the part of a month-end split
    currency: str
    kind: JournalKind
    way: Continuation
    mapping_version: str
    control: Mapping[str, Any]
    unposted: tuple[Journal, ...] = ()  # new, or built before and not in the ledger yet


@dataclass(frozen=True, slots=True)
class _Plan:
    """What planning a batch needs."""

    day: SettlementDay
    merchant: Merchant
    mappings: BookMappings
    dates: PostingDates
    known: Mapping[ChainKey, Chain]
    held: Mapping[tuple[str, str], tuple[int, int]]  # see ``held_of_disputes``
    seen: set[ChainKey] = field(default_factory=set)


def build_journals(
    day: SettlementDay,
    merchant: Merchant,
    *,
    lake: DayFiles,
    mappings: BookMappings,
    journals: JournalStore,
    postings: Postings,
    periods: Periods,
    expectations: FundingStore,
    open_items: ItemStore,
    layouts: Mapping[str, str],
    disputes: CaseEvents,
    totals: Mapping[tuple[str, LineClass], int] | None = None,
) -> BuildResult:
    """Build the settlement and fee journals of one merchant's day.

    Args:
        day: the merchant's settlement date; matched.
        merchant: as configured on that date.
        lake: holds lines.parquet and explained.parquet.
        mappings: templates, fee kinds and rates.
        journals: what was built before; receives what is new.
        postings: what became of those that were approved.
        periods: SYSPRO's calendar.
        expectations: receives what the bank should get.
        open_items: receives closed periods.
        layouts: layout by file digest, to translate fee codes.
        disputes: what earlier days said of cases that are given back.
        totals: what classification counted, by currency and class; checked where given.

    Raises:
        Rejected: money is not conserved, or a code, account or rate is not mapped. Nothing was
            built.
        Retryable: a journal to be replaced was approved or sent this very moment.
    """
    sums = _sums(day, merchant, lake, layouts, totals)
    dates = PostingDates(merchant, periods)
    known = chains_of_day(day, _KINDS, journals, postings, dates)
    held = held_of_disputes(day, merchant, sums.batches, disputes, journals)
    plan = _Plan(day, merchant, mappings, dates, known, held)
    steps = [step for batch in sums.batches for step in _plan_batch(plan, batch)]
    steps += _plan_vanished(plan)
    awaited = _awaited(plan, steps, expectations)
    _store(steps, journals, postings)
    expectations.save(awaited)
    waiting = _waiting(plan, steps)
    open_items.replace_findings(
        day, Stage.build, [parked_item(merchant, *each, Stage.build) for each in waiting]
    )
    return BuildResult(
        tuple(s.way.new for s in steps if s.way.new),
        tuple(journal for s in steps for journal in s.way.kept),
        tuple(journal.key for journal, _ in waiting),
    )


def _sums(
    day: SettlementDay,
    merchant: Merchant,
    lake: DayFiles,
    layouts: Mapping[str, str],
    totals: Mapping[tuple[str, LineClass], int] | None,
) -> DaySums:
    """Add the day up by batch; what classification counted must be in it, or set aside."""
    lines, explained = lake.day_path(day, LINES), lake.day_path(day, EXPLAINED)
    sums = sum_day(lines, explained, merchant, day.settlement_date, layouts)
    if totals is not None:
        counted = {(c, k.value): v for (c, k), v in totals.items() if k is not LineClass.funding}
        check_day(_by_class(sums.batches), sums.set_aside, counted, f"build, {day}")
    return sums


def _by_class(batches: Sequence[BatchSums]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for batch in batches:
        for (line_class, _, _), minor in batch.sums.items():
            key = (batch.currency, line_class)
            found[key] = found.get(key, 0) + minor
    return found


def _plan_batch(plan: _Plan, batch: BatchSums) -> list[_Step]:
    """Plan the journals of one batch and prove them."""
    when = plan.dates.of(batch.posting_date)
    keys = {kind: (batch.part_id, batch.currency, kind.value) for kind in _KINDS}
    plan.seen.update(keys.values())
    chain = plan.known.get(keys[JournalKind.settlement], Chain(()))
    basis = basis_of(batch, chain, plan.merchant, plan.mappings, when)
    held = {} if batch.is_earlier_month else _held(plan, batch)
    drafts = {
        JournalKind.settlement: settlement_draft(plan.day, plan.merchant, batch, basis, when, held),
        JournalKind.fee_invoice: invoice_draft(plan.day, plan.merchant, batch, basis, when),
    }
    ways = {
        kind: continue_chain(plan.known.get(keys[kind], Chain(())), draft, plan.dates.posts_on)
        for kind, draft in drafts.items()
    }
    proof = _proof(batch, basis, ways[JournalKind.settlement].standing)
    proof.check(f"build, {plan.day}")
    control = {
        **proof.to_json(),
        "roles": dict(sorted(basis.roles.items())),
        _BATCH: batch.batch_id,
    }
    return [
        _Step(
            batch.batch_id,
            batch.currency,
            kind,
            way,
            basis.mapping_version,
            control,
            _unposted(plan.known.get(keys[kind], Chain(())), way),
        )
        for kind, way in ways.items()
    ]


def _held(plan: _Plan, batch: BatchSums) -> dict[str, tuple[int, int]]:
    found = plan.held.get((batch.batch_id, batch.currency))
    return {LineClass.chargeback_reversal.value: found} if found else {}


def _unposted(chain: Chain, way: Continuation) -> tuple[Journal, ...]:
    posted = {r.journal.key for r in chain.records if r.state in IN_LEDGER}
    return tuple(journal for journal in way.standing if journal.key not in posted)


def _proof(batch: BatchSums, basis: Basis, standing: Sequence[Journal]) -> Proof:
    """Return the equation of one batch; its whole net is awaited at the bank."""
    net = sum(line.amount.minor for j in standing for line in j.lines if line.source == NET)
    return Proof(
        batch.part_id,
        batch.currency,
        batch.control_minor,
        by_role(batch, basis),
        opposing_minor(standing),
        0,
        {"awaited funding": net},
    )


def _plan_vanished(plan: _Plan) -> list[_Step]:
    """Take back what was booked for batches that the latest files no longer hold."""
    steps = []
    for (part_id, currency, kind), chain in plan.known.items():
        newest = chain.newest
        if (part_id, currency, kind) in plan.seen or newest is None:
            continue
        batch_id = newest.control[_BATCH]
        way = continue_chain(chain, None, plan.dates.posts_on)
        steps.append(
            _Step(
                batch_id,
                currency,
                JournalKind(kind),
                way,
                newest.mapping_version,
                {"roles": newest.control["roles"], _BATCH: batch_id},
                _unposted(chain, way),
            )
        )
    return steps


def _awaited(plan: _Plan, steps: Sequence[_Step], expectations: FundingStore) -> list[Expectation]:
    """Return what the bank should receive of every batch, both parts of a split together."""
    standing: dict[tuple[str, str], list[Journal]] = {}
    for step in steps:
        if step.kind is JournalKind.settlement:
            standing.setdefault((step.batch_id, step.currency), []).extend(step.way.standing)
    names = {key: funding_key(*key, plan.day) for key in standing}
    known = {
        e.item_key: e
        for e in expectations.find(
            plan.day.merchant_id, ExpectationKind.funding, sorted(names.values())
        )
    }
    found = [
        funding_expectation(plan.day, plan.merchant, *key, some, known.get(names[key]))
        for key, some in standing.items()
    ]
    return [e for e in found if e is not None and known.get(e.item_key) != e]


def _store(steps: Sequence[_Step], journals: JournalStore, postings: Postings) -> None:
    for step in steps:
        store_way(
            step.way,
            journals=journals,
            postings=postings,
            mapping_version=step.mapping_version,
            control=step.control,
            step=Stage.build,
        )


def _waiting(plan: _Plan, steps: Sequence[_Step]) -> list[tuple[Journal, PostingPeriod]]:
    """Return what has to wait for its period to open, and for which."""
    unposted = [journal for step in steps for journal in step.unposted]
    wait_for = plan.dates.period_to_wait_for
    return [(j, period) for j in unposted if (period := wait_for(j.posting_date))]
