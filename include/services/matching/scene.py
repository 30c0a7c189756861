"""Set the scene of a day: plain matches taken away, what is left as objects for the rules."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.domain.errors import Rejected
from include.domain.expectations import Expectation, ExpectationKind, ExpectationState
from include.domain.merchant import Merchant
from include.domain.settlement import DOCUMENT_COLUMNS, SettlementDay
from include.services.matching import disputes
from include.services.matching.history import REFUND_DAYS, History
from include.services.matching.inputs import (
    LINE_FIELDS,
    document_item,
    document_window,
    earlier_document,
    earlier_line,
    line_items,
)
from include.services.matching.model import REFUND, DocumentItem, LineItem
from include.services.matching.plain import (
    NOBODY,
    PlainMatches,
    join_plain,
    key_columns,
    name_column,
    rows_of,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    from include.services.matching.plain import Rows


MAX_EXCEPTIONS = 250_000  # of a day; an object each
_READERS = 2  # of columns, beside the caller: one reads on one core only


@dataclass(slots=True)
class Scene:
    """What the rules look at, and what needed no rule."""

    lines: list[LineItem]  # not plain: of the day, and still open from earlier days
    documents: list[DocumentItem]  # likewise
    withheld: list[LineItem]  # of the day, met by a later day: this is a repeat
    disputes: list[dict[str, Any]]  # rows of disputes.FIELDS
    document_of_line: "Rows"  # row of documents.parquet per row of lines.parquet
    parts_of_sales: list[tuple[int, str]]  # row, and what was compared, of a plain part refund


def set_scene(
    lines_path: Path,
    documents_path: Path,
    loaded: Sequence[Expectation],
    day: SettlementDay,
    merchant: Merchant,
    history: History,
) -> Scene:
    """Match what is plain and gather the rest.

    Args:
        lines_path: the day's lines.parquet.
        documents_path: ERP documents, ``DOCUMENT_COLUMNS``, one row per id.
        loaded: expectations of the merchant up to the day, not met before it.
        day: the merchant's settlement date.
        merchant: its SLA decide which documents were asked for.
        history: what other days have matched.
    """
    on = day.settlement_date
    awaited = {e.item_key: e for e in loaded if e.kind is ExpectationKind.settlement}
    excluded, listed = _not_ours(documents_path, awaited, history, document_window(day, merchant))
    earlier_documents = [
        document
        for document in (_document(e, listed.get(e.item_key), on) for e in awaited.values())
        if document is not None
    ]
    earlier_lines = [earlier_line(e) for e in loaded if _is_open_line(e, on)]
    withheld = _withheld(loaded, on)
    keys = _keys(lines_path, documents_path)
    is_met_later = _rows_at(lines_path, withheld)
    plain = _plain(keys, excluded, is_met_later, earlier_lines, earlier_documents)
    rest = keys.eligible & (plain.document_of_line == NOBODY)
    _demand_bounded(rest, plain.is_open_document, day)
    found = plain.document_of_line
    with ThreadPoolExecutor(_READERS, thread_name_prefix="scene") as pool:
        asked = pool.submit(_documents_at, documents_path, _indices(plain.is_open_document))
        parts = pool.submit(_parts_of_sales, lines_path, keys, found, history)
        own = list(line_items(rows_of(lines_path, LINE_FIELDS, _indices(rest), "line_no"), on))
    return Scene(
        lines=[line for line in own if line.key not in withheld] + earlier_lines,
        documents=[document_item(row) for row in asked.result()] + earlier_documents,
        withheld=[line for line in own if line.key in withheld],
        disputes=_disputes(lines_path) if keys.has_disputes else [],
        document_of_line=found,
        parts_of_sales=parts.result(),
    )


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


def _is_open_line(expectation: Expectation, on: date) -> bool:
    """Whether a line of an earlier day was still open when the run of ``on`` begins."""
    return (
        expectation.kind is ExpectationKind.document
        and expectation.since_date < on
        and (_is_awaited(expectation) or expectation.met_date == on)
    )


def _is_awaited(expectation: Expectation) -> bool:
    return expectation.state in (ExpectationState.open, ExpectationState.missing)


def _withheld(loaded: Sequence[Expectation], on: date) -> dict[str, str]:
    """Return lines of the day that a later day has met: identity -> source.

    This run repeats the day on which they were still open; matching them again would settle them
    twice.
    """
    return {
        e.item_key: str(e.detail["source"])
        for e in loaded
        if e.kind is ExpectationKind.document
        and e.since_date == on
        and e.state is ExpectationState.met
        and e.met_date is not None
        and e.met_date > on
    }


def _document(
    expectation: Expectation, listed: Mapping[str, Any] | None, on: date
) -> DocumentItem | None:
    """Return what was left of an awaited document, or ``None`` where nothing was.

    Where the ERP listed it again, its words count: somebody may have corrected it.
    """
    if listed is not None:
        detail = {
            **expectation.detail,
            "full": listed["amount_minor"],
            "reference": listed["merchant_reference"],
            "kind": listed["document_kind"],
        }
        expectation = replace(expectation, currency=listed["currency"], detail=detail)
    is_own = on.isoformat() in expectation.parts or expectation.met_date == on
    if not _is_awaited(expectation) and not is_own:
        return None
    document = earlier_document(expectation, on)
    return document if document.minor else None


def _not_ours(
    documents: Path,
    awaited: Mapping[str, Expectation],
    history: History,
    window: tuple[date, date],
) -> tuple["npt.NDArray[np.bool_]", dict[str, dict[str, Any]]]:
    """Say which listed documents are not fresh: other days matched them, or we await them.

    Returns:
        A mask over the rows of ``documents``, and the rows of the awaited ones by id.
    """
    import numpy as np
    import polars as pl

    listed = pl.scan_parquet(documents)
    height = listed.select(pl.len()).collect().item()
    mask = np.zeros(height, dtype=np.bool_)
    ids = listed.select("document_id").with_row_index("row")
    # A document of the window can have been matched as long after its date as the window reaches.
    taken = history.matched_documents(window[0], window[1] + (window[1] - window[0]))
    if taken is not None:
        gone = ids.join(taken.unique(), on="document_id", how="semi").collect(engine="streaming")
        mask[gone["row"].to_numpy()] = True
    if not awaited:
        return mask, {}
    wanted = pl.LazyFrame({"document_id": sorted(awaited)}, schema={"document_id": pl.String})
    known = ids.join(wanted, on="document_id", how="semi").collect(engine="streaming")
    mask[known["row"].to_numpy()] = True
    rows = _documents_at(documents, known["row"].to_numpy())
    return mask, {row["document_id"]: row for row in rows}


def _documents_at(documents: Path, rows: "Rows") -> list[dict[str, Any]]:
    return rows_of(documents, list(DOCUMENT_COLUMNS), rows, "amount_minor")


@dataclass(frozen=True, slots=True)
class _Keys:
    """What the day's lines and documents are compared by."""

    lines: "pl.DataFrame"  # key and check
    documents: "pl.DataFrame"  # key and check
    eligible: "npt.NDArray[np.bool_]"  # lines that need a document
    is_refund: "pl.Series"  # of the lines
    names: "pl.Series"  # a number for the reference of each line
    has_disputes: bool


