"""Whose a stored payment is that an order names: ours to know, or the gateway's to say.

A token that the shop stored itself is in no book of ours until its first order. The gateway was
told whose it is when the customer was made: the shop's id of the shopper, and the mail address
(``buyerInformation``; Cybersource reference, section 4, and the derived specification).
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
    """Judges the stored payments that orders name; ``vault_of`` finds the account by shop."""

    book: TokenBook
    vault_of: Callable[[str], TokenVault]

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
        told = [
            _is_same(theirs, own)
            for theirs, own in (
                (buyer.reference, order.shopper.reference),
                (buyer.email, order.shopper.email),
            )
            if theirs and own
        ]
        return bool(told) and not any(told)


def _is_same(theirs: str, own: str) -> bool:
    return theirs.strip().casefold() == own.strip().casefold()
