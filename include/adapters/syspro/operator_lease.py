"""One operator, one session: our own processes take turns by a lease in the store.

Source: reference, sections 0.3 and 2: a second logon with the same operator throws the first out.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from include.adapters.syspro.faults import Faults
from include.services.effects.store import Lease, LeaseLost, Leases

log = logging.getLogger(__name__)
_POLL_S = 0.5
_MARGIN_S = 60.0  # a lease outlives the longest exchange by this much
_FRESH_S = 20.0  # a turn extended so lately outlives the next exchange as well
_LONG_S = 10.0  # after so long who waits has the next turn: a shopper may be among them
_LENT_S = 2 * _POLL_S  # who waits looks twice meanwhile
_SAID = timedelta(seconds=10 * _POLL_S)  # who waits says so at each look; over before _LONG_S


class OperatorLease:
    """The turn of this process. Not reentrant; one client owns it."""

    def __init__(
        self,
        faults: Faults,
        leases: Leases,
        holder: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._faults = faults
        self._leases = leases
        self._holder = holder
        self._sleep = sleep
        self._lease: Lease | None = None
        self._acquired_at = 0.0
        self._extended_at = 0.0
        settings = faults.settings
        self._name = f"syspro-operator|{settings.turn}"
        self._next = f"{self._name}|next"
        self._duration = timedelta(seconds=settings.deadline_s + _MARGIN_S)
        self._tries = max(1, round(settings.operator_wait_s / _POLL_S))

    def acquire(self) -> None:
        """Wait for the operator.

        Raises:
            Retryable: another process of ours keeps it; nothing was sent.
        """
        settings, said = self._faults.settings, None
        for turn in range(self._tries):
            self._lease = self._leases.acquire(self._name, self._holder, self._duration)
            if self._lease is not None:
                self._acquired_at = self._extended_at = time.monotonic()
                return
            if turn == 0:
                most = f"{settings.operator_wait_s:g} s"
                log.info(
                    "connection %s: waits for its operator, %s at most", settings.conn_id, most
                )
            said = self._say(said)
            if turn + 1 < self._tries:
                self._sleep(_POLL_S)
        raise self._faults.retryable(
            f"another process keeps the operator longer than {settings.operator_wait_s:g} s",
            "Logon",
            "Nothing was sent; it is tried again.",
        )

    def renew(self, *, trusts_fresh: bool = False) -> bool:
        """Extend the turn before a call; ``False``: somebody took it over after it ran out.

        ``trusts_fresh`` is for reads: one extended moments ago is not asked for again.
        """
        if self._lease is None:
            return False
        now = time.monotonic()
        if trusts_fresh and now - self._extended_at < _FRESH_S:
            return True
        try:
            self._leases.renew(self._lease, self._duration)
        except LeaseLost:
            return False
        self._extended_at = now
        return True

    def is_due_to_another(self) -> bool:
        """Say whether to acquire it anew: it ran out, or was held long and somebody waits."""
        now = time.monotonic()
        if self._lease is None or now - self._extended_at > self._duration.total_seconds():
            return True
        if now - self._acquired_at < _LONG_S:
            return False
        nobodys = self._leases.acquire(self._next, self._holder, _SAID)
        if nobodys is None:
            return True
        self._leases.release(nobodys)
        self._acquired_at = now  # is asked again after as long
        return False

    def take_another(self) -> None:
        """Leave the operator to who waits, then wait for it again; errors as of ``acquire``."""
        self.give_back()
        self._sleep(_LENT_S)
        self.acquire()

    def _say(self, said: Lease | None) -> Lease | None:
        """Say to who has the operator that somebody waits; of several, one does."""
        if said is not None:
            with suppress(LeaseLost):
                self._leases.renew(said, _SAID)
                return said
        return self._leases.acquire(self._next, self._holder, _SAID)

    def give_back(self) -> None:
        lease, self._lease = self._lease, None
        if lease is not None:
            self._leases.release(lease)
