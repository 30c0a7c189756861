"""The command ``python -m include.sandbox`` as a process: start, ports, signals, speed."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from include.sandbox import start
from include.sandbox.syspro import SysproApp

ROOT = Path(__file__).parents[2]


def five_free_ports() -> int:
    """Return a base port with four free ones after it."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            base = int(probe.getsockname()[1])
        if base < 65000 and all(is_free(base + n) for n in range(5)):
            return base


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do: a connection that lingers after its end is no listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "include.sandbox", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_prints_five_urls_and_ends_cleanly(number: signal.Signals) -> None:
    base = five_free_ports()
    with running("--port", str(base)) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().split() for _ in range(5)]
        names = ["cybersource", "syspro", "bank", "control", "shop"]
        assert lines == [[n, f"http://127.0.0.1:{base + i}"] for i, n in enumerate(names)]
        control = http.client.HTTPConnection("127.0.0.1", base + 3, timeout=5)
        control.request("GET", "/control/health")
        assert json.load(control.getresponse())["status"] == "ok"
        # A client that holds its connection open must not hold the process.
        with socket.create_connection(("127.0.0.1", base)):
            process.send_signal(number)
            assert process.wait(timeout=5) == 0
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)  # the group is empty: no orphan
    assert all(is_free(base + n) for n in range(5))


def test_a_busy_port_is_a_message_and_not_a_traceback() -> None:
    base = five_free_ports()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", base + 1))
        holder.listen()
        with running("--port", str(base)) as process:
            _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert f"port {base + 1} on 127.0.0.1 is taken" in errors
    assert "--port" in errors
    assert "Traceback" not in errors
    assert is_free(base)


def test_an_in_process_start_takes_free_ports() -> None:
    sandbox = start(seed=7, port=0)
    try:
        assert len(set(sandbox.urls().values())) == 5
    finally:
        sandbox.stop()
        sandbox.stop()  # twice is once


def test_open_from_opens_every_period_since_then() -> None:
    sandbox = start(seed=7, port=0, open_from=(2026, 3))
    try:
        syspro = sandbox.services["syspro"].app
        assert isinstance(syspro, SysproApp)
        periods = syspro.books("A").periods
        assert [m for m in range(1, 13) if periods.is_open(2026, m)] == [
            3,
            4,
            5,
            6,
            7,
            8,
            9,
            10,
            11,
        ]
    finally:
        sandbox.stop()


def test_a_month_that_is_none_is_refused_by_the_command_line() -> None:
    with running("--port", str(five_free_ports()), "--open-from", "2026-13") as process:
        _, errors = process.communicate(timeout=20)
    assert "'2026-13' is not YYYY-MM" in errors
