"""The bare scripts: parse, classify, join and total only. No check, no memory, no journal.

Each parses the whole file as its columns are (ids are text, amounts are exact) and returns (gross
minor, refunds minor, lines with a document); all must agree with the product. The *floor* is the
least that can give the same three numbers: four columns of twelve, amounts as floats.
"""

from pathlib import Path

Totals = tuple[int, int, int]
COLUMNS = (
    "batch_id merchant_id batch_date request_id merchant_ref_number TransactionReferenceNumber "
    "payment_type currency amount ics_applications status transaction_date"
).split()
_STAMP = "%Y-%m-%dT%H:%M:%SZ"


def with_pandas(csv: Path, documents: Path) -> Totals:
    import pandas as pd
    import pyarrow as pa
    from pyarrow.csv import ConvertOptions, ReadOptions, read_csv

    types = dict.fromkeys(COLUMNS, pa.string())
    types |= {"batch_date": pa.timestamp("s", "UTC"), "transaction_date": pa.timestamp("s", "UTC")}
    table = read_csv(
        csv, ReadOptions(skip_rows=1), convert_options=ConvertOptions(column_types=types)
    )
    lines = table.to_pandas(types_mapper=pd.ArrowDtype)
    del table
    is_refund = lines["ics_applications"].str.contains("ics_credit", regex=False)
    minor = lines["amount"].str.replace(".", "", regex=False).astype("int64[pyarrow]")
    lines["amount_minor"] = minor.where(~is_refund, -minor)
    papers = pd.read_parquet(
        documents,
        columns=["document_id", "merchant_reference", "currency", "amount_minor"],
        dtype_backend="pyarrow",
    )
    joined = lines.merge(
        papers,
        how="left",
        left_on=["merchant_ref_number", "currency", "amount_minor"],
        right_on=["merchant_reference", "currency", "amount_minor"],
    )
    return (
        int(lines.loc[~is_refund, "amount_minor"].sum()),
        int(lines.loc[is_refund, "amount_minor"].sum()),
        int(joined["document_id"].notna().sum()),
    )


def with_polars(csv: Path, documents: Path) -> Totals:
    import polars as pl

    is_refund = pl.col("ics_applications").str.contains("ics_credit", literal=True)
    minor = pl.col("amount").str.replace(".", "", literal=True).cast(pl.Int64)
    lines = (
        pl.scan_csv(csv, skip_rows=1, schema=dict.fromkeys(COLUMNS, pl.String))
        .with_columns(
            pl.col("batch_date", "transaction_date").str.to_datetime(_STAMP), is_refund=is_refund
        )
        .with_columns(amount_minor=pl.when("is_refund").then(-minor).otherwise(minor))
        .collect(engine="streaming")
    )
    return _joined_with_polars(lines.lazy(), documents)


def floor(csv: Path, documents: Path) -> Totals:
    import polars as pl

    is_refund = pl.col("ics_applications").str.contains("ics_credit", literal=True)
    minor = (pl.col("amount") * 100).round().cast(pl.Int64)
    lines = (
        pl.scan_csv(csv, skip_rows=1)
        .select("merchant_ref_number", "currency", "amount", "ics_applications")
        .with_columns(is_refund=is_refund)
        .with_columns(amount_minor=pl.when("is_refund").then(-minor).otherwise(minor))
    )
    return _joined_with_polars(lines, documents)


def _joined_with_polars(lines, documents: Path) -> Totals:  # type: ignore[no-untyped-def]
    import polars as pl

    papers = pl.scan_parquet(documents).select(
        "document_id", "merchant_reference", "currency", "amount_minor"
    )
    found = (
        lines.join(
            papers,
            left_on=["merchant_ref_number", "currency", "amount_minor"],
            right_on=["merchant_reference", "currency", "amount_minor"],
            how="left",
        )
        .group_by("is_refund")
        .agg(pl.col("amount_minor").sum(), pl.col("document_id").is_not_null().sum())
        .collect(engine="streaming")
    )
    sums = {row[0]: row[1:] for row in found.iter_rows()}
    return sums[False][0], sums[True][0], sums[False][1] + sums[True][1]


def with_duckdb(csv: Path, documents: Path) -> Totals:
    import duckdb

    types = ", ".join(
        f"'{name}': '{'TIMESTAMP' if name.endswith('_date') else 'VARCHAR'}'" for name in COLUMNS
    )
    connection = duckdb.connect()
    # The columns are ours, not a stranger's: nothing here is built from input.
    connection.execute(
        "create table lines as select *, ics_applications like '%ics_credit%' as refund, "  # noqa: S608
        "cast(replace(amount, '.', '') as bigint) "
        "* case when ics_applications like '%ics_credit%' then -1 else 1 end as minor "
        f"from read_csv(?, skip = 1, header = true, columns = {{{types}}})",
        [str(csv)],
    )
    row = connection.execute(
        """
        select sum(minor) filter (not refund), sum(minor) filter (refund), count(d.document_id)
        from lines l left join read_parquet(?) d
            on d.merchant_reference = l.merchant_ref_number
            and d.currency = l.currency and d.amount_minor = l.minor
        """,
        [str(documents)],
    ).fetchone()
    if row is None:
        raise ValueError("the query has no answer")
    return int(row[0]), int(row[1]), int(row[2])