def _keys(lines: Path, documents: Path) -> _Keys:
    """Work out both sides' keys side by side."""
    import polars as pl

    line_class = pl.col("line_class")
    of_class = (
        pl.when(line_class == "gross_sale")
        .then(pl.lit(0, dtype=pl.Int64))
        .when(line_class == "refund")
        .then(pl.lit(1, dtype=pl.Int64))
    )
    of_document = (
        pl.when(pl.col("document_kind") == REFUND)
        .then(pl.lit(1, dtype=pl.Int64))
        .otherwise(pl.lit(0, dtype=pl.Int64))
    )
    of_lines = pl.scan_parquet(lines).select(
        *key_columns(of_class),
        eligible=(line_class == "gross_sale") | (line_class == "refund"),
        is_refund=line_class == "refund",
        name=name_column(),
        disputed=line_class.is_in(disputes.CLASSES),
    )
    of_documents = pl.scan_parquet(documents).select(key_columns(of_document))
    with ThreadPoolExecutor(1, thread_name_prefix="keys") as pool:
        beside = pool.submit(of_documents.collect, engine="streaming")
        found = of_lines.collect(engine="streaming")
        papers = beside.result()
    return _Keys(
        found.select("key", "check"),
        papers,
        found["eligible"].to_numpy(),
        found["is_refund"],
        found["name"],
        bool(found["disputed"].any()),
    )


