"""Run the sandbox alone: ``python -m include.sandbox --port 18080 --seed 7``."""

import argparse
import re
import signal
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from include.sandbox import DAYS, START, PortBusy, start

ENDING = (signal.SIGTERM, signal.SIGINT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 0 when ended so, 1 where a port is taken."""
    options = _parser().parse_args(arguments)
    # Blocked before any thread starts, so that no other thread takes the signal we wait for.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        sandbox = start(
            seed=options.seed,
            port=options.port,
            host=options.host,
            start=options.start,
            days=options.days,
            volume=options.volume,
            open_from=options.open_from,
            ledger=options.ledger,
            live_date=options.live_date,
        )
    except (PortBusy, ValueError) as busy:
        sys.stderr.write(f"sandbox not started: {busy}\n")
        return 1
    for name, url in sandbox.urls().items():
        sys.stdout.write(f"{name:<12} {url}\n")
    sys.stdout.flush()
    signal.sigwait(ENDING)
    sandbox.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m include.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument(
        "--port", type=int, default=18080, help="of Cybersource; the other four follow"
    )
    parser.add_argument("--seed", type=int, default=7, help="same seed, same world")
    parser.add_argument(
        "--start", type=date.fromisoformat, default=START, help="first day, YYYY-MM-DD"
    )
    parser.add_argument("--days", type=int, default=DAYS, help="days of trade")
    parser.add_argument("--volume", type=int, help="sales a day and merchant")
    parser.add_argument(
        "--open-from", type=_period, metavar="YYYY-MM", help="first open SYSPRO period"
    )
    parser.add_argument(
        "--live-date",
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="business date of what callers do (default: the last day of the world)",
    )
    parser.add_argument("--ledger", type=Path, help="also write the truth ledger to this file")
    return parser


def _period(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text, re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not YYYY-MM")
    return int(found[1]), int(found[2])


if __name__ == "__main__":
    sys.exit(main())
