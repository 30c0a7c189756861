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
        assert processes.ended() == []  # who starts it again would lose sight of the child
    finally:
        processes.stop()
    assert processes.running() == {}
    assert processes.ended() == []


def test_what_has_ended_by_itself_is_named_until_it_is_stopped(tmp_path: Path) -> None:
    processes = Processes(tmp_path, dict(os.environ))
    processes.start("scheduler", ["-c", "pass"])
    wait_until(lambda: processes.ended() == ["scheduler"])
    processes.start("scheduler", ["-c", "import time; time.sleep(60)"])
    assert processes.ended() == []
    processes.stop()
    assert processes.ended() == []
