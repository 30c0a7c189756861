"""The bare scripts: parse, classify, join and total only. No check, no memory, no journal.

Each returns (gross minor, refunds minor, lines with a document); all must agree with the product.
"""

from pathlib import Path

Totals = tuple[int, int, int]


def with_pandas(csv: Path, documents: Path) -> Totals:
    import pandas as pd

    columns = ["merchant_ref_number", "currency", "amount", "ics_applications"]
    lines = pd.read_csv(csv, skiprows=1, usecols=columns, engine="pyarrow")
    is_refund = lines["ics_applications"].str.contains("ics_credit")
    lines["amount_minor"] = (lines["amount"] * 100).round().astype("int64")
    lines.loc[is_refund, "amount_minor"] *= -1
    papers = pd.read_parquet(
        documents, columns=["document_id", "merchant_reference", "currency", "amount_minor"]
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
    minor = (pl.col("amount") * 100).round().cast(pl.Int64)
    lines = (
        pl.scan_csv(csv, skip_rows=1)
        .select("merchant_ref_number", "currency", "amount", "ics_applications")
        .with_columns(is_refund=is_refund)
        .with_columns(amount_minor=pl.when("is_refund").then(-minor).otherwise(minor))
    )
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

    query = """
        with lines as (
            select merchant_ref_number, currency, ics_applications like '%ics_credit%' as refund,
                cast(round(amount * 100) as bigint)
                    * case when ics_applications like '%ics_credit%' then -1 else 1 end as minor
            from read_csv(?, skip = 1, header = true)
        )
        select sum(minor) filter (not refund), sum(minor) filter (refund), count(d.document_id)
        from lines l left join read_parquet(?) d
            on d.merchant_reference = l.merchant_ref_number
            and d.currency = l.currency and d.amount_minor = l.minor
    """
    row = duckdb.connect().execute(query, [str(csv), str(documents)]).fetchone()
    if row is None:
        raise ValueError("the query has no answer")
    return int(row[0]), int(row[1]), int(row[2])
