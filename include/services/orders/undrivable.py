"""Sets back what cannot be driven, whoever says so: a step, or the desk before any step."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Protocol, TypeVar

from include.domain.errors import Rejected
from include.domain.order_state import ENDED
from include.domain.refunds import RefundState
from include.services.effects.store import Lease, Leases
from include.services.orders.sagas import Event, Saga, SagaStore
from include.services.orders.setting_back import Letter, Stake, set_back

F = TypeVar("F")
SAGA_LEASE = timedelta(minutes=2)  # for which one worker has a saga to itself
_ENDED = frozenset((*ENDED, RefundState.done, RefundState.refused))


class Worker(Protocol):
    """Who drives sagas."""

    @property
    def leases(self) -> Leases: ...

    @property
    def worker(self) -> str: ...


def let_wait(
    store: SagaStore[F],
    lease: Lease,
    saga: Saga[F],
    events: list[Event],
    fault: Exception,
    stake: Stake,
    stuck: str,
) -> Saga[F] | None:
    """Set a saga back that cannot be driven; ``None``: that could not be written either.

    ``stuck`` is its state once a person is told; one that had ended, and was looked at again, has
    ended still.
    """
    found = set_back(saga.reason, fault, stake)
    letter = Letter(stake, found.note, found.was_told) if found.note else None
    state = stuck if found.note and saga.state not in _ENDED else saga.state
    with suppress(Exception):  # what counts is the fault itself, e.g. a database that is gone
        until = store.now() + found.wait
        waiting = replace(saga, state=state, reason=found.reason, next_at=until)
        return store.save(waiting, events, releases=lease, letter=letter)
    return None


def turn_away(
    by: Worker, store: SagaStore[F], key: str, fault: Exception, stake: Stake, stuck: str
) -> Saga[F]:
    """Set a saga back that no desk will drive; one that rests for good, or is held, stays so.

    Raises:
        Exception: the fault, unless a person is told of it: where a driver would raise it too.
    """
    saga, lease = store.lease(key, by.worker, SAGA_LEASE)
    if lease is None:
        return saga
    waiting = None
    if saga.next_at is not None:
        waiting = let_wait(store, lease, saga, [], fault, stake, stuck)
    if waiting is None:
        with suppress(Exception):
            by.leases.release(lease)
    if waiting is None or not isinstance(fault, Rejected):
        raise fault
    return waiting
