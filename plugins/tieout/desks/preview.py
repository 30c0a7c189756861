"""Builds a past day on copies of store and lake, by the mappings of today and by others.

Only SYSPRO, Cybersource and the day's own files are read; nothing is written outside the copies.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import unwrap
from pathlib import Path

from include.adapters.lake_copy import copy_lake
from include.adapters.store.copy import copy_days, forget_journals
from include.adapters.store.engine import open_store
from include.adapters.store.migrate import migrate
from include.domain.errors import IntegrationError, Rejected
from include.domain.settlement import SettlementDay
from include.mappings.tables import Mappings
from include.services.preview import BuiltDay, differences
from include.wiring import Settings, Tieout
from tieout import metrics
from tieout.tasks import settlement

_STORE = "tieout.db"
_STEPS = (settlement.classify, settlement.check, settlement.match, settlement.build)


@dataclass(frozen=True, slots=True)
class Preview:
    """Two copies, each with its mappings."""

    today: Tieout
    changed: Tieout

    def of_day(self, day: SettlementDay) -> list[str]:
        """Say what the change does to a day that has run.

        Raises:
            Rejected: it has never run.
        """
        with metrics.silence():
            return differences(_built(self.today, day), _built(self.changed, day))


@contextmanager
def preview(context: Tieout, changed: Mappings, merchant_id: str) -> Iterator[Preview]:
    """Make the copies of one merchant's days, and remove them at the end."""
    folder = Path(tempfile.mkdtemp(prefix="tieout-preview-"))
    try:
        store = folder / _STORE
        _copy_store(context, store, merchant_id)
        today = _copy(context, folder / "today", store, context.mappings)
        yield Preview(today, _copy(context, folder / "changed", store, changed))
    finally:
        shutil.rmtree(folder)


def _copy_store(context: Tieout, path: Path, merchant_id: str) -> None:
    """Copy once for both sides: a day that moves on meanwhile is no difference of mappings."""
    store = open_store(f"sqlite:///{path}")
    migrate(store)
    copy_days(context.store, store, merchant_id)
    store.dispose()  # its last connection writes what lay beside the file into it


def _copy(context: Tieout, folder: Path, store: Path, mappings: Mappings) -> Tieout:
    copy_lake(context.lake.root, folder)
    shutil.copyfile(store, folder / _STORE)
    url, settings = f"sqlite:///{folder / _STORE}", context.settings
    made = Tieout(Settings(url, folder, settings.mode, settings.business_date))
    made.mappings = mappings
    made.leases = context.leases  # SYSPRO's operator is the same one
    return made


def _built(context: Tieout, day: SettlementDay) -> BuiltDay:
    if not context.files.of_day(day):
        raise Rejected(f"{day} has no files", "the store", "Choose a day that has run.")
    stopped = ""
    forget_journals(context.store, day)
    try:
        merchant = context.merchant(day)
        for step in _STEPS:
            context.days.record(day, unwrap(step)(context, day, merchant))
    except IntegrationError as fault:
        stopped = str(fault)
    record = context.days.get(day)
    return BuiltDay(
        record.totals_by_class() if record else {},
        [booked.journal for booked in context.journals.of_day(day)],
        context.open_items.open_of_day(day),
        stopped,
    )
