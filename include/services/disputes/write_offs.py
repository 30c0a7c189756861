"""The write-off of one dispute as a chain: built, taken back, never edited.

Source: accounting reference, section 3 (lost, or the deadline passed: Dr disputes lost, Cr
disputes receivable; won: Cr disputes receivable) and the head of it (nothing posted is ever edited,
only reversed by a linked journal).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from include.domain.dispute_cases import Dispute
from include.domain.dispute_deadlines import Standing
from include.domain.errors import Retryable
from include.domain.journal import Journal, JournalKind
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.settlement import LineClass, SettlementDay
from include.services.books.ports import BookMappings, JournalRecord
from include.services.books.restate import Chain, Continuation, PostsOn, booked, continue_chain
from include.services.disputes.booked_base import base_of
from include.services.disputes.build_lost import DISPUTED, build_dispute_lost
from include.services.disputes.ports import TakenStore, WriteOffBook
from include.services.effects.chain import Signed
from include.services.journal_book import DECIDED, IN_LEDGER, JournalState

BY_DEADLINE = "deadline"  # who found it, as kept in the journal's control
ChainKey = tuple[str, str, str]  # case, currency, settlement date of the chargeback


def chains_of(
    records: Iterable[JournalRecord], replaceable: Collection[str] = ()
) -> dict[ChainKey, Chain]:
    """Group write-offs by the chargeback they are about; for ``replaceable`` see ``Chain``."""
    found: dict[ChainKey, list[JournalRecord]] = {}
    for record in records:
        j = record.journal
        key = (j.batch_id, j.currency, j.settlement_date.isoformat())
        found.setdefault(key, []).append(record)
    return {key: Chain(some, replaceable) for key, some in found.items()}


def key_of(dispute: Dispute) -> ChainKey:
    return dispute.case_key, dispute.currency, dispute.settlement_date.isoformat()


def written_off_minor(chain: Chain, states: Sequence[JournalState] = ()) -> int:
    """Return what the chain writes off, in its currency; only what is in ``states``, if named."""
    standing = [
        r.journal
        for r in chain.records
        if r.state is not JournalState.void and (not states or r.state in states)
    ]
    sums = booked(standing)
    return -sum(minor for (source, _), (minor, _) in sums.items() if source == DISPUTED)


def is_decided(chain: Chain) -> bool:
    """Say whether the chain's write-off was approved, and so is nobody's question any more."""
    return written_off_minor(chain, DECIDED) > 0


def without_replaceable(chain: Chain) -> Chain:
    """Return what is left once what may be replaced has been."""
    return Chain([r for r in chain.records if r.journal.key not in chain.replaceable])


def wanted_minor(dispute: Dispute, where: Standing, chain: Chain) -> int:
    """Return what should be written off of a dispute.

    What a deadline alone brought about ends with it: an answer that came to light, or a later
    deadline, takes it back. What a person gave up stays, but for what is given back.
    """
    if where is Standing.passed:
        return dispute.left_minor
    is_by_person = found_by(chain) != BY_DEADLINE
    return min(written_off_minor(chain), dispute.left_minor) if is_by_person else 0


def found_by(chain: Chain) -> str:
    """Return who found what the chain writes off; a version that takes a part back keeps it."""
    newest = chain.newest
    if newest is None or not written_off_minor(chain):
        return BY_DEADLINE
    return str(newest.control.get("found by", ""))


def _stays(posting_date: date) -> date:
    return posting_date


def _is_not_retired(_: Journal) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class WriteOffContext:
    """What writing off needs."""

    merchant: Merchant
    journals: WriteOffBook
    disputes: TakenStore
    mappings: BookMappings
    posts_on: date
    words: str = ""  # why that is not the day it was found; see books/dates.py
    moves: PostsOn = _stays  # where what waits for the period of a date would post now
    retire: Callable[[Journal], bool] = _is_not_retired  # see books/replacing.py


def booked_rate(dispute: Dispute, journals: WriteOffBook) -> int | None:
    """Return the rate that the ledger holds the chargeback at; ``None``: it is not there yet."""
    day = SettlementDay(dispute.merchant_id, dispute.settlement_date)
    for record in journals.versions(day):
        j = record.journal
        if (
            j.kind is JournalKind.settlement
            and j.currency == dispute.currency
            and record.state in IN_LEDGER
            and any(line.source == LineClass.chargeback.value for line in j.lines)
        ):
            return j.rate_millionths
    return None


def bring_to(
    context: WriteOffContext,
    dispute: Dispute,
    minor: int,
    chain: Chain,
    *,
    rate_millionths: int,
    why: str,
    control: Mapping[str, Any],
    signed: Signed | None = None,
) -> Journal | None:
    """Bring a dispute's write-off to an amount; return the journal that is new, if one is.

    Args:
        context: whose books, and on which day they are written.
        dispute: what it is about.
        minor: the whole that should be written off; 0 takes everything back.
        chain: what was built before.
        rate_millionths: the rate the ledger holds the chargeback at.
        why: the end of the narrative.
        control: what is kept with the journal: who found it.
        signed: a person's wish, for the audit chain; ``None``: a deadline's.

    Raises:
        Rejected: an account is not mapped.
        Retryable: a journal to be replaced was approved this very moment.
    """
    draft = _draft(context, dispute, minor, chain, rate_millionths) if minor else None
    way = continue_chain(chain, draft, context.moves)
    for journal in way.void:
        is_retired = journal.key in way.retired and context.retire(journal)
        if not context.journals.void(journal, is_retired=is_retired):
            raise Retryable(
                f"journal {journal.key} was approved or sent while it was being replaced",
                "disputes",
                "Run the step again: it will build the difference instead.",
            )
    new, given_up = _dated(way, context, dispute, why), Money(minor, dispute.currency)
    if new is not None:
        context.journals.add(
            new,
            context.mappings.version,
            {"case": dispute.case_key, "given up": f"{given_up}", **control},
            is_held=way.is_held,
            signed=signed,
        )
    return new


def _draft(
    context: WriteOffContext, dispute: Dispute, minor: int, chain: Chain, rate: int
) -> Journal:
    day = SettlementDay(dispute.merchant_id, dispute.settlement_date)
    base = base_of(
        dispute,
        minor,
        context.journals.versions(day),
        context.disputes.taken(day, dispute.currency),
        rate_millionths=rate,
        base_currency=context.merchant.base_currency,
    )
    draft = build_dispute_lost(
        day,
        context.merchant,
        case_number=dispute.case_key,
        amount=Money(minor, dispute.currency),
        base=base,
        posting_date=context.posts_on,
        rate_millionths=rate,
        mappings=context.mappings,
    )
    known = chain.accounts  # a template changed meanwhile moves nothing booked
    lines = [
        replace(line, gl_account=known.get(line.source, line.gl_account)) for line in draft.lines
    ]
    return replace(draft, lines=tuple(lines))


def _dated(
    way: Continuation, context: WriteOffContext, dispute: Dispute, why: str
) -> Journal | None:
    """Post on the day it was found, whenever the version before did, and say why."""
    if way.new is None:
        return None
    narrative = f"Dispute {dispute.case_key} {why}{context.words}"
    return replace(way.new, posting_date=context.posts_on, narrative=narrative)
