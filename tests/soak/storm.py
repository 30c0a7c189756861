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

from include.local.processes import Processes

# (system, calls, faults): the sandbox plays each once or a few times, then it wears off.
_TRANSPORT = ("drop_before_commit", "drop_after_commit", "late_commit", "reset", "half_body",
              "wrong_length", "garbage", "empty", "html", "500", "502", "503")  # fmt: skip
SPOILT = (
    ("cybersource", "", (*_TRANSPORT, "429")),
    ("syspro", "", (*_TRANSPORT, "error_text", "session_lost")),
    ("shop", "", (*_TRANSPORT, "429")),
)
_LATE_S = 8.0  # of a call that is executed after its client has gone; below every quiescence
_OUTAGE_S = 45.0


class Storm:
    """Spoils calls all the time, and every so often an outage or a killed process."""

    def __init__(
        self,
        control: Callable[..., Any],
        clear: Callable[[], None],
        processes: Processes,
        commands: Mapping[str, Sequence[str]],
        seed: int,
    ) -> None:
        self.played: Counter[str] = Counter()
        self._control, self._clear = control, clear
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
        self._clear()

    def _often(self, seconds: float, work: Callable[[], None]) -> None:
        while not self._ends.wait(seconds * self._chance.uniform(0.5, 1.5)):
            work()

    def _spoil(self) -> None:
        system, match, faults = self._chance.choice(SPOILT)
        fault, times = self._chance.choice(faults), self._chance.randint(1, 3)
        nth = self._chance.randint(1, 3)
        more = {"seconds": _LATE_S} if fault == "late_commit" else {}
        self._control("faults", fault=fault, system=system, match=match, nth=nth, times=times,
                      **more)  # fmt: skip
        self.played[f"{system} {fault}"] += times

    def _outage(self) -> None:
        """Let a partner answer 503 for a while. Other rules of it rest meanwhile."""
        system = self._chance.choice(("syspro", "syspro", "shop", "cybersource"))
        self._control("faults", fault="503", system=system, times=100_000)
        self.played[f"{system} outage"] += 1
        self._ends.wait(_OUTAGE_S)
        self._clear()

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


def members(session: int) -> dict[int, int]:
    """Return the live processes of a session, each with its parent."""
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if fields[0] != "Z" and int(fields[3]) == session:
                found[int(entry.name)] = int(fields[1])
    return found


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _runs_task(pid: int) -> bool:
    with contextlib.suppress(OSError):
        name = Path(f"/proc/{pid}/cmdline").read_text()
        return name.startswith("airflow worker -- ") and "Executor" not in name
    return False
