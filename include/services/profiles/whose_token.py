"""Whose a stored payment is that an order names: ours to know, or the gateway's to say.

A token that the shop stored itself is in no book of ours until its first order. The gateway was
told whose it is when the customer was made: by us shop and shopper's id, by a shop of its own that
id alone, and the mail address (``buyerInformation``; Cybersource reference, section 4, and the
derived specification). Two shops of one merchant may give one id to two people.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from include.domain.errors import Rejected
from include.domain.orders import Order
from include.services.profiles.ports import TokenBook, TokenVault

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WhoseToken:
    """Judges the stored payments that orders name.

    ``vault_of`` finds the account by shop; ``has_sisters`` says whether a shop shares it with
    others of its merchant, so that a bare id of a shopper proves nothing.
    """

    book: TokenBook
    vault_of: Callable[[str], TokenVault]
    has_sisters: Callable[[str], bool]

    def is_of_another(self, order: Order) -> bool:
        """Say whether an order is to be paid with what is another shopper's.

        Where neither our book nor the gateway knows the owner, the shop's word stands.

        Raises:
            Retryable: the gateway could not be asked; a shopper's money waits for an answer.
        """
        kept = self.book.is_of_another(order)
        if kept is not None:
            return kept
        try:
            return self._is_told_otherwise(order)
        except Rejected as fault:  # an account whose vault may not be read
            log.warning("the owner of a stored payment cannot be asked for: %s", fault)
            return False

    def _is_told_otherwise(self, order: Order) -> bool:
        payment, vault = order.payment, self.vault_of(order.shop_id)
        buyer = vault.buyer(payment.customer_token)
        if buyer is None:
            return False  # nobody's: the gateway refuses the payment
        instrument = payment.instrument_token
        if instrument and vault.instrument(payment.customer_token, instrument) is None:
            return True  # not a card of this customer
        # Either is enough: a shopper may have a new address, and an address several shops.
        told = [self._is_its_shopper(buyer.reference, order)]
        if buyer.email and order.shopper.email:
            told.append(_is_same(buyer.email, order.shopper.email))
        return any(one is False for one in told) and not any(told)

    def _is_its_shopper(self, reference: str, order: Order) -> bool | None:
        """Hold what the gateway was told against the order's shopper; ``None``: it proves nothing.

        Of a bare id both may be true where there are several shops.
        """
        if not (reference and order.buyer):
            return None
        if _is_same(reference, order.buyer):
            return True
        is_bare = _is_same(reference, order.shopper.reference)
        return None if is_bare and self.has_sisters(order.shop_id) else is_bare


def _is_same(theirs: str, own: str) -> bool:
    return theirs.strip().casefold() == own.strip().casefold()
