"""What a bank entry is booked as: a funding at one rate, and what that rate leaves in transit.

SYSPRO converts a funding itself, by the one rate it is sent, so its base amounts are what
that conversion makes; the cents by which funds in transit are then off are a GL journal.
Source: accounting reference, sections 2 and 4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from include.domain.accounts import GlTemplate
from include.domain.journal import Journal, JournalKind, JournalLine
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.settlement import SettlementDay
from include.services.books.bank_entries import Funding
from include.services.books.dates import PostingDate
from include.services.books.journal_lines import BANK, FX_ROUNDING, NET, in_order
from include.services.books.restate import (
    Chain,
    Continuation,
    LineKey,
    PostsOn,
    booked,
    continue_chain,
    first_version,
)


def funding_draft(
    day: SettlementDay,
    merchant: Merchant,
    funding: Funding,
    chain: Chain,
    template: GlTemplate,
    when: PostingDate,
) -> Journal:
    """Return Dr bank, Cr funds in transit; a withdrawal is the same with signs turned round.

    What was decided keeps its accounts and its rate: SYSPRO has converted it, or is about to.
    """
    decided, base_currency = chain.decided, merchant.base_currency
    rate = decided[0].rate_millionths if decided else funding.rate_millionths
    bank, transit = _account(BANK, decided, template), _account(NET, decided, template)
    done, done_base = booked(decided).get((BANK, bank), (0, 0))
    amount = Money(funding.minor, funding.entry.currency)
    # Each version is converted for itself, so the sum of the versions is what SYSPRO holds.
    rest = Money(funding.minor - done, amount.currency).convert(rate, base_currency)
    base = Money(done_base, base_currency) + rest
    lines = [JournalLine(bank, amount, base, BANK), JournalLine(transit, -amount, -base, NET)]
    details = {
        "bank_code": merchant.bank_account(amount.currency).bank_code,
        "contra_account": bank,
    }
    return _draft(day, merchant, funding, when, JournalKind.funding, rate, lines, details)


def rounding_draft(
    day: SettlementDay,
    merchant: Merchant,
    funding: Funding,
    chain: Chain,
    booked_as: Sequence[Journal],
    template: GlTemplate,
    when: PostingDate,
) -> Journal | None:
    """Return what its funding journals leave in transit in the base currency alone, or ``None``.

    Where the batches of a rate cancel each other there is no such journal, and still the cents by
    which their conversions differ.
    """
    taken = sum(line.base.minor for j in booked_as for line in j.lines if line.source == NET)
    rest = Money(-funding.base_minor - taken, merchant.base_currency)
    if not rest.minor:
        return None
    nothing = Money(0, funding.entry.currency)
    lines = [
        JournalLine(_account(NET, chain.decided, template), nothing, rest, NET),
        JournalLine(_account(FX_ROUNDING, chain.decided, template), nothing, -rest, FX_ROUNDING),
    ]
    rate = booked_as[0].rate_millionths if booked_as else funding.rate_millionths
    return _draft(day, merchant, funding, when, JournalKind.funding_rounding, rate, lines, {})


def take_back(funding: Chain, rounding: Chain, posts_on: PostsOn) -> list[Continuation]:
    """Return how a funding and its rounding go on that no entry is behind any more.

    SYSPRO converts what is taken back as one amount, and converted each version for itself: the
    cents between the two are a GL journal, so that no account keeps any.
    """
    back = continue_chain(funding, _emptied(funding, posts_on), posts_on)
    left = {key: base for key, (_, base) in booked(back.standing).items() if base}
    rest = _cents(back.standing[-1], left, posts_on) if left else None
    return [back, continue_chain(rounding, rest, posts_on)]


def _cents(back: Journal, left: Mapping[LineKey, int], posts_on: PostsOn) -> Journal:
    """Return what clears base minor units by source and account, of no money."""
    nothing, base = Money(0, back.currency), back.base_currency
    lines = [
        JournalLine(account, nothing, Money(-minor, base), source)
        for (source, account), minor in left.items()
    ]
    return replace(
        back,
        kind=JournalKind.funding_rounding,
        lines=in_order(lines),
        posting_date=posts_on(back.posting_date),  # what it follows may be booked in a closed one
        narrative=f"{back.batch_id} is no longer in the files; what its conversions left",
        details=(),
    )


def _emptied(chain: Chain, posts_on: PostsOn) -> Journal | None:
    """Return what SYSPRO holds once a funding is back: no money, and what conversions leave."""
    if not chain.decided:
        return None
    last, lines = chain.decided[-1], []
    for (source, account), (minor, base) in booked(chain.decided).items():
        nothing = Money(0, last.currency)
        back = Money(-minor, last.currency).convert(last.rate_millionths, last.base_currency)
        lines.append(JournalLine(account, nothing, Money(base, back.currency) + back, source))
    return replace(
        last,
        lines=in_order(lines),
        posting_date=posts_on(last.posting_date),
        narrative=f"{last.batch_id} is no longer in the files",
    )


def _account(source: str, decided: Sequence[Journal], template: GlTemplate) -> str:
    """Keep the account a source was booked to; a changed template moves nothing booked."""
    known = {line.source: line.gl_account for j in decided for line in j.lines}
    return known.get(source) or template.account(source)


def _draft(
    day: SettlementDay,
    merchant: Merchant,
    funding: Funding,
    when: PostingDate,
    kind: JournalKind,
    rate_millionths: int,
    lines: Sequence[JournalLine],
    details: Mapping[str, str],
) -> Journal:
    what = "Funding" if kind is JournalKind.funding else "Rounding of the funding"
    batches = "+".join(funding.batch_ids)
    narrative = f"{what} of batch {batches}, bank entry {funding.entry.entry_id}"
    if funding.is_exchange:
        narrative = f"Exchange difference of batch {batches}, of which the bank owes no more"
    return first_version(
        day,
        merchant,
        kind,
        funding.name,
        when.posts_on,
        rate_millionths=rate_millionths,
        lines=lines,
        narrative=f"{narrative}{when.words}",
        details=details,
    )
