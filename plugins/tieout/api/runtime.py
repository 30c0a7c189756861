"""One process's API: its parts, and the threads that live as long as it does."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from anyio.to_thread import run_sync

from include.services.inbox.ports import WebhookAccount
from tieout.api.auth import Access
from tieout.api.group_commit import InboxWriter
from tieout.api.limiter import Limiter
from tieout.api.parts import Parts
from tieout.api.settings import ApiSettings
from tieout.api.tally import Tally
from tieout.api.worker import SagaWorker

_FLUSH_EVERY_S = 5.0
_REMEMBERED_S = 60.0


class Receivers:
    """Known senders, remembered for a minute: keys may rotate, but not for each event."""

    def __init__(self, find: Callable[[str, str], WebhookAccount | None]) -> None:
        self._find = find
        self._known: dict[tuple[str, str], tuple[float, WebhookAccount]] = {}

    async def find(self, kind: str, name: str) -> WebhookAccount | None:
        """Return the account; unknown names are not remembered, they would fill memory."""
        read_at, known = self._known.get((kind, name), (0.0, None))
        now = time.monotonic()
        if known is None or now - read_at >= _REMEMBERED_S:
            known = await run_sync(self._find, kind, name)
            if known is not None:
                self._known[kind, name] = (now, known)
        return known


@dataclass
class Api:
    """Made once per process; ``start`` and ``stop`` may be called again."""

    parts: Parts
    settings: ApiSettings
    access: Access = field(init=False)
    tally: Tally = field(init=False)
    receivers: Receivers = field(init=False)
    writer: InboxWriter = field(init=False)
    workers: dict[str, SagaWorker] = field(init=False)

    def __post_init__(self) -> None:
        parts, settings = self.parts, self.settings
        limiter = Limiter(settings.rate_per_s, settings.burst)
        self.tally = Tally(parts.alarms)
        self.access = Access(parts.clients, limiter, settings.client_cache_s, self.tally)
        self.receivers = Receivers(parts.webhook)
        self.writer = InboxWriter(parts.inbox)
        self.workers = {"alarms": SagaWorker("alarms", self.tally.flush, every_s=_FLUSH_EVERY_S)}
        if settings.worker:
            self.workers |= {name: SagaWorker(name, work) for name, work in parts.works.items()}

    def start(self) -> None:
        self.writer.start()
        for worker in self.workers.values():
            worker.start()

    def stop(self) -> None:
        """Let what is under way finish; what is in the queue of the writer is still committed."""
        self.writer.stop()
        for worker in self.workers.values():
            worker.stop()
        self.workers["alarms"].run_once()  # the last sightings

    def wake(self) -> None:
        """Have the sagas looked at now: something was asked of them."""
        if "sagas" in self.workers:
            self.workers["sagas"].wake()
