"""Where reports are handed out: their states, and the files that are wrong the first time."""

import threading
from datetime import date

from include.sandbox.cybersource.render import render
from include.sandbox.world import World
from include.sandbox.world.dates import DAY

STATES = ("PENDING", "QUEUED", "RUNNING", "COMPLETED", "ERROR", "NO_DATA")

Key = tuple[str, str, date]  # organization, report name, settlement date


class Desk:
    """Thread-safe; a world never changes, a desk does."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._states: dict[Key, str] = {}
        self._deliveries: dict[Key, int] = {}
        self._lock = threading.Lock()

    def state(self, organization_id: str, name: str, day: date) -> str:
        """Return the state of a report, as the list shows it."""
        forced = self._states.get((organization_id, name, day))
        if forced:
            return forced
        return "COMPLETED" if self.world.has_rows(organization_id, name, day) else "NO_DATA"

    def set_report_state(self, organization_id: str, name: str, day: date, state: str) -> None:
        """Force a state; COMPLETED takes an earlier force back, so an empty day stays NO_DATA."""
        if state not in STATES:
            raise ValueError(f"{state!r} is no report state; use one of {', '.join(STATES)}")
        with self._lock:
            self._states[(organization_id, name, day)] = state
            if state == "COMPLETED":
                del self._states[(organization_id, name, day)]

    def redeliver(self, organization_id: str, name: str, day: date) -> None:
        """Make the next download the right one, whatever was planted."""
        with self._lock:
            self._deliveries.setdefault((organization_id, name, day), 1)

    def deliver(self, organization_id: str, name: str, day: date) -> bytes | None:
        """Return the bytes of a download, or ``None`` where there is nothing to hand out.

        The first delivery of a report with a planted fault is yesterday's file, or is cut in the
        middle of a line; later ones are right.
        """
        if self.state(organization_id, name, day) != "COMPLETED":
            return None
        key = (organization_id, name, day)
        with self._lock:
            count = self._deliveries[key] = self._deliveries.get(key, 0) + 1
        planted = self.world.file_fault(organization_id, day)
        if planted is None or planted[0] != name or count > 1:
            return self._file(key)
        if planted[1] == "duplicate_file":
            return self._file((organization_id, name, day - DAY))
        return cut_in_a_line(self._file(key))

    def _file(self, key: Key) -> bytes:
        return render(self.world.report(*key))

    def reset(self) -> None:
        with self._lock:
            self._states.clear()
            self._deliveries.clear()


def cut_in_a_line(data: bytes) -> bytes:
    """Return about two thirds of a file, ending in the middle of a line."""
    end = len(data) * 2 // 3
    while end > 1 and (data[end - 1 : end] in b"\r\n" or data[end : end + 1] in b"\r\n"):
        end -= 1
    return data[:end]
