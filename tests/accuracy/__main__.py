"""``make accuracy``: run a labelled quarter and print precision and recall per fault class."""

import argparse
import logging
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import structlog

from include.domain.settlement import SettlementDay
from include.sandbox import start
from include.sandbox.world.model import Label
from tests.accuracy.partners import running
from tests.accuracy.quarter import Quarter, days_between
from tests.accuracy.score import Verdict, judge

MERCHANTS = ("acme_us", "acme_uk", "acme_jp")
FIRST = date(2026, 3, 1)
TAIL_DAYS = 6  # run after the quarter, so that every SLA of the quarter can pass


def main() -> int:
    """Run, print, and return 0 only if every class is perfect."""
    options = _options()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    logging.disable(logging.INFO)
    last = FIRST + timedelta(days=options.days - 1)
    days = days_between(FIRST, last + timedelta(days=TAIL_DAYS))
    sandbox = start(seed=options.seed, start=FIRST, days=len(days) + 1, open_from=(2026, 1))
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, running(sandbox) as partners:
        quarter = Quarter(Path(folder), partners, sandbox.world)
        labels: list[Label] = []
        for number, on in enumerate(days, 1):
            for merchant in MERCHANTS:
                own = sandbox.world.labels(merchant, on)
                if on > last:  # the bank's correction of a restatement would come after the end
                    own = [label for label in own if label.label != "restated_report"]
                quarter.run_day(SettlementDay(merchant, on), own)
                labels += own
            _progress(number, len(days), began)
        found = quarter.conclude(SettlementDay(m, on) for on in days for m in MERCHANTS)
    verdict = judge([x for x in labels if x.on <= last], [x for x in labels if x.on > last], found)
    _print(verdict, found.blocked)
    _say(f"seed {options.seed}, {options.days} days and {TAIL_DAYS} more to let SLA pass, ")
    _say(f"{len(MERCHANTS)} merchants, {time.monotonic() - began:.0f} s\n")
    return 0 if verdict.is_passed and not found.blocked else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--days", type=int, default=92, help="a quarter by default")
    return parser.parse_args()


def _progress(done: int, of: int, began: float) -> None:
    if sys.stderr.isatty() or done % 10 == 0 or done == of:
        sys.stderr.write(f"day {done} of {of}, {time.monotonic() - began:.0f} s\n")


def _print(verdict: Verdict, blocked: list[str]) -> None:
    _say(f"{'fault class':32}{'planted':>9}{'named':>9}{'precision':>11}{'recall':>9}\n")
    for score in verdict.scores:
        _say(
            f"{score.name:32}{len(score.planted):9}{len(score.named):9}"
            f"{score.precision:11.2%}{score.recall:9.2%}\n"
        )
        for what, some in (
            ("not named", score.planted - score.named),
            ("falsely named", score.named - score.planted),
        ):
            for identity in sorted(map(str, some))[:5]:
                _say(f"    {what}: {identity}\n")
    for title, some in (
        ("false 'missing'", verdict.false_missing),
        ("left open although settled", verdict.left_open),
        ("days refused", blocked),
    ):
        _say(f"{title}: {len(some)}\n")
        for line in list(some)[:5]:
            _say(f"    {line}\n")


def _say(text: str) -> None:
    sys.stdout.write(text)


if __name__ == "__main__":
    sys.exit(main())
