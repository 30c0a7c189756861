"""Set the scene of a day: what is no plain match, as objects for the rules."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.domain.errors import Rejected
from include.domain.settlement import DOCUMENT_COLUMNS, SettlementDay
from include.services.matching import disputes
from include.services.matching.history import PART_REFUND_LOOKBACK_DAYS, History
from include.services.matching.inputs import LINE_FIELDS, document_item, line_items
from include.services.matching.model import DocumentItem, LineItem
from include.services.matching.pairing import Keys, Paired
from include.services.matching.plain import NOBODY, name_column, rows_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from include.services.matching.plain import Rows


MAX_EXCEPTIONS = 250_000  # of a day; an object each
_READERS = 2  # of columns, beside the caller: one reads on one core only


@dataclass(slots=True)
class Scene:
    """What the rules look at."""

    lines: list[LineItem]  # not plain: of the day, and still open from earlier days
    documents: list[DocumentItem]  # likewise
    withheld: list[LineItem]  # of the day, met by a later day: this is a repeat
    disputes: list[dict[str, Any]]  # rows of disputes.FIELDS
    parts_of_sales: list["PartRefund"]


@dataclass(frozen=True, slots=True)
class PartRefund:
    """A plain refund that gives back only a part of what its order had paid."""

    row: int
    source: str
    compared: str


def set_scene(
    paired: Paired, lines_path: Path, documents_path: Path, day: SettlementDay, history: History
) -> Scene:
    """Gather what is not plain.

    Args:
        paired: the plain pairs of the day.
        lines_path: the day's lines.parquet.
        documents_path: ERP documents, ``DOCUMENT_COLUMNS``, one row per id.
        day: the merchant's settlement date.
        history: what other days have sold.

    Raises:
        Rejected: hardly anything goes together.
    """
    keys, found, withheld = paired.keys, paired.document_of_line, paired.withheld
    rest = keys.eligible & (found == NOBODY)
    _demand_bounded(rest, paired.is_open_document, day)
    with ThreadPoolExecutor(_READERS, thread_name_prefix="scene") as pool:
        asked = pool.submit(
            rows_of,
            documents_path,
            list(DOCUMENT_COLUMNS),
            _indices(paired.is_open_document),
            "amount_minor",
            keys.document_minors,
        )
        parts = pool.submit(_parts_of_sales, lines_path, keys, found, history)
        rows = rows_of(lines_path, LINE_FIELDS, _indices(rest), "line_no", keys.line_numbers)
        awaited = {line.key for line in paired.earlier_lines}
        own = [_apart(line, awaited) for line in line_items(rows, day.settlement_date)]
    return Scene(
        lines=[line for line in own if line.key not in withheld] + paired.earlier_lines,
        documents=[document_item(row) for row in asked.result()] + paired.earlier_documents,
        withheld=[line for line in own if line.key in withheld],
        disputes=_disputes(lines_path) if keys.has_disputes else [],
        parts_of_sales=parts.result(),
    )


def _apart(line: LineItem, awaited: Collection[str]) -> LineItem:
    """Tell a line from the one of an earlier day that it repeats: one identity holds one line."""
    return replace(line, key=f"{line.key}~{line.day}") if line.key in awaited else line


def _demand_bounded(
    lines: "npt.NDArray[np.bool_]", documents: "npt.NDArray[np.bool_]", day: SettlementDay
) -> None:
    """Refuse a day on which hardly anything goes together: the cause is one, not many.

    Raises:
        Rejected: more lines or documents are left than anybody could look at, or memory hold.
    """
    for what, left in (("lines", lines), ("documents", documents)):
        count = int(left.sum())
        if count > MAX_EXCEPTIONS:
            raise Rejected(
                f"{count:,} of {len(left):,} {what} have no plain match; "
                f"at most {MAX_EXCEPTIONS:,} exceptions are looked at one by one",
                f"match, {day}",
                "Nothing was stored. Check that the ERP company, its currency and the order "
                "reference (customer PO number) are those of this merchant.",
            )


def _indices(mask: "npt.NDArray[np.bool_]") -> "Rows":
    import numpy as np

    return np.flatnonzero(mask).astype(np.int32)


def _disputes(lines: Path) -> list[dict[str, Any]]:
    import polars as pl

    found = (
        pl.scan_parquet(lines)
        .select(disputes.FIELDS)
        .with_row_index("row")
        .filter(pl.col("line_class").is_in(disputes.CLASSES))
        .collect(engine="streaming")
    )
    return found.to_dicts()


def _parts_of_sales(
    lines: Path, keys: Keys, document_of_line: "Rows", history: History
) -> list[PartRefund]:
    """Return the plain refunds that give back only a part of what the order had paid.

    A number tells nearly all sales of other orders; the words of the day's lines are read only
    where a sale of the day or an earlier day can be of a refunded order.
    """
    import polars as pl

    is_plain = keys.is_refund & pl.Series(document_of_line != NOBODY)
    refunded_names = keys.names.filter(is_plain).unique()
    columns = ["merchant_reference", "currency", "amount_minor", "line_class"]
    past = history.lines(PART_REFUND_LOOKBACK_DAYS, columns) if len(refunded_names) else None
    sold_today = keys.names.filter(~keys.is_refund).is_in(refunded_names.implode()).any()
    if past is None and not sold_today:
        return []
    places = ["file_digest", "line_no"]
    today = pl.scan_parquet(lines).select(*columns, *places).with_row_index("row")
    refunded = today.filter(pl.col("line_class") == "refund").collect(engine="streaming")
    plain = refunded.filter(is_plain.gather(refunded["row"]))
    frames = [today.select(columns)] if sold_today else []
    frames += [] if past is None else [past.select(columns)]
    on = ["merchant_reference", "currency"]
    sold = (
        pl.concat(frames)
        .filter(
            pl.col("line_class") == "gross_sale",
            name_column().is_in(refunded_names.implode()),
        )
        .join(plain.lazy().select(on).unique(), on=on, how="semi")
        .group_by(on)
        .agg(pl.col("amount_minor").sum().alias("sold_minor"))
        .collect(engine="streaming")
    )
    parts = plain.join(sold, on=on, how="inner").filter(
        pl.col("amount_minor").abs() < pl.col("sold_minor")
    )
    return [
        PartRefund(
            row["row"],
            f"{row['file_digest']}:{row['line_no']}",
            f"refund of {-row['amount_minor']} of the {row['sold_minor']} {row['currency']} minor "
            f"units that order {row['merchant_reference']} had paid; its credit note agrees",
        )
        for row in parts.sort("row").iter_rows(named=True)
    ]
