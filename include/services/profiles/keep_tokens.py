"""Keep the token that an authorisation made, beside merchant, SYSPRO customer and shopper.

``keep_tokens`` is called where the authorisation is folded in; ``TokenSweep`` finds what a crash
left out, links a token once its SYSPRO customer is known, and takes one that is gone out of the
form where an order noted it late.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from include.domain.order_state import OrderFacts
from include.domain.orders import Order
from include.domain.paying import sources_of
from include.domain.payments import StoredToken
from include.domain.people import shopper_keys
from include.services.profiles.ports import KeptToken, ShopperLink, TokenBook, TokenState
from include.services.profiles.remove_tokens import TokenRemover
from include.services.sync.ports import Tally, Watermarks

OVERLAP = timedelta(minutes=10)  # longer than any transaction that changes an order


def keep_tokens(book: TokenBook, company_id: str, order: Order, facts: OrderFacts) -> bool:
    """Keep what the order's authorisation stored; safe to repeat. Returns whether it is new."""
    stored = facts.payment.stored if facts.payment else None
    if stored is None or not stored.customer_token:
        return False
    kept = KeptToken(order.merchant_id, stored, company_id, facts.customer)
    return book.keep(kept, links_of(order, company_id, facts.customer))


def is_leaving(book: TokenBook, merchant_id: str, token: StoredToken) -> bool:
    """Say whether a stored payment is closed, being deleted, joined or replaced, or is gone."""
    own = (token.instrument_token, "")  # a row without one is the whole customer's
    known = book.having(merchant_id, token.customer_token)
    return any(
        one.state is not TokenState.active
        for one in known
        if one.token.customer_token == token.customer_token and one.token.instrument_token in own
    )


def tokens_of(order: Order, facts: OrderFacts) -> tuple[StoredToken, ...]:
    """Return every stored payment that an order made or was paid with."""
    payments = (*facts.declined_payments, facts.payment, facts.replaced)
    found = {one.stored.customer_token: one.stored for one in payments if one and one.stored}
    for source in sources_of(order, facts):
        token = source.customer_token
        if token and token not in found:
            found[token] = StoredToken(token, source.instrument_token)
    return tuple(found.values())


def links_of(order: Order, company_id: str, customer: str) -> tuple[ShopperLink, ...]:
    """Return the shopper's links; none before the SYSPRO customer is known."""
    if not customer:
        return ()
    return tuple(
        ShopperLink(order.shop_id, key, company_id, customer) for key in shopper_keys(order.shopper)
    )


@dataclass(frozen=True, slots=True)
class TokenSweep:
    """Keeps the tokens of one merchant's orders that changed since the last sweep."""

    merchant_id: str
    company_id: str
    book: TokenBook
    watermarks: Watermarks
    remover: TokenRemover

    def run(self, begin: datetime) -> Tally:
        """Keep what is not kept yet; ``begin`` is where a first sweep starts."""
        name, tally = f"tokens|{self.merchant_id}", Tally()
        mark = self.watermarks.get(name)
        since = datetime.fromisoformat(mark) - OVERLAP if mark else begin
        for changed_at, order, facts in self.book.orders_with_tokens(self.merchant_id, since):
            tally.read += 1
            if keep_tokens(self.book, self.company_id, order, facts):
                tally.done += 1
            else:
                tally.not_ours += 1  # kept before, or nothing to keep
            for token in tokens_of(order, facts):
                self.book.use(self.merchant_id, token.customer_token, changed_at)
            self._take_back(order, facts)
            self.watermarks.move(name, changed_at.isoformat())
        return tally.check()

    def _take_back(self, order: Order, facts: OrderFacts) -> None:
        """An order under way may note a token in SYSPRO's form after that was forgotten."""
        stored = facts.payment.stored if facts.payment else None
        if stored is None or "token" not in facts.forms_noted:
            return
        known = self.book.having(self.merchant_id, stored.customer_token)
        for kept in known:
            is_it = kept.token.instrument_token == stored.instrument_token
            if is_it and kept.state is TokenState.deleted:
                self.remover.rewrite_again(kept, order.order_id)
