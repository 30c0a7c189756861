"""The tokens of each merchant. No number is in it: a card is its type, expiry and last digits."""

import hashlib
import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from include.sandbox.cybersource.payments.cards import Card, card_of

CUSTOMER, INSTRUMENT = "customer", "paymentInstrument"
IDENTIFIER, ADDRESS = "instrumentIdentifier", "shippingAddress"
KINDS = (CUSTOMER, INSTRUMENT, IDENTIFIER, ADDRESS)


@dataclass(slots=True)
class Token:
    """One token; ``owner`` is the customer of an instrument or address, "" where there is none."""

    token_id: str
    kind: str
    merchant: str
    facts: dict[str, Any] = field(default_factory=dict)  # as the caller wrote them
    owner: str = ""
    identifier: str = ""  # of a payment instrument
    card: Card | None = None  # of an instrument identifier
    is_default: bool = False
    is_deleted: bool = False
    is_closed: bool = False  # an identifier whose account the issuer has closed
    version: int = 1

    @property
    def etag(self) -> str:
        return f'"{self.version}"'


class Vault:
    """Thread-safe; a deleted token is remembered as gone."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._tokens: dict[tuple[str, str], Token] = {}  # by merchant and id
        self._by_card: dict[tuple[str, str], Token] = {}  # identifiers by merchant and card
        self._members: dict[tuple[str, str], list[Token]] = {}  # of a customer or an identifier
        self._numbers = itertools.count(1)

    def find(self, merchant: str, kind: str, token_id: str) -> Token | None:
        """Return a token, deleted or not."""
        found = self._tokens.get((merchant, token_id))
        return found if found and found.kind == kind else None

    def alive(self, merchant: str, kind: str, token_id: str) -> Token | None:
        found = self.find(merchant, kind, token_id)
        return found if found and not found.is_deleted else None

    def create(
        self,
        merchant: str,
        kind: str,
        facts: Mapping[str, Any],
        owner: str = "",
        identifier: str = "",
    ) -> Token:
        """Keep a customer, instrument or address; a customer's first one is its default."""
        with self.lock:
            token = Token(self._new_id(merchant), kind, merchant, dict(facts), owner, identifier)
            self._tokens[(merchant, token.token_id)] = token
            if owner:
                token.is_default = not self.members(merchant, owner, kind)
                self._members.setdefault((merchant, owner), []).append(token)
            if identifier:
                self._members.setdefault((merchant, identifier), []).append(token)
        return token

    def identifier_of(self, merchant: str, card: Card) -> tuple[Token, bool]:
        """Return the instrument identifier of a card, and whether it is new."""
        key = (merchant, card.fingerprint)
        with self.lock:
            known = self._by_card.get(key)
            if known and not known.is_deleted:
                return known, False
            number = int(hashlib.sha256("|".join(key).encode()).hexdigest()[:12], 16)
            turn = next(self._numbers) % 1000
            own_id = f"70{number % 10**10:010d}{turn:03d}{card.suffix}"
            token = Token(own_id, IDENTIFIER, merchant, card=card)
            self._tokens[(merchant, own_id)] = self._by_card[key] = token
        return token, True

    def replace_card(self, merchant: str, identifier: str, name: str) -> str:
        """Put a new card behind the instruments of an old one; return its identifier."""
        with self.lock:
            fresh, _ = self.identifier_of(merchant, card_of(name, name))
            users = self.members(merchant, identifier, INSTRUMENT)
            for user in users:
                user.identifier = fresh.token_id
                self._members[(merchant, identifier)].remove(user)
                self._members.setdefault((merchant, fresh.token_id), []).append(user)
        return fresh.token_id

    def members(self, merchant: str, owner: str, kind: str) -> list[Token]:
        """Return what belongs to a customer or an identifier and is not deleted."""
        found = self._members.get((merchant, owner), ())
        return [t for t in found if t.kind == kind and not t.is_deleted]

    def default(self, merchant: str, owner: str, kind: str) -> Token | None:
        found = self.members(merchant, owner, kind)
        return next((t for t in found if t.is_default), None)

    def make_default(self, token: Token) -> None:
        """Make a customer's instrument or address the default, and no other of its kind."""
        with self.lock:
            for other in self.members(token.merchant, token.owner, token.kind):
                other.is_default = other is token

    def delete(self, token: Token) -> None:
        """Delete a token; a customer takes its instruments and addresses along."""
        with self.lock:
            token.is_deleted = True
            token.facts.clear()
            if token.kind == CUSTOMER:
                for member in self._members.get((token.merchant, token.token_id), ()):
                    member.is_deleted = True
                    member.facts.clear()

    def card_of(self, token: Token) -> Card | None:
        """Return the card that a payment with this token uses."""
        if token.kind == CUSTOMER:
            chosen = self.default(token.merchant, token.token_id, INSTRUMENT)
            return self.card_of(chosen) if chosen else None
        if token.kind == INSTRUMENT:
            found = self.alive(token.merchant, IDENTIFIER, token.identifier)
            return found.card if found else None
        return token.card

    def is_closed(self, token: Token) -> bool:
        """Say whether the issuer has closed the account of the card behind a token."""
        if token.kind == CUSTOMER:
            chosen = self.default(token.merchant, token.token_id, INSTRUMENT)
            return chosen is not None and self.is_closed(chosen)
        if token.kind == INSTRUMENT:
            found = self.alive(token.merchant, IDENTIFIER, token.identifier)
            return found is not None and found.is_closed
        return token.is_closed

    def reset(self) -> None:
        with self.lock:
            self._tokens.clear()
            self._by_card.clear()
            self._members.clear()

    def _new_id(self, merchant: str) -> str:
        number = next(self._numbers)
        return (
            hashlib.md5(f"{merchant}|{number}".encode(), usedforsecurity=False).hexdigest().upper()
        )
