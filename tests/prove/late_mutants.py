"""What only other people's turns show: where a hold lapses, in SYSPRO's screens, the gateway's."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from include.adapters.store.orders import SqlOrders
from include.domain.order_state import OrderFacts
from include.domain.order_steps import name_of
from include.domain.reviews import Decision
from include.domain.standing import was_reviewed
from include.services.orders.order_service import OrderService
from include.services.orders.sagas import Event, Saga
from tests.prove.world import Variant


class RenewalsAreDecidedAnew(SqlOrders):
    """The review of a renewal takes back what was said of its order meanwhile."""

    def save(self, saga: Saga[OrderFacts], events: list[Event], **more: Any) -> Saga[OrderFacts]:
        facts, before = saga.facts, saga.stored
        is_new = before is not None and facts.attempt > before.attempt
        if is_new and facts.decision is Decision.reject and was_reviewed(facts):
            saga = replace(saga, facts=replace(facts, decision=Decision.review))
        return super().save(saga, events, **more)


class ForgetsTheOlderHold(SqlOrders):
    """Whoever cancels while a hold is replaced thinks of the new one alone."""

    def save(self, saga: Saga[OrderFacts], events: list[Event], **more: Any) -> Saga[OrderFacts]:
        facts = saga.facts
        if (
            facts.stop is not None
            and facts.replaced is not None
            and name_of(facts.open_step) != "reverse_old"
        ):
            saga = replace(saga, facts=replace(saga.facts, replaced=None))
        return super().save(saga, events, **more)


class HoldIsNeverGone(OrderService):
    """What a person saw in the gateway's own pages is asked of the gateway all the same."""

    def hold_is_gone(self, order_id: str, who: str, why: str) -> Saga[OrderFacts]:
        return self.orders.amend(order_id, lambda it: it.with_problem(""), Event(why, {}, who))


class ChargesWhatAClerkKeeps(SqlOrders):
    """A hold that is about to lapse is charged, whatever waits in SYSPRO for a clerk."""

    world: Any

    def _read(self, connection: Connection, key: str) -> Saga[OrderFacts]:
        saga = super()._read(connection, key)
        facts, lapses = saga.facts, saga.facts.expires_at
        is_due = lapses is not None and self.world.hub.now() >= lapses - timedelta(days=1)
        if not is_due or not facts.is_suspended or facts.suspense_reason == "review":
            return saga
        freed = replace(facts, is_suspended=False, suspense_reason="", credit="accepted")
        return replace(saga, facts=freed)


class ForgetsTheRest(SqlOrders):
    """What is captured in part is taken for captured: its hold lapses unseen."""

    def _read(self, connection: Connection, key: str) -> Saga[OrderFacts]:
        saga = super()._read(connection, key)
        return (
            replace(saga, facts=replace(saga.facts, expires_at=None))
            if saga.facts.captures
            else saga
        )


LATE_MUTANTS = (
    Variant("s22 a renewal is decided anew", orders=RenewalsAreDecidedAnew, hunted_from=64),
    Variant(
        "s23 a cancelled order keeps its older hold", orders=ForgetsTheOlderHold, hunted_from=51
    ),
    Variant("s25 a hold reversed by hand is never gone", service=HoldIsNeverGone, hunted_from=14),
    Variant(
        "s26 a lapsing hold is charged that a clerk keeps",
        orders=ChargesWhatAClerkKeeps,
        hunted_from=1171,
    ),
    Variant("s27 the rest of an order is forgotten", orders=ForgetsTheRest, hunted_from=10),
)
