"""Stored payments and shoppers' links in the database; tokens and last digits, never a number."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, and_, case, func, or_, select, tuple_, update

from include.adapters.store.clock import StoreClock, database_now
from include.adapters.store.leases import once_insert
from include.adapters.store.order_tables import customers, orders, payment_tokens
from include.domain.canonical import from_json
from include.domain.order_state import ENDED, OrderFacts, OrderState
from include.domain.orders import Order
from include.domain.payments import StoredToken
from include.domain.people import MAIL, shopper_keys
from include.services.profiles.ports import KeptToken, ShopperLink, TokenState

_PAGE = 500
_IS_STORED = '"stored":{'  # as ``canonical.to_json`` writes a payment that was stored
_IS_ANEW = '"source":{'  # and an order that is paid anew, maybe with a stored payment
_NAMED, _NAMES_NONE = '"customer_token":"', '"customer_token":""'
_t = payment_tokens.c


@dataclass(frozen=True, slots=True)
class SqlTokenBook:
    """Satisfies ``profiles.ports.TokenBook`` on SQLite and PostgreSQL."""

    engine: Engine
    clock: StoreClock = database_now

    def keep(self, kept: KeptToken, links: Sequence[ShopperLink]) -> bool:
        with self.engine.begin() as connection:
            now = self.clock(connection)
            is_new = self._keep(connection, kept, now)
            for link in links:
                _link(connection, link, now)
        return is_new

    @staticmethod
    def _keep(connection: Connection, kept: KeptToken, now: datetime) -> bool:
        token = kept.token
        wanted = once_insert(connection, payment_tokens).values(
            merchant_id=kept.merchant_id,
            customer_token=token.customer_token,
            instrument_token=token.instrument_token,
            identifier_token=token.identifier_token,
            suffix=token.suffix,
            expiry=token.expiry,
            brand=token.brand,
            company_id=kept.company_id,
            customer=kept.customer,
            state=kept.state.value,
            updated_at=now,
            used_at=now,
            check_at=now,  # an authorisation does not answer the card's expiry
        )
        if connection.execute(wanted.on_conflict_do_nothing()).rowcount:
            return True
        if kept.customer:  # the customer may have become known, or have changed, since
            connection.execute(
                update(payment_tokens)
                .where(_this(kept), _t.customer != kept.customer)
                .values(customer=kept.customer, company_id=kept.company_id)
            )
        return False

    def having(self, merchant_id: str, token_id: str) -> Sequence[KeptToken]:
        named = or_(
            _t.customer_token == token_id,
            _t.instrument_token == token_id,
            _t.identifier_token == token_id,
        )
        return self._rows(_t.merchant_id == merchant_id, named)

    def is_of_another(self, order: Order) -> bool | None:
        """See the port. Of a customer and an instrument that are named, each is held against it."""
        payment = order.payment
        named = {payment.customer_token, payment.instrument_token} - {""}
        is_named = _t.customer_token.in_(named) | _t.instrument_token.in_(named)
        same = (customers.c.company_id == _t.company_id) & (customers.c.customer == _t.customer)
        wanted = (
            select(
                _t.customer_token,
                _t.instrument_token,
                customers.c.shop_id,
                customers.c.shopper_key,
            )
            .join(payment_tokens, same)
            .where(_t.merchant_id == order.merchant_id, is_named, _t.customer != "")
        )
        with self.engine.begin() as connection:
            rows = connection.execute(wanted).all()
        found = [[row for row in rows if token in row[:2]] for token in named]
        if any(owners and not _is_among(owners, order) for owners in found):
            return True
        is_known = all(owners and not _is_shared(owners, order) for owners in found)
        return False if is_known else None

    def of_customer(self, company_id: str, customer: str) -> Sequence[KeptToken]:
        is_active = _t.state == TokenState.active.value
        return self._rows(_t.company_id == company_id, _t.customer == customer, is_active)

    def in_state(self, merchant_id: str, states: Sequence[TokenState]) -> Sequence[KeptToken]:
        wanted = [state.value for state in states]
        return self._rows(_t.merchant_id == merchant_id, _t.state.in_(wanted))

    def use(self, merchant_id: str, customer_token: str, at: datetime) -> None:
        is_it = and_(_t.merchant_id == merchant_id, _t.customer_token == customer_token)
        with self.engine.begin() as connection:
            connection.execute(
                update(payment_tokens)
                .where(is_it, _t.used_at < at)
                .values(used_at=at, check_at=func.coalesce(_t.check_at, self.clock(connection)))
            )

    def rest(self, merchant_id: str, unused_for: timedelta) -> None:
        with self.engine.begin() as connection:
            now = self.clock(connection)
            is_unused = _t.used_at < now - unused_for
            wanted = update(payment_tokens).where(_is_due(merchant_id, now), is_unused)
            connection.execute(wanted.values(check_at=None))

    def due(self, merchant_id: str, limit: int) -> Sequence[KeptToken]:
        with self.engine.begin() as connection:
            wanted = (
                select(payment_tokens)
                .where(_is_due(merchant_id, self.clock(connection)))
                .order_by(_t.check_at, _t.customer_token, _t.instrument_token)
            )
            return [_kept(row) for row in connection.execute(wanted.limit(limit))]

    def checked(self, kept: Sequence[KeptToken], again_in: timedelta) -> None:
        with self.engine.begin() as connection:
            check_at = self.clock(connection) + again_in
            for one in kept:
                connection.execute(
                    update(payment_tokens).where(_this(one)).values(check_at=check_at)
                )

    def doubled(self, merchant_id: str) -> Sequence[Sequence[KeptToken]]:
        is_active = and_(
            _t.merchant_id == merchant_id,
            _t.state == TokenState.active.value,
            _t.identifier_token != "",
            _t.customer != "",
        )
        # Guests, or the buyers of one company: each has a token of his own, and his own say. Asked
        # of the customer of each card: as one list of all, it is read anew for every token.
        is_shared = (
            select(func.count(customers.c.shopper_key.distinct()))
            .where(
                customers.c.company_id == _t.company_id,
                customers.c.customer == _t.customer,
                customers.c.shopper_key.startswith(MAIL),
            )
            .having(func.count(customers.c.shopper_key.distinct()) > 1)
            .correlate(payment_tokens)
            .exists()
        )
        many = (
            select(_t.company_id, _t.customer, _t.identifier_token)
            .where(is_active)
            .group_by(_t.company_id, _t.customer, _t.identifier_token)
            .having(func.count() > 1)
        )
        card = tuple_(_t.company_id, _t.customer, _t.identifier_token)
        rows = self._rows(is_active, card.in_(many), ~is_shared)
        found = sorted(rows, key=_card)  # stable: newest first
        return [list(group) for _, group in groupby(found, key=_card)]

    def is_in_use(self, merchant_id: str, customer_token: str) -> bool:
        # The open states by name: they are few orders, by the index.
        is_open = orders.c.state.in_([state.value for state in OrderState if state not in ENDED])
        names = or_(
            orders.c.facts.contains(customer_token, autoescape=True),
            orders.c.content.contains(customer_token, autoescape=True),
        )
        wanted = select(orders.c.order_id).where(
            orders.c.merchant_id == merchant_id, is_open, names
        )
        with self.engine.begin() as connection:
            return connection.scalar(wanted.limit(1)) is not None

    def change(self, kept: KeptToken, token: StoredToken, state: TokenState) -> None:
        with self.engine.begin() as connection:
            connection.execute(
                update(payment_tokens)
                .where(_this(kept))
                .values(
                    identifier_token=token.identifier_token,
                    suffix=token.suffix,
                    expiry=token.expiry,
                    brand=token.brand,
                    # Somebody may have asked for its deletion while the gateway was being read.
                    state=case((_t.state.in_(_beyond(state)), _t.state), else_=state.value),
                )
            )

    def orders_with_tokens(
        self, merchant_id: str, since: datetime
    ) -> Iterator[tuple[datetime, Order, OrderFacts]]:
        after: tuple[datetime, str] = (since, "")
        while True:
            at, order_id = after
            # The index on times begins with the state, so each is named: few orders have changed.
            later = and_(
                orders.c.state.in_([state.value for state in OrderState]),
                orders.c.updated_at >= at,
                or_(orders.c.updated_at > at, orders.c.order_id > order_id),
            )
            is_stored, is_anew = (
                orders.c.facts.contains(one, autoescape=True) for one in (_IS_STORED, _IS_ANEW)
            )
            content = orders.c.content
            names_one = and_(
                content.contains(_NAMED, autoescape=True),
                ~content.contains(_NAMES_NONE, autoescape=True),
            )
            has_one = is_stored | is_anew | names_one
            page = self._orders(later, orders.c.merchant_id == merchant_id, has_one)
            for row in page:
                yield row.updated_at, from_json(Order, row.content), _facts(row)
            if len(page) < _PAGE:
                return
            after = (page[-1].updated_at, page[-1].order_id)

    def orders_of(self, shop_id: str, email: str) -> Iterator[tuple[Order, OrderFacts]]:
        address, seen, references = email.strip().casefold(), set[str](), set[str]()
        # JSON escapes what is not ASCII, in capitals or not; such addresses are compared alone.
        text = f'"email":{json.dumps(address)}' if address.isascii() else ""
        for order, facts in self._of_shop(shop_id, func.lower(orders.c.content), text):
            if order.shopper.email.strip().casefold() == address:
                seen.add(order.order_id)
                references.add(order.shopper.reference)
                yield order, facts
        for reference in sorted(references - {""}):
            text = f'"reference":{json.dumps(reference)}'
            for order, facts in self._of_shop(shop_id, orders.c.content, text):
                if order.shopper.reference == reference and order.order_id not in seen:
                    seen.add(order.order_id)
                    yield order, facts

    def _of_shop(self, shop_id: str, content: Any, text: str) -> Iterator[tuple[Order, OrderFacts]]:
        """Yield a shop's orders whose content holds a text."""
        after = ""
        while True:
            holds = content.contains(text, autoescape=True)
            page = self._orders(
                orders.c.order_id > after, orders.c.shop_id == shop_id, holds, by_id=True
            )
            for row in page:
                yield from_json(Order, row.content), _facts(row)
            if len(page) < _PAGE:
                return
            after = page[-1].order_id

    def _orders(self, *conditions: Any, by_id: bool = False) -> Sequence[Any]:
        wanted = select(
            orders.c.order_id, orders.c.updated_at, orders.c.content, orders.c.facts
        ).where(*conditions)
        order = (orders.c.order_id,) if by_id else (orders.c.updated_at, orders.c.order_id)
        with self.engine.begin() as connection:
            return connection.execute(wanted.order_by(*order).limit(_PAGE)).all()

    def _rows(self, *conditions: Any) -> Sequence[KeptToken]:
        """Return rows, the newest first: the one kept last, of equals the one that lasts longer."""
        newest = (_t.updated_at.desc(), _t.expiry.desc(), _t.customer_token, _t.instrument_token)
        wanted = select(payment_tokens).where(*conditions).order_by(*newest)
        with self.engine.begin() as connection:
            return [_kept(row) for row in connection.execute(wanted)]


