"""The order desk of ``tests/orders`` with what looks after it: tokens, comparison, alerts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
from sqlalchemy import Connection, Engine

from include.adapters.store.audit_log import SqlAuditLog
from include.adapters.store.dead_letters import SqlDeadLetters
from include.adapters.store.engine import open_store
from include.adapters.store.payment_tokens import SqlTokenBook
from include.adapters.store.watermarks import SqlShelf, SqlWatermarks
from include.domain.canonical import from_json
from include.domain.orders import Order, PaymentMethod, PaymentSource
from include.domain.payments import Authorized, DeleteToken, StoredToken
from include.services.effects.ports import Effect, EffectKind, Receipt
from include.services.profiles.ports import Buyer, KeptToken
from include.services.profiles.remove_tokens import TokenRemover
from tests.orders.conftest import Kit, make_order
from tests.orders.conftest import kit as kit
from tests.orders.partners import Truth, as_evidence, authorization


@dataclass
class FakeVault:
    """The gateway's vault: customers with their instruments, the default first.

    What the partner has deleted is gone from it.
    """

    truth: Truth
    held: dict[str, tuple[StoredToken, ...]] = field(default_factory=dict)
    buyers: dict[str, Buyer] = field(default_factory=dict)

    def buyer(self, customer_token: str) -> Buyer | None:
        is_there = self.customer(customer_token) is not None
        return self.buyers.get(customer_token, Buyer("", "")) if is_there else None

    def customer(self, customer_token: str) -> tuple[StoredToken, ...] | None:
        gone = self._gone()
        if customer_token not in self.held or (customer_token, "") in gone:
            return None
        held = self.held[customer_token]
        return tuple(one for one in held if (customer_token, one.instrument_token) not in gone)

    def instrument(self, customer_token: str, instrument_token: str) -> StoredToken | None:
        held = self.customer(customer_token) or ()
        return next((one for one in held if one.instrument_token == instrument_token), None)

    def _gone(self) -> set[tuple[str, str]]:
        done = (one for one in self.truth.done if one.kind is EffectKind.token_deletion)
        deletions = (from_json(DeleteToken, one.payload) for one in done)
        return {(one.customer_token, one.instrument_token) for one in deletions}


@dataclass
class Care:
    """Everything of one test."""

    kit: Kit
    store: Engine
    book: SqlTokenBook
    vault: FakeVault
    letters: SqlDeadLetters
    shelf: SqlShelf
    watermarks: SqlWatermarks
    audit: SqlAuditLog
    remover: TokenRemover

    def token(self, name: str, *, identifier: str = "") -> StoredToken:
        """Make a card that is in the vault."""
        ids = (name * 32, name.lower() * 32)
        made = StoredToken(*ids, identifier or "7" * 19, "1111", "2031-12", "visa")
        self.vault.held[made.customer_token] = (made,)
        return made

    def order_with(self, token: StoredToken, number: str = "") -> Order:
        """Have an order paid whose authorisation stored this card, and driven until it rests."""

        def answer(effect: Effect) -> Receipt:
            good = authorization(effect, len(self.kit.partner.truth.done) + 1)
            found = replace(from_json(Authorized, _json(good)), stored=token)
            return self.kit.partner.do(effect, Receipt(good.their_key, as_evidence(found)))

        self.kit.partner.say(EffectKind.payment_authorization, answer)
        source = PaymentSource(PaymentMethod.transient_token, transient_id="f" * 64, keep=True)
        order = make_order(payment=source, number=number) if number else make_order(payment=source)
        self.kit.run(order)
        return order

    def kept(self, token: StoredToken) -> KeptToken:
        (found,) = self.book.having("acme_us", token.customer_token)
        return found

    def open_letters(self) -> list[tuple[str, str]]:
        return [(one.kind, one.key) for one in self.letters.listing()]


def _json(receipt: Receipt) -> str:
    return json.dumps(receipt.evidence)


@pytest.fixture
def care(kit: Kit, migrated_url: str) -> Iterator[Care]:
    store = open_store(migrated_url)

    def now(connection: Connection) -> datetime:
        return kit.clock.now()

    book, vault = SqlTokenBook(store, now), FakeVault(kit.partner.truth)
    remover = TokenRemover(
        merchant_id="acme_us",
        organization_id="acme_us_org",
        token_forms=[("CUS", "TOKEN")],
        owner="orders@acme.example",
        book=book,
        vault=vault,
        erp=kit.erp,
        engine=kit.engine,
    )
    yield Care(
        kit,
        store,
        book,
        vault,
        SqlDeadLetters(store, now),
        SqlShelf(store, now),
        SqlWatermarks(store, now),
        SqlAuditLog(store, now),
        remover,
    )
    store.dispose()
