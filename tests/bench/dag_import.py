"""What importing every DAG file costs beside importing Airflow's own parts that they use."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_AIRFLOW = (
    "import airflow.sdk, airflow.providers.standard.operators.hitl, airflow.timetables.interval\n"
    "from airflow.sdk import Param, dag, task, task_group\n"
    "from airflow.sdk.definitions.retry_policy import RetryPolicy\n"
)


def seconds() -> tuple[float, float]:
    """Return (Airflow alone, all DAG files after it), each the fastest of five processes."""
    files = sorted(str(path) for path in (ROOT / "dags").glob("*.py"))
    code = (
        "import time, runpy\nstart = time.perf_counter()\n"
        f"{_AIRFLOW}ready = time.perf_counter()\n"
        f"for path in {files!r}: runpy.run_path(path)\n"
        "print(ready - start, time.perf_counter() - ready)\n"
    )
    found = [_run(code) for _ in range(5)]
    return min(airflow for airflow, _ in found), min(dags for _, dags in found)


def _run(code: str) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")])},
        capture_output=True,
        text=True,
        check=True,
    )
    airflow, dags = done.stdout.split()[-2:]
    return float(airflow), float(dags)
