"""One card of one SYSPRO customer is kept once: the newest token stays, the others are deleted.

Left alone are tokens that an order under way may still need, those of a SYSPRO customer whom
several shoppers share, and the default among several cards of a gateway customer, which the gateway
does not let go.
"""

from dataclasses import dataclass

from include.services.profiles.ports import KeptToken, TokenBook, TokenState, TokenVault
from include.services.profiles.remove_tokens import TokenRemover
from include.services.sync.ports import Tally


@dataclass(frozen=True, slots=True)
class DuplicateJoiner:
    """Joins the duplicates of one merchant."""

    merchant_id: str
    book: TokenBook
    vault: TokenVault
    remover: TokenRemover

    def run(self) -> Tally:
        """Mark all but the newest of each group as replaced.

        Raises:
            Retryable: the gateway could not be asked.
        """
        tally = Tally()
        for group in self.book.doubled(self.merchant_id):
            for kept in group[1:]:
                tally.read += 1
                if self._may_go(kept):
                    self.remover.remove([kept], TokenState.replaced)
                    tally.done += 1
                else:
                    tally.not_ours += 1
        return tally.check()

    def _may_go(self, kept: KeptToken) -> bool:
        token = kept.token
        if self.book.is_in_use(self.merchant_id, token.customer_token):
            return False
        held = self.vault.customer(token.customer_token)
        if not held or len(held) == 1:
            return True
        return held[0].instrument_token != token.instrument_token
