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
        assert processes.lost() == ["scheduler"]
        assert processes.stop(["scheduler"]) == 1  # the child
        assert (processes.running(), processes.lost()) == ({}, [])
    finally:
        processes.stop()


def test_what_has_ended_by_itself_is_named_until_it_is_stopped(tmp_path: Path) -> None:
    processes = Processes(tmp_path, dict(os.environ))
    processes.start("scheduler", ["-c", "pass"])
    processes.start("triggerer", ["-c", "import time; time.sleep(60)"])
    wait_until(lambda: processes.lost() == ["scheduler"])
    assert processes.stop(["scheduler"]) == 0
    assert (list(processes.running()), processes.lost()) == (["triggerer"], [])
    processes.start("scheduler", ["-c", "import time; time.sleep(60)"])
    assert processes.lost() == []
    assert processes.stop() == 2
    assert processes.lost() == []
