"""Dead letters of all flows, tried again by the path they came from; looked for first."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeVar

from include.adapters.store.audit_log import SqlAuditLog
from include.domain.errors import IntegrationError, Rejected
from include.services.effects.chain import signer
from include.services.effects.dead_letters import DeadLetter, replay
from include.services.effects.ports import Effect, EffectKind
from include.services.fault_words import describe
from include.services.orders.gateway_refusals import CAPTURE_REFUSED, REVERSAL_REFUSED
from include.services.orders.sagas import Saga
from include.services.orders.setting_back import is_set_back
from tieout.desks.care_desk import reverse_copy
from tieout.desks.commissioned import demand_for_journals
from tieout.desks.order_desk import Desks
from tieout.desks.order_feeds import hear_erp_again, shop_sync
from tieout.hooks.syspro import SysproHook
from tieout.this_process import worker_name

F = TypeVar("F")
_BEFORE = timedelta(days=2)  # how long before its dead letter a row may have been written


def replay_one(desks: Desks, dead_letter_id: int, who: str, *, via: str) -> str:
    """Try one dead letter again and return the state it is in afterwards.

    That it was asked for is in the audit chain, with the door (``via``), whatever comes of it.

    Raises:
        Rejected: nothing can be tried again, or it cannot be driven still. Retryable: the other
            side could not be asked.
    """
    letter = desks.context.dead_letters.show(dead_letter_id)
    log, subject = SqlAuditLog(desks.context.store), f"{letter.kind}|{letter.key}"
    log.note(signer(via, who), "dead letter replay asked for", subject)
    try:
        return _replay(desks, letter, who, via)
    except IntegrationError:
        raise
    except Exception as bug:
        where, do = f"dead letter {dead_letter_id}", "Mend what fails, then replay it."
        raise Rejected(describe(bug), where, do) from bug  # the others of a bulk have their turn


def _replay(desks: Desks, letter: DeadLetter, who: str, via: str) -> str:
    if letter.kind in set(EffectKind):
        effect = _replay_effect(desks, letter, signer(via, who))
        return f"{effect.state.value} {effect.their_key} {effect.reason}".strip()
    again = _JOBS.get(letter.kind)
    if again is None:
        raise Rejected(
            f"a {letter.kind} is not tried again from here",
            f"dead letter {letter.dead_letter_id}",
            "Do what its next action says, then resolve it.",
        )
    return again(desks, letter, who, via)


def _replay_effect(desks: Desks, letter: DeadLetter, who: str) -> Effect:
    context = desks.context
    effect = context.effects.get(EffectKind(letter.kind), letter.key)
    if effect is None:
        raise Rejected(f"no effect {letter.key!r}", "dead letters", "Resolve it.")
    for shop_id in desks.shop_ids():
        desk = desks.of(shop_id)
        if effect.target in desk.targets and not _is_ledger(effect):
            return replay(context.dead_letters, desk.engine, letter.dead_letter_id, who)
    for merchant in context.today.begun_merchants():
        if merchant.company_id == effect.target:
            hook = SysproHook(merchant.syspro_conn_id, leases=context.leases)
            demand_for_journals(context, merchant.syspro_conn_id, hook)
            with hook.session():
                engine = context.engine(hook.partners, hook.timings_by_kind, worker=worker_name())
                return replay(context.dead_letters, engine, letter.dead_letter_id, who)
    raise Rejected(
        f"no merchant or shop reaches {effect.target!r}",
        f"dead letter {letter.dead_letter_id}",
        "Add it to the mappings again, or resolve the dead letter.",
    )


def _is_ledger(effect: Effect) -> bool:
    ledger = (EffectKind.gl_journal, EffectKind.ap_invoice, EffectKind.cash_book_entry)
    return effect.kind in ledger


def _shop_order(desks: Desks, letter: DeadLetter, _who: str, _via: str) -> str:
    shop_id, _, number = letter.key.partition("|")
    return str(shop_sync(desks, shop_id).import_one(number))


def _erp_feeds(desks: Desks, letter: DeadLetter, _who: str, _via: str) -> str:
    """Read the company's feeds once more from before the row was set aside; it comes again."""
    company, words = letter.key.partition("|")[0], []
    begin = (letter.opened_at - _BEFORE).date().isoformat()
    for desk in desks.by_merchant().values():
        if desk.merchant.company_id == company:
            words += [str(tally) for tally in hear_erp_again(desks, desk, begin)]
    return "; ".join(words)


def _advance(desks: Desks, letter: DeadLetter, _who: str, _via: str) -> str:
    """Have the order looked at once more; the next comparison closes what then fits."""
    return _resting(desks.service.advance(letter.key))


def _refund(desks: Desks, letter: DeadLetter, who: str, via: str) -> str:
    """Ask the gateway once more, under a new reference: the one before was refused for good."""
    desks.service.try_refund_again(letter.key, who, via=via)
    return _resting(desks.service.advance_refund(letter.key))


def _refused(desks: Desks, letter: DeadLetter, who: str, via: str) -> str:
    """Ask the gateway once more for the order's capture or reversal, under a new reference."""
    desks.service.try_again(letter.key, who, via=via)
    return _resting(desks.service.advance(letter.key))


def _advance_refund(desks: Desks, letter: DeadLetter, _who: str, _via: str) -> str:
    return _resting(desks.service.advance_refund(letter.key))


def _resting(saga: Saga[F]) -> str:
    """Say where a saga rests now; one that was only set back again was not replayed."""
    if is_set_back(saga.reason):
        raise Rejected(saga.reason, saga.key, "Do what its dead letter says; then replay it.")
    return f"{saga.state} {saga.reason}".strip()


_JOBS: Mapping[str, Callable[[Desks, DeadLetter, str, str], str]] = {
    "gateway_duplicate": lambda desks, letter, _who, _via: reverse_copy(desks, letter),
    "refund_refused": _refund,
    CAPTURE_REFUSED: _refused,
    REVERSAL_REFUSED: _refused,
    "erp_missing": _advance,
    "order": _advance,
    "refund": _advance_refund,
    "shop_order": _shop_order,
    "credit_note": _erp_feeds,
    "erp_cancellation": _erp_feeds,
    "erp_order": _erp_feeds,
    "shipment": _erp_feeds,
}
