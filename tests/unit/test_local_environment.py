"""A shell takes over the environment of the local stack, whatever is in it."""

import json
import subprocess
import sys
from pathlib import Path

from include.adapters.settings_file import ROOT, read_settings
from include.local.environment import LocalStack

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


def test_only_the_local_stack_calls_back_to_its_own_machine_without_tls(tmp_path: Path) -> None:
    """Production loads the same file: neither is permitted there unless somebody says so."""
    stack = LocalStack(home=tmp_path / "home")
    stack.prepare()
    for environment, permitted in (({}, "false"), (stack.environment(), "true")):
        found = read_settings(ROOT / "airflow_settings.yaml", environment).connections
        extra = json.loads(found["callback_acme_us_web"]["extra"])
        assert (extra["allow_local"], extra["allow_plain_http"]) == (permitted, permitted)
