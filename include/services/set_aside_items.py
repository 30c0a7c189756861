"""What was set aside, as open items: who must know, and what would close it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from include.domain.errors import Rejected
from include.domain.matching import Cause
from include.domain.merchant import Merchant
from include.domain.money import Money
from include.domain.open_items import OpenItem, Stage, item_key_of
from include.domain.settlement import SettlementDay
from include.services.files import FileState, StoredFile

if TYPE_CHECKING:
    import polars as pl

CLASSIFIER = "tieout classify"
MOST_ITEMS = 200  # per file and reason; what is beyond becomes one item with their number
_CAUSES: Mapping[str, Cause] = {
    "duplicate_line": Cause.duplicate_line,
    "counted_before": Cause.duplicate_line,
    "duplicate_file": Cause.duplicate_file,
    "truncated_file": Cause.truncated_file,
    "unknown_record_type": Cause.unknown_record_type,
    "unknown_word": Cause.unknown_record_type,
}


def cause_of(reason_code: str) -> Cause:
    """Translate a quarantine reason; whatever has no word of its own could not be read."""
    return _CAUSES.get(reason_code, Cause.unreadable_line)


def findings_of(
    day: SettlementDay,
    merchant: Merchant,
    files: Sequence[StoredFile],
    quarantined: "pl.DataFrame",
) -> list[OpenItem]:
    """Return the open items of a day's files and lines, in a fixed order."""
    items = [*_of_files(day, merchant, files), *_of_lines(day, merchant, quarantined)]
    return sorted(items, key=lambda item: item.item_key)


def mended(day: SettlementDay, files: Sequence[StoredFile]) -> list[str]:
    """Return the keys of the items that a later, whole version of the file has answered."""
    newest = _newest_whole(files)
    return [
        item_key_of(day, cause_of(file.reason.partition(": ")[0]), f"{file.digest}:0")
        for file in files
        if file.state is _ASIDE and file.reason and newest.get(file.source, 0) > file.version
    ]


def _newest_whole(files: Sequence[StoredFile]) -> dict[str, int]:
    return {file.source: file.version for file in files if file.state is not _ASIDE}


def _of_files(
    day: SettlementDay, merchant: Merchant, files: Sequence[StoredFile]
) -> Iterator[OpenItem]:
    """Yield one item per file that was set aside when it arrived."""
    newest = _newest_whole(files)
    for file in files:
        if file.state is not _ASIDE or not file.reason:
            continue
        code, _, detail = file.reason.partition(": ")
        later = newest.get(file.source, 0)
        is_mended = later > file.version
        yield place_item(
            day,
            merchant,
            cause_of(code),
            f"{file.digest}:0",
            f"Source {file.source}, version {file.version}: {detail}",
            f"Nothing to do: version {later} came whole."
            if is_mended
            else "Clear the download step to fetch it again; if it comes the same, ask the sender.",
        )


_ASIDE = FileState.quarantined


def _of_lines(
    day: SettlementDay, merchant: Merchant, quarantined: "pl.DataFrame"
) -> Iterator[OpenItem]:
    seen: dict[tuple[str, str], int] = {}
    for row in quarantined.sort("file_digest", "line_no").iter_rows(named=True):
        if row["line_no"] == 0:
            continue  # a whole file, told from the table of files
        key = (row["file_digest"], row["reason_code"])
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= MOST_ITEMS:
            yield _line_item(day, merchant, row)
    for (digest, code), count in seen.items():
        if count > MOST_ITEMS:
            yield place_item(
                day,
                merchant,
                cause_of(code),
                f"{digest}:{code}",
                f"{count - MOST_ITEMS} more lines of this file were set aside as {code}.",
                "Read them in the day's quarantine, then ask the sender for a corrected file.",
            )


def _line_item(day: SettlementDay, merchant: Merchant, row: Mapping[str, Any]) -> OpenItem:
    # A sentence of the quarantine ends with what to do; the item shows that on its own.
    found, _, todo = row["detail"].partition("). ")
    item = place_item(
        day,
        merchant,
        cause_of(row["reason_code"]),
        f"{row['file_digest']}:{row['line_no']}",
        f"{found})." if todo else found,
        todo or "Ask the sender for a corrected file.",
    )
    return replace(item, currency=row["currency"], amount_minor=_minor(row))


def _minor(row: Mapping[str, Any]) -> int | None:
    """Read the amount as the line has it; null where it cannot be told."""
    if row["currency"] is None or row["amount_text"] is None:
        return None
    try:
        return Money.parse(row["amount_text"], row["currency"], "quarantine").minor
    except Rejected:
        return None


def place_item(
    day: SettlementDay,
    merchant: Merchant,
    cause: Cause,
    source: str,
    explanation: str,
    todo: str,
    *,
    key: str = "",
) -> OpenItem:
    """Return an item about a place in the files; ``key`` tells two about one place apart."""
    return OpenItem.found(
        day,
        Stage.classify,
        cause,
        key or source,
        merchant.owner,
        source=source,
        why=explanation,
        do=todo,
    )
