"""A shell takes over the environment of the local stack, whatever is in it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from include.adapters.settings_file import ROOT, read_settings
from include.domain.errors import Rejected
from include.local import demo
from include.local.environment import LocalStack
from include.local.processes import Processes

COMMAND = (sys.executable, "-m", "include.local", "environment", "--home")


def test_a_shell_that_evaluates_it_has_the_stacks_variables(tmp_path: Path) -> None:
    home = tmp_path / "it's here"
    stack = LocalStack(home=home, port=8099)
    stack.prepare()
    assert home.stat().st_mode & 0o077 == 0  # orders and report files of whoever tries it
    asked = 'eval "$("$@" --port 8099)"; printf "%s\\n" "$TIEOUT_STORE_URL" "$AIRFLOW__API__PORT"'
    found = subprocess.run(
        ["sh", "-c", asked, "sh", *COMMAND, str(home)], capture_output=True, text=True, check=True
    )
    wanted = stack.environment()
    assert found.stdout.splitlines() == [wanted["TIEOUT_STORE_URL"], "8099"]


def test_where_nothing_was_ever_started_it_says_so(tmp_path: Path) -> None:
    found = subprocess.run([*COMMAND, str(tmp_path)], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert found.stdout == ""
    assert "Run 'make demo'" in found.stderr


def test_a_folder_that_holds_something_else_is_neither_closed_nor_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "start_stack", lambda *_, **__: pytest.fail("it was begun"))
    home = tmp_path / "tmp"
    home.mkdir()
    (home / "theirs").touch()
    home.chmod(0o755)
    for use in (LocalStack.prepare, demo.run_demo):
        with pytest.raises(Rejected, match="no local stack's"):
            use(LocalStack(home=home))
    assert [one.name for one in home.iterdir()] == ["theirs"]
    assert home.stat().st_mode & 0o777 == 0o755


def test_a_folder_that_an_older_stop_made_is_taken_while_it_is_empty(tmp_path: Path) -> None:
    for name in ("logs", "run"):
        (tmp_path / name).mkdir()
    LocalStack(home=tmp_path).demand_ours()
    (tmp_path / "logs" / "theirs").touch()
    with pytest.raises(Rejected, match="Remove it"):
        LocalStack(home=tmp_path).demand_ours()


def test_a_folder_that_could_not_be_cleared_whole_stays_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = LocalStack(home=tmp_path / "home")
    monkeypatch.setattr(demo, "start_stack", raiser(KeyboardInterrupt()))
    for is_busy in (True, False):
        stack.prepare()
        (stack.home / "lake").mkdir(exist_ok=True)
        with monkeypatch.context() as patched:
            if is_busy:
                patched.setattr(os, "rmdir", raiser(OSError(16, "Device or resource busy")))
            with pytest.raises(KeyboardInterrupt):
                demo.run_demo(stack)
    assert list(tmp_path.rglob("*")) == [stack.home]


def test_a_folder_of_another_user_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "chmod", raiser(PermissionError(1, "Operation not permitted")))
    with pytest.raises(Rejected, match="Operation not permitted"):
        LocalStack(home=tmp_path).prepare()


def test_asking_what_runs_makes_no_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert Processes(home, {}).stop() == 0
    assert not home.exists()


def raiser(fault: BaseException) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise fault

    return fail


def test_only_the_local_stack_calls_back_to_its_own_machine_without_tls(tmp_path: Path) -> None:
    """Production loads the same file: neither is permitted there unless somebody says so."""
    stack = LocalStack(home=tmp_path / "home")
    stack.prepare()
    for environment, permitted in (({}, "false"), (stack.environment(), "true")):
        found = read_settings(ROOT / "airflow_settings.yaml", environment).connections
        extra = json.loads(found["callback_acme_us_web"]["extra"])
        assert (extra["allow_local"], extra["allow_plain_http"]) == (permitted, permitted)
