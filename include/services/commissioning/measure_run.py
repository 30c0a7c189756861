"""P6: how long SYSPRO works on one large journal; Q must outlast it."""

from contextlib import suppress
from datetime import date

from include.domain.errors import OutcomeUnknown, Rejected, Retryable
from include.domain.journal import Journal, JournalKind, JournalLine
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.services.commissioning.findings import LongestRun
from include.services.commissioning.timing import Stopwatch, TimedPartner
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectState
from include.services.effects.states import EXECUTED
from include.services.post_journals import effect_of

_LOOK_EVERY_S = 5.0
_PAR = 1_000_000


def large_journal(
    merchant: Merchant, name: str, gl_account: str, lines: int, posting_date: date
) -> Journal:
    """Build a journal that moves nothing: a cent and its opposite, over and over, on one account.

    Args:
        merchant: whose company it is posted in.
        name: of this measurement; part of the key.
        gl_account: any that takes postings.
        lines: at least two; an odd number is rounded up.
        posting_date: in an open period.
    """
    cent = Money(1, merchant.base_currency)
    pair = (
        JournalLine(gl_account, cent, cent, "commissioning"),
        JournalLine(gl_account, -cent, -cent, "commissioning"),
    )
    return Journal(
        key=f"commissioning|P6|{merchant.merchant_id}|{name}",
        kind=JournalKind.settlement,
        merchant_id=merchant.merchant_id,
        company_id=merchant.company_id,
        batch_id="commissioning",
        settlement_date=posting_date,
        posting_date=posting_date,
        version=1,
        rate_millionths=_PAR,
        lines=pair * ((lines + 1) // 2),
        narrative="Tieout measures the longest run",
    )


def measure_run(
    journal: Journal,
    *,
    engine: Engine,
    partner: TimedPartner,
    watch: Stopwatch,
    owner: str,
    at_most_s: float,
) -> LongestRun:
    """Post it, and where its answer is lost go on looking until it shows.

    Args:
        journal: as ``large_journal`` builds it.
        engine: whose partner for journals is ``partner``.
        partner: tells when the send began.
        watch: the time.
        owner: is asked about it should it not finish.
        at_most_s: how long it is looked for.

    Raises:
        Rejected: SYSPRO does not take it, or could not be asked.
        OutcomeUnknown: neither answered nor found.
    """
    effect = engine.perform(effect_of(journal, owner))
    if effect.state in EXECUTED and partner.took_ms is not None:
        return LongestRun(lines=len(journal.lines), longest_ms=partner.took_ms, is_answered=True)
    if effect.state is not EffectState.in_doubt or partner.began is None:
        engine.withdraw(effect.kind, effect.key, "a measurement that came to nothing")
        do = "Correct what it says, and measure again."
        raise Rejected(f"the journal was not taken: {effect.reason}", effect.key, do)
    while watch.seconds() - partner.began < at_most_s:
        if _is_there(partner, effect):
            took = watch.ms_since(partner.began)
            return LongestRun(lines=len(journal.lines), longest_ms=took, is_answered=False)
        watch.sleep(_LOOK_EVERY_S)
    raise OutcomeUnknown(
        f"neither answered nor found within {at_most_s:g} s: {effect.reason}",
        effect.key,
        f"Look for {journal.reference} in SYSPRO by hand; measure again with fewer lines.",
    )


def _is_there(partner: TimedPartner, effect: Effect) -> bool:
    with suppress(Retryable):
        return bool(partner.look(effect))
    return False
