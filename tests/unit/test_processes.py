"""The processes of a local stack: which of them live, as ``make status`` says it."""

import os
import signal
from pathlib import Path

from include.local.processes import Processes
from tests.waiting import wait_until

_WITH_A_CHILD = """
import pathlib, subprocess, sys, time
subprocess.Popen(["sleep", "60"])
pathlib.Path(sys.argv[1]).touch()
time.sleep(60)
"""


def test_a_killed_process_whose_children_live_is_named(tmp_path: Path) -> None:
    processes, is_up = Processes(tmp_path, dict(os.environ)), tmp_path / "up"
    processes.start("scheduler", ["-c", _WITH_A_CHILD, str(is_up)])
    try:
        wait_until(is_up.exists)
        leader = processes.running()["scheduler"]
        assert processes.headless() == []
        os.kill(leader, signal.SIGKILL)
        os.waitpid(leader, 0)
        assert processes.running() == {"scheduler": leader}
        assert processes.headless() == ["scheduler"]
    finally:
        processes.stop()
    assert processes.running() == {}
