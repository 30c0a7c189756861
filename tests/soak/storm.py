"""What goes wrong while the town trades: faulted calls, outages and processes killed with -9."""

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from include.domain.errors import IntegrationError
from include.local.order_stories import People
from include.local.processes import Processes, members
from tests.soak.town import LATE_S

# By system: the sandbox plays each a few times, then it wears off.
_TRANSPORT = ("drop_before_commit", "drop_after_commit", "late_commit", "reset", "half_body",
              "wrong_length", "garbage", "empty", "html", "500", "502", "503")  # fmt: skip
SPOILT = {
    "cybersource": (*_TRANSPORT, "429"),
    "syspro": (*_TRANSPORT, "error_text", "session_lost"),
    "shop": (*_TRANSPORT, "429"),
}
_OUTAGE_S = 45.0


class Storm:
    """Spoils calls all the time, and every so often an outage or a killed process."""

    def __init__(
        self,
        people: People,
        processes: Processes,
        commands: Mapping[str, Sequence[str]],
        seed: int,
    ) -> None:
        self.played: Counter[str] = Counter()
        self.broke: list[str] = []  # what kept it from doing harm
        self._people = people
        self._processes, self._commands = processes, commands
        self._chance = random.Random(seed)  # noqa: S311 - a game of dice
        self._ends = threading.Event()
        self._threads = [
            threading.Thread(target=self._often, args=(4.0, self._spoil), daemon=True),
            threading.Thread(target=self._often, args=(40.0, self._kill), daemon=True),
            threading.Thread(target=self._often, args=(180.0, self._outage), daemon=True),
        ]

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Return when nothing more will be switched on; what was killed runs again."""
        self._ends.set()
        for thread in self._threads:
            thread.join()
        self._people.clear_faults()

    def lulls(self) -> list[str]:
        """Say what it was to do and has not done: a storm of nothing proves nothing."""
        wanted = {*SPOILT, "kill"}
        idle = wanted - {name.split()[0] for name in self.played}
        return [*(f"the storm has spared: {one}" for one in sorted(idle)), *self.broke]

    def _often(self, seconds: float, work: Callable[[], None]) -> None:
        while not self._ends.wait(seconds * self._chance.uniform(0.5, 1.5)):
            try:
                work()
            except (requests.RequestException, IntegrationError) as odd:
                self.broke.append(f"{type(odd).__name__}: {odd}"[:200])

    def _spoil(self) -> None:
        system = self._chance.choice(list(SPOILT))
        fault, times = self._chance.choice(SPOILT[system]), self._chance.randint(1, 3)
        rule: dict[str, Any] = {"system": system, "nth": self._chance.randint(1, 3), "times": times}
        if fault == "late_commit":
            rule["seconds"] = LATE_S
        self._people.control("faults", fault=fault, **rule)
        self.played[f"{system} {fault}"] += times

    def _outage(self) -> None:
        """Let a partner answer 503 for a while. Other rules of it rest meanwhile."""
        system = self._chance.choice(("syspro", "syspro", "shop", "cybersource"))
        self._people.control("faults", fault="503", system=system, times=100_000)
        self.played[f"{system} outage"] += 1
        self._ends.wait(_OUTAGE_S)
        self._people.clear_faults()

    def _kill(self) -> None:
        """Kill one component whole, as a container ends, or one process of a task."""
        if self._chance.random() < 0.5:
            self._kill_task()
            return
        name = self._chance.choice(list(self._commands))
        leader = self._processes.running().get(name)
        for pid in members(leader) if leader else ():
            _kill(pid)
        self.played[f"kill -9 {name}"] += 1
        time.sleep(self._chance.uniform(0, 5))
        self._processes.start(name, self._commands[name])

    def _kill_task(self) -> None:
        """Kill what runs a task; its supervisor lives, as after the machine ran out of memory.

        An idle worker of the local executor is spared: killed while it holds the lock of their
        queue it stops the others for good (Python's multiprocessing), and proves nothing of ours.
        """
        leader = self._processes.running().get("scheduler", 0)
        found = [pid for pid in members(leader) if _runs_task(pid)] if leader else []
        if found:
            _kill(self._chance.choice(found))
            self.played["kill -9 of a task"] += 1


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _runs_task(pid: int) -> bool:
    with contextlib.suppress(OSError):
        name = Path(f"/proc/{pid}/cmdline").read_text()
        return name.startswith("airflow worker -- ") and "Executor" not in name
    return False
