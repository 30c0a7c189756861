"""Kill a receiver with SIGKILL while events pour in: no event with a 2xx is lost, none doubled."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

from include.adapters.store.engine import open_store
from tests.api.posting import Senders

ROOT = Path(__file__).resolve().parents[2]
KILLS = 3


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def start(store_url: str, port: int) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.api.receiver", store_url, str(port)],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}", "PATH": "/usr/bin:/bin"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return process
    process.kill()
    raise TimeoutError("the receiver did not start")


def test_no_acknowledged_event_is_lost(migrated_url: str) -> None:
    database = open_store(migrated_url)
    port = free_port()
    process = start(migrated_url, port)
    with Senders(port) as senders:
        for _ in range(KILLS):
            before = senders.sent
            until = time.monotonic() + 30
            while senders.sent < before + 150 and time.monotonic() < until:
                time.sleep(0.01)
            process.kill()
            process.wait()
            process = start(migrated_url, port)
        time.sleep(0.3)
    process.kill()
    process.wait()
    with database.connect() as connection:
        bodies = connection.exec_driver_sql("SELECT body FROM inbox").scalars().all()
    database.dispose()
    stored = [json.loads(bytes(body))["payload"][0]["data"]["id"] for body in bodies]
    assert senders.refused == []
    assert len(senders.acknowledged) > KILLS * 100
    assert not senders.acknowledged - set(stored), "acknowledged and lost"
    assert len(stored) == len(set(stored)), "stored twice"
