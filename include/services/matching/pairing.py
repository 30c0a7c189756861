"""Pair a day's lines with its documents where nothing is to be decided: one line, one document.

What other days have taken or still await takes part, so that no pair is plain by luck.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.domain.expectations import Expectation, ExpectationKind, ExpectationState
from include.domain.merchant import Merchant
from include.domain.settlement import DOCUMENT_COLUMNS, SettlementDay
from include.services.matching import disputes
from include.services.matching.history import History
from include.services.matching.inputs import document_window, earlier_document, earlier_line
from include.services.matching.model import REFUND, DocumentItem, LineItem
from include.services.matching.plain import (
    NOBODY,
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


@dataclass(frozen=True, slots=True)
class Paired:
    """The plain pairs of a day, and what takes part from other days."""

    keys: "Keys"
    document_of_line: "Rows"  # row of documents.parquet per row of lines.parquet, or NOBODY
    is_open_document: "npt.NDArray[np.bool_]"  # documents asked for today that nobody has
    earlier_lines: list[LineItem]  # still open when the run of the day begins
    earlier_documents: list[DocumentItem]  # likewise
    withheld: Mapping[str, str]  # lines of the day that a later day has met: identity -> source


def pair_plain(
    lines_path: Path,
    documents_path: Path,
    loaded: Sequence[Expectation],
    day: SettlementDay,
    merchant: Merchant,
    history: History,
) -> Paired:
    """Match what is plain.

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
    found = _plain(keys, excluded, is_met_later, earlier_lines, earlier_documents)
    is_open = _nobodys(found, excluded)
    return Paired(keys, found, is_open, earlier_lines, earlier_documents, withheld)


def _is_open_line(expectation: Expectation, on: date) -> bool:
    """Whether a line of an earlier day was still open when the run of ``on`` begins."""
    return (
        expectation.kind is ExpectationKind.document
        and expectation.since_date < on
        and (expectation.is_awaited or expectation.met_date == on)
    )


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
    if not expectation.is_awaited and not is_own:
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
    rows = rows_of(documents, list(DOCUMENT_COLUMNS), known["row"].to_numpy(), "amount_minor")
    return mask, {row["document_id"]: row for row in rows}


@dataclass(frozen=True, slots=True)
class Keys:
    """What the day's lines and documents are compared by."""

    lines: "pl.DataFrame"  # key and check
    documents: "pl.DataFrame"  # key and check
    eligible: "npt.NDArray[np.bool_]"  # lines that need a document
    is_refund: "pl.Series"  # of the lines
    names: "pl.Series"  # a number for the reference of each line
    line_numbers: "pl.Series"  # line_no of the lines
    document_minors: "pl.Series"  # amount_minor of the documents
    has_disputes: bool


def _keys(lines: Path, documents: Path) -> Keys:
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
        number=pl.col("line_no"),
        disputed=line_class.is_in(disputes.CLASSES),
    )
    of_documents = pl.scan_parquet(documents).select(
        *key_columns(of_document), minor=pl.col("amount_minor")
    )
    with ThreadPoolExecutor(1, thread_name_prefix="keys") as pool:
        beside = pool.submit(of_documents.collect, engine="streaming")
        found = of_lines.collect(engine="streaming")
        papers = beside.result()
    return Keys(
        found.select("key", "check"),
        papers.select("key", "check"),
        found["eligible"].to_numpy(),
        found["is_refund"],
        found["name"],
        found["number"],
        papers["minor"],
        bool(found["disputed"].any()),
    )


def _plain(
    keys: Keys,
    excluded: "npt.NDArray[np.bool_]",
    withheld_rows: "Rows",
    earlier_lines: Sequence[LineItem],
    earlier_documents: Sequence[DocumentItem],
) -> "Rows":
    """Match today's lines with today's documents; earlier ones compete, so none is plain by luck.

    Returns:
        Plain matches over the rows of today only.
    """
    import polars as pl

    document_keys = keys.documents
    is_like_taken = None
    if excluded.any():
        taken = document_keys["key"].filter(pl.Series(excluded)).drop_nulls()
        is_like_taken = keys.lines["key"].is_in(taken.implode()).fill_null(False).to_numpy()
        document_keys = document_keys.select(
            pl.when(~pl.Series(excluded)).then(pl.col(name)).alias(name)
            for name in ("key", "check")
        )
    lines, ours = keys.lines.height, document_keys.height
    found = join_plain(
        pl.concat([keys.lines, _keys_of(earlier_lines)]),
        pl.concat([document_keys, _keys_of(earlier_documents)]),
    )[:lines]
    # What involves an earlier day is no plain match: it is late, or the rest of a capture.
    found[found >= ours] = NOBODY
    found[withheld_rows] = NOBODY
    if is_like_taken is not None:
        # Its twin was settled on another day: this may be that line again, so the rules look.
        found[is_like_taken] = NOBODY
    return found


def _nobodys(
    document_of_line: "Rows", excluded: "npt.NDArray[np.bool_]"
) -> "npt.NDArray[np.bool_]":
    """Say which documents asked for today no line has."""
    import numpy as np

    is_open = np.append(~excluded, True)  # the one behind the last stands for NOBODY
    is_open[document_of_line] = False
    return is_open[:-1]


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
