"""Step 1 of the day: fetch what the merchant's sources have, once, and say what has not come.

The day waits for a source that is required. It goes on without another one, which is then an open
item, and is asked for again: see ``ask_again``.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from include.domain.errors import IntegrationError, Rejected, Retryable
from include.domain.merchant import Merchant
from include.domain.open_items import OpenItems, Stage
from include.domain.settlement import SettlementDay
from include.services.fetch_sources import Outcome, Senders, SourceOutcome, fetch_sources
from include.services.files import FileState
from include.services.late_files import awaited_items, has_come
from include.services.whole_files import written_whole

DOWNLOADS = "downloads.json"  # what became of each source, for the next step


@dataclass(frozen=True, slots=True)
class DownloadResult:
    """What became of every source."""

    sources: tuple[SourceOutcome, ...]

    def __str__(self) -> str:
        return "; ".join(f"{s.source}: {s.outcome.value}" for s in self.sources)


def download_reports(
    day: SettlementDay, merchant: Merchant, senders: Senders, open_items: OpenItems
) -> DownloadResult:
    """Fetch every source of a day.

    A source that is not required and has not come whole is an open item of stage ``download``,
    resolved by the run that finds it.

    Raises:
        Retryable: a required source is pending, absent or still another day's; the rest is kept.
        Rejected: a source refused the call for good; the rest is kept.
    """
    outcomes, faults = fetch_sources(day, merchant, merchant.sources, senders)
    result = DownloadResult(tuple(outcomes))
    write_outcomes(senders.lake.day_path(day, DOWNLOADS), result)
    # What is whole stays in force, whatever came after it.
    arrived = senders.files.of_day(day)
    whole = {file.source for file in arrived if file.state is not FileState.quarantined}
    lacking = {
        found.source: found.reason
        for found in outcomes
        if found.source not in whole and not has_come(found)
    }
    open_items.replace_findings(day, Stage.download, awaited_items(day, merchant, lacking))
    _require(day, merchant, result, faults, whole)
    return result


def _require(
    day: SettlementDay,
    merchant: Merchant,
    result: DownloadResult,
    faults: Sequence[IntegrationError],
    whole: Collection[str],
) -> None:
    for error in faults:
        if isinstance(error, Rejected):
            raise error
    late = [
        f"{found.source} ({found.reason})"
        for found in result.sources
        if found.outcome in (Outcome.awaited, Outcome.duplicate)
        and not (found.outcome is Outcome.duplicate and found.source in whole)
        and merchant.source(found.source).is_required
    ]
    if late:
        raise Retryable(
            f"still waiting for {', '.join(late)}",
            str(day),
            "It is asked again; after the cut-off, ask the sender.",
        )


def write_outcomes(path: Path, result: DownloadResult) -> None:
    """Leave word for the next step, whole or not at all."""
    with written_whole(path) as part:
        part.write_text(json.dumps([asdict(found) for found in result.sources], sort_keys=True))


def read_outcomes(path: Path) -> dict[str, SourceOutcome]:
    """Return what became of each source, by name; nothing where step 1 never ran."""
    if not path.exists():
        return {}
    rows = json.loads(path.read_text())
    found = [SourceOutcome(**{**row, "outcome": Outcome(row["outcome"])}) for row in rows]
    return {outcome.source: outcome for outcome in found}
