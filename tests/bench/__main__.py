"""``make bench``: a settlement day of 1 and of 5 million lines, the product beside bare scripts.

Each contender runs in a process of its own. Imports are not counted (Airflow's workers have them
before a task begins) but shown.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench import dag_import
from tests.bench.generate import DayFiles, generate

BARE = ("polars", "duckdb", "pandas")
CONTENDERS = (*BARE, "floor", "tieout")
MOST_TIMES_BARE, MOST_MIB, MOST_GROWTH = 2.0, 1536.0, 5.5


@dataclass(frozen=True, slots=True)
class Run:
    """What one contender took on one day: the fastest of several runs, the highest peak."""

    seconds: float
    cpu_seconds: float  # of all threads; tells a busy machine from a slow program
    import_seconds: float
    peak_mib: float
    totals: tuple[int, ...]
    stages: Mapping[str, float]


def main() -> int:
    """Generate, measure, print; 0 only if the contenders agree and every target is met."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as folder:
        root = Path(options.folder or folder)
        by_size = {size: _measure(generate(root, size), options.runs) for size in options.lines}
    for size, runs in by_size.items():
        _print(size, runs)
    from tests.bench.posting import calls_per_journal

    calls = calls_per_journal()
    _say(f"\nSYSPRO calls per posted journal, logon and logoff counted: {calls:.2f} (at most 6)\n")
    airflow_s, dags_s = dag_import.seconds()
    _say(f"Importing every DAG file: {dags_s:.2f} s after Airflow's own {airflow_s:.2f} s\n")
    verdicts = [
        *_targets(by_size),
        ("SYSPRO calls at most 6 a journal", calls <= 6),
        ("importing every DAG file takes at most 0.3 s more than Airflow itself", dags_s <= 0.3),
    ]
    _say("\n")
    for words, is_met in verdicts:
        _say(f"{'met   ' if is_met else 'MISSED'}  {words}\n")
    return 0 if all(is_met for _, is_met in verdicts) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=[1_000_000, 5_000_000])
    parser.add_argument("--runs", type=int, default=5, help="of each; the fastest counts")
    parser.add_argument("--folder", default="", help="keep the generated files here")
    return parser.parse_args()


def _measure(files: DayFiles, runs: int) -> dict[str, Run]:
    found: dict[str, list[Run]] = {name: [] for name in CONTENDERS}
    for _ in range(runs):  # taking turns, so that a busy minute hits everybody alike
        for name in CONTENDERS:
            found[name].append(_once(name, files))
            sys.stderr.write(f"{files.lines} {name} {found[name][-1].seconds:.2f} s\n")
    return {name: _best(some) for name, some in found.items()}


def _once(name: str, files: DayFiles) -> Run:
    command = [sys.executable, "-m", "tests.bench.one", name, str(files.csv), str(files.documents)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} failed:\n{done.stderr[-2000:]}")
    said = json.loads(done.stdout.strip().splitlines()[-1])
    said["totals"] = tuple(said["totals"])
    return Run(**said)


def _best(runs: list[Run]) -> Run:
    fastest = min(runs, key=lambda run: run.seconds)
    return replace(fastest, peak_mib=max(run.peak_mib for run in runs))


def _print(size: int, runs: Mapping[str, Run]) -> None:
    bare = min(runs[name].seconds for name in BARE)
    _say(f"\n{size:,} lines\n")
    _say(f"{'contender':12}{'seconds':>9}{'of best bare':>14}{'peak MiB':>10}")
    _say(f"{'CPU s':>8}{'import s':>10}\n")
    for name, run in runs.items():
        _say(
            f"{name:12}{run.seconds:9.2f}{run.seconds / bare:13.2f}x{run.peak_mib:10.0f}"
            f"{run.cpu_seconds:8.2f}{run.import_seconds:10.2f}\n"
        )
    ours = runs["tieout"]
    for stage, seconds in ours.stages.items():
        _say(f"    {stage:20}{seconds:8.2f} s {seconds / ours.seconds:7.1%}\n")


def _targets(by_size: Mapping[int, Mapping[str, Run]]) -> list[tuple[str, bool]]:
    found: list[tuple[str, bool]] = []
    for size, runs in by_size.items():
        ours = runs["tieout"]
        # A plain match of ours is one line and one document; the scripts count the pairs.
        money = {run.totals[:2] for run in runs.values()}
        found.append((f"{size:,}: every contender finds the same totals", len(money) == 1))
        ratio = ours.seconds / min(runs[name].seconds for name in BARE)
        words = f"{size:,}: {ratio:.2f}x the best bare script, at most {MOST_TIMES_BARE}x"
        found.append((words, ratio <= MOST_TIMES_BARE))
        words = f"{size:,}: peak {ours.peak_mib:.0f} MiB, at most {MOST_MIB:.0f}"
        found.append((words, ours.peak_mib <= MOST_MIB))
    small, large = min(by_size), max(by_size)
    if small != large:
        growth = by_size[large]["tieout"].seconds / by_size[small]["tieout"].seconds
        most = MOST_GROWTH * (large / small) / 5
        words = f"{large / small:.0f}x the lines in {growth:.2f}x the time, at most {most:.1f}x"
        found.append((words, growth <= most))
    return found


def _say(text: str) -> None:
    sys.stdout.write(text)


if __name__ == "__main__":
    sys.exit(main())
