"""An open item: something a person must know or do, with its age, owner and next action."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from include.domain.matching import Cause
from include.domain.settlement import SettlementDay


@dataclass(frozen=True, slots=True)
class OpenItem:
    """One finding of one step. Found again, it is the same item: ``item_key`` names it."""

    item_key: str  # merchant|date|cause|what, see ``item_key_of``
    merchant_id: str
    settlement_date: date
    stage: str  # the step that found it: download, classify, check, match, fund, post
    cause: Cause
    currency: str | None  # null: it could not be read
    amount_minor: int | None  # as the line has it; null is unknown, never zero
    source: str  # "<file digest>:<line>", or '' where there is no line
    document_id: str  # SYSPRO's, or ''
    explanation: str  # what was found, in a sentence
    next_action: str  # what would close it, as an instruction
    owner: str


class OpenItems(Protocol):
    """Where findings are kept until they are resolved."""

    def replace_findings(self, day: SettlementDay, stage: str, items: Sequence[OpenItem]) -> None:
        """Make ``items`` the findings of one stage on one day, in one transaction.

        Known keys keep their age and owner's notes; new ones are opened; those of the stage and
        day that are no longer found are resolved. Repeating a call changes nothing.
        """
        ...

    def resolve(self, item_keys: Sequence[str], *, resolved_by: str, resolution: str) -> None:
        """Resolve the named items that are open; unknown keys are fine."""
        ...


def item_key_of(day: SettlementDay, cause: Cause, what: str) -> str:
    """Name a finding for ever, e.g. ``acme_us|2026-10-31|unreadable_line|<digest>:17``."""
    return f"{day}|{cause.value}|{what}"
