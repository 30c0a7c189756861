"""Remove stored payments at the gateway and in SYSPRO's form, then in our store.

The wish is written first (state ``deleting`` or ``replaced``), so a crash leaves it to ``finish``.
What cannot be deleted is a dead letter of its effect, and the row stays as it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from include.domain.erp_orders import SetCustomField
from include.domain.payments import DeleteToken
from include.services.effects.engine import Engine
from include.services.effects.ports import Effect, EffectKind, EffectState
from include.services.effects.states import NEEDS_A_PERSON, SETTLED
from include.services.orders.commands import Command
from include.services.profiles.ports import (
    LEAVING,
    CustomerReader,
    KeptToken,
    TokenBook,
    TokenState,
    TokenVault,
)
from include.services.sync.ports import Tally

GONE = "DELETED"  # written over the last token: SYSPRO refuses a blank in a custom form
_VERBS = {TokenState.replaced: "join", TokenState.deleting: "forget"}


@dataclass(frozen=True, slots=True)
class TokenRemover:
    """Removes tokens of one merchant."""

    merchant_id: str
    organization_id: str
    token_forms: Sequence[tuple[str, str]]  # form and field of the SYSPRO customer, where shops say
    owner: str
    book: TokenBook
    vault: TokenVault
    erp: CustomerReader
    engine: Engine

    def remove(self, tokens: Iterable[KeptToken], state: TokenState) -> None:
        """Write the wish; ``finish`` fulfils it. What a shopper wants gone stays so."""
        for kept in tokens:
            self.book.change(kept, kept.token, state)

    def finish(self) -> Tally:
        """Drive every removal that is under way.

        Raises:
            Retryable: the gateway could not be asked what a customer holds.
        """
        tally = Tally()
        for kept in self.book.in_state(self.merchant_id, LEAVING):
            tally.read += 1
            state = self._delete(kept)
            if state in SETTLED and self._rewrite_forms(kept, _key(kept)):
                self.book.change(kept, kept.token, TokenState.deleted)
                tally.done += 1
            elif state in NEEDS_A_PERSON:
                tally.set_aside += 1
            else:
                tally.not_ours += 1  # the janitor goes on with it
        return tally.check()

    def _delete(self, kept: KeptToken) -> EffectState:
        key = _key(kept)
        found = self.engine.find(EffectKind.token_deletion, key)
        if found is None:
            content = self._deletion(kept)
            if content is None:
                return EffectState.done  # it is gone already
            effect = self._command(EffectKind.token_deletion, content, self.organization_id)
            return self.engine.perform(effect.effect(key)).state
        return self._on(found).state

    def _deletion(self, kept: KeptToken) -> DeleteToken | None:
        """Say what to delete: a shopper's whole customer, or one card of several.

        A customer's default card cannot go alone, so a customer that holds nothing else goes whole.
        """
        token = kept.token
        if kept.state is TokenState.replaced and token.instrument_token:
            held = self.vault.customer(token.customer_token)
            if held is None:
                return None
            if len(held) > 1:
                return DeleteToken(
                    self.organization_id, token.customer_token, token.instrument_token
                )
        return DeleteToken(self.organization_id, token.customer_token)

    def rewrite_again(self, kept: KeptToken, order_id: str) -> bool:
        """Take a token that is gone out of the forms, where this order has noted it since.

        Returns:
            Whether the forms are so; once for each order.
        """
        return self._rewrite_forms(kept, f"renote|{kept.name}|{order_id}")

    def _rewrite_forms(self, kept: KeptToken, key: str) -> bool:
        """Have SYSPRO's fields name a token that is alive, or none; say whether it is so."""
        if not kept.customer or not self.token_forms:
            return True
        open_forms = [
            (form, name)
            for form, name in self.token_forms
            if not self._is_written(f"{key}|{form}.{name}")
        ]
        if not open_forms or not self.erp.credit(kept.customer).exists:
            return True  # a customer that was deleted took its forms along
        written = [self._rewrite(kept, key, form, name) for form, name in open_forms]
        return all(written)

    def _is_written(self, key: str) -> bool:
        found = self.engine.find(EffectKind.custom_field, key)
        return found is not None and self._on(found).state in SETTLED

    def _rewrite(self, kept: KeptToken, key: str, form: str, name: str) -> bool:
        if self.engine.find(EffectKind.custom_field, f"{key}|{form}.{name}") is not None:
            return False  # under way, or a dead letter says why not
        left = self.book.of_customer(kept.company_id, kept.customer)
        value = left[0].token.customer_token if left else GONE
        content = SetCustomField(kept.company_id, form, kept.customer, name, value)
        command = self._command(EffectKind.custom_field, content, kept.company_id)
        return self.engine.perform(command.effect(f"{key}|{form}.{name}")).state in SETTLED

    def _on(self, effect: Effect) -> Effect:
        if effect.state in (*SETTLED, *NEEDS_A_PERSON):
            return effect
        return self.engine.advance(effect.kind, effect.key)

    def _command(self, kind: EffectKind, content: object, target: str) -> Command:
        return Command(kind, content, target, "", 0, self.owner)


def _key(kept: KeptToken) -> str:
    """Name a removal: a card that was joined and then is forgotten is deleted once more, whole."""
    return f"{_VERBS[kept.state]}|{kept.name}"
