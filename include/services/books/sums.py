"""Sum a day's lines by batch, currency and class, in columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from include.domain.dispute_cases import CASE_NAMES
from include.domain.matching import Cause
from include.domain.merchant import Merchant
from include.domain.settlement import NET_CLASSES, LineClass
from include.services.matching.columns import request_of

if TYPE_CHECKING:
    import polars as pl

_NET = [line_class.value for line_class in NET_CLASSES]
_BATCHED = ["gross_sale", "refund"]
_NAMELESS = "DAY-"  # begins the id of what a day nets without a batch of its own


@dataclass(slots=True)
class BatchSums:
    """One batch of one currency that posts on one date."""

    batch_id: str
    currency: str
    posting_date: date  # before periods are asked: the settlement date, or a month's last day
    is_earlier_month: bool
    sums: dict[tuple[str, str, str], int] = field(default_factory=dict)
    # (line class, layout, source's code) -> minor units; layout and code only for fees
    control_minor: int = 0  # the sum of the lines, taken without regard to class
    statement_id: str = ""  # the acquirer's bill, where its fees name one
    given_back: dict[str, int] = field(default_factory=dict)
    # dispute case -> minor units that its reversals of this batch give back

    @property
    def part_id(self) -> str:
        """The batch, with its posting date where another part posts later."""
        return f"{self.batch_id}@{self.posting_date}" if self.is_earlier_month else self.batch_id


def is_nameless(batch_id: str) -> bool:
    """Say whether it is what a day nets without a batch: no bank can show its id."""
    return batch_id.startswith(_NAMELESS)


@dataclass(slots=True)
class DaySums:
    """A whole day. ``set_aside`` is what was counted but must not be booked, per currency."""

    batches: list[BatchSums]
    set_aside: dict[str, int]


def sum_day(
    lines: Path,
    explained: Path,
    merchant: Merchant,
    on: date,
    layouts: Mapping[str, str],
) -> DaySums:
    """Sum the day.

    A line without a batch of its own belongs to the batch of its request among the day's sales
    and refunds, else to the only batch of its currency, else to ``DAY-<date>``.

    Args:
        lines: lines.parquet.
        explained: explained.parquet; its duplicates are set aside.
        merchant: zone and month-end split.
        on: the settlement date.
        layouts: layout by file digest.
    """
    import polars as pl

    frame, set_aside = _without_duplicates(pl.scan_parquet(lines), explained)
    frame = frame.filter(pl.col("line_class").is_in(_NET))
    # The control is taken without regard to class, in the same pass over the file.
    seen, control = pl.collect_all(
        [
            frame.group_by("batch_id", "currency", "line_class").agg(
                pl.col("amount_minor").sum(), first_at=pl.col("occurred_at").min()
            ),
            frame.group_by("batch_id", "currency").agg(pl.col("amount_minor").sum()),
        ],
        engine="streaming",
    )
    if seen["batch_id"].null_count() or _may_be_earlier(seen, merchant, on):
        frame = _with_months(_with_batches(frame, on), merchant, on)
        grouped = _grouped(frame)
        control = (
            frame.group_by("batch", "currency", "is_earlier")
            .agg(pl.col("amount_minor").sum())
            .collect(engine="streaming")
        )
    else:
        grouped = _as_grouped(seen)
        if "fee" in seen["line_class"]:
            fees = frame.filter(pl.col("line_class") == "fee")
            fees = fees.with_columns(batch="batch_id", is_earlier=pl.lit(False))
            grouped = pl.concat([grouped, _grouped(_with_codes(fees))])
        control = control.select("batch_id", "currency", pl.lit(False), "amount_minor")
        frame = frame.with_columns(batch="batch_id")
    controls = {row[:3]: row[3] for row in control.iter_rows()}
    batches = _batches(grouped, controls, on, layouts)
    if LineClass.chargeback_reversal.value in seen["line_class"]:
        _name_given_back(batches, frame)
    return DaySums(batches, set_aside)


def _name_given_back(batches: list[BatchSums], frame: "pl.LazyFrame") -> None:
    """Say of each batch which cases its reversals are of; what names no case stays out."""
    import polars as pl

    names = [pl.when(pl.col(name) != "").then(pl.col(name)) for name in CASE_NAMES]
    found = (
        frame.filter(pl.col("line_class") == LineClass.chargeback_reversal.value)
        .group_by("batch", "currency", case=pl.coalesce(names))
        .agg(pl.col("amount_minor").sum())
        .drop_nulls("case")
        .collect(engine="streaming")
    )
    by_batch = {(b.batch_id, b.currency): b for b in batches if not b.is_earlier_month}
    for batch_id, currency, case, minor in found.sort("case").iter_rows():
        by_batch[batch_id, currency].given_back[case] = minor


def _grouped(frame: "pl.LazyFrame") -> "pl.DataFrame":
    import polars as pl

    return (
        frame.group_by("batch", "currency", "is_earlier", "line_class", "file_digest", "code")
        .agg(pl.col("amount_minor").sum(), pl.col("statement").min())
        .collect(engine="streaming")
    )


def _as_grouped(seen: "pl.DataFrame") -> "pl.DataFrame":
    """Return what is no fee as ``_grouped`` would: it has neither code nor statement."""
    import polars as pl

    return seen.filter(pl.col("line_class") != "fee").select(
        pl.col("batch_id").alias("batch"),
        "currency",
        pl.lit(False).alias("is_earlier"),
        "line_class",
        pl.lit("").alias("file_digest"),
        pl.lit("").alias("code"),
        "amount_minor",
        pl.lit(None, pl.String).alias("statement"),
    )


def _may_be_earlier(seen: "pl.DataFrame", merchant: Merchant, on: date) -> bool:
    """Say whether anything can have been captured in an earlier month of the merchant's zone."""
    import polars as pl

    if not merchant.split_at_month_end:
        return False
    first_at = seen.filter(pl.col("line_class").is_in(_BATCHED))["first_at"].min()
    # No zone is a whole day behind UTC.
    month = datetime(on.year, on.month, 1, tzinfo=UTC) + timedelta(days=1)
    return isinstance(first_at, datetime) and first_at < month