def _is_among(owners: Sequence[Any], order: Order) -> bool:
    """Say whether a SYSPRO customer's links name the order's shopper; an id is one shop's own."""
    ours = shopper_keys(order.shopper)
    return any(
        row.shopper_key in ours
        and (row.shopper_key.startswith(MAIL) or row.shop_id == order.shop_id)
        for row in owners
    )


def _is_shared(owners: Sequence[Any], order: Order) -> bool:
    """Say whether a SYSPRO customer is several people: one may have had several addresses.

    A guest beside an account may be the account's owner, or somebody linked to the same customer.
    """
    keys = {(row.shop_id, row.shopper_key) for row in owners}
    accounts = {one for one in keys if not one[1].startswith(MAIL)}
    mails = {key for _, key in keys - accounts}
    return len(mails) > 1 and (len(accounts) != 1 or not order.shopper.reference)


def _link(connection: Connection, link: ShopperLink, now: datetime) -> None:
    values = {"company_id": link.company_id, "customer": link.customer}
    wanted = once_insert(connection, customers).values(
        shop_id=link.shop_id, shopper_key=link.shopper_key, linked_at=now, **values
    )
    connection.execute(
        wanted.on_conflict_do_update(
            index_elements=[customers.c.shop_id, customers.c.shopper_key],
            set_={**values, "linked_at": now},
            where=customers.c.customer != link.customer,
        )
    )


def _this(kept: KeptToken) -> Any:
    return and_(
        _t.merchant_id == kept.merchant_id,
        _t.customer_token == kept.token.customer_token,
        _t.instrument_token == kept.token.instrument_token,
    )


def _is_due(merchant_id: str, now: datetime) -> Any:
    is_active = _t.state == TokenState.active.value
    return and_(_t.merchant_id == merchant_id, is_active, _t.check_at <= now)


def _beyond(state: TokenState) -> list[str]:
    """Return the states from which nothing leads back to this one."""
    way = list(TokenState)
    return [one.value for one in way[way.index(state) + 1 :]]


def _card(kept: KeptToken) -> tuple[str, str, str]:
    return kept.company_id, kept.customer, kept.token.identifier_token


def _facts(row: Any) -> OrderFacts:
    return from_json(OrderFacts, row.facts)


def _kept(row: Any) -> KeptToken:
    token = StoredToken(
        row.customer_token,
        row.instrument_token,
        row.identifier_token,
        row.suffix,
        row.expiry,
        row.brand,
    )
    return KeptToken(row.merchant_id, token, row.company_id, row.customer, TokenState(row.state))
