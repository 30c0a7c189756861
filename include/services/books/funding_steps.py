"""How the funding journals of a bank day go on, and whose money a person's no is about."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from include.domain.journal import JournalKind
from include.domain.merchant import Merchant
from include.domain.settlement import SettlementDay
from include.services.books.bank_entries import Funding
from include.services.books.dates import PostingDates
from include.services.books.funding_drafts import funding_draft, rounding_draft, take_back
from include.services.books.ports import BookMappings
from include.services.books.restate import Chain, ChainKey, Continuation, continue_chain

ENTRY = "entry"  # in the control of a journal: the key of the entry it books
KINDS = (JournalKind.funding, JournalKind.funding_rounding)


@dataclass(frozen=True, slots=True)
class FundingStep:
    """How the funding, or its rounding, of a bank entry go on."""

    entry_key: str
    way: Continuation


def take_back_gone(
    fundings: Sequence[Funding], known: Mapping[ChainKey, Chain], dates: PostingDates
) -> list[FundingStep]:
    """Return how vanished fundings are taken back."""
    named = {(funding.name, funding.entry.currency) for funding in fundings}
    return [
        FundingStep(_entry_key_of(known, *key), way)
        for key in sorted({key[:2] for key in known} - named)
        for way in take_back(*_both(known, *key), dates.posts_on)
    ]


def _entry_key_of(known: Mapping[ChainKey, Chain], name: str, currency: str) -> str:
    """Return the key of the entry that a funding books, as it was kept with its journals."""
    records = [r for chain in _both(known, name, currency) for r in chain.records]
    return str(records[0].control[ENTRY])


def continue_fundings(
    day: SettlementDay,
    merchant: Merchant,
    fundings: Sequence[Funding],
    known: Mapping[ChainKey, Chain],
    mappings: BookMappings,
    dates: PostingDates,
    held: Collection[str],
) -> list[FundingStep]:
    """Return how the funding journals of the day go on; those of ``held`` entries wait.

    A batch that is restated gives the funding of its entry another name, or leaves the entry
    without any for a while. A person's no is about the money, so it goes with the entry.
    """
    found: list[FundingStep] = []
    for funding in fundings:
        when = dates.of(funding.entry.booking_date)
        template = mappings.gl_template(merchant.gl_template, when.posts_on)
        chain, rounding = _both(known, funding.name, funding.entry.currency)
        draft = funding_draft(day, merchant, funding, chain, template, when)
        way = continue_chain(chain, draft, dates.posts_on)
        rest = rounding_draft(day, merchant, funding, rounding, way.standing, template, when)
        ways = [way, continue_chain(rounding, rest, dates.posts_on)]
        if funding.entry.key in held:
            ways = [replace(each, is_held=True) for each in ways]
        found += [FundingStep(funding.entry.key, each) for each in ways]
    return found


def _both(known: Mapping[ChainKey, Chain], name: str, currency: str) -> tuple[Chain, Chain]:
    """Return the journals of a funding and its roundings, empty where there are none."""
    one, two = (known.get((name, currency, kind.value), Chain(())) for kind in KINDS)
    return one, two
