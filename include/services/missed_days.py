"""Which dates of a merchant the schedule has passed over: a later one has run, they have not.

Airflow goes on from the newest date that its schedule or a backfill has run (3.3,
``dag_processing/collection.py``): one backfill of a newer date ends the wait of all before it.
"""

from collections.abc import Callable, Collection
from datetime import date, timedelta
from itertools import pairwise

BY_HAND = "manual__"  # runs of this name are what a person tries; no calendar begins with them


def missed_days(
    run_of: Collection[tuple[date, str]],
    is_due: Callable[[date], bool],
    longest_gap: timedelta,
) -> list[date]:
    """Return the dates between those on record that should have run and have not, oldest first.

    Args:
        run_of: a merchant's dates on record, each with the Airflow run that last chose it.
        is_due: whether a date should have run by now: its merchant in force, its time come.
        longest_gap: between two dates on record; a longer one is a pause that somebody meant.
    """
    begun = min((on for on, run_id in run_of if not run_id.startswith(BY_HAND)), default=None)
    if begun is None:
        return []
    known = sorted(on for on, _ in run_of if on >= begun)
    between = [
        before + timedelta(days=n)
        for before, after in pairwise(known)
        if after - before <= longest_gap
        for n in range(1, (after - before).days)
    ]
    return [on for on in between if is_due(on)]
