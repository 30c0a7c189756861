"""Start and stop background processes so that none is ever left behind.

Each runs in its own session; the session id is kept in a file, and stopping signals the whole
session, because Airflow's components fork children that outlive a signal to the parent alone.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from include.domain.errors import Rejected


def require_free_port(port: int, what: str, option: str) -> None:
    """Raise ``Rejected`` if something listens on ``port`` already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise Rejected(
                f"port {port} is busy, and {what} needs it",
                f"127.0.0.1:{port}",
                f"Stop what listens there, or choose another port: make demo {option}.",
            ) from None


class Processes:
    """The background processes of one stack, known by name."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        self.environment = dict(environment)

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start one in its own session; its output goes to ``logs/<name>.log``."""
        with self._log(name).open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - commands are ours
                [sys.executable, *command],
                cwd=Path(__file__).resolve().parents[2],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        began = _began(process.pid)
        (self.home / "run").mkdir(exist_ok=True)
        (self.home / "run" / f"{name}.pid").write_text(f"{process.pid} {began or 0}")

    def run(self, name: str, command: Sequence[str]) -> None:
        """Run one to its end; on failure raise with the last lines it wrote."""
        done = subprocess.run(  # noqa: S603 - commands are ours
            [sys.executable, *command],
            cwd=Path(__file__).resolve().parents[2],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        log = self._log(name)
        log.write_text(done.stdout + done.stderr)
        if done.returncode:
            last = "\n".join((done.stdout + done.stderr).splitlines()[-8:])
            raise Rejected(
                f"{name} ended with {done.returncode}:\n{last}\n",
                str(log),
                "Read the log, mend the cause, run the command again.",
            )

    def _log(self, name: str) -> Path:
        folder = self.home / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.log"

    def running(self) -> dict[str, int]:
        """Return the names and session ids of those that still live."""
        found: dict[str, int] = {}
        for path in sorted((self.home / "run").glob("*.pid")):
            leader, began = path.read_text().split()
            is_reused = _began(int(leader)) not in ("", began)  # after a reboot it is a stranger's
            if not is_reused and members(int(leader)):
                found[path.stem] = int(leader)
        return found

    def lost(self) -> list[str]:
        """Name those that were started, were not stopped, and whose own process is gone.

        Children of theirs may live all the same, and then they must be stopped first.
        """
        started, running = (self.home / "run").glob("*.pid"), self.running()
        gone = {path.stem for path in started} - running.keys()
        return sorted(gone | set(self.headless()))

    def headless(self) -> list[str]:
        """Name those whose own process is gone while its children still live."""
        return [name for name, leader in self.running().items() if leader not in members(leader)]

    def stop(self, names: Collection[str] | None = None, grace_s: float = 15) -> int:
        """Stop the named, or all: ask, wait, then kill. Returns how many processes were ended."""
        running = self.running()
        sessions = {n: one for n, one in running.items() if names is None or n in names}
        ended = sum(len(members(session)) for session in sessions.values())
        for step in (signal.SIGTERM, signal.SIGKILL):
            for session in sessions.values():
                for pid in members(session):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, step)
            until = time.monotonic() + grace_s
            while any(members(s) for s in sessions.values()) and time.monotonic() < until:
                time.sleep(0.2)
        for path in (self.home / "run").glob("*.pid"):
            if names is None or path.stem in names:
                path.unlink()
        return ended


def _began(pid: int) -> str:
    """Return a process's start time in clock ticks since boot, or '' where it cannot be told."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""


def members(session: int) -> list[int]:
    """Return the live processes of a session, without its zombies (from /proc, else by signal)."""
    if not Path("/proc/self/stat").exists():  # macOS: the leader stands for its session
        try:
            os.killpg(session, 0)
        except (ProcessLookupError, PermissionError):
            return []
        return [session]
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if fields[0] != "Z" and int(fields[3]) == session:
                found.append(int(entry.name))
    return found
