"""``python -m tieout.cleaning``: remove what Airflow keeps of old runs, once a day, for ever.

Nothing of Airflow's own does it, and our DAGs make 3,146 runs a day. What is ours to keep (days,
journals, orders, the audit chain) is in the store and the lake, which this does not touch. The last
scheduled run of each DAG stays, as the next one follows from it. Source: Airflow 3.3.2,
``utils.db_cleanup``, as ``airflow db clean``.
"""

import argparse
import logging
import os
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

log = logging.getLogger("tieout.cleaning")
_EVERY_S = 24 * 3600
_AGAIN_S = 3600  # after a fault
_AT_ONCE = 10_000  # rows of one transaction, so that the scheduler never waits for long


def main(arguments: list[str] | None = None) -> int:
    """Clean, once or each day; a fault of a daily one is logged, and it tries again in an hour."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    while True:
        is_done = _clean(given.days, given.log_days)
        if given.once:
            return 0 if is_done else 1
        time.sleep(_EVERY_S if is_done else _AGAIN_S)


def _clean(days: int, log_days: int) -> bool:
    from airflow.configuration import conf

    now = datetime.now(UTC)
    try:
        clean_database(now - timedelta(days=days))
        folder = Path(conf.get("logging", "base_log_folder"))
        removed = clean_logs(folder, now - timedelta(days=log_days))
    except Exception:  # the process outlives a database that is away
        log.exception("not all was removed")
        return False
    log.info("removed runs older than %d days, and %d files of logs", days, removed)
    return True


def clean_database(before: datetime) -> None:
    """Delete runs, their tasks and what belongs to them, and Airflow's own events.

    Raises:
        RuntimeError: some table could not be cleaned; the others were.
    """
    import pendulum
    from airflow.utils.db_cleanup import run_cleanup

    run_cleanup(
        clean_before_timestamp=pendulum.instance(before),
        confirm=False,
        skip_archive=True,  # else each day leaves tables of what it has deleted
        batch_size=_AT_ONCE,
        error_on_cleanup_failure=True,
    )


def clean_logs(folder: Path, before: datetime) -> int:
    """Delete files of logs last written to before then; return how many.

    A folder goes when it is empty and as old: in one just made a task is about to write.
    """
    removed = 0
    for path, _folders, names in os.walk(folder, topdown=False):
        for file in (Path(path, name) for name in names if name.endswith(".log")):
            if _is_older(file, before):
                file.unlink(missing_ok=True)
                removed += 1
        if path != str(folder) and _is_older(Path(path), before):
            with suppress(OSError):  # it is not empty
                Path(path).rmdir()
    return removed


def _is_older(path: Path, before: datetime) -> bool:
    try:
        return path.lstat().st_mtime < before.timestamp()
    except FileNotFoundError:  # Airflow replaces its links to the newest ones
        return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tieout.cleaning", description=__doc__)
    parser.add_argument("--days", type=int, default=90, help="of runs that stay (default: 90)")
    parser.add_argument("--log-days", type=int, default=30, help="of log files (default: 30)")
    parser.add_argument("--once", action="store_true", help="and end; exits 1 after a fault")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
