"""The real parts of the API, over the product as the environment describes it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from include.adapters.store.api_alerts import SqlAlarms
from include.adapters.store.api_answers import SqlAnswers
from include.adapters.store.api_clients import SqlApiClients
from include.adapters.store.faults import is_lost_connection
from include.adapters.store.inbox import SqlInbox
from include.adapters.store.order_views import SqlOrderViews
from include.domain.errors import Rejected
from include.domain.order_state import OrderFacts
from include.domain.orders import Order
from include.domain.payment_meanings import PaymentMeaning
from include.services.api.ports import ShopTerms
from include.services.inbox.handle_events import HandleEvents, Handler
from include.services.inbox.ports import WebhookAccount
from include.services.orders.order_service import OrderService
from include.services.orders.payment_told import payment_told
from include.wiring import Tieout, tieout
from tieout.api.parts import Parts, Replay
from tieout.desks.order_desk import Desks
from tieout.desks.order_feeds import unsold, whose_token
from tieout.desks.repair import replay_one
from tieout.desks.webhook_desk import find_account, handlers

_SWEEP = 50  # orders and refunds of one sweep


@dataclass(frozen=True)
class Joined:
    """What the API needs of the partners; see ``Parts``."""

    service: Callable[[], OrderService]  # of this process, made once
    sweep: Callable[[int], int]  # drives what is due, at most so many; a SYSPRO session per company
    replay: Replay
    webhook: Callable[[str, str], WebhookAccount | None]
    is_anothers_token: Callable[[Order], bool]  # what would pay is another shopper's
    unsold: Callable[[Order], Sequence[str]]  # stock codes that no warehouse of ours has
    handlers: Mapping[str, Handler]  # by type of inbox event
    owner: str  # who is asked when an inbox event fails


def join() -> Parts:
    """Return the parts of this process."""
    context = tieout()
    return parts_of(context, joined(context))


def joined(context: Tieout) -> Joined:
    """Join the partners of every shop: for who waits for an answer, and for the rest."""
    desks = Desks(context)
    checkout = Desks(context, desks.breakers, is_patient=True)
    return Joined(
        service=lambda: checkout.service,
        sweep=partial(desks.sweep, in_lanes=False),
        replay=partial(replay_one, checkout, via="api"),
        webhook=find_account(checkout),
        is_anothers_token=whose_token(checkout).is_of_another,
        unsold=unsold(checkout),
        handlers=handlers(desks),
        owner="integration",
    )


def parts_of(context: Tieout, partners: Joined) -> Parts:
    """Put the store's parts beside the partners."""
    store = context.store
    inbox = SqlInbox(store)
    handling = HandleEvents(inbox, partners.handlers, partners.owner, is_passing=is_lost_connection)

    def shop(shop_id: str) -> ShopTerms:
        return context.today.shop(shop_id)

    def payment_of(shop_id: str, facts: OrderFacts) -> PaymentMeaning | None:
        with suppress(Rejected):  # an order can be read when its shop was taken out of the file
            return payment_told(facts, partial(context.today.payment, context.today.shop(shop_id)))
        return None

    def sweep() -> int:
        return partners.sweep(_SWEEP)

    return Parts(
        service=partners.service,
        views=SqlOrderViews(store),
        clients=SqlApiClients(store),
        answers=SqlAnswers(store),
        alarms=SqlAlarms(store),
        inbox=inbox,
        letters=context.dead_letters,
        replay=partners.replay,
        verify_audit=lambda since, most: context.trust.verify("", since, most),
        shop=shop,
        payment_of=payment_of,
        is_anothers_token=partners.is_anothers_token,
        unsold=partners.unsold,
        webhook=partners.webhook,
        now=context.clock.now,
        works={
            "sagas": sweep,
            "inbox": lambda: handling.run().handled,
        },
    )
