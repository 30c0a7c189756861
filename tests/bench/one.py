"""Run one contender in a process of its own and print what it took, as one line of JSON."""

import gc
import importlib
import json
import resource
import sys
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path


def main() -> None:
    name, csv, documents = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    began = time.perf_counter()
    with _contender(name, csv, documents) as run:
        # So do the executors of Airflow before they fork a task (local_executor.py, and for Celery
        # celery_executor_utils.py): a collection never walks over what was imported.
        gc.collect()
        gc.freeze()
        imported, worked = time.perf_counter(), time.process_time()
        answer = run()
        took, worked = time.perf_counter() - imported, time.process_time() - worked
    peak = _peak_kib()
    totals, stages = answer if isinstance(answer[0], tuple) else (answer, {})
    report = {
        "seconds": took,
        "cpu_seconds": worked,
        "import_seconds": imported - began,
        "peak_mib": peak / 1024,
        "totals": totals,
        "stages": stages,
    }
    sys.stdout.write(json.dumps(report) + "\n")


def _peak_kib() -> int:
    """Return this process's own peak; ``ru_maxrss`` would count what the parent had at the fork."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024  # bytes on macOS


def _contender(name: str, csv: Path, documents: Path):  # type: ignore[no-untyped-def]
    """Import what a contender needs; Airflow's workers have it before a task begins."""
    if name == "tieout":
        from tests.bench.tieout import a_day_begins

        return a_day_begins(csv, documents)
    from tests.bench import bare

    for module in _NEEDS[name]:
        importlib.import_module(module)
    script = bare.floor if name == "floor" else getattr(bare, f"with_{name}")
    return nullcontext(partial(script, csv, documents))


_NEEDS = {
    "pandas": ("pandas", "pyarrow.csv"),
    "polars": ("polars",),
    "duckdb": ("duckdb",),
    "floor": ("polars",),
}


if __name__ == "__main__":
    main()
