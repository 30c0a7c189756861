"""What earlier and later days' files say: documents already matched, captures already seen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.domain.matching import Cause
from include.domain.settlement import REPEAT_DAYS, SettlementDay
from include.services.day_files import EXPLAINED, LINES, MATCHES
from include.services.matching.columns import JOINT
from include.services.matching.match_files import settled_documents
from include.services.matching.ports import DayFiles

if TYPE_CHECKING:
    import polars as pl

DISPUTE_LOOKBACK_DAYS = 180  # how far back a dispute or refund may reach: the longest scheme limit
_OF_ORDERS = ["gross_sale", "refund", "chargeback", "chargeback_reversal"]
_OF_MOVES = (
    "merchant_reference currency amount_minor request_id line_class related_request_id"
).split()
_PLACE = ["file_digest", "line_no", "line_class"]  # names a line of a day
PART_REFUND_LOOKBACK_DAYS = 45  # how far a refund's sale is looked for: a part, or all of it?


@dataclass(slots=True)
class Moved:
    """What settled of one order in one currency."""

    sold_minor: int = 0
    # Taken back by chargebacks of earlier days, less every reversal until this one.
    disputed_minor: int = 0
    # Date, minor units above zero, request id; the oldest first.
    refunds: list[tuple[date, int, str]] = field(default_factory=list)

    @property
    def returned_minor(self) -> int:
        return sum(minor for _, minor, _ in self.refunds)


def order_of(row: Mapping[str, Any], captures: Mapping[str, str]) -> str:
    """Name the order of a line: its sale's reference, its own, or else the sale's request id.

    Args:
        row: a sale, or what refers to one.
        captures: order references ('' where blank) by the request id of a sale.
    """
    ids = (row["related_request_id"], row["request_id"])
    known = next((i for i in ids if i in captures), "")
    return captures.get(known) or row["merchant_reference"] or known


def moved_of(
    rows: Iterable[Mapping[str, Any]], captures: Mapping[str, str], on: date
) -> dict[tuple[str, str], Moved]:
    """Add lines up by order and currency; a sale or refund that is reported twice counts once.

    Args:
        rows: lines with the columns ``_OF_MOVES`` and ``line_date``, the oldest first.
        captures: order references by the request id of a sale; see ``order_of``.
        on: the day that is matched; its own chargebacks are not yet taken back.
    """
    found: dict[tuple[str, str], Moved] = {}
    counted = set[tuple[str, str, str, int]]()
    for row in rows:
        minor, line_date = row["amount_minor"], row["line_date"]
        request = (row["request_id"], row["line_class"], row["currency"], minor)
        if request[0] and row["line_class"] in ("gross_sale", "refund"):
            if request in counted:
                continue  # reported twice, as ``duplicates`` names it
            counted.add(request)
        moved = found.setdefault((order_of(row, captures), row["currency"]), Moved())
        if row["line_class"] == "gross_sale":
            moved.sold_minor += minor
        elif row["line_class"] == "refund":
            moved.refunds.append((line_date, -minor, row["request_id"] or "not said"))
        elif line_date < on or row["line_class"] == "chargeback_reversal":
            moved.disputed_minor -= minor
    return found


class History:
    """One merchant's other days, read from the lake."""

    def __init__(self, lake: DayFiles, day: SettlementDay) -> None:
        self._lake = lake
        self._day = day

    def _file(self, on: date, name: str) -> Path:
        return Path(self._lake.day_path(SettlementDay(self._day.merchant_id, on), name))

    def _existing(self, first: date, last: date, name: str) -> list[tuple[date, Path]]:
        """Return the files of first..last but not of the day itself, in order."""
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        found = [(on, self._file(on, name)) for on in days if on != self._day.settlement_date]
        return [(on, path) for on, path in found if path.exists()]

    def is_reconciled(self, on: date) -> bool:
        """Whether a day has been matched; the day being matched counts."""
        return on == self._day.settlement_date or self._file(on, MATCHES).exists()

    def matched_documents(self, first: date, last: date) -> "pl.LazyFrame | None":
        """Return the document ids other days' runs took, one column; ``None`` without any."""
        import polars as pl

        files = self._existing(first, last, MATCHES)
        if not files:
            return None
        plain = [settled_documents(path) for _, path in files]
        explained = pl.scan_parquet([self._file(on, EXPLAINED) for on, _ in files])
        # One explained line may settle several documents; their ids stand joined in one cell.
        joined = explained.select(pl.col("document_id").str.split(JOINT).explode())
        return pl.concat([*plain, joined]).drop_nulls()

    def lines(self, days_back: int, columns: Sequence[str]) -> "pl.LazyFrame | None":
        """Return earlier days' classified lines with their ``line_date``; ``None`` without any."""
        import polars as pl

        until = self._day.settlement_date - timedelta(days=1)
        files = self._existing(until - timedelta(days=days_back - 1), until, LINES)
        if not files:
            return None
        frames = [
            pl.scan_parquet(path).select(*columns, pl.lit(on).alias("line_date"))
            for on, path in files
        ]
        return pl.concat(frames)

    def captures(self, request_ids: Iterable[str]) -> dict[str, str]:
        """Return the order reference ('' where blank) of the sales with these request ids."""
        import polars as pl

        wanted = sorted(set(request_ids))
        columns = ["request_id", "merchant_reference", "line_class"]
        lines = self._until_today(columns) if wanted else None
        if lines is None:
            return {}
        found = lines.filter(
            pl.col("line_class") == "gross_sale", pl.col("request_id").is_in(wanted)
        ).collect(engine="streaming")
        return {
            row["request_id"]: row["merchant_reference"] or "" for row in found.rows(named=True)
        }

    def moved(
        self, references: Iterable[str], captures: Mapping[str, str]
    ) -> "dict[tuple[str, str], Moved]":
        """Return what these orders sold and gave back until the day, by order and currency.

        Args:
            references: of the orders.
            captures: order references by the request id of a sale; see ``order_of``.
        """
        import polars as pl

        wanted, ids = sorted({one for one in references if one}), sorted(captures)
        lines = self._until_today(_OF_MOVES) if wanted or ids else None
        if lines is None:
            return {}
        rows = (
            lines.filter(
                pl.col("line_class").is_in(_OF_ORDERS),
                pl.col("merchant_reference").is_in(wanted)
                | pl.col("request_id").is_in(ids)
                | pl.col("related_request_id").is_in(ids),
            )
            .sort("line_date", "request_id")
            .collect(engine="streaming")
        )
        return moved_of(rows.iter_rows(named=True), captures, self._day.settlement_date)

    def _until_today(self, columns: Sequence[str]) -> "pl.LazyFrame | None":
        """Return earlier days' lines and the day's own, with their ``line_date``."""
        import polars as pl

        on = self._day.settlement_date
        past, today = self.lines(DISPUTE_LOOKBACK_DAYS, columns), self._file(on, LINES)
        frames = [] if past is None else [past]
        if today.exists():
            frames.append(pl.scan_parquet(today).select(*columns, pl.lit(on).alias("line_date")))
        return pl.concat(frames) if frames else None

    def settled_elsewhere(self, request_ids: Iterable[str]) -> dict[tuple[str, str, int], str]:
        """Return which day around this one has settled these sales and refunds already.

        A later day counts once it is matched: until then this day is first, and the later one
        will see it. What a day named as a repeat, it has not settled.
        """
        import polars as pl

        wanted = sorted(set(request_ids))
        on, reach = self._day.settlement_date, timedelta(days=REPEAT_DAYS)
        found: dict[tuple[str, str, int], str] = {}
        for other, path in self._existing(on - reach, on + reach, LINES) if wanted else ():
            if other > on and not self.is_reconciled(other):
                continue
            lines = (
                pl.scan_parquet(path)
                .select("request_id", "currency", "amount_minor", *_PLACE)
                .filter(
                    pl.col("line_class").is_in(["gross_sale", "refund"]),
                    pl.col("request_id").is_in(wanted),
                )
                .collect(engine="streaming")
            )
            explained = self._file(other, EXPLAINED)
            if lines.height and explained.exists():
                is_repeat = pl.col("cause") == Cause.duplicate_line.value
                repeats = pl.scan_parquet(explained).filter(is_repeat).select(_PLACE)
                lines = lines.join(repeats.collect(engine="streaming"), on=_PLACE, how="anti")
            found |= {(row[0], row[1], row[2]): other.isoformat() for row in lines.iter_rows()}
        return found
