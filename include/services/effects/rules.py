"""What each answer means for an effect: pure decisions, each a ``Change`` the store can write.

Source: reliability reference, section 2.2, protocols D (in doubt), V (verify), K (park), S (retry).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from include.domain.errors import Busy, IntegrationError, LeftAlone
from include.services.effects import schedule
from include.services.effects.evidence import IF_ABSENT, as_evidence, told_before
from include.services.effects.ports import (
    Difference,
    Effect,
    EffectState,
    Found,
    Receipt,
    Timings,
)
from include.services.effects.store import Change, DeadLetterNote

_ABSENT_LOOKS_TO_RESEND = 2


class Rules:
    """The decisions for one kind of effect. Every instant is the store's."""

    def __init__(self, timings: Timings) -> None:
        self.timings = timings

    # Before the send -------------------------------------------------------------------------

    def found(self, effect: Effect, found: Sequence[Found], now: datetime) -> Change:
        """It is already there: adopt it. Verifying waits until a second copy would show."""
        if len(found) > 1:
            return self._duplicate(effect, found)
        adopted = _adopt(effect, found[0])
        if found[0].is_no:
            told = told_before(effect)
            if told and found[0].their_key == effect.their_key:
                adopted = adopted.but(evidence=told)  # the answer has words, its row a number
            return self._refusal(effect, adopted, "found there as a refusal: adopted, not sent")
        if effect.sent_at is None:
            verify_at = now + self.timings.until_verify
        else:
            verify_at = schedule.verify_at(effect, self.timings)
        cause = f"found there as {adopted.their_key!r}: adopted, not sent"
        return _to(effect, adopted, EffectState.done, cause, next_at=verify_at, absent_looks=0)

    def may_send(self, effect: Effect, asked_at: datetime) -> bool:
        """Say whether one that was asked for and is absent may be sent now."""
        if effect.sent_at is None:
            return True
        has_looked = effect.absent_looks + 1 >= self.looks_to_resend()
        has_sends_left = effect.sends < self.timings.max_sends
        return self.is_settled(effect, asked_at) and has_looked and has_sends_left

    def is_no_at_last(self, effect: Effect, asked_at: datetime) -> bool:
        """Say whether one that is absent was refused: only where it might be sent again.

        A store that may have forgotten an earlier send is not asked: it was no first one's no.
        """
        has_looked = effect.absent_looks + 1 >= self.looks_to_resend()
        return has_looked and self.is_settled(effect, asked_at) and bool(told_before(effect))

    def no_at_last(self, effect: Effect) -> Change:
        """It was answered no, and nothing of it is there: it was no answer to a second copy."""
        told = effect.but(evidence=told_before(effect), reason="")
        return self._refusal(effect, told, "answered no, asked and absent: it was a no")

    def absent(self, effect: Effect, asked_at: datetime, now: datetime) -> Change:
        """It is not there, and may not be sent now: what to do instead."""
        if not self.is_settled(effect, asked_at):
            wait = schedule.settled_at(effect, self.timings)
            return _to(
                effect, effect, EffectState.in_doubt, "asked too early",
                next_at=wait, silent_since=effect.silent_since,
            )  # fmt: skip
        looks = effect.absent_looks + 1
        if looks < self.looks_to_resend():
            again = now + self.timings.look_gap
            cause = f"asked and absent, {looks} of {self.looks_to_resend()}"
            # A send that cannot leave is not answered by the looks before it.
            return _to(
                effect, effect, EffectState.in_doubt, cause,
                next_at=again, absent_looks=looks, silent_since=effect.silent_since,
            )  # fmt: skip
        return _set_aside(
            effect,
            EffectState.dead_letter,
            f"sent {effect.sends} times and never found",
            "Ask the other side why it takes nothing, then replay this item.",
        )

    def is_settled(self, effect: Effect, asked_at: datetime) -> bool:
        """Say whether the last send can no longer change the other side unseen."""
        return asked_at >= schedule.settled_at(effect, self.timings)

    def looks_to_resend(self) -> int:
        """One look may have been answered from stale data; two, a gap apart, not both."""
        return _ABSENT_LOOKS_TO_RESEND

    def unreachable(self, effect: Effect, error: IntegrationError, now: datetime) -> Change:
        """The other side could not be asked: later, and after days a person."""
        silent = _unheard(effect, error, now)
        again = self._next_try(silent, error, now)
        if again is None:
            return self._gave_up(effect, error)
        cause, since = f"could not ask: {error.what}", silent.silent_since
        return _to(effect, effect, effect.state, cause, next_at=again, silent_since=since)

    # The send --------------------------------------------------------------------------------

    def mark_sent(self, effect: Effect, now: datetime) -> Change:
        """Record the send before the first byte leaves."""
        sends, settled = effect.sends + 1, schedule.settles(now, self.timings)
        fresh = effect.but(their_key="", evidence="") if told_before(effect) else effect
        return _to(
            effect, fresh, EffectState.sent, f"send {sends}",
            next_at=settled, sends=sends, sent_at=now, absent_looks=0, reason="",
        )  # fmt: skip

    def mark_again(self, sent: Effect, now: datetime) -> Change:
        """Record that a further call of the same send leaves: Q counts from the last."""
        settled = schedule.settles(now, self.timings)
        cause = f"send {sent.sends}, its next call"
        return _to(sent, sent, EffectState.sent, cause, next_at=settled, sent_at=now)

    def not_sent(
        self, unsent: Effect, before: Effect, error: IntegrationError, now: datetime
    ) -> Change:
        """Certainly nothing happened: as if the send had not been recorded.

        ``before``: the row as it stands: the record, or ``unsent`` where it came to none.
        """
        silent = _unheard(unsent, error, now)
        back = self._as_before(silent, before, str(error))
        again = self._next_try(back, error, now)
        if again is None:
            return self._gave_up(back, error, before=before)
        cause, since = f"not sent: {error.what}", silent.silent_since
        return _to(before, back, back.state, cause, next_at=again, silent_since=since)

    def paused(self, unsent: Effect, sent: Effect) -> Change:
        """We slept between recording the send and sending: Q would have begun too early."""
        back = self._as_before(unsent, sent, "")
        return _to(sent, back, back.state, "paused before the send; nothing left", next_at=None)

    def confirmed(self, unsent: Effect, sent: Effect, receipt: Receipt) -> Change:
        """A clear answer; the other side may have withheld its number.

        Where nothing had to be sent, it is so already, and ``sent`` is as it was before.
        """
        if receipt.is_no and receipt.may_be_repeat and sent is not unsent:
            return self._perhaps_no(unsent, sent, receipt)
        their_key = receipt.their_key or sent.their_key
        evidence = as_evidence(receipt.evidence) or sent.evidence
        if receipt.is_no:
            told = replace(sent, their_key=their_key, evidence=evidence)
            return self._refusal(sent, told, "answered no")
        verify_at = schedule.verify_at(sent, self.timings)
        return _to(
            sent, sent, EffectState.done, f"answered yes: {their_key!r}",
            next_at=verify_at, their_key=their_key, evidence=evidence,
        )  # fmt: skip

    def _perhaps_no(self, unsent: Effect, sent: Effect, receipt: Receipt) -> Change:
        """A no, unless it answered a second copy: in doubt as any other, and no resend ends it.

        Only of a first send. After an earlier one it says nothing that a look does not say better.
        """
        settled = schedule.settled_at(sent, self.timings)
        doubt = sent.but(reason="answered no, as a second copy would be")
        if unsent.sent_at is None:
            evidence = as_evidence({IF_ABSENT: receipt.evidence})
            doubt = doubt.but(their_key=receipt.their_key, evidence=evidence)
        return _to(sent, doubt, EffectState.in_doubt, doubt.reason, next_at=settled)

    def _refusal(self, before: Effect, after: Effect, cause: str) -> Change:
        """A clear business no: nothing moved, so there is nothing to read back."""
        return _to(before, after, EffectState.declined, cause, next_at=None)

    def withdrawn(self, effect: Effect, why: str) -> Change:
        """Nobody wants it any more, and nothing of it ever left."""
        unwanted = replace(effect, reason=why)
        cause = f"withdrawn: {why}"
        change = _to(effect, unwanted, EffectState.withdrawn, cause, next_at=None)
        is_letter_open = effect.state in (EffectState.rejected, EffectState.dead_letter)
        return replace(change, resolution=cause) if is_letter_open else change

    def parked(
        self, unsent: Effect, before: Effect, error: IntegrationError, now: datetime
    ) -> Change:
        """Certainly nothing happened, and nothing will until the condition holds."""
        back = self._as_before(unsent, before, str(error))
        again = now + self.timings.park_retry
        return _to(before, back, EffectState.parked, f"parked: {error.what}", next_at=again)

    def refused(self, unsent: Effect, before: Effect, error: IntegrationError) -> Change:
        """Certainly nothing happened, and the same content will be refused again."""
        back = self._as_before(unsent, before, str(error))
        return _set_aside(back, EffectState.rejected, str(error), error.do, before=before)

    def unknown(self, sent: Effect, error: IntegrationError) -> Change:
        """It may have happened: no resend before Q, and then only if it is absent twice."""
        if self.timings.unknown_do:
            return self._for_a_person(sent, str(error))
        settled = schedule.settled_at(sent, self.timings)
        doubt = sent.but(reason=str(error))
        return _to(sent, doubt, EffectState.in_doubt, f"unknown: {error.what}", next_at=settled)

    def abandoned(self, sent: Effect) -> Change:
        """The worker that recorded this send never wrote its outcome."""
        if self.timings.unknown_do:
            return self._for_a_person(sent, "the worker ended during the send")
        settled = schedule.settled_at(sent, self.timings)
        doubt = sent.but(reason="the worker ended during the send")
        return _to(sent, doubt, EffectState.in_doubt, "worker ended during send", next_at=settled)

    # After the send --------------------------------------------------------------------------

    def read_back(
        self,
        effect: Effect,
        found: Sequence[Found],
        differences: Sequence[Difference],
        now: datetime,
    ) -> Change:
        """Verify a done effect: exactly one, and equal to what was meant."""
        if len(found) > 1:
            return self._duplicate(effect, found)
        if found and differences:
            return self._different(effect, differences)
        if found:
            their_key = found[0].their_key or effect.their_key
            return _to(
                effect, effect, EffectState.verified, "read back: one, equal",
                next_at=None, their_key=their_key, reason="",
            )  # fmt: skip
        looks = effect.absent_looks + 1
        if looks < self.looks_to_resend():
            cause, again = "read back: not found, once", now + self.timings.look_gap
            return _to(effect, effect, EffectState.done, cause, next_at=again, absent_looks=looks)
        return _set_aside(
            effect,
            EffectState.dead_letter,
            f"it answered yes ({effect.their_key!r}) yet {effect.reference} cannot be found",
            "Look for it at the other side by hand; if it is not there, replay this item.",
        )

    def late_evidence(
        self,
        effect: Effect,
        found: Sequence[Found],
        differences: Sequence[Difference],
        now: datetime,
    ) -> Change | None:
        """What a report, a person's question or a late look shows of a finished effect.

        Returns:
            ``None`` where it shows nothing new. Finding nothing proves nothing here.
        """
        if not found or (effect.state is EffectState.verified and len(found) == 1):
            is_news = bool(found and differences)
            return self._different(effect, differences) if is_news else None
        if len(found) > 1:
            keys = _keys(found)
            is_known = effect.state is EffectState.mismatched and keys in effect.reason
            return None if is_known else self._duplicate(effect, found)
        if effect.state is not EffectState.mismatched:
            change = self.found(effect, found, now)
            return replace(change, resolution=f"late evidence: {change.cause}")
        if differences:
            return None
        cause = "late evidence: exactly one is there and it is equal"
        good = replace(_adopt(effect, found[0]), reason="")
        change = _to(effect, good, EffectState.verified, cause, next_at=None)
        return replace(change, resolution=cause)

    def replay(self, effect: Effect, who: str) -> Change:
        """Start over because a person says so; a send that may have happened is still looked for.

        Whatever was sent before keeps its instant, so it still takes two absent looks to resend.
        """
        state = EffectState.intended if effect.sent_at is None else EffectState.in_doubt
        fresh = replace(effect, sends=0, absent_looks=0, reason="")
        change = _to(effect, fresh, state, f"replay asked for by {who}", next_at=None)
        return replace(change, resolution=change.cause, who=who)

    # Parts -----------------------------------------------------------------------------------

    def _next_try(self, effect: Effect, error: IntegrationError, now: datetime) -> datetime | None:
        again = schedule.next_try(effect, now, self.timings)
        if isinstance(error, LeftAlone):
            return schedule.next_turn(again, now)
        if isinstance(error, Busy) and again is not None:
            return max(again, now + timedelta(seconds=error.retry_after_s or 0))
        return again

    def _as_before(self, unsent: Effect, before: Effect, reason: str) -> Effect:
        """Undo the record of a send that did not happen; an earlier send may still be in doubt."""
        return replace(
            before,
            state=unsent.state,
            sends=unsent.sends,
            sent_at=unsent.sent_at,
            silent_since=unsent.silent_since,
            absent_looks=0,
            reason=reason,
        )

    def _for_a_person(self, sent: Effect, reason: str) -> Change:
        """It may have happened and nobody can look: a person is told now, not after days."""
        return _set_aside(
            sent, EffectState.dead_letter, reason, self.timings.unknown_do, before=sent
        )

    def _duplicate(self, effect: Effect, found: Sequence[Found]) -> Change:
        keys = [one.their_key for one in found]
        first = effect.their_key if effect.their_key in keys else keys[0]
        surplus = list(keys)
        surplus.remove(first)
        return _set_aside(
            replace(effect, their_key=first),
            EffectState.mismatched,
            f"{len(found)} carry {effect.reference}: {_keys(found)}",
            f"Keep {first}; reverse {', '.join(surplus)}; then replay it.",
            before=effect,
        )

    def _different(self, effect: Effect, differences: Sequence[Difference]) -> Change:
        listed = "; ".join(
            f"{one.what}: ours {one.ours}, theirs {one.theirs}" for one in differences
        )
        return _set_aside(
            effect,
            EffectState.mismatched,
            f"{effect.their_key} differs from what was sent: {listed}",
            f"Reverse {effect.their_key} or correct it by hand, then replay it.",
        )

    def _gave_up(
        self, effect: Effect, error: IntegrationError, before: Effect | None = None
    ) -> Change:
        days = schedule.GIVE_UP_AFTER.days
        return _set_aside(
            effect,
            EffectState.dead_letter,
            f"no answer for {days} days: {error.what}",
            f"Mend the connection ({error.do}), then replay it; it is looked for first.",
            before=before,
        )


def _unheard(effect: Effect, error: IntegrationError, now: datetime) -> Effect:
    """Note since when nobody answers; where nobody was asked, nobody was silent."""
    if effect.silent_since is not None or isinstance(error, LeftAlone):
        return effect
    return effect.but(silent_since=now)


def _adopt(effect: Effect, found: Found) -> Effect:
    return replace(
        effect,
        their_key=found.their_key or effect.their_key,
        evidence=as_evidence(found.facts) or effect.evidence,
    )


def _keys(found: Sequence[Found]) -> str:
    return ", ".join(one.their_key for one in found)


def _to(
    before: Effect,
    after: Effect,
    state: EffectState,
    cause: str,
    *,
    next_at: datetime | None,
    silent_since: datetime | None = None,  # any other change was answered
    **changed: Any,
) -> Change:
    told = after.but(state=state, next_at=next_at, silent_since=silent_since, **changed)
    return Change(before, told, cause)


def _set_aside(
    effect: Effect,
    state: EffectState,
    reason: str,
    next_action: str,
    before: Effect | None = None,
) -> Change:
    after = effect.but(state=state, reason=reason, next_at=None, silent_since=None)
    return Change(before or effect, after, reason, DeadLetterNote(reason, next_action))
