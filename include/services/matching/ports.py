"""What matching needs from the outside; the store, the lake and the mappings satisfy these."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Protocol

from include.domain.expectations import Expectation, ExpectationKind
from include.domain.fees import FeeSchedule
from include.domain.open_items import OpenItem, OpenItems
from include.domain.settlement import SettlementDay
from include.services.ports import TransactionFacts


class DayFiles(Protocol):
    """The lake's files of one merchant's day."""

    def day_path(self, day: SettlementDay, name: str) -> Path:
        """Return where a day's file of that name lies or shall lie."""
        ...


class Expectations(Protocol):
    """What is awaited across days."""

    def load(
        self, merchant_id: str, kind: ExpectationKind, *, since_until: date, met_from: date
    ) -> Sequence[Expectation]:
        """Return those that arose up to ``since_until`` and are not met before ``met_from``.

        Ordered by since date and key; withdrawn ones included only when met from that day on.
        """
        ...

    def save(self, expectations: Sequence[Expectation]) -> None:
        """Insert or overwrite by merchant, kind and key, in one transaction."""
        ...


class ItemStore(OpenItems, Protocol):
    """Open items, with what a later day may do to an earlier day's finding."""

    def open(self, items: Sequence[OpenItem]) -> None:
        """Open or refresh items of any day; one that a person resolved stays resolved."""
        ...

    def replace_stage(
        self, merchant_id: str, stage: str, items: Sequence[OpenItem], resolution: str
    ) -> None:
        """Make ``items`` the stage's findings on any day; the others of the stage are resolved."""
        ...


class StageItems(ItemStore, Protocol):
    """Open items, with a look at what a stage has open on any day."""

    def of_stage(self, merchant_id: str, stage: str) -> Sequence[OpenItem]:
        """Return a merchant's items of one stage that are not resolved."""
        ...


class FeePrices(Protocol):
    """The mappings' side of fees."""

    def fee_kind(self, layout: str, raw_code: str, on: date) -> str:
        """Translate a source's fee code; ``Rejected`` with the line to add where unmapped."""
        ...

    def fee_schedule(
        self, merchant_id: str, on: date, currency: str | None = None
    ) -> FeeSchedule | None:
        """Return the agreed prices in force, or ``None`` where nothing was agreed."""
        ...


class Gateway(Protocol):
    """The one question matching asks the gateway, about exceptions only."""

    def transaction(self, request_id: str) -> TransactionFacts | None:
        """Look one transaction up; ``None`` proves nothing."""
        ...
