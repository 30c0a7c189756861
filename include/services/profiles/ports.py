"""What the keeping of stored payments needs of the store, the gateway's vault and SYSPRO."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from include.domain.erp_orders import CustomerCredit
from include.domain.order_state import OrderFacts
from include.domain.orders import Order
from include.domain.payments import StoredToken


class TokenState(StrEnum):
    """In the order in which a token goes through them, some left out; none leads back."""

    active = "active"
    closed = "closed"  # the issuer has closed the account; the gateway keeps the token
    replaced = "replaced"  # the same card is kept under a newer token; its deletion is under way
    deleting = "deleting"  # the shopper, or the house, wants it gone; under way
    deleted = "deleted"  # the gateway does not have it any more


LEAVING = (TokenState.replaced, TokenState.deleting)


@dataclass(frozen=True, slots=True)
class KeptToken:
    """One stored payment of a merchant, as our store has it."""

    merchant_id: str
    token: StoredToken
    company_id: str
    customer: str  # SYSPRO's; '' while none is linked
    state: TokenState = TokenState.active

    @property
    def name(self) -> str:
        """Name it among effects and dead letters; ids of the gateway never come twice."""
        token = self.token
        return f"{self.merchant_id}|{token.customer_token}|{token.instrument_token}"


@dataclass(frozen=True, slots=True)
class ShopperLink:
    """Which SYSPRO customer a shop's shopper is, by one of the shopper's keys."""

    shop_id: str
    shopper_key: str  # "id:" and the shop's id, or "mail:" and a digest of the address
    company_id: str
    customer: str


class TokenBook(Protocol):
    """Stored payments by merchant, customer token and instrument token."""

    def keep(self, kept: KeptToken, links: Sequence[ShopperLink]) -> bool:
        """Keep a token and its links, once; one that is leaving or gone stays so.

        Returns:
            Whether it is new.
        """
        ...

    def having(self, merchant_id: str, token_id: str) -> Sequence[KeptToken]:
        """Return the rows that name a customer, an instrument or an identifier of the gateway."""
        ...

    def is_of_another(self, order: Order) -> bool | None:
        """Say whether an order is to be paid with what is kept for another shopper.

        Returns:
            None where a token that it names is not kept, its SYSPRO customer not known yet, or
            several people share that customer: guests of one house account.
        """
        ...

    def of_customer(self, company_id: str, customer: str) -> Sequence[KeptToken]:
        """Return a SYSPRO customer's active tokens, the newest first."""
        ...

    def in_state(self, merchant_id: str, states: Sequence[TokenState]) -> Sequence[KeptToken]: ...

    def use(self, merchant_id: str, customer_token: str, at: datetime) -> None:
        """Note that an order uses it; one that rested is due to be checked again."""
        ...

    def rest(self, merchant_id: str, unused_for: timedelta) -> None:
        """Check those no more that are due and that no order has used for so long."""
        ...

    def due(self, merchant_id: str, limit: int) -> Sequence[KeptToken]:
        """Return active tokens that are due to be checked, the longest due first."""
        ...

    def checked(self, kept: Sequence[KeptToken], again_in: timedelta) -> None:
        """Note that they were checked now, and when they are due again."""
        ...

    def doubled(self, merchant_id: str) -> Sequence[Sequence[KeptToken]]:
        """Return active tokens of one card and SYSPRO customer, the newest of each first.

        None of a customer whom several shoppers share: the card may be in both their hands.
        """
        ...

    def is_in_use(self, merchant_id: str, customer_token: str) -> bool:
        """Say whether an order that has not ended names it: a renewal would need it."""
        ...

    def change(self, kept: KeptToken, token: StoredToken, state: TokenState) -> None:
        """Write what is known now of a token; its state moves on and never back."""
        ...

    def orders_with_tokens(
        self, merchant_id: str, since: datetime
    ) -> Iterator[tuple[datetime, Order, OrderFacts]]:
        """Yield orders changed since that stored a payment or name one, oldest change first."""
        ...

    def orders_of(self, shop_id: str, email: str) -> Iterator[tuple[Order, OrderFacts]]:
        """Yield all orders of a shop's shopper: of this address, and of the accounts it ordered by.

        An account is the shop's id of the shopper; its address may have been another one before.
        """
        ...


class AuditLog(Protocol):
    """The hash chain, for what people do."""

    def note(self, who: str, what: str, subject: str, **detail: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Buyer:
    """Whose a customer of the gateway is, as it was told when it was made; '' where it was not."""

    reference: str  # the shop's id of the shopper
    email: str


class TokenVault(Protocol):
    """The gateway's vault, read side. Raises ``Retryable``: could not ask."""

    def buyer(self, customer_token: str) -> Buyer | None:
        """Say whose a customer is; ``None``: no such customer."""
        ...

    def customer(self, customer_token: str) -> tuple[StoredToken, ...] | None:
        """Return the instruments, the default first; ``None``: no such customer."""
        ...

    def instrument(self, customer_token: str, instrument_token: str) -> StoredToken | None: ...


class CustomerReader(Protocol):
    """SYSPRO's customers."""

    def credit(self, customer: str) -> CustomerCredit: ...


class CustomerList(Protocol):
    """SYSPRO's customers, many at once."""

    def existing(self, customers: Sequence[str]) -> set[str]:
        """Return which of many are there. Raises ``Retryable``: could not ask."""
        ...
