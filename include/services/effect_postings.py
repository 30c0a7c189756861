"""What became of approved journals, and how one that SYSPRO does not have is retired."""

from include.domain.journal import Journal
from include.services.effects.dead_letters import DeadLetters
from include.services.effects.ports import Effect, EffectState
from include.services.effects.retire import IsDoubted, is_never_sent, retire
from include.services.effects.store import EffectStore
from include.services.post_journals import effect_kind, effect_of

_WHY = "replaced by a later version of the journal; it was never sent, or was refused"


class EffectPostings:
    """Satisfies ``books.replacing.Postings`` from the effects and their dead letters."""

    def __init__(
        self,
        effects: EffectStore,
        letters: DeadLetters,
        owner: str,
        is_doubted: IsDoubted,
    ) -> None:
        """``is_doubted``: the store may have forgotten sends, so it proves that nothing was."""
        self._effects = effects
        self._letters = letters
        self._owner = owner
        self._is_doubted = is_doubted

    def is_refused(self, journal: Journal) -> bool:
        """Say whether SYSPRO refused it and nobody has dealt with that yet.

        Who closed its dead letter may have booked it by hand.
        """
        effect = self._effect(journal)
        if effect is None or effect.state is not EffectState.rejected:
            return False
        is_unsent = is_never_sent(effect, is_doubted=self._is_doubted)
        return is_unsent and self._letters.is_open(effect.kind.value, effect.key)

    def is_unsent(self, journal: Journal) -> bool:
        """Say whether it certainly is not in SYSPRO, and nobody refused it."""
        effect = self._effect(journal)
        is_refused = effect is not None and effect.state is EffectState.rejected
        return not is_refused and is_never_sent(effect, is_doubted=self._is_doubted)

    def is_retired(self, journal: Journal) -> bool:
        effect = self._effect(journal)
        return effect is not None and effect.state is EffectState.declined

    def retire(self, journal: Journal) -> bool:
        """See to it that nobody sends it; ``False``: it went on meanwhile."""
        return retire(
            self._effects,
            effect_of(journal, self._owner),
            is_doubted=self._is_doubted,
            who="build",
            why=_WHY,
        )

    def _effect(self, journal: Journal) -> Effect | None:
        return self._effects.get(effect_kind(journal), journal.key)
