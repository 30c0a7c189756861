"""Ask once more for what a day went on without, e.g. the bank statement that came after noon.

What came and broke when it was read has not come: its bytes are known then, and other ones count.
An open item of stage ``download`` remembers each such source until its time is over; what a person
resolved is not asked for any more. Once something has come, the day is run again by the way every
day goes, so nothing is booked here.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from include.domain.matching import Cause
from include.domain.merchant import Merchant, Source
from include.domain.open_items import OpenItem, Stage, item_key_of
from include.domain.settlement import SettlementDay
from include.services.fetch_sources import Outcome, Senders, SourceOutcome, fetch_sources

log = logging.getLogger(__name__)


class AwaitedItems(Protocol):
    """The open items of a stage."""

    def of_stage(self, merchant_id: str, stage: str) -> Sequence[OpenItem]:
        """Return a merchant's items of one stage that are not resolved."""
        ...


@dataclass(frozen=True, slots=True)
class AskResult:
    """What became of the sources asked for again."""

    sources: tuple[SourceOutcome, ...]

    @property
    def come(self) -> tuple[SourceOutcome, ...]:
        return tuple(found for found in self.sources if has_come(found))

    @property
    def mark(self) -> str:
        """Return a short name of exactly what has come; '' where nothing has."""
        if not self.come:
            return ""
        text = "\n".join(f"{f.source} {f.outcome is Outcome.empty} {f.digest}" for f in self.come)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def __str__(self) -> str:
        return "; ".join(f"{s.source}: {s.outcome.value}" for s in self.sources) or "nothing asked"


def has_come(found: SourceOutcome) -> bool:
    """Say whether a source has answered whole: with a file, or that it has no data."""
    return found.outcome not in (Outcome.awaited, Outcome.duplicate, Outcome.quarantined)


def awaited_items(
    day: SettlementDay, merchant: Merchant, reasons: Mapping[str, str]
) -> list[OpenItem]:
    """Return the open items of sources that a day goes on without.

    Args:
        day: the day that goes on.
        merchant: whose sources.
        reasons: why it has not come, by source; one that is required is no item, it is waited for.
    """
    return [
        _item(day, merchant, source, reasons[source.name])
        for source in merchant.sources
        if source.name in reasons and not source.is_required and source.awaited_days
    ]


def awaited_key(day: SettlementDay, source_name: str) -> str:
    """Return the key of the item of a source that a day goes on without."""
    return item_key_of(day, Cause.source_awaited, source_name)


def _item(day: SettlementDay, merchant: Merchant, source: Source, reason: str) -> OpenItem:
    until = _until(day, source)
    return OpenItem.found(
        day,
        Stage.download,
        Cause.source_awaited,
        source.name,
        merchant.owner,
        why=f"Source {source.name} has not come: {reason.rstrip('.')}. The day went on without it.",
        do=f"It is asked for again every hour until {until}, and the day is then run "
        "again. After that ask the sender, and run the day again when it is there.",
    )


def days_to_ask(
    merchant_id: str,
    items: AwaitedItems,
    merchant_on: Callable[[SettlementDay], Merchant],
    today: date,
) -> list[SettlementDay]:
    """Return a merchant's days, the oldest first, that still await a source inside its time.

    Args:
        merchant_id: whose days.
        items: what is open.
        merchant_on: the merchant as configured on a day.
        today: the date in the merchant's calendar.
    """
    listed = items.of_stage(merchant_id, Stage.download)
    days = sorted(
        {SettlementDay(merchant_id, item.settlement_date) for item in listed}, key=lambda d: str(d)
    )
    return [day for day in days if _awaited(day, merchant_on(day), listed, today)]


def ask_again(
    day: SettlementDay, merchant: Merchant, *, senders: Senders, items: AwaitedItems, today: date
) -> AskResult:
    """Ask the senders of a day for what it still awaits; keep what arrives.

    Raises:
        Retryable: nothing has come, and a sender could not be asked.
        Rejected: nothing has come, and a sender refused the call for good.
    """
    sources = _awaited(day, merchant, items.of_stage(day.merchant_id, Stage.download), today)
    outcomes, faults = fetch_sources(day, merchant, sources, senders)
    result = AskResult(tuple(outcomes))
    if faults and not result.come:
        raise faults[0]
    for fault in faults:
        log.warning("ask_again %s: %s", day, fault)
    return result


def _awaited(
    day: SettlementDay, merchant: Merchant, listed: Sequence[OpenItem], today: date
) -> list[Source]:
    keys = {item.item_key for item in listed}
    return [
        source
        for source in merchant.sources
        if awaited_key(day, source.name) in keys and today <= _until(day, source)
    ]


def _until(day: SettlementDay, source: Source) -> date:
    return day.settlement_date + timedelta(days=source.awaited_days)
