"""Prove each posting: read it back from SYSPRO, compare, keep both totals and the difference."""

import json
import logging
from collections.abc import Collection
from typing import Protocol

from include.domain.errors import Rejected
from include.domain.journal import JournalKind
from include.domain.settlement import SettlementDay
from include.services.effects.engine import Engine
from include.services.effects.ports import ReadBack
from include.services.journal_book import IN_LEDGER, BookedJournal, JournalBook, JournalState
from include.services.post_journals import effect_kind

log = logging.getLogger(__name__)


class TieOuts(Protocol):
    """Where both totals are kept."""

    def record(
        self, journal_key: str, currency: str, ours_minor: int, theirs_minor: int, detail: str
    ) -> None:
        """Keep both totals, in minor units of ``currency``, and what differed, as JSON."""
        ...


def tie_out(
    day: SettlementDay,
    *,
    journals: JournalBook,
    engine: Engine,
    tie_outs: TieOuts,
    kinds: Collection[JournalKind] = tuple(JournalKind),
) -> tuple[str, ...]:
    """Compare every posted journal of the day with SYSPRO; return the keys that tie.

    Raises:
        Rejected: at the end, if any does not tie; both totals are in the message and kept.
        Retryable: SYSPRO could not be asked.
    """
    tied, broken = [], []
    for booked in journals.of_day(day):
        is_there = booked.state in IN_LEDGER
        if not is_there or booked.journal.kind not in kinds:
            continue
        journal = booked.journal
        seen = engine.read_back(effect_kind(journal), journal.key)
        ours, theirs = journal.debit_total.minor, _their_total(seen)
        differences = [f"{d.what}: ours {d.ours}, SYSPRO {d.theirs}" for d in seen.differences]
        if len(seen.found) != 1:
            differences.append(f"found {len(seen.found)} times under {journal.reference}")
        tie_outs.record(journal.key, journal.base_currency, ours, theirs, json.dumps(differences))
        log.info(
            "tie_out %s: ours %s, SYSPRO %s, difference %s %s (%s)",
            journal.key,
            ours,
            theirs,
            theirs - ours,
            journal.base_currency,
            "; ".join(differences) or "equal line by line",
        )
        if differences or theirs != ours:
            broken.append(f"{journal.key}: ours {ours}, SYSPRO {theirs}; {'; '.join(differences)}")
        else:
            tied.append(_note(booked, journals))
    if broken:
        raise Rejected(
            " | ".join(broken),
            f"tie_out, {day}",
            "Do not edit the journal: reverse it in SYSPRO and ask integration.",
        )
    return tuple(tied)


def _their_total(seen: ReadBack) -> int:
    """Sum what SYSPRO holds under our reference: two copies are twice the money."""
    return sum(int(str(found.facts["total_minor"])) for found in seen.found)


def _note(booked: BookedJournal, journals: JournalBook) -> str:
    if booked.state is JournalState.posted:
        journals.move(booked.journal, JournalState.tied_out, booked.their_key)
    return booked.journal.key
