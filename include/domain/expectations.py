"""An expectation: what should still settle, be booked or be funded, and by when.

It survives from day to day, so that late is told from missing. Only what did *not* match on its
own day has one; a plain match needs no memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any


class ExpectationKind(StrEnum):
    """What is awaited."""

    settlement = "settlement"  # of an ERP document: a line of a settlement file
    document = "document"  # of a settlement line: a document in the ERP
    funding = "funding"  # of a batch: money at the bank
    batch = "batch"  # of a bank entry: the batch that explains it


class ExpectationState(StrEnum):
    """Where an expectation stands."""

    open = "open"
    met = "met"
    missing = "missing"  # its SLA passed; late evidence still meets it
    withdrawn = "withdrawn"  # a re-run no longer finds what it was about


@dataclass(frozen=True, slots=True)
class Expectation:
    """One awaited thing; ``(merchant_id, kind, item_key)`` names it for ever.

    ``detail`` is JSON: what matching needs to meet it later. ``detail["parts"]`` maps the day
    that met a part to the minor units it met, so that re-running that day can take them back.
    """

    merchant_id: str
    kind: ExpectationKind
    item_key: str  # a document id, a line's identity, a batch, or a bank entry
    currency: str
    amount_minor: int  # what is still awaited, signed as the line or document is
    since_date: date  # the date of the document, line, batch or entry
    due_date: date  # missing from the day after
    state: ExpectationState = ExpectationState.open
    met_by: str = ""
    met_date: date | None = None  # the day whose run met it, wholly or the last part
    detail: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def is_awaited(self) -> bool:
        """Say whether evidence may still meet it, in time or late."""
        return self.state in (ExpectationState.open, ExpectationState.missing)

    @property
    def full_minor(self) -> int:
        """The whole amount, before any part was met."""
        return int(self.detail["full"]) if "full" in self.detail else self.amount_minor

    @property
    def parts(self) -> Mapping[str, int]:
        """Minor units met so far, by the ISO date of the day that met them."""
        found: Mapping[str, int] = self.detail.get("parts", {})
        return found
