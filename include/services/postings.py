"""What became of approved journals, and how one that SYSPRO does not have is withdrawn."""

from collections.abc import Callable

from include.domain.journal import Journal
from include.services.effects.dead_letters import DeadLetters
from include.services.effects.ports import Effect, EffectState
from include.services.effects.store import EffectStore
from include.services.effects.withdraw import is_never_sent, withdraw
from include.services.post_journals import effect_kind, effect_of

_WHY = "replaced by a later version of the journal; it was never sent, or was refused"


class EffectPostings:
    """Satisfies ``books.replacing.Postings`` from the effects and their dead letters."""

    def __init__(
        self,
        effects: EffectStore,
        letters: DeadLetters,
        owner: str,
        is_doubted: Callable[[], bool] = lambda: False,
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
        if effect is None or effect.state is not EffectState.rejected or not is_never_sent(effect):
            return False
        return not self._is_doubted() and self._letters.is_open(effect.kind.value, effect.key)

    def is_unsent(self, journal: Journal) -> bool:
        """Say whether it certainly is not in SYSPRO, and nobody refused it."""
        if self._is_doubted():
            return False
        effect = self._effect(journal)
        if effect is None:
            return True
        return effect.state is not EffectState.rejected and is_never_sent(effect)

    def is_withdrawn(self, journal: Journal) -> bool:
        effect = self._effect(journal)
        return effect is not None and effect.state is EffectState.declined

    def withdraw(self, journal: Journal) -> bool:
        """See to it that nobody sends it; ``False``: it went on meanwhile."""
        return withdraw(self._effects, effect_of(journal, self._owner), who="build", why=_WHY)

    def _effect(self, journal: Journal) -> Effect | None:
        return self._effects.get(effect_kind(journal), journal.key)
