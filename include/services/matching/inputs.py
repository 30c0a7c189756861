"""Gather what a day's matching looks at: its lines, the ERP's documents, what is still open."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from include.domain.expectations import Expectation
from include.domain.merchant import Merchant
from include.domain.settlement import DOCUMENT_COLUMNS, SettlementDay
from include.services.column_types import schema_of
from include.services.day_files import DOCUMENTS
from include.services.matching.model import KIND_OF_CLASS, SALE, DocumentItem, LineItem

LINE_FIELDS = (
    "file_digest line_no line_class currency amount_minor request_id merchant_reference "
    "related_request_id batch_id card_type"
).split()
_CHUNK = 50_000  # documents held as objects at once while they become columns


def document_window(day: SettlementDay, merchant: Merchant) -> tuple[date, date]:
    """Return the first and last document date to ask the ERP for.

    Reaches back over the SLA and the date tolerance, so that a document entered late under an
    old date is still seen; older ones are remembered as expectations.
    """
    back = max(merchant.settlement_sla_days, merchant.erp_sla_days, merchant.date_tolerance_days)
    return day.settlement_date - timedelta(days=back + 1), day.settlement_date


def spool_documents(documents: Iterable[Mapping[str, object]], path: Path) -> Path:
    """Write the documents compared to ``path``, ordered by id: evidence, and columns to match.

    Which ids they are is marked in the file, for matches to name the same.

    The ERP may list one twice while we page through it; the first counts.
    """
    import polars as pl

    rows = iter(documents)
    schema = schema_of(DOCUMENT_COLUMNS)
    chunks = [
        pl.DataFrame(
            [[row[name] for name in DOCUMENT_COLUMNS] for row in chunk], schema, orient="row"
        )
        for chunk in iter(lambda: list(islice(rows, _CHUNK)), [])
    ]
    whole = pl.concat(chunks) if chunks else pl.DataFrame(schema=schema)
    whole = whole.unique("document_id", keep="first", maintain_order=True).sort("document_id")
    ids = hashlib.sha256("\n".join(whole["document_id"]).encode())
    whole.write_parquet(path, compression="lz4", metadata={DOCUMENTS: ids.hexdigest()})
    return path


def line_items(rows: Iterable[Mapping[str, Any]], day: date) -> Iterator[LineItem]:
    """Yield lines of the day as objects, each with an identity that survives a new file version.

    Args:
        rows: ``LINE_FIELDS`` and ``row``, in the order of the file.
        day: the settlement date.
    """
    seen: Counter[str] = Counter()
    for row in rows:
        who = row["request_id"] or f"{row['merchant_reference'] or ''}~{day.isoformat()}"
        name = f"{who}|{row['line_class']}|{row['currency']}|{row['amount_minor']}"
        seen[name] += 1
        yield LineItem(
            key=name if seen[name] == 1 else f"{name}#{seen[name]}",
            source=f"{row['file_digest']}:{row['line_no']}",
            day=day,
            kind=KIND_OF_CLASS[row["line_class"]],
            currency=row["currency"],
            minor=row["amount_minor"],
            reference=row["merchant_reference"],
            request_id=row["request_id"],
            related_request_id=row["related_request_id"],
            batch_id=row["batch_id"],
            card_type=row["card_type"],
            row=row["row"],
        )


def earlier_line(expectation: Expectation) -> LineItem:
    """Return a line that was still open, as its own day remembered it."""
    detail = expectation.detail
    return LineItem(
        key=expectation.item_key,
        source=detail["source"],
        day=expectation.since_date,
        kind=detail["kind"],
        currency=expectation.currency,
        minor=expectation.amount_minor,
        reference=detail["reference"],
        request_id=detail["request_id"],
        related_request_id=detail["related_request_id"],
        batch_id=detail["batch_id"],
        card_type=detail["card_type"],
        row=-1,
        hint=detail.get("hint", ""),
    )


def earlier_document(expectation: Expectation, day: date) -> DocumentItem:
    """Return what was left of an awaited document when the run of ``day`` begins.

    A day that is run again sees it as on its first run: without its own part and later ones. A
    day that is run late sees what the days after it left over.
    """
    parts = expectation.parts
    today = day.isoformat()
    if today in parts:
        settled = sum(minor for when, minor in parts.items() if when < today)
    else:
        settled = sum(parts.values())
    remaining = expectation.full_minor - settled
    return DocumentItem(
        document_id=expectation.item_key,
        kind=expectation.detail["kind"],
        reference=expectation.detail["reference"],
        currency=expectation.currency,
        minor=remaining,
        full_minor=expectation.full_minor,
        day=expectation.since_date,
        row=-1,
        is_rest=settled != 0,
    )


def document_item(row: Mapping[str, Any]) -> DocumentItem:
    """Return a document asked for today."""
    return DocumentItem(
        document_id=row["document_id"],
        kind=row["document_kind"],
        reference=row["merchant_reference"],
        currency=row["currency"],
        minor=row["amount_minor"],
        full_minor=row["amount_minor"],
        day=row["document_date"],
        row=row["row"],
    )


def remember_line(line: LineItem) -> dict[str, Any]:
    """Return what an expectation must keep to match this line on a later day."""
    return {
        "source": line.source,
        "kind": line.kind,
        "class": "gross_sale" if line.kind == SALE else "refund",
        "reference": line.reference,
        "request_id": line.request_id,
        "related_request_id": line.related_request_id,
        "batch_id": line.batch_id,
        "card_type": line.card_type,
        "hint": line.hint,
    }


def remember_document(document: DocumentItem) -> dict[str, Any]:
    """Return what an expectation must keep to match this document on a later day."""
    return {
        "kind": document.kind,
        "reference": document.reference,
        "full": document.full_minor,
        "parts": {},
    }
