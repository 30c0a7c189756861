"""What the servers need from the generated world; ``include/sandbox/world`` satisfies it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Protocol

ErpRow = Mapping[str, Any]  # column name to str, int, Decimal or date


class World(Protocol):
    """Months of trade, made on demand from a seed; the same seed gives the same rows for ever."""

    @property
    def start(self) -> date:
        """The first local day of trade."""
        ...

    @property
    def last(self) -> date:
        """The last local day that exists."""
        ...

    def labels(self, merchant: str, day: date) -> Sequence[Any]:
        """Return the planted faults of a merchant's settlement day."""
        ...

    def erp_tables(self, company: str) -> Iterator[tuple[str, ErpRow]]:
        """Yield what SYSPRO holds at start, lazily: small tables first, then days of documents."""
        ...

    def erp_day(self, company: str, day: date) -> Iterator[tuple[str, ErpRow]]:
        """Yield ArInvoice rows with this InvoiceDate and SorMaster rows with this OrderDate."""
        ...

    def erp_days(self, column: str, value: str) -> Sequence[date] | None:
        """Return the days whose rows can hold this value, or ``None`` where any day can."""
        ...

    def reset(self) -> None:
        """Forget what the control server changed."""
        ...