def _without_duplicates(
    frame: "pl.LazyFrame", explained: Path
) -> tuple["pl.LazyFrame", dict[str, int]]:
    """Drop the records that matching named as repeats; they were counted, not booked.

    A record's fees are as much a repeat as its sale.
    """
    import polars as pl

    repeats = (
        pl.scan_parquet(explained)
        .filter(pl.col("cause") == Cause.duplicate_line.value)
        .select("file_digest", "line_no")
        .unique()
        .collect(engine="streaming")
    )
    if repeats.is_empty():
        return frame, {}
    keys = ["file_digest", "line_no"]
    aside = (
        frame.join(repeats.lazy(), on=keys, how="semi")
        .group_by("currency")
        .agg(pl.col("amount_minor").sum())
        .collect(engine="streaming")
    )
    return frame.join(repeats.lazy(), on=keys, how="anti"), dict(aside.iter_rows())


def _with_batches(frame: "pl.LazyFrame", on: date) -> "pl.LazyFrame":
    """Add ``batch``, never null, and ``statement`` and ``code`` where they matter."""
    import polars as pl

    frame = _with_codes(frame)
    known = (
        frame.filter(pl.col("line_class").is_in(_BATCHED), pl.col("batch_id").is_not_null())
        .select("currency", "batch_id")
        .unique()
        .collect(engine="streaming")
    )
    only = known.group_by("currency").agg(pl.col("batch_id").first(), pl.len()).filter(len=1)
    lacking = frame.select(pl.col("batch_id").is_null().any()).collect(engine="streaming").item()
    if not lacking:
        return frame.with_columns(batch="batch_id")
    of_request = (
        frame.filter(pl.col("line_class").is_in(_BATCHED), pl.col("batch_id").is_not_null())
        .select("request_id", of_request="batch_id")
        .drop_nulls()
        .unique("request_id", keep="first", maintain_order=True)
    )
    return (
        frame.join(of_request, on="request_id", how="left")
        .join(only.lazy().select("currency", only="batch_id"), on="currency", how="left")
        .with_columns(
            batch=pl.coalesce(
                "batch_id", "of_request", "only", pl.lit(f"{_NAMELESS}{on.isoformat()}")
            )
        )
    )


def _with_codes(frame: "pl.LazyFrame") -> "pl.LazyFrame":
    """Add ``code`` and ``statement`` of fees, and let nothing else keep its file."""
    import polars as pl

    is_fee = pl.col("line_class") == "fee"
    return frame.with_columns(
        request_of(),
        code=pl.when(is_fee).then("detail_code").otherwise(pl.lit("")),
        statement=pl.when(is_fee & request_of().is_null()).then("processor_reference"),
    ).with_columns(file_digest=pl.when(is_fee).then("file_digest").otherwise(pl.lit("")))


def _with_months(frame: "pl.LazyFrame", merchant: Merchant, on: date) -> "pl.LazyFrame":
    """Add ``is_earlier``: captured before the month of the settlement date, in the zone.

    Sales and refunds by their own time, fees by that of their request; a dispute is never
    captured, whenever its sale was.
    """
    import polars as pl

    never = frame.with_columns(is_earlier=pl.lit(False))
    if not merchant.split_at_month_end:
        return never
    local = pl.col("occurred_at").dt.convert_time_zone(merchant.zone).dt.date()
    is_before = (local < on.replace(day=1)).fill_null(False)
    is_captured = pl.col("line_class").is_in(_BATCHED)
    early = frame.filter(is_captured & is_before).select("request_id")
    if early.select(pl.len()).collect(engine="streaming").item() == 0:
        return never
    ids = early.drop_nulls().unique().with_columns(is_early_request=pl.lit(True))
    return frame.join(ids, on="request_id", how="left").with_columns(
        is_earlier=pl.when(is_captured)
        .then(is_before)
        .otherwise((pl.col("line_class") == "fee") & pl.col("is_early_request").fill_null(False))
    )


def _batches(
    grouped: "pl.DataFrame",
    controls: Mapping[tuple[object, ...], int],
    on: date,
    layouts: Mapping[str, str],
) -> list[BatchSums]:
    month_end = on.replace(day=1) - timedelta(days=1)
    found: dict[tuple[object, ...], BatchSums] = {}
    for row in grouped.sort(grouped.columns).iter_rows(named=True):
        key = (row["batch"], row["currency"], row["is_earlier"])
        posting_date = month_end if row["is_earlier"] else on
        batch = found.setdefault(
            key,
            BatchSums(
                row["batch"],
                row["currency"],
                posting_date,
                row["is_earlier"],
                control_minor=controls[key],
            ),
        )
        layout = layouts.get(row["file_digest"], "") if row["line_class"] == "fee" else ""
        name = (row["line_class"], layout, row["code"])
        batch.sums[name] = batch.sums.get(name, 0) + row["amount_minor"]
        batch.statement_id = batch.statement_id or row["statement"] or ""
    return list(found.values())