def _plain(
    keys: _Keys,
    excluded: "npt.NDArray[np.bool_]",
    withheld_rows: "Rows",
    earlier_lines: Sequence[LineItem],
    earlier_documents: Sequence[DocumentItem],
) -> PlainMatches:
    """Match today's lines with today's documents; earlier ones compete, so none is plain by luck.

    Returns:
        Plain matches over the rows of today only.
    """
    import numpy as np
    import polars as pl

    document_keys = keys.documents
    if excluded.any():
        document_keys = document_keys.select(
            pl.when(~pl.Series(excluded)).then(pl.col(name)).alias(name)
            for name in ("key", "check")
        )
    lines, ours = keys.lines.height, document_keys.height
    found = join_plain(
        pl.concat([keys.lines, _keys_of(earlier_lines)]),
        pl.concat([document_keys, _keys_of(earlier_documents)]),
    )
    document_of_line = found.document_of_line[:lines]
    # What involves an earlier day is no plain match: it is late, or the rest of a capture.
    document_of_line[document_of_line >= ours] = NOBODY
    document_of_line[withheld_rows] = NOBODY
    is_open = ~excluded
    is_open[document_of_line[document_of_line != NOBODY]] = False
    return PlainMatches(np.ascontiguousarray(document_of_line), is_open)


def _keys_of(items: Sequence[LineItem] | Sequence[DocumentItem]) -> "pl.DataFrame":
    import polars as pl

    frame = pl.LazyFrame(
        [(i.reference, i.currency, i.minor, int(i.kind == REFUND)) for i in items],
        schema={
            "merchant_reference": pl.String,
            "currency": pl.String,
            "amount_minor": pl.Int64,
            "kind": pl.Int64,
        },
        orient="row",
    )
    return frame.select(key_columns(pl.col("kind"))).collect()


def _rows_at(lines: Path, withheld: Mapping[str, str]) -> "Rows":
    """Return the rows of some sources, "<file digest>:<line>"."""
    import numpy as np
    import polars as pl

    if not withheld:
        return np.zeros(0, dtype=np.int32)
    places = [source.rpartition(":") for source in withheld.values()]
    wanted = pl.LazyFrame(
        [(digest, int(number)) for digest, _, number in places],
        schema={"file_digest": pl.String, "line_no": pl.Int64},
        orient="row",
    )
    found = (
        pl.scan_parquet(lines)
        .select("file_digest", "line_no")
        .with_row_index("row")
        .join(wanted, on=["file_digest", "line_no"], how="semi")
        .collect(engine="streaming")
    )
    return found["row"].to_numpy().astype(np.int32)


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
    lines: Path, keys: _Keys, document_of_line: "Rows", history: History
) -> list[tuple[int, str]]:
    """Return the plain refunds that give back only a part of what the order had paid.

    A number tells nearly all sales of other orders; the words of the day's lines are read only
    where a sale of the day or an earlier day can be of a refunded order.

    Returns:
        (row, what was compared) per such refund.
    """
    import polars as pl

    is_plain = keys.is_refund & pl.Series(document_of_line != NOBODY)
    refunded_names = keys.names.filter(is_plain).unique()
    columns = ["merchant_reference", "currency", "amount_minor", "line_class"]
    past = history.lines(REFUND_DAYS, columns) if len(refunded_names) else None
    sold_today = keys.names.filter(~keys.is_refund).is_in(refunded_names.implode()).any()
    if past is None and not sold_today:
        return []
    today = pl.scan_parquet(lines).select(columns).with_row_index("row")
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
        (
            row["row"],
            f"refund of {-row['amount_minor']} of the {row['sold_minor']} {row['currency']} minor "
            f"units that order {row['merchant_reference']} had paid; its credit note agrees",
        )
        for row in parts.sort("row").iter_rows(named=True)
    ]
