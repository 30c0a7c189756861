"""Post a day's approved journals, each once, through the effects engine."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from include.domain.errors import OutcomeUnknown, Rejected
from include.domain.journal import Journal, JournalKind
from include.domain.matching import Cause
from include.domain.merchant import Merchant
from include.domain.open_items import item_key_of
from include.domain.settlement import SettlementDay
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.effects.states import EXECUTED, NEEDS_A_PERSON
from include.services.journal_book import WAITING, BookedJournal, JournalBook, JournalState

log = logging.getLogger(__name__)
POSTER = "tieout post"

_DOCUMENTS: dict[JournalKind, EffectKind] = {
    JournalKind.fee_invoice: EffectKind.ap_invoice,
    JournalKind.funding: EffectKind.cash_book_entry,
}


@dataclass(frozen=True, slots=True)
class PostResult:
    """What became of the journals, by key."""

    posted: tuple[str, ...]
    parked: tuple[str, ...]

    def __str__(self) -> str:
        posted, parked = ", ".join(self.posted), ", ".join(self.parked)
        return f"posted {posted or 'nothing'}; parked {parked or 'nothing'}"


def effect_kind(journal: Journal) -> EffectKind:
    """Say by which write a journal is posted; its content alone decides."""
    return _DOCUMENTS[journal.kind] if journal.is_document else EffectKind.gl_journal


def effect_of(journal: Journal, owner: str) -> Effect:
    """Name the write that posts this journal; equal journals give equal effects."""
    return Effect(
        kind=effect_kind(journal),
        key=journal.key,
        reference=journal.reference,
        payload=journal.to_payload(),
        digest=journal.digest,
        target=journal.company_id,
        currency=journal.base_currency,
        amount_minor=journal.debit_total.minor,
        owner=owner,
    )


class Items(Protocol):
    """The open items, as far as a posting answers one."""

    def resolve(self, item_keys: Sequence[str], *, resolved_by: str, resolution: str) -> None: ...


def post_journals(
    day: SettlementDay,
    merchant: Merchant,
    *,
    journals: JournalBook,
    engine: Engine,
    items: Items,
    kinds: Collection[JournalKind] = tuple(JournalKind),
) -> PostResult:
    """Post every approved journal of the day, of the kinds named; no failure stops another.

    Raises:
        Rejected: SYSPRO refused, or holds something else; a dead letter names the next action.
        OutcomeUnknown: no clear answer yet. Safe to retry: the engine looks before it sends.
        Exception: a journal could not be worked on, after all the others were.
    """
    wanted = [
        booked
        for booked in journals.of_day(day)
        if booked.state in WAITING and booked.journal.kind in kinds
    ]
    effects: list[Effect] = []
    broken: list[Exception] = []
    for booked in wanted:
        try:
            effect = _post(booked.journal, merchant.owner, engine)
            note_outcome(booked, effect, journals, items)
        except Exception as error:  # noqa: BLE001  one journal's fault must not stop the rest
            log.warning("journal %s: could not be worked on: %r", booked.journal.key, error)
            broken.append(error)
        else:
            effects.append(effect)
    if len(broken) > 1:
        raise ExceptionGroup(f"post, {day}: {len(broken)} journals could not be posted", broken)
    if broken:
        raise broken[0]
    _raise_unless_settled(effects, day)
    return PostResult(
        tuple(effect.key for effect in effects if effect.state in EXECUTED),
        tuple(effect.key for effect in effects if effect.state is EffectState.parked),
    )


def note_outcome(
    booked: BookedJournal, effect: Effect, journals: JournalBook, items: Items
) -> None:
    """Write into the journal book what the engine knows; repeating it changes nothing."""
    journal = booked.journal
    if effect.state in EXECUTED and booked.state is not JournalState.tied_out:
        journals.move(journal, JournalState.posted, effect.their_key)
        day = SettlementDay(journal.merchant_id, journal.settlement_date)
        items.resolve(
            [item_key_of(day, Cause.period_closed, journal.key)],
            resolved_by=POSTER,
            resolution=f"posted as {effect.their_key}",
        )
    elif effect.state is EffectState.parked:
        journals.move(booked.journal, JournalState.parked)


def sync_journals(
    journals: JournalBook,
    find: Callable[[EffectKind, str], Effect | None],
    items: Items,
) -> int:
    """Carry over what the janitor finished; return how many journals moved to posted."""
    moved = 0
    for booked in journals.unfinished():
        effect = find(effect_kind(booked.journal), booked.journal.key)
        if effect is not None and effect.state in EXECUTED:
            note_outcome(booked, effect, journals, items)
            moved += 1
    return moved


def _post(journal: Journal, owner: str, engine: Engine) -> Effect:
    effect = engine.intend(effect_of(journal, owner))
    effect = engine.advance(effect.kind, effect.key)
    log.info(
        "journal %s: %s reference=%s their_key=%s %s",
        journal.key,
        effect.state.value,
        effect.reference,
        effect.their_key or "-",
        effect.reason,
    )
    return effect


def _raise_unless_settled(effects: Sequence[Effect], day: SettlementDay) -> None:
    stopped = [effect for effect in effects if effect.state in NEEDS_A_PERSON]
    if stopped:
        raise Rejected(
            "; ".join(f"{e.reference} {e.state.value}: {e.reason}" for e in stopped),
            f"post, {day}",
            "Open Browse -> Dead letters; each names its next action. Nothing is sent again.",
        )
    replaced = [effect for effect in effects if effect.state is EffectState.declined]
    if replaced:
        raise Rejected(
            f"{', '.join(e.reference for e in replaced)}: replaced before anything was sent",
            f"post, {day}",
            "Clear the step build: it stopped before it had written what takes their place.",
        )
    unclear = [e for e in effects if e.state not in EXECUTED and e.state is not EffectState.parked]
    if unclear:
        raise OutcomeUnknown(
            "; ".join(f"{e.reference} {e.state.value}: {e.reason}" for e in unclear),
            f"post, {day}",
            "Nothing to do: SYSPRO is asked again after its quiescence, by this task and by the "
            "janitor.",
        )
