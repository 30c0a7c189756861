"""Forget a shopper's stored payments on request: the gateway, SYSPRO's form and our store.

Orders stay: they are business records, and hold no card. The request is audited by a digest of the
mail address, because the audit chain can never be made to forget.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from include.domain.order_state import ENDED, OrderFacts
from include.domain.orders import Order
from include.domain.paying import source_of, sources_of
from include.domain.payments import StoredToken
from include.domain.people import mail_key
from include.domain.standing import state_of
from include.services.profiles.keep_tokens import links_of, tokens_of
from include.services.profiles.ports import AuditLog, KeptToken, TokenBook, TokenState
from include.services.profiles.remove_tokens import TokenRemover


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What became of a request."""

    tokens: int  # of the shopper
    gone: int  # of these, deleted at the gateway and in SYSPRO
    orders_under_way: int  # whose authorisation cannot be renewed any more
    may_store: int = 0  # orders that wait for an answer which may store the shopper's card yet

    @property
    def is_whole(self) -> bool:
        """Say whether nothing is left to be done."""
        return self.gone == self.tokens and not self.may_store

    def __str__(self) -> str:
        words = f"{self.tokens} tokens, {self.gone} deleted"
        if self.gone < self.tokens:
            words += "; the rest is under way, or a dead letter says why not"
        if self.orders_under_way:
            words += f"; {self.orders_under_way} orders under way cannot renew their authorisation"
        if self.may_store:
            words += (
                f"; {self.may_store} orders wait for a payment that may store a card: ask again"
            )
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
        busy = sum(
            self.book.is_in_use(merchant_id, one)
            for merchant_id, one in {(one.merchant_id, one.token.customer_token) for one in wanted}
        )
        self.remover.remove(wanted, TokenState.deleting)
        found += self._left_at_gateway(found)
        self.remover.finish()
        gone = sum(self._is_gone(kept) for kept in found)
        self.audit.note(who, "tokens forgotten", subject, tokens=len(found), gone=gone)
        return Forgotten(len(found), gone, busy, self._may_store(email))

    def _may_store(self, email: str) -> int:
        every = self.book.orders_of(self.shop_id, email)
        return sum(
            source_of(order, facts).keep and facts.payment is None and state_of(facts) not in ENDED
            for order, facts in every
        )

    def _tokens(self, email: str) -> list[KeptToken]:
        """Return the shopper's tokens as kept; one that was never kept is kept now, to be removed.

        They are found by the orders and not by the SYSPRO customer, which guests may share. Each
        is kept for the merchant that the order was paid at: another one's vault does not know it,
        and would be taken to have deleted it.
        """
        found: dict[str, KeptToken] = {}
        for order, facts in self.book.orders_of(self.shop_id, email):
            links = links_of(order, self.company_id, facts.customer)
            others = self._others(order, facts)
            for token in tokens_of(order, facts):
                if token.customer_token in others:
                    continue
                kept = KeptToken(order.merchant_id, token, self.company_id, facts.customer)
                self.book.keep(kept, links)
                for row in self.book.having(order.merchant_id, token.customer_token):
                    found[row.name] = row
        return list(found.values())

    def _others(self, order: Order, facts: OrderFacts) -> set[str]:
        """Return what of an order's payments named another shopper's, who did not ask."""
        named = (one for one in sources_of(order, facts) if one.customer_token)
        return {
            one.customer_token
            for one in named
            if self.book.is_of_another(replace(order, payment=one))
        }

    def _left_at_gateway(self, found: Sequence[KeptToken]) -> list[KeptToken]:
        """Have customers go whose known cards all went before: others were added since.

        A card that was replaced at the shop, or joined, is gone alone; its customer is still there.
        """
        alive = {one.token.customer_token for one in found if one.state is not TokenState.deleted}
        left: dict[str, KeptToken] = {}
        for kept in found:
            customer_token = kept.token.customer_token
            is_ours = kept.merchant_id == self.remover.merchant_id
            if customer_token in {*alive, *left} or not is_ours:
                continue
            if self.remover.vault.customer(customer_token) is not None:
                whole = replace(kept, token=StoredToken(customer_token), state=TokenState.deleting)
                left[customer_token] = whole
        for whole in left.values():
            self.book.keep(whole, ())
        return list(left.values())

    def _is_gone(self, kept: KeptToken) -> bool:
        rows = self.book.having(kept.merchant_id, kept.token.customer_token)
        return all(one.state is TokenState.deleted for one in rows if one.name == kept.name)
