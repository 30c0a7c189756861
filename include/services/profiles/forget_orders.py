"""Forget who bought: an order that has ended keeps its goods and amounts, and names nobody.

SYSPRO, the gateway and the shop hold the same person under their own rules, so the answer names
what is theirs.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from include.domain.orders import Order
from include.domain.people import mail_key, shopper_keys
from include.services.effects.chain import signer
from include.services.orders.sagas import Event
from include.services.profiles.ports import AuditLog, TokenBook

DISPUTED_FOR = timedelta(days=180)  # for which a payment may be disputed, as a rule


class Persons(Protocol):
    """Takes persons out of the store."""

    def forget(self, order_id: str, kept_for: timedelta, event: Event) -> str:
        """Take the person out of an order; '' once done, else why it is kept as it is."""
        ...

    def unlink(self, shop_id: str, shopper_keys: Collection[str], who: str) -> int:
        """Forget which customer of SYSPRO a shopper is; return how many links are gone."""
        ...


@dataclass(frozen=True, slots=True)
class ForgottenOrders:
    """What became of a shopper's orders."""

    forgotten: int
    kept: tuple[str, ...]  # each with why
    customers: tuple[str, ...]  # of SYSPRO, which has them still
    links: int = 0  # to those, which are gone

    def lines(self) -> list[str]:
        """Say it, a line each."""
        words = [f"{self.forgotten} orders forgotten, {len(self.kept)} kept"]
        words += [f"kept: {one}" for one in self.kept]
        if self.links:
            words.append(f"{self.links} links to customers of SYSPRO forgotten")
        if self.customers:
            words.append(
                f"SYSPRO has the shopper still, as customer {', '.join(self.customers)}; so have "
                "the shop and the gateway's business centre, each under its own rules"
            )
        return words


@dataclass(frozen=True, slots=True)
class ForgetOrders:
    """Takes the shoppers of one shop out of their orders."""

    shop_id: str
    book: TokenBook
    persons: Persons
    audit: AuditLog

    def forget(
        self, email: str, who: str, *, via: str, kept_for: timedelta = DISPUTED_FOR
    ) -> ForgottenOrders:
        """Take a shopper out of every order that has ended and is old enough. Safe to repeat.

        Stored payments go before: they are found by the orders.

        Args:
            email: of the shopper; orders of the same account at the shop are the shopper's, too.
            who: asks for it.
            via: the door the request came by, for the audit chain.
            kept_for: how long an order is kept whole, counted from its last capture.
        """
        # By an order of this address its account is found, and by that the orders of others: it is
        # the last to be forgotten, so that a repeat finds what the first call had to keep.
        found = sorted(self.book.orders_of(self.shop_id, email), key=lambda it: _has(it[0], email))
        event, kept = Event("shopper forgotten", {}, who, via), list[str]()
        accounts = set[str]()  # of which an order under another address is kept
        for order, _ in found:
            account, is_own = order.shopper.reference, _has(order, email)
            why = "another order of its account is found by it, and kept"
            if not is_own or account not in accounts:
                why = self.persons.forget(order.order_id, kept_for, event)
            if why:
                kept.append(f"{order.order_id}: {why}")
                accounts |= set() if is_own else {account}
        by, links = signer(via, who), 0
        if found and not kept:
            keys = {key for order, _ in found for key in shopper_keys(order.shopper)}
            links = self.persons.unlink(self.shop_id, keys, by)
        done = len(found) - len(kept)
        subject = f"shopper|{self.shop_id}|{mail_key(email)}"
        self.audit.note(by, "orders forgotten", subject, orders=len(found), forgotten=done)
        theirs = {facts.customer for _, facts in found if facts.is_customer_known}
        return ForgottenOrders(done, tuple(kept), tuple(sorted(theirs)), links)


def _has(order: Order, email: str) -> bool:
    return order.shopper.email.strip().casefold() == email.strip().casefold()
