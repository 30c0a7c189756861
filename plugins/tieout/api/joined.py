"""The real parts of the API, over the product as the environment describes it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from include.domain.errors import Rejected
from include.domain.order_state import OrderFacts
from include.domain.payment_meanings import PaymentMeaning
from include.services.api.ports import ShopTerms
from include.services.inbox.handle_events import Handler
from include.services.inbox.ports import WebhookAccount
from include.services.orders.order_service import OrderService
from include.services.orders.payment_told import payment_told
from include.wiring import Tieout, tieout
from tieout.api.parts import Parts, Replay

_SWEEP = 50  # orders and refunds of one sweep


class Joints(Protocol):
    """What only the joining of partners knows."""

    @property
    def service(self) -> Callable[[], OrderService]:
        """Return this process's order service, made once."""
        ...

    @property
    def sweep(self) -> Callable[[int], int]:
        """Drive what is due, at most so many; one SYSPRO session per company."""
        ...

    @property
    def replay(self) -> Replay:
        """Try a dead letter's effect again."""
        ...

    @property
    def webhook(self) -> Callable[[str, str], WebhookAccount | None]:
        """Find a sender by kind and account; asked at most once a minute for each."""
        ...

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Return what is done with inbox events, by type."""
        ...

    @property
    def owner(self) -> str:
        """Return who is asked when an inbox event fails."""
        ...


@dataclass(frozen=True)
class Joined:
    """Satisfies ``Joints``."""

    service: Callable[[], OrderService]
    sweep: Callable[[int], int]
    replay: Replay
    webhook: Callable[[str, str], WebhookAccount | None]
    handlers: Mapping[str, Handler]
    owner: str


def join() -> Parts:
    """Return the parts of this process."""
    return parts_of(tieout(), _joints())


def _joints() -> Joints:
    from tieout.order_desk import joints  # it reaches the partners, and imports this module

    found: Joints = joints(tieout())
    return found


def parts_of(context: Tieout, joints: Joints) -> Parts:
    """Put the store's parts beside the joints."""
    from include.adapters.store import audit
    from include.adapters.store.alarms import SqlAlarms
    from include.adapters.store.answers import SqlAnswers
    from include.adapters.store.api_clients import SqlApiClients
    from include.adapters.store.inbox import SqlInbox
    from include.adapters.store.order_views import SqlOrderViews
    from include.services.api.answer_once import KEPT_FOR
    from include.services.inbox.handle_events import HandleEvents

    store = context.store
    answers, inbox = SqlAnswers(store), SqlInbox(store)
    handling = HandleEvents(inbox, joints.handlers, joints.owner)

    def shop(shop_id: str) -> ShopTerms:
        return context.today.shop(shop_id)

    def payment_of(shop_id: str, facts: OrderFacts) -> PaymentMeaning | None:
        with suppress(Rejected):  # an order can be read when its shop is not in force any more
            return payment_told(facts, partial(context.today.payment, context.today.shop(shop_id)))
        return None

    def sweep() -> int:
        return joints.sweep(_SWEEP)

    return Parts(
        service=joints.service,
        views=SqlOrderViews(store),
        clients=SqlApiClients(store),
        answers=answers,
        alarms=SqlAlarms(store),
        inbox=inbox,
        letters=context.dead_letters,
        replay=joints.replay,
        verify_audit=lambda: audit.verify(store),
        shop=shop,
        payment_of=payment_of,
        webhook=joints.webhook,
        now=context.clock.now,
        works={
            "sagas": sweep,
            "inbox": lambda: handling.run().handled,
            "answers": _slowly(lambda: answers.purge(KEPT_FOR)),
        },
    )


def _slowly(work: Callable[[], int], every: int = 3600) -> Callable[[], int]:
    """Call ``work`` at the first call and then at every so many."""
    calls = 0

    def now_and_then() -> int:
        nonlocal calls
        calls += 1
        if calls % every == 1:
            work()
        return 0

    return now_and_then
