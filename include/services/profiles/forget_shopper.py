"""Forget a shopper's stored payments on request: the gateway, SYSPRO's form and our store.

Orders stay: they are business records, and hold no card. The request is audited by a digest of the
mail address, because the audit chain can never be made to forget.
"""

from dataclasses import dataclass

from include.services.profiles.keep_tokens import links_of, mail_key, tokens_of
from include.services.profiles.ports import (
    LEAVING,
    AuditLog,
    KeptToken,
    TokenBook,
    TokenState,
)
from include.services.profiles.remove_tokens import TokenRemover


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What became of a request."""

    tokens: int  # of the shopper
    gone: int  # of these, deleted at the gateway and in SYSPRO
    orders_under_way: int  # whose authorisation cannot be renewed any more

    def __str__(self) -> str:
        words = f"{self.tokens} tokens, {self.gone} deleted"
        if self.gone < self.tokens:
            words += "; the rest is under way, or a dead letter says why not"
        if self.orders_under_way:
            words += f"; {self.orders_under_way} orders under way cannot renew their authorisation"
        return words


@dataclass(frozen=True, slots=True)
class ForgetShopper:
    """Forgets shoppers of one shop."""

    shop_id: str
    company_id: str
    book: TokenBook
    remover: TokenRemover
    audit: AuditLog

    def forget(self, email: str, who: str) -> Forgotten:
        """Remove every stored payment of a shopper. Safe to repeat.

        Raises:
            Retryable: the gateway could not be asked; the wish is kept and fulfilled later.
        """
        found = self._tokens(email)
        wanted = [kept for kept in found if kept.state is not TokenState.deleted]
        subject = f"shopper|{self.shop_id}|{mail_key(email)}"
        self.audit.note(who, "tokens to be forgotten", subject, tokens=len(wanted))
        used = {kept.token.customer_token for kept in wanted}
        merchant_id = self.remover.merchant_id
        busy = sum(self.book.is_in_use(merchant_id, one) for one in used)
        self.remover.remove(wanted, TokenState.deleting)
        self.remover.finish()
        leaving = {kept.name for kept in self.book.in_state(merchant_id, LEAVING)}
        gone = sum(kept.name not in leaving for kept in found)
        self.audit.note(who, "tokens forgotten", subject, tokens=len(found), gone=gone)
        return Forgotten(len(found), gone, busy)

    def _tokens(self, email: str) -> list[KeptToken]:
        """Return the shopper's tokens as kept; one that was never kept is kept now, to be removed.

        They are found by the orders and not by the SYSPRO customer, which guests may share.
        """
        merchant_id = self.remover.merchant_id
        found: dict[str, KeptToken] = {}
        for order, facts in self.book.orders_of(self.shop_id, email):
            links = links_of(order, self.company_id, facts.customer)
            for token in tokens_of(order, facts):
                kept = KeptToken(merchant_id, token, self.company_id, facts.customer)
                self.book.keep(kept, links)
                for row in self.book.having(merchant_id, token.customer_token):
                    found[row.name] = row
        return list(found.values())
