"""An open item: something a person must know or do, with its age, owner and next action."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from include.domain.matching import Cause
from include.domain.money import Money
from include.domain.settlement import SettlementDay


class Stage(StrEnum):
    """The step that found an item, and that replaces what it found when it runs again."""

    download = "download"
    classify = "classify"  # of lines another day lost, with that day: "classify 2026-10-31"
    match = "match"
    disputes = "disputes"
    build = "build"
    fund = "fund"
    statement = "statement"  # a bank entry that was booked and is stated otherwise since


@dataclass(frozen=True, slots=True)
class OpenItem:
    """One finding of one step. Found again, it is the same item: ``item_key`` names it."""

    item_key: str  # merchant|date|cause|what, see ``item_key_of``
    merchant_id: str
    settlement_date: date
    stage: str  # see ``Stage``
    cause: Cause
    currency: str | None  # null: it could not be read
    amount_minor: int | None  # as the line has it; null is unknown, never zero
    source: str  # "<file digest>:<line>", or '' where there is no line
    document_id: str  # SYSPRO's, or ''
    explanation: str  # what was found, in a sentence
    next_action: str  # what would close it, as an instruction
    owner: str

    @classmethod
    def found(
        cls,
        day: SettlementDay,
        stage: Stage,
        cause: Cause,
        what: str,
        owner: str,
        *,
        why: str,
        do: str,
        money: Money | None = None,
        source: str = "",
        document_id: str = "",
    ) -> "OpenItem":
        """Return a finding of a day, under the key that its day, cause and ``what`` make.

        Args:
            day: on which it arose, which may be before the day whose run finds it.
            stage: that found it.
            cause: of it.
            what: tells it from others of its day and cause, and is the same at every run.
            owner: who is to act.
            why: what was found, in a sentence.
            do: what would close it.
            money: as the line has it; ``None`` is unknown.
            source: ``<file digest>:<line>``, where there is a line.
            document_id: SYSPRO's, where there is a document.
        """
        return cls(
            item_key=item_key_of(day, cause, what),
            merchant_id=day.merchant_id,
            settlement_date=day.settlement_date,
            stage=stage,
            cause=cause,
            currency=money.currency if money else None,
            amount_minor=money.minor if money else None,
            source=source,
            document_id=document_id,
            explanation=why,
            next_action=do,
            owner=owner,
        )


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
