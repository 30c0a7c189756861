"""P1 and P2: what the gateway makes of a repeat, and how late its search shows a payment."""

from collections.abc import Sequence

from include.domain.errors import Rejected
from include.services.commissioning.findings import Repeats, SearchLag
from include.services.commissioning.timing import Stopwatch
from include.services.commissioning.trial_payments import TrialPayments
from include.services.effects.ports import Effect, EffectState

_AT_ONCE = 10  # payments that are waited for together


def measure_search_lag(
    pay: TrialPayments, *, samples: int, at_most_s: float, every_s: float, watch: Stopwatch
) -> SearchLag:
    """Make payments and look for each until the search shows it.

    Args:
        pay: makes them.
        samples: how many.
        at_most_s: how long one is looked for.
        every_s: between two looks; the figures are no finer than that.
        watch: the time.

    Raises:
        Rejected, OutcomeUnknown: as ``TrialPayments.authorize``; or none was ever shown.
    """
    waiting: list[tuple[Effect, float]] = []
    lags: list[int] = []
    made = never = 0
    try:
        while made < samples or waiting:
            if made < samples and len(waiting) < _AT_ONCE:
                waiting.append((pay.authorize(made), watch.seconds()))
                made += 1
            for one in list(waiting):
                effect, answered_at = one
                is_shown = pay.is_shown(effect)
                lag = watch.ms_since(answered_at)
                if not is_shown and lag <= at_most_s * 1000:
                    continue
                waiting.remove(one)
                pay.release(effect)
                if is_shown:
                    lags.append(lag)
                else:
                    never += 1
            if waiting:
                watch.sleep(every_s)
    finally:  # one that was not approved, or a person at the keyboard, ends it before its time
        for effect, _ in waiting:
            pay.release(effect)
    if not lags:
        do = "Look in the Business Center whether they are there; wait longer (--at-most)."
        raise Rejected(f"none of {samples} payments was found in {at_most_s:g} s", pay.name, do)
    lags.sort()
    return SearchLag(
        samples=samples,
        median_ms=_at(lags, 50),
        p99_ms=_at(lags, 99),
        longest_ms=lags[-1],
        never_shown=never,
    )


def measure_repeats(pay: TrialPayments, *, after_s: Sequence[int], watch: Stopwatch) -> Repeats:
    """Make one payment and send it again under the same transaction id, at each instant.

    Args:
        pay: makes them; every payment is released at the end.
        after_s: seconds after the first, rising.
        watch: the time.

    Raises:
        Rejected, OutcomeUnknown: as ``TrialPayments.authorize``.
    """
    first, began = pay.authorize(0), watch.seconds()
    answers: dict[str, str] = {}
    made = [first]
    for turn, seconds in enumerate(after_s, 1):
        watch.sleep(max(0.0, seconds - (watch.seconds() - began)))
        again = pay.repeat(0, turn)
        if again.state is EffectState.done and again.their_key != first.their_key:
            made.append(again)
            answers[str(seconds)] = "taken: a second payment"
            continue
        answers[str(seconds)] = f"not taken: {again.reason or again.state.value}"
        pay.end_doubt(again)
    for one in made:
        pay.release(one)
    return Repeats(answers=answers, second_payments=len(made) - 1)


def _at(lags: Sequence[int], percent: int) -> int:
    """Return the nearest-rank percentile of sorted figures."""
    rank = -(-len(lags) * percent // 100)
    return lags[max(rank, 1) - 1]
